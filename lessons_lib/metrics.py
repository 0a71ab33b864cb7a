"""The log of a training run: one JSON object a line, from which terminals, notebooks and figures draw."""

import json
from pathlib import Path
from typing import Any

from lessons_lib.files import read_lines, write_text

Row = dict[str, Any]


def read_metrics(path: Path | str) -> list[Row]:
    """The rows of a metrics file; a last line torn by a crash is left out.

    Raises:
        ValueError: if the file is missing, or a line before the last is damaged.
    """
    path = Path(path)
    try:
        lines = read_lines(path.read_bytes(), str(path))
    except OSError as error:
        raise ValueError(f"there is no metrics file at {path}: {error.strerror}") from error
    rows = []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            if number == len(lines):
                break
            row = None
        if not isinstance(row, dict):
            raise ValueError(f"{path}, line {number}: not a JSON object")
        rows.append(row)
    return rows


def _line(row: Row) -> str:
    return json.dumps(row) + "\n"


class MetricsLog:
    """Appends rows to a file as they come, so that another program can follow the run."""

    def __init__(self, path: Path, keep_up_to_step: int = 0) -> None:
        """Continue the file with its rows up to a step, or begin it anew for step 0."""
        rows = [row for row in read_metrics(path) if row["step"] <= keep_up_to_step] if keep_up_to_step and path.exists() else []
        write_text(path, "".join(_line(row) for row in rows))  # whole or not at all: a kill here must not lose the rows so far
        self.file = open(path, "a", encoding="utf-8", newline="\n")  # noqa: SIM115 (closed by close)

    def write(self, row: Row) -> None:
        """Append one row; it is on its way to disk when this returns."""
        self.file.write(_line(row))
        self.file.flush()

    def close(self) -> None:
        """Close the file; no more rows."""
        self.file.close()
