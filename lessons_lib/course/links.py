"""Links in a notebook's prose: found, checked, and rewritten for the folder of the solved notebooks."""

import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote

from nbformat import NotebookNode

from lessons_lib.course.places import Lesson

# The target of [words](target "title"), and of href and src in HTML that stands in the markdown.
_TARGET = re.compile(r"""(\]\(\s*<?|\b(?:href|src)\s*=\s*["'])([^)\s"'<>]+)""", re.IGNORECASE)
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|#|//", re.IGNORECASE)
_CODE = re.compile(r"(```.*?```|`[^`\n]*`)", re.DOTALL)


def relative_links(markdown: str) -> Iterator[str]:
    """The targets that lead to a file of this course; code and outside addresses are passed over."""
    for part in _CODE.split(markdown)[::2]:
        yield from (match[2] for match in _TARGET.finditer(part) if not _ELSEWHERE.match(match[2]))


def from_solutions_folder(markdown: str, lesson: Lesson) -> str:
    """The markdown of a learner's notebook with links that hold in `notebooks/solutions/`.

    Another notebook of the course is linked to its solved sibling; everything else lies one folder up.
    """

    def moved(target: str) -> str:
        name = target.split("#")[0]
        if name.startswith("solutions/"):
            return target.removeprefix("solutions/")
        sibling = "/" not in name and name.endswith(".ipynb")
        return target if sibling and (lesson.source.parent / name).with_suffix(".py").exists() else "../" + target

    return _rewritten(markdown, moved)


def broken_links(notebook: NotebookNode, lesson: Lesson, solved: bool) -> Iterator[str]:
    """A sentence for each relative link of the notebook that leads to no file."""
    folder = (lesson.solved if solved else lesson.learner).parent
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type == "markdown":
            for target in relative_links(cell.source):
                if not (folder / unquote(target.split("#")[0])).exists():
                    yield f"cell {number} links to {target}, which is not there"


def _rewritten(markdown: str, moved: Callable[[str], str]) -> str:
    def replace(match: re.Match[str]) -> str:
        return match[0] if _ELSEWHERE.match(match[2]) else match[1] + moved(match[2])

    parts = _CODE.split(markdown)
    return "".join(part if i % 2 else _TARGET.sub(replace, part) for i, part in enumerate(parts))
