"""The course's notebooks: built from their sources, run, compared with them, made fresh for a reader, handed out and graded."""

from lessons_lib.course.building import build
from lessons_lib.course.checking import check
from lessons_lib.course.confined import Limits
from lessons_lib.course.grading import grade
from lessons_lib.course.handing_out import handout
from lessons_lib.course.places import CourseError
from lessons_lib.course.resetting import reset
from lessons_lib.course.running import run

__all__ = ["CourseError", "Limits", "build", "check", "grade", "handout", "reset", "run"]
