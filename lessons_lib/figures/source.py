"""A piece of the library shown in a notebook as it is, so that no page ever holds a copy that drifts."""

import ast
import html
import inspect
import textwrap
from collections.abc import Callable

from IPython.display import display
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from pygments.style import Style
from pygments.token import Comment, Keyword, Name, Number, Operator, String, Token

from lessons_lib.figures.palette import BLUE, INK, LIMIT, QUIET, RUST, TEAL


class HouseStyle(Style):
    """The house palette on a white card; every colour reaches 4.5 : 1 there, in the dark theme too."""

    background_color = "#ffffff"
    styles = {
        Token: INK,
        Keyword: f"bold {BLUE}",
        Operator.Word: f"bold {BLUE}",
        Name.Function: f"bold {INK}",
        Name.Class: f"bold {INK}",
        String: TEAL,
        Number: RUST,
        Comment: f"italic {QUIET}",
    }


def show_source(piece: Callable[..., object] | type, docstring: bool = True) -> None:
    """Show the source of a function, method or class of the library, without the imports round it, as highlighted text.

    `docstring=False` leaves out the docstrings. Colours are inline styles, which stay in a notebook that is not trusted yet.
    Raises TypeError for anything else, for example a module or an object: its class has the source.
    """
    piece = inspect.unwrap(piece) if callable(piece) else piece
    if not (inspect.isfunction(piece) or inspect.ismethod(piece) or inspect.isclass(piece)):
        raise TypeError(f"show_source needs a function, a method or a class, not a {type(piece).__name__}; give its class, or one function")
    code = textwrap.dedent(inspect.getsource(piece)).rstrip() + "\n"
    code = code if docstring else _without_docstrings(code)
    coloured = highlight(code, PythonLexer(), HtmlFormatter(style=HouseStyle, noclasses=True, nowrap=True)).rstrip()
    where = f"{piece.__module__.replace('.', '/')}.py, {piece.__qualname__}"
    card = f"background:#fff;color:{INK};border:1px solid {QUIET};border-radius:6px;padding:10px;margin:0;font-size:12px"
    wrap = "white-space:pre-wrap;word-break:normal"  # JupyterLab would break a long line inside a word
    coloured = "".join(map(_hanging, coloured.split("\n"), code.split("\n")))
    caption = f'<div style="font-size:12.5px;margin:0 0 4px">{html.escape(where)}</div>'
    page = f'{caption}<pre style="{card};{wrap}">{coloured}</pre>'
    if len(page) + len(code) > LIMIT:
        raise ValueError(f"{piece.__qualname__} makes {len(page) + len(code):,} characters, {LIMIT:,} are allowed; show one method of it")
    display({"text/html": page, "text/plain": f"{where}\n\n{code}"}, raw=True)


def _hanging(coloured: str, line: str) -> str:
    """A line of code as a block: where the page is too narrow for it, it goes on four places further in than it began."""
    indent = 0.6 * (len(line) - len(line.lstrip()) + 4)  # em: a letter's width in most fonts for code
    return f'<div style="padding-left:{indent:.1f}em;text-indent:-{indent:.1f}em">{coloured or " "}</div>'


def _without_docstrings(code: str) -> str:
    """`code` without the docstrings of its functions and classes; a body that was nothing else keeps it."""
    lines = code.splitlines()
    gone: set[int] = set()
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or len(node.body) == 1:
            continue
        if ast.get_docstring(node) is not None:
            start, end = node.body[0].lineno, node.body[0].end_lineno
            gone |= {*range(start, end + 1)} | ({end + 1} if not lines[end].strip() else set())
    return "\n".join(line for number, line in enumerate(lines, 1) if number not in gone) + "\n"
