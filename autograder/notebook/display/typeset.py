"""Markdown, formulas and code as HTML, which is still to be cleaned: whatever their text does to it is then parsed as any other HTML."""

from __future__ import annotations

import html
from typing import Any

import mistune
from latex2mathml.converter import convert
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from autograder.notebook.display.allowance import TooMuch
from autograder.notebook.display.budgets import MAX_TEXT

__all__ = ["code_markup", "formula_markup", "markdown_markup"]

_FORMAT = HtmlFormatter(nowrap=True)


def _checked(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise TooMuch(f"{len(text)} characters")
    return text


def code_markup(source: str) -> str:
    """Python code, highlighted."""
    inside = highlight(_checked(source).strip("\n"), PythonLexer(), _FORMAT) if source.strip() else ""
    return f'<pre class="code"><code>{inside}</code></pre>'


def formula_markup(latex: str, display: str) -> str:
    """A formula as MathML, ``inline`` or ``block``; as it was typed if it cannot be read."""
    try:
        return str(convert(_checked(latex).strip(), display=display))
    except TooMuch:
        raise
    except Exception:  # whatever a student typed: latex2mathml raises many kinds
        return f"<code>{html.escape(latex)}</code>"


class _Renderer(mistune.HTMLRenderer):
    """Has formulas and highlighted code, and puts headings below those of the page."""

    def __init__(self, level: int) -> None:
        super().__init__(escape=False, allow_harmful_protocols=("attachment:",))  # which the cleaning knows
        self._level = level

    def heading(self, text: str, level: int, **attributes: Any) -> str:
        number = max(3, min(6, level + self._level))
        return f"<h{number}>{text}</h{number}>\n"

    def block_code(self, code: str, info: str | None = None) -> str:
        return code_markup(code) + "\n"


def markdown_markup(text: str, level: int) -> str:
    """Markdown with formulas between dollar signs; a heading of depth n becomes one of depth n + *level*, and of 3 at least."""
    renderer = _Renderer(level)
    parse = mistune.create_markdown(renderer=renderer, plugins=["math", "table", "strikethrough"])
    # The plugin for formulas sets its own when it is loaded.
    renderer.register("inline_math", lambda _, latex: formula_markup(latex, "inline"))
    renderer.register("block_math", lambda _, latex: formula_markup(latex, "block") + "\n")
    return str(parse(_checked(text)))
