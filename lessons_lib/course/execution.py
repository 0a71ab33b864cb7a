"""Running a notebook from a fresh kernel, with nbclient."""

import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nbformat import NotebookNode

from lessons_lib.course.places import CourseError, absolute_data_dir, import_path
from lessons_lib.course.processes import descendants, resident_megabytes

CELL_SECONDS = 1800
STARTUP_SECONDS = 180


class PeakMemory:
    """The largest resident memory, in MB, that a process and its descendants held while this ran (sampled five times a second)."""

    def __init__(self) -> None:
        self.megabytes = 0.0
        self._process_id: int | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> "PeakMemory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def watch(self, process_id: int) -> None:
        """Say which process to watch, once it is there."""
        self._process_id = process_id
        self._measure()

    def _sample(self) -> None:
        while not self._stop.wait(0.2):
            self._measure()

    def _measure(self) -> None:
        if self._process_id is not None:
            self.megabytes = max(self.megabytes, resident_megabytes(descendants(self._process_id)))


def execute(notebook: NotebookNode, folder: Path, memory: PeakMemory | None = None) -> float:
    """Run all cells of `notebook` in place, as if it lay in `folder`, and return the seconds from the first cell to the last.

    Raises CourseError naming the cell that failed.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        startup_timeout=STARTUP_SECONDS,
        kernel_name="python3",
        extra_arguments=["--IPKernelApp.log_level=40"],  # new kernels warn of TCP each time they start
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
    )
    begin = time.perf_counter()

    def started(notebook: NotebookNode) -> None:
        nonlocal begin
        begin = time.perf_counter()
        if memory is not None:
            memory.watch(client.km.provisioner.pid)

    client.on_notebook_start = started
    with _kernel_environment() as environment:
        try:
            client.execute(env=environment)
            return time.perf_counter() - begin
        except CellExecutionError as error:
            raise CourseError(f"{_failed_cell(notebook)}: {error.ename}: {error.evalue}") from None
        except CellTimeoutError:
            raise CourseError(f"{_failed_cell(notebook)}: it ran for more than {CELL_SECONDS} s") from None
        except DeadKernelError:
            raise CourseError(f"{_failed_cell(notebook)}: the kernel died; perhaps the memory ran out") from None
        except RuntimeError as error:
            raise CourseError(f"its kernel did not start: {error}") from None


def _failed_cell(notebook: NotebookNode) -> str:
    """The last cell that ran, by its number and first line."""
    ran = [(number, cell) for number, cell in enumerate(notebook.cells, 1) if cell.cell_type == "code" and cell.get("execution_count")]
    waiting = [(number, cell) for number, cell in enumerate(notebook.cells, 1) if cell.cell_type == "code"]
    number, cell = (ran or waiting)[-1 if ran else 0]
    return f"cell {number} ({cell.source.splitlines()[0][:60]!r})"


@contextmanager
def _kernel_environment() -> Iterator[dict[str, str]]:
    """An environment in which two runs give the same bytes: fixed dates and ids in SVG, this repository's library."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "matplotlibrc").write_text("svg.hashsalt: lessons\n", encoding="utf-8")
        # A backend set for scripts or tests would keep figures out of the notebook.
        yield {
            **{name: value for name, value in os.environ.items() if name != "MPLBACKEND"},
            "MATPLOTLIBRC": folder,
            "SOURCE_DATE_EPOCH": "0",
            "PYTHONPATH": import_path(),
            **absolute_data_dir(),
        }
