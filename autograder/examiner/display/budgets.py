"""How much of a student's text is shown, and what may be spent on it. Beyond that stands :data:`TOO_MUCH`."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from contextvars import ContextVar

__all__ = [
    "FRAME_LIMIT",
    "MAX_DEPTH",
    "MAX_HTML",
    "MAX_TEXT",
    "MEMORY_MB",
    "PATIENCE",
    "SECONDS",
    "TOO_MUCH",
    "TooMuch",
    "one_notebook",
    "spending",
]

TOO_MUCH = "(too much to show)"
# A cell's output is cut at 1 MB unless an instructor allows more; a table of 10,000 rows has half of that.
MAX_HTML = 2_000_000
# Nobody reads more of an answer, and what is written by hand is shorter by a factor of ten.
MAX_TEXT = 100_000
# A table inside a list inside a quotation has 12 levels; browsers and parsers grow slow or give up in the hundreds.
MAX_DEPTH = 60
# Of a processor's time. A long answer with formulas takes 0.05 s, and a slow machine may need ten times as long.
SECONDS = 2.0
# A busy machine must have given a process its seconds by then.
PATIENCE = 5
# Of all texts of one notebook together, so that a thousand slow ones cost no more than a few.
NOTEBOOK_SECONDS = 10.0
# Ten times what 2 MB of honest HTML take.
MEMORY_MB = 512
FRAME_LIMIT = 64 << 20  # bytes of a request or an answer, so of a notebook's attached pictures


class TooMuch(Exception):
    """A text is too long, nested too deeply, or takes more time or memory than it may."""


_left: ContextVar[list[float] | None] = ContextVar("seconds left for the texts of a notebook", default=None)


@contextlib.contextmanager
def one_notebook() -> Iterator[None]:
    """What is shown inside is one notebook's and shares :data:`NOTEBOOK_SECONDS`."""
    token = _left.set([NOTEBOOK_SECONDS])
    try:
        yield
    finally:
        _left.reset(token)


@contextlib.contextmanager
def spending() -> Iterator[float]:
    """Gives the seconds that the next text may take, and counts those that it took.

    Raises:
        TooMuch: the notebook has spent all of its time.
    """
    left = _left.get()
    if left is None:
        yield SECONDS
        return
    if left[0] <= 0:
        raise TooMuch("the time for this notebook is spent")
    began = time.monotonic()
    try:
        yield min(SECONDS, left[0])
    finally:
        left[0] -= time.monotonic() - began
