"""What a cell's outputs may hold: the same bytes on each build, nothing of the machine, alt text where the page finds it."""

import html
import re
from collections.abc import Iterator
from typing import Any

import nbformat
from nbformat import NotebookNode

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
WIDGET_SENTENCE = "Run this cell to move the sliders; the picture below shows where they start."

_REPR = re.compile(r"[A-Za-z_][\w.]*\(.*", re.DOTALL)
_ALT = re.compile(r"""<img\b[^>]*?\balt=(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_DATA_ADDRESS = re.compile(r"data:[\w/+.-]+;base64,[A-Za-z0-9+/=]*")
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_PROGRESS_BAR = re.compile(r"\r|\d+%\|")
_FORBIDDEN = {
    "a path of this machine": re.compile(r"(?<![\w.])/(?:root|home|tmp|work|Users|opt|var|mnt)/\S*|\b[A-Z]:\\\\?\w+\S*"),
    "a warning": re.compile(r"\b\w*Warning:.*"),
    "a time stamp": re.compile(r"\b20\d\d-\d\d-\d\d[ T]\d\d:\d\d\S*"),
    "an address in memory": re.compile(r"\bat 0x[0-9a-f]{6,}"),
}


def clean(cell: NotebookNode) -> None:
    """Bring the outputs of an executed code cell into the form that is committed; doing it twice changes nothing."""
    kept = []
    for output in cell.outputs:
        if output.output_type == "stream" and output.name == "stderr" and _PROGRESS_BAR.search(output.text):
            continue
        output = nbformat.from_dict(dict(output))
        if output.output_type == "error":
            output.traceback = [f"{output.ename}: {_ANSI.sub('', output.evalue)}"]
        if WIDGET_VIEW in output.get("data", {}):
            del output.data[WIDGET_VIEW]
            if _REPR.fullmatch(_text(output.data.get("text/plain", "x()"))):
                output.data["text/plain"] = WIDGET_SENTENCE
        kept.append(output)
    cell.outputs = kept
    cell.metadata.pop("execution", None)


def set_alt(cell: NotebookNode) -> None:
    """Copy the alt text of the pictures in a code cell's outputs to its metadata; without one, what the source says stays."""
    pages = [_text(output.get("data", {}).get("text/html", "")) for output in cell.outputs]
    alts = [html.unescape(match[1] or match[2] or "") for page in pages for match in _ALT.finditer(page)]
    if any(alts):
        cell.metadata["alt"] = " ".join(alt for alt in alts if alt)


def faults(cell: NotebookNode) -> Iterator[str]:
    """What must not be committed in the outputs of a code cell, each with what to do."""
    for output in cell.outputs:
        if output.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", []):
            yield f"it stops with {output.ename}: {output.evalue}"
        if output.output_type == "stream" and output.name == "stderr":
            yield f"it writes to standard error: {output.text.strip()[:200]!r}. Mend what it warns of; no output may hold it."
        for text in _texts(output):
            for what, pattern in _FORBIDDEN.items():
                if match := pattern.search(_DATA_ADDRESS.sub("", text)):
                    yield f"its output holds {what}: {match[0][:120]!r}. Print something that is the same on every machine."


def _texts(output: NotebookNode) -> Iterator[str]:
    if output.output_type == "stream":
        yield output.text
    elif output.output_type == "error":
        yield output.evalue
    else:
        yield from (_text(data) for mime, data in output.data.items() if mime.startswith("text/"))


def _text(value: Any) -> str:
    return "".join(value) if isinstance(value, list) else str(value)
