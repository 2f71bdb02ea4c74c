"""Markdown that the pages of nbgrader can show, whoever wrote it."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

__all__ = ["showable_markdown"]

ACTIVE = {
    "script",
    "style",
    "iframe",
    "object",
    "embed",
    "form",
    "input",
    "button",
    "base",
    "link",
    "meta",
    "svg",
    "math",
}
PROTOCOLS = ("http:", "https:", "mailto:")


class _Inspector(HTMLParser):
    """Finds what could run, load or submit."""

    harmless = True

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            address = "".join(c for c in value or "" if c.isprintable() and not c.isspace()).lower()
            scheme = address.split("/")[0] if ":" in address.split("/")[0] else ""
            allowed = (
                PROTOCOLS if name == "href" else ("data:image/png;", "data:image/jpeg;", "data:image/gif;")
            )
            if name.startswith("on") or (
                name in ("href", "src") and scheme and not address.startswith(allowed)
            ):
                self.harmless = False
        if tag in ACTIVE:
            self.harmless = False


def showable_markdown(source: str, attachments: dict[str, Any] | None = None) -> str:
    """*source* if nbconvert, as Formgrader uses it, renders it and what comes out can do nothing; else its text as a block of code.

    nbconvert raises for a picture that is missing or for deep nesting, which would take down the page with it, and lets links run scripts.
    """
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    try:
        html = MarkdownWithMath(renderer=IPythonRenderer(escape=False, attachments=attachments)).render(
            source
        )
    except Exception:  # mistune and nbconvert raise many kinds
        return _as_code(source)
    inspector = _Inspector()
    inspector.feed(str(html))
    inspector.close()
    return source if inspector.harmless else _as_code(source)


def _as_code(source: str) -> str:
    return "\n".join(f"    {line}" for line in source.splitlines())
