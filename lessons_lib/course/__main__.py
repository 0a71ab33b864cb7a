"""`python -m lessons_lib.course build|check|run|reset [NN …]`."""

import argparse
import sys

from lessons_lib.course import CourseError, build, check, reset, run


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit status (2 when the request cannot be met)."""
    parser = argparse.ArgumentParser(prog="python -m lessons_lib.course", description="Build, check, run or reset notebooks.")
    parser.add_argument("command", choices=("build", "check", "run", "reset"))
    parser.add_argument("numbers", nargs="*", metavar="NN", help="numbers of notebooks; all of them if none is given")
    options = parser.parse_args(arguments)
    try:
        if options.command == "reset":
            if not options.numbers:
                raise CourseError("Name the notebook to make fresh, for example: reset 01")
            return max(reset(number) for number in options.numbers)
        return {"build": build, "check": check, "run": run}[options.command](options.numbers)
    except CourseError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
