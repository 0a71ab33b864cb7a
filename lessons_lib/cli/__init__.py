"""The command line `lessons`, a file a command. What is slow to import is imported by the command that needs it."""

from lessons_lib.cli.app import main

__all__ = ["main"]
