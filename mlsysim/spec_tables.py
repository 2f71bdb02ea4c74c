"""Tables of specs: aligned text for a terminal, accessible HTML for a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

__all__ = ["html_table", "text_table"]

ABSENT = "–"
KEY = f"{ABSENT}: not given, or does not apply"


def _cells(rows: Sequence[dict[str, str]]) -> tuple[list[str], list[list[str]]]:
    """Column titles in the order first met, and every row's text by column."""
    titles = list(dict.fromkeys(title for row in rows for title in row))
    return titles, [[row.get(title) or ABSENT for title in titles] for row in rows]


def text_table(caption: str, rows: Sequence[dict[str, str]]) -> str:
    """*rows* (column title to text) as aligned lines: text to the left, figures to the right.

    >>> print(text_table("2 devices", [{"Name": "A", "GB": "8"}, {"Name": "B", "GB": "80"}]))
    2 devices
    Name  GB
    ────────
    A      8
    B     80
    """
    titles, cells = _cells(rows)
    widths = [max(len(row[i]) for row in [titles, *cells]) for i in range(len(titles))]
    figures = [all(row[i][0].isdigit() or row[i] == ABSENT for row in cells) for i in range(len(titles))]

    def line(row: list[str]) -> str:
        padded = [c.rjust(w) if f else c.ljust(w) for c, w, f in zip(row, widths, figures, strict=True)]
        return "  ".join(padded).rstrip()

    rule = "─" * (sum(widths) + 2 * max(len(widths) - 1, 0))
    legend = [KEY] if any(ABSENT in row for row in cells) else []
    return "\n".join([caption, line(titles), rule, *map(line, cells), *legend])


def html_table(caption: str, rows: Sequence[dict[str, str]]) -> str:
    """*rows* as an HTML table with a caption, column headers and row headers for screen readers."""
    titles, cells = _cells(rows)
    legend = f" ({KEY})" if any(ABSENT in row for row in cells) else ""
    head = "".join(f'<th scope="col">{escape(title)}</th>' for title in titles)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(c)}</td>" for c in row[1:])
        + "</tr>"
        for row in cells
    )
    return (
        f"<table><caption>{escape(caption + legend)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )
