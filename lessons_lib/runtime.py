"""The machine a run finds itself on: device, threads, precision, memory, and where the project's data lies."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # torch takes a second to import, and paths are needed without it
    import torch


def data_dir() -> Path:
    """The project's own `data` folder: grammar corpus and shipped checkpoints."""
    return Path(__file__).resolve().parent.parent / "data"


def pick_device(name: str = "auto") -> "torch.device":
    """The device of this name; `auto` takes the GPU where there is one.

    Raises:
        ValueError: if the name is no device, or the device is not there.
    """
    import torch

    if name == "auto":
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0))) if torch.cuda.is_available() else torch.device("cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"there is no device {name!r}: use auto, cpu, cuda or cuda:N") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device {name!r} was asked for, but torch sees no GPU here: use auto or cpu")
    return device


def peak_memory_mb() -> float:
    """The most memory this process has held so far, in MB (10⁶ bytes); nan where the system does not tell."""
    try:
        import resource
    except ImportError:
        return float("nan")
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
