"""Where a student's text is shown, and which of the allowed elements may stand there."""

from __future__ import annotations

from dataclasses import dataclass

from autograder.notebook.display.elements import HTML, MATH, STYLES

__all__ = ["NOTEBOOK", "OUTPUT", "TEXT", "Place"]


@dataclass(frozen=True)
class Place:
    """Where something is shown.

    Attributes:
        tags: the elements that may stand there.
        styles: the properties of their ``style``.
        around: the class of an element around everything.
        scrolls: whether wide tables and formulas scroll by themselves.
    """

    tags: frozenset[str]
    styles: frozenset[str]
    around: str
    scrolls: bool


# On Formgrader's page, where MathJax looks for formulas in everything that is not marked like this.
NOTEBOOK = Place(HTML | MATH, frozenset(STYLES), "tex2jax_ignore", scrolls=False)
# On the kit's own pages, which have an outline and colours with enough contrast.
_PAGE = (HTML | MATH) - {"h1", "h2", "figure", "figcaption", "col", "colgroup"}
OUTPUT = Place(_PAGE, frozenset({"text-align"}), "shown", scrolls=True)
TEXT = Place(_PAGE, frozenset({"text-align"}), "", scrolls=True)
