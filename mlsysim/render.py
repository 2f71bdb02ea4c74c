"""How numbers and tables look: one formatter of numbers, one table as text, one as HTML, one of facts about a thing."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

__all__ = ["cell", "html_facts", "html_table", "in_unit", "number", "text_table"]


def number(value: float, digits: int | None = None) -> str:
    """A number for people: with *digits* significant digits, or as many as its size asks for.

    >>> number(3350.0), number(989.44), number(4.4884), number(0.012345), number(4.4884, 4)
    ('3,350', '989.4', '4.49', '0.0123', '4.488')
    """
    if digits is not None:
        return f"{value:.{digits}g}"
    if not math.isfinite(value):
        return str(value)
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    size = abs(value)
    if size >= 100:
        return f"{value:,.1f}"
    return f"{value:.2f}" if size >= 1 else f"{value:.3g}"


def in_unit(value: Any, unit: float) -> str:
    """A number counted in *unit*, or the shape of an array.

    >>> in_unit(3.35e12, 1e9), in_unit(np.array([1e9, 2e9]), 1e9)
    ('3350', 'array of shape (2,)')
    """
    return f"array of shape {np.shape(value)}" if np.ndim(value) else number(value / unit, 6)


def cell(value: Any, digits: int | None = None) -> str:
    """What stands in a table for *value*: texts and whole numbers as they are, quantities with their unit."""
    if hasattr(value, "magnitude"):
        if getattr(value.magnitude, "ndim", 0):
            return f"{value:~P}"
        return f"{number(float(value.magnitude), digits)} {value.units:~P}".rstrip()
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and not value.ndim):
        value = value.item()
    return number(value, digits) if isinstance(value, float) else str(value)


def text_table(
    titles: Sequence[str], rows: Sequence[Sequence[str]], *, left: Collection[int] = (0,), rule: bool = True
) -> str:
    """Titles and *rows* as aligned lines: the columns numbered in *left* to the left, the others to the right.

    >>> print(text_table(["Name", "GB"], [["A", "8"], ["B", "80"]]))
    Name  GB
    ────────
    A      8
    B     80
    """
    widths = [max(len(row[i]) for row in [titles, *rows]) for i in range(len(titles))]

    def line(row: Sequence[str]) -> str:
        padded = [
            c.ljust(w) if i in left else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))
        ]
        return "  ".join(padded).rstrip()

    below = ["─" * (sum(widths) + 2 * max(len(widths) - 1, 0))] if rule else []
    return "\n".join([line(titles), *below, *map(line, rows)])


def html_table(
    titles: Sequence[str], rows: Sequence[Sequence[str]], *, caption: str = "", row_titles: bool = False
) -> str:
    """The same as an HTML table whose headers a screen reader can tell; with *row_titles* the first column is one."""
    head = "".join(f'<th scope="col">{escape(title)}</th>' for title in titles)

    def line(row: Sequence[str]) -> str:
        first = f'<th scope="row">{escape(row[0])}</th>' if row_titles else ""
        return f"<tr>{first}{''.join(f'<td>{escape(c)}</td>' for c in row[row_titles:])}</tr>"

    above = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f"<table>{above}<thead><tr>{head}</tr></thead><tbody>{''.join(map(line, rows))}</tbody></table>"


def html_facts(caption: str, facts: Mapping[str, str]) -> str:
    """*facts* about one thing as an HTML table with a row for each; those without a value are left out."""
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in facts.items()
        if value
    )
    return f"<table><caption>{escape(caption)}</caption><tbody>{rows}</tbody></table>"
