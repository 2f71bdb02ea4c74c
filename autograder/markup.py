"""HTML of what notebooks and students hold: safe to open, complete without a network, readable without scripts.

Text becomes HTML with MathML, code is highlighted, and what a student's cell showed is reduced to elements that can neither run nor load anything.
"""

from __future__ import annotations

import base64
import binascii
import functools
import html
import re
from collections.abc import Callable, Mapping
from typing import Any

import mistune
from latex2mathml.converter import convert
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from pygments.style import Style
from pygments.token import Comment, Error, Keyword, Name, Number, Operator, String, Token

from autograder.examiner.inert import TAGS, clean_html, drawing_html, with_drawings

__all__ = ["code_html", "code_styles", "markdown_html", "outputs_html"]

MAX_TEXT = 20_000
PICTURES = {"image/png": "png", "image/jpeg": "jpeg", "image/gif": "gif", "image/webp": "webp"}
# What would break the page's own outline.
NOT_HERE = frozenset({"h1", "h2", "figure", "figcaption", "col", "colgroup"})
ATTRIBUTES = frozenset({"title", "lang", "alt", "src", "href", "colspan", "rowspan", "scope"})
ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
UNSEEN = "A figure without a description"
HELD = re.compile(
    "\ue000(\\d+)\ue001"
)  # private-use characters keep the place of what is put in after cleaning


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


_FORMAT = HtmlFormatter(style=_Readable, nowrap=True)


def code_styles() -> str:
    """The style sheet that :func:`code_html` needs."""
    rules = HtmlFormatter(style=_Readable).get_style_defs(".code").splitlines()
    return "\n".join(
        rule for rule in rules if rule.startswith(".code .") and "{ color: #1B1B1B }" not in rule
    )


@functools.lru_cache(maxsize=512)  # a class has most of its text and many of its answers in common
def code_html(source: str) -> str:
    """Python code, highlighted."""
    inside = highlight(source.strip("\n"), PythonLexer(), _FORMAT) if source.strip() else ""
    return f'<pre class="code"><code>{inside}</code></pre>'


def _kept(tag: str, name: str, value: str) -> bool:
    return name in ATTRIBUTES or (name == "style" and tag in ("td", "th"))


def _clean(text: str) -> str:
    """Only harmless elements and attributes, each picture with a description and each table to be scrolled by itself."""
    cleaned = clean_html(text, TAGS - NOT_HERE, _kept, styles=("text-align",))
    cleaned = re.sub(r"<img(?![^>]*\balt=)", f'<img alt="{UNSEEN}"', cleaned)
    cleaned = re.sub(
        r"<table>", '<div class="scroll" role="group" aria-label="Table" tabindex="0"><table>', cleaned
    )
    return cleaned.replace("</table>", "</table></div>")


def _math(latex: str, display: str) -> str:
    try:
        made = str(convert(latex.strip(), display=display))
    except Exception:  # whatever a student typed: latex2mathml raises many kinds
        made = f"<code>{html.escape(latex)}</code>"
    # A wide formula scrolls by itself, also by keyboard.
    return (
        made
        if display == "inline"
        else f'<div class="formula" role="group" aria-label="Formula" tabindex="0">{made}</div>'
    )


class _Renderer(mistune.HTMLRenderer):
    """Holds formulas back until the text is cleaned, and puts headings below those of the page."""

    def __init__(self, held: list[str], level: int) -> None:
        super().__init__(escape=False)
        self._held = held
        self._level = level

    def hold(self, made: str) -> str:
        self._held.append(made)
        return f"\ue000{len(self._held) - 1}\ue001"

    def heading(self, text: str, level: int, **attributes: Any) -> str:
        number = max(3, min(6, level + self._level))
        return f"<h{number}>{text}</h{number}>\n"

    def block_code(self, code: str, info: str | None = None) -> str:
        return self.hold(code_html(code)) + "\n"

    def inline_math(self, text: str) -> str:
        return self.hold(_math(text, "inline"))

    def block_math(self, text: str) -> str:
        return self.hold(_math(text, "block")) + "\n"


@functools.lru_cache(maxsize=512)
def markdown_html(text: str, level: int = 1) -> str:
    """Markdown with formulas between dollar signs; a heading of depth n becomes one of depth n + *level*, and of 3 at least."""
    held: list[str] = []
    renderer = _Renderer(held, level)
    parse = mistune.create_markdown(renderer=renderer, plugins=["math", "table", "strikethrough"])
    for name in ("inline_math", "block_math"):  # the plugin sets its own when it is loaded
        renderer.register(name, lambda self, text, name=name: getattr(_Renderer, name)(self, text))
    made = _clean(str(parse(re.sub("[\ue000\ue001]", "", text))))
    made = re.sub("<p>(\ue000\\d+\ue001)</p>", r"\1", made)
    return HELD.sub(lambda found: held[int(found.group(1))], made)


def _text(value: Any) -> str:
    joined = "".join(map(str, value)) if isinstance(value, list) else str(value)
    joined = ANSI.sub("", joined)
    cut = len(joined) - MAX_TEXT
    return joined if cut <= 0 else f"{joined[:MAX_TEXT]}\n… ({cut} more characters)"


def _pre(text: str, kind: str) -> str:
    return f'<pre class="{kind}">{html.escape(text)}</pre>' if text.strip() else ""


def _picture(kind: str, value: Any, alt: str) -> str:
    data = "".join(str(value).split())
    try:
        base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return _pre("(a picture that cannot be read)", "said")
    return f'<img src="data:image/{kind};base64,{data}" alt="{html.escape(alt or UNSEEN)}">'


def _html(text: str) -> str:
    return f'<div class="shown">{with_drawings(text, _clean)}</div>'


def _bundle(data: Mapping[str, Any], metadata: Mapping[str, Any]) -> str:
    def alt(kind: str) -> str:
        about = metadata.get(kind)
        return str(about.get("alt", "")) if isinstance(about, Mapping) else ""

    for kind, short in PICTURES.items():
        if kind in data:
            return _picture(short, data[kind], alt(kind))
    ways: dict[str, Callable[[str], str]] = {
        "image/svg+xml": lambda text: drawing_html(text, alt("image/svg+xml")),
        "text/html": _html,
        "text/markdown": markdown_html,
        "text/latex": lambda text: _math(text.strip().strip("$"), "block"),
    }
    for kind, way in ways.items():
        if kind in data:
            return way("".join(data[kind]) if isinstance(data[kind], list) else str(data[kind]))
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
            made.append(_pre(lines or f"{output.get('ename')}: {output.get('evalue')}", "said error"))
        elif isinstance(output.get("data"), Mapping):
            made.append(_bundle(output["data"], output.get("metadata") or {}))
    return "\n".join(filter(None, made))
