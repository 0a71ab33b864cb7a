"""The machine a run finds itself on: device, threads, precision, memory, and where the project's data lies."""

import ctypes
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:  # torch takes a second to import, and paths are needed without it
    import torch

Item = TypeVar("Item")
Answer = TypeVar("Answer")
CGROUP = Path("/sys/fs/cgroup")


def data_dir() -> Path:
    """The project's own `data` folder: grammar corpus and shipped checkpoints."""
    return Path(__file__).resolve().parent.parent / "data"


def hub_home() -> Path:
    """Where the libraries of Hugging Face keep what they fetched."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("HF_HOME") or Path(caches, "huggingface"))


def usable_cores(cgroup: Path = CGROUP) -> float:
    """The cores this process may keep busy: those it is bound to, or the share that its container (cgroup 2) is given."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota, _, period = system_says(cgroup / "cpu.max").partition(" ")
    return min(bound, int(quota) / int(period)) if quota.isdigit() and period.isdigit() else bound


def threads_each(workers: int = 1) -> int:
    """The threads that each of some workers side by side may take, at least one: more would slow each other down many times over."""
    return max(1, int(usable_cores()) // workers)


def system_says(file: Path) -> str:
    """The text of one of the system's own files; empty where there is none."""
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def pick_device(name: str = "auto") -> "torch.device":
    """The device of this name; `auto` takes the GPU where there is one. Processes that `torchrun` starts take a GPU each.

    Raises:
        ValueError: if the name is no device, or the device is not there.
    """
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda":  # of several processes each has its own
        name = f"cuda:{os.environ.get('LOCAL_RANK', 0)}"
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in {"cpu", "cuda"}:
        raise ValueError(f"there is no device {name!r}: use auto, cpu, cuda or cuda:N")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        instead = "cpu, or fewer processes" if "LOCAL_RANK" in os.environ else "auto or cpu"
        raise ValueError(f"device {name!r} was asked for, but torch sees {torch.cuda.device_count()} GPUs here: use {instead}")
    return device


def is_faster_in_bf16(device: "torch.device") -> bool:
    """Whether the device multiplies faster in bfloat16 than in float32. A processor without such instructions imitates them, slowly; and
    where there are some, they are measured: an Intel Xeon with AVX512-BF16 and without AMX was at half the speed of its float32."""
    import torch

    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    found = torch.cpu.get_capabilities()
    return bool(found.get("avx512_bf16") or found.get("amx_bf16")) and _processor_gains_from_bf16()


@cache
def _processor_gains_from_bf16() -> bool:
    speeds = matmul_speeds()
    return speeds["bf16"] > speeds["fp32"]


def matmul_speeds() -> dict[str, float]:
    """Products of 512×512 matrices on the CPU, in GFLOP/s: `fp32` and `bf16`. Takes a moment."""
    import torch

    found = {}
    for name, dtype in {"fp32": torch.float32, "bf16": torch.bfloat16}.items():
        a = torch.ones(512, 512, dtype=dtype)
        a @ a  # the first product pays for setting up
        seconds = float("inf")
        for _ in range(12):
            began = time.perf_counter()
            a @ a
            seconds = min(seconds, time.perf_counter() - began)
        found[name] = round(2 * 512**3 / seconds / 1e9, 1)
    return found


def keep_freed_memory() -> None:
    """Ask the C library to keep memory that is freed instead of handing it back to the system (glibc; elsewhere nothing happens).

    A training step frees and takes hundreds of large blocks. Each block taken anew from the system has to be mapped page by page, which on
    a CPU costs as much as the arithmetic. What is kept falls to pieces in time: `hand_back_memory` now and then starts afresh.
    """
    m_trim_threshold, m_mmap_max = -1, -4  # numbers of mallopt(3)
    libc = _glibc()
    if libc is not None:
        libc.mallopt(m_mmap_max, 0)
        libc.mallopt(m_trim_threshold, 2**31 - 1)


def hand_back_memory() -> None:
    """Give memory that is kept but not used back to the system (glibc; elsewhere nothing happens)."""
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)


def side_by_side(work: Callable[[Item], Answer], items: Sequence[Item]) -> Iterator[Answer]:
    """Work on several items at once, each in a thread of its own, as many as PyTorch may use; the answers come in the order of the items.

    Two threads that compute small tensors together mostly wait for each other; two that have work of their own do not. PyTorch lets go of
    Python's lock while it computes.
    """
    import torch

    n_threads = torch.get_num_threads()
    if n_threads == 1 or len(items) < 2:
        yield from map(work, items)
        return
    try:
        with ThreadPoolExecutor(n_threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield from pool.map(work, items)
    finally:
        torch.set_num_threads(n_threads)  # the last call counts for threads that begin later, too


def _glibc() -> "ctypes.CDLL | None":
    try:
        libc = ctypes.CDLL("libc.so.6")
        return libc if hasattr(libc, "malloc_trim") and hasattr(libc, "mallopt") else None
    except OSError:
        return None


def join_processes(device: "torch.device") -> tuple[int, int]:
    """Join the processes that `torchrun` started with this one (gloo on CPUs, nccl on GPUs).

    Returns:
        (rank, world size): (0, 1) where there is one process alone.
    """
    import torch.distributed as dist

    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return 0, 1
    if not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return dist.get_rank(), dist.get_world_size()


def first_says(value: float, device: "torch.device") -> float:
    """The first process's value, for all that `torchrun` started; the value itself where there is one process alone."""
    import torch
    import torch.distributed as dist

    if join_processes(device)[1] == 1:
        return value
    shared = torch.tensor([value], dtype=torch.float64, device=device)
    dist.broadcast(shared, 0)
    return float(shared)
