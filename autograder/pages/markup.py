"""HTML of what notebooks and students hold: safe to open, complete without a network, readable without scripts.

Text becomes HTML with MathML, code is highlighted, and what a student's cell showed is reduced to elements that can neither run nor load anything.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from typing import Any

from pygments.formatters import HtmlFormatter
from pygments.style import Style
from pygments.token import Comment, Error, Keyword, Name, Number, Operator, String, Token

from autograder.notebook.display.allowance import TOO_MUCH, TooMuch
from autograder.notebook.display.expendable import ask
from autograder.notebook.inert import inert_attachments, inert_picture, writable

__all__ = ["code_html", "code_styles", "markdown_html", "outputs_html"]

MAX_SHOWN = 20_000  # characters of a text as it was printed or typed
PICTURES = {"image/png": "png", "image/jpeg": "jpeg", "image/gif": "gif", "image/webp": "webp"}
ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
UNSEEN = "A figure without a description"


class _Readable(Style):
    """Every colour has a contrast of at least 7:1 on the page's code background."""

    background_color = "#f6f8fa"
    styles = {  # noqa: RUF012  (that is how Pygments has it)
        Token: "#1b1b1b",
        Comment: "italic #4a4f55",
        Keyword: "bold #0b3d91",
        Operator.Word: "bold #0b3d91",
        Name.Builtin: "#5b2a86",
        Name.Function: "#7a1f5c",
        Name.Class: "#7a1f5c",
        Name.Decorator: "#5b2a86",
        String: "#14532d",
        Number: "#7c2d12",
        Error: "#1b1b1b",
    }


def code_styles() -> str:
    """The style sheet that :func:`code_html` needs."""
    rules = HtmlFormatter(style=_Readable).get_style_defs(".code").splitlines()
    return "\n".join(
        rule for rule in rules if rule.startswith(".code .") and "{ color: #1B1B1B }" not in rule
    )


def code_html(source: str) -> str:
    """Python code, highlighted."""
    return _made("code", "code", source)


def markdown_html(text: str, level: int = 1, attached: Any = None) -> str:
    """Markdown with formulas between dollar signs; a heading of depth n becomes one of depth n + *level*, and of 3 at least.

    Args:
        attached: the cell's attachments in nbformat's form, of which the pictures are shown where the text has them.
    """
    pictures = {
        name: f"data:{kind};base64,{data}"
        for name, bundle in inert_attachments(attached).items()
        for kind, data in bundle.items()
    }
    return _made("said", "markdown", text, "text", level, *([pictures] if pictures else []))


def _made(shown_as: str, kind: str, text: str, *more: Any) -> str:
    """What the helper makes of a text; the text as it was typed, if it is too much for that."""
    text = writable(text)
    try:
        return str(ask(kind, text, *more))
    except TooMuch:
        return f"{_pre(_cut(text), shown_as)}<p>{TOO_MUCH}</p>"


def _cut(text: str) -> str:
    left = len(text) - MAX_SHOWN
    return text if left <= 0 else f"{text[:MAX_SHOWN]}\n… ({left} more characters)"


def _text(value: Any) -> str:
    joined = "".join(map(str, value)) if isinstance(value, list) else str(value)
    return _cut(ANSI.sub("", writable(joined)))


def _pre(text: str, kind: str) -> str:
    return f'<pre class="{kind}">{html.escape(text)}</pre>' if text.strip() else ""


def _picture(kind: str, value: Any, alt: str) -> str:
    data = inert_picture(value)
    if not data:
        return _pre("(a picture that cannot be read)", "said")
    return f'<img src="data:image/{kind};base64,{data}" alt="{html.escape(writable(alt) or UNSEEN)}">'


def _bundle(data: Mapping[str, Any], metadata: Mapping[str, Any]) -> str:
    def alt(kind: str) -> str:
        about = metadata.get(kind)
        return str(about.get("alt", ""))[:2000] if isinstance(about, Mapping) else ""

    for kind, short in PICTURES.items():
        if kind in data:
            return _picture(short, data[kind], alt(kind))
    ways: dict[str, Callable[[str], str]] = {
        "image/svg+xml": lambda text: _made(
            "said", "drawing", text, "output", writable(alt("image/svg+xml"))
        ),
        "text/html": lambda text: _made("said", "html", text, "output"),
        "text/markdown": markdown_html,
        "text/latex": lambda text: _made("said", "latex", text, "text"),
    }
    for kind, way in ways.items():
        if kind in data:
            return way("".join(map(str, data[kind])) if isinstance(data[kind], list) else str(data[kind]))
    return _pre(_text(data.get("text/plain", "")), "said")


def outputs_html(outputs: list[Any]) -> str:
    """What a student's cell showed, in nbformat's form."""
    made = []
    for output in outputs:
        kind = output.get("output_type")
        if kind == "stream":
            made.append(_pre(_text(output.get("text", "")), "said"))
        elif kind == "error":
            lines = _text("\n".join(map(str, output.get("traceback", []))))
            made.append(_pre(lines or _text(f"{output.get('ename')}: {output.get('evalue')}"), "said error"))
        elif isinstance(output.get("data"), Mapping):
            made.append(_bundle(output["data"], output.get("metadata") or {}))
    return "\n".join(filter(None, made))
