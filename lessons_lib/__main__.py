"""`python -m lessons_lib …`: the command line without its short name."""

import sys

from lessons_lib.cli import main

if __name__ == "__main__":
    sys.exit(main())
