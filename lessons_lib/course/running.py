"""`run`: does every notebook run on this machine, how long does it take, and how much memory?"""

from collections.abc import Sequence
from pathlib import Path

from lessons_lib.course.cells import read_notebook
from lessons_lib.course.execution import PeakMemory, execute
from lessons_lib.course.places import CourseError, choose, repository


def run(numbers: Sequence[str | int] | None = None, *, root: Path | None = None) -> int:
    """Execute copies of the notebooks, each in its own kernel, and print a table; return 0, or 1 when one fails.

    Seconds are those of the cells, without the kernel's start; the peak is the resident memory of the kernel and its
    descendants. No file is changed.
    """
    lessons = choose(numbers, root or repository())
    width = max(len(lesson.name) for lesson in lessons)
    print(f"{'notebook':{width}}  seconds  peak MB  result")
    failed = 0
    for lesson in lessons:
        seconds, memory, result = float("nan"), PeakMemory(), "ok"
        try:
            if not lesson.learner.exists():
                raise CourseError(f"not built yet: lessons notebooks build {lesson.number}")
            notebook = read_notebook(lesson.learner)
            with memory:
                seconds = execute(notebook, lesson.learner.parent, memory)
        except CourseError as error:
            result, failed = str(error), failed + 1
        print(f"{lesson.name:{width}}  {seconds:7.1f}  {memory.megabytes:7.0f}  {result}", flush=True)
    return int(failed > 0)
