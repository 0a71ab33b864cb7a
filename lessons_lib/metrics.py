"""The log of a training run: one JSON object a line, from which terminals, notebooks and figures draw."""

import json
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def read_metrics(path: Path | str) -> list[Row]:
    """The rows of a metrics file; a last line torn by a crash is left out.

    Raises:
        ValueError: if the file is missing, or a line before the last is damaged.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ValueError(f"there is no metrics file at {path}: {error.strerror}") from error
    rows = []
    for number, line in enumerate(lines, 1):
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError as error:
            if number == len(lines):
                break
            raise ValueError(f"{path}, line {number}: not a JSON object") from error
    return rows


class MetricsLog:
    """Appends rows to a file as they come, so that another program can follow the run."""

    def __init__(self, path: Path, keep_up_to_step: int = 0) -> None:
        """Continue the file with its rows up to a step, or begin it anew for step 0."""
        rows = [row for row in read_metrics(path) if row["step"] <= keep_up_to_step] if keep_up_to_step and path.exists() else []
        self.file = open(path, "w", encoding="utf-8", newline="\n")  # noqa: SIM115 (closed by close)
        for row in rows:
            self.write(row)

    def write(self, row: Row) -> None:
        """Append one row; it is on its way to disk when this returns."""
        self.file.write(json.dumps(row, ensure_ascii=False) + "\n")
        self.file.flush()

    def close(self) -> None:
        """Close the file; no more rows."""
        self.file.close()
