"""Exercises in a notebook: cutting the solution out of its cell, and folding it into the hints below."""

import ast
import re
import textwrap

from lessons_lib.course.places import CourseError

BEGIN, END = "BEGIN SOLUTION", "END SOLUTION"
_HINT = re.compile(r"<details>\s*<summary>[^<]*\bhint\b[^<]*</summary>.*?</details>", re.IGNORECASE | re.DOTALL)


def has_solution(source: str) -> bool:
    """Whether a cell's source holds a marked solution."""
    return BEGIN in source


def without_markers(source: str) -> str:
    """The solved cell: the source without the lines that mark the solution."""
    return "\n".join(line for line in source.split("\n") if BEGIN not in line and END not in line)


def default_stub(source: str) -> str:
    """What stands for a solution whose cell names no stub: `name = ...` for a plain assignment, else `...`.

    A name the cell uses later has to exist, or the untouched notebook would stop there.
    """
    marked = regions(source)
    names: list[str] = []
    for first, last in marked:
        try:
            body = ast.parse("\n".join(source.split("\n")[first + 1 : last])).body
        except SyntaxError:  # a part of a function or of an expression, not whole statements
            return "..."
        for statement in body:
            if isinstance(statement, ast.Assign):
                names += [node.id for target in statement.targets for node in ast.walk(target) if isinstance(node, ast.Name)]
    if len(marked) != 1:
        return "..."
    return "\n".join(f"{name} = ..." for name in dict.fromkeys(names)) or "..."


def solution_code(source: str) -> str:
    """The whole statements of a cell that hold its solution (a function with its head), so that they can be pasted."""
    lines = source.split("\n")
    marked = regions(source)
    try:
        statements = ast.parse(source).body
    except SyntaxError:  # a line of the notebook's own language, such as %timeit
        statements = []
    spans = [(min([s.lineno, *(d.lineno for d in getattr(s, "decorator_list", []))]) - 1, s.end_lineno) for s in statements]
    kept = [span for span in spans if any(span[0] < last and span[1] > first for first, last in marked)]
    # The solution's own lines too: comments and blank lines belong to no statement.
    wanted = {line for start, end in [*kept, *marked] for line in range(start, end)}
    text = "\n".join(lines[i] for i in sorted(wanted) if BEGIN not in lines[i] and END not in lines[i])
    return textwrap.dedent(text).strip("\n")


def fold(code: str) -> str:
    """`code` as a part of a markdown cell that opens on request."""
    return f"<details><summary>Solution</summary>\n\n```python\n{code}\n```\n\n</details>"


def add_to_hints(markdown: str, code: str) -> str | None:
    """The markdown with the folded solution after its last hint; None if it has no hints."""
    hints = list(_HINT.finditer(markdown))
    if not hints:
        return None
    end = hints[-1].end()
    rest = markdown[end:]
    return markdown[:end] + "\n" + fold(code) + (rest if not rest.strip() else "\n\n" + rest.lstrip("\n"))


def regions(source: str) -> list[tuple[int, int]]:
    """Line numbers (from 0) of each BEGIN marker with its END marker. Raises CourseError where they do not pair up."""
    found: list[tuple[int, int]] = []
    begin: int | None = None
    for number, line in enumerate(source.split("\n")):
        if (BEGIN in line) == (begin is not None) and (BEGIN in line or END in line):
            raise CourseError(f"solution markers do not pair up at line {number + 1} of the cell: {line.strip()}")
        if BEGIN in line:
            begin = number
        elif END in line and begin is not None:
            found.append((begin, number))
            begin = None
    if begin is not None:
        raise CourseError("the cell has ### BEGIN SOLUTION but no ### END SOLUTION")
    return found
