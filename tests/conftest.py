"""Settings every test shares; they stand here because they must be set before torch or matplotlib is imported."""

import os

# Two workers on two cores: a worker that takes all the cores slows both down many times over.
_workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // _workers)))
os.environ.setdefault("MPLBACKEND", "Agg")
# No test waits for a hub: what is not on this machine is skipped with its reason.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
