"""`python -m lessons_lib …`: the command line without its short name."""

import builtins
import sys

from lessons_lib.cli import main

if __name__ == "__main__":
    status = main()
    # In a notebook (%run -m lessons_lib …) what was printed says it all; an exit status would show as a traceback below it.
    if not hasattr(builtins, "__IPYTHON__"):
        sys.exit(status)
