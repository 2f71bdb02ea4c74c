"""How much of a student's text is shown, and what may be spent on it, each number with its reason."""

from __future__ import annotations

__all__ = [
    "FRAME_LIMIT",
    "MAX_DEPTH",
    "MAX_HTML",
    "MAX_SPANNED",
    "MAX_TEXT",
    "MEMORY_MB",
    "PATIENCE",
    "SECONDS",
]

# A cell's output is cut at 1 MB unless an instructor allows more; a table of 10,000 rows has half of that.
MAX_HTML = 2_000_000
# Places of a text's tables under cells that span several. A browser lays out each, and a grouped table of pandas has hundreds.
MAX_SPANNED = 100_000
# Nobody reads more of an answer, and what is written by hand is shorter by a factor of ten.
MAX_TEXT = 100_000
# A table inside a list inside a quotation has 12 levels; browsers and parsers grow slow or give up in the hundreds.
MAX_DEPTH = 60
# Of a processor's time. A long answer with formulas takes 0.05 s, and a slow machine may need ten times as long.
SECONDS = 2.0
# A busy machine must have given a process its seconds by then.
PATIENCE = 5
# Ten times what 2 MB of honest HTML take.
MEMORY_MB = 512
FRAME_LIMIT = 64 << 20  # bytes of a request or an answer, so of a notebook's attached pictures
