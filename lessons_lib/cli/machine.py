"""What a machine has: memory that may be used here, processor, device. Containers allow less than the hardware has."""

import platform
from pathlib import Path

from lessons_lib.runtime import CGROUP, system_says


def usable_memory_gb(cgroup: Path = CGROUP) -> float:
    """The memory there is, or that the container (cgroup 2, then 1) is given, in GB (10⁹ bytes); 0 without psutil."""
    try:
        import psutil
    except ImportError:
        return 0.0
    limits = [system_says(cgroup / name) for name in ("memory.max", "memory/memory.limit_in_bytes")]
    return min([psutil.virtual_memory().total, *[int(limit) for limit in limits if limit.isdigit()]]) / 1e9


def processor() -> str:
    """The processor's name as the system gives it."""
    for line in system_says(Path("/proc/cpuinfo")).splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def system() -> str:
    """The operating system and its processor family, `Linux x86_64`."""
    return f"{platform.system()} {platform.machine()}"


def device() -> str:
    """The device that torch computes on, in words. Raises ImportError or OSError where torch does not load."""
    import torch

    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        return f"GPU: {properties.name}, {properties.total_memory / 1e9:.0f} GB"
    return f"CPU: {processor()} (no GPU)"
