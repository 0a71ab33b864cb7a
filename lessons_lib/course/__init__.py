"""The course's notebooks: built from their sources, run, held against the sources, and made fresh for a reader."""

from lessons_lib.course.building import build
from lessons_lib.course.checking import check
from lessons_lib.course.places import CourseError
from lessons_lib.course.resetting import reset
from lessons_lib.course.running import run

__all__ = ["CourseError", "build", "check", "reset", "run"]
