"""The time that the texts of one notebook share, and what stands in the place of a text that is too much."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from contextvars import ContextVar

from autograder.notebook.display import budgets

__all__ = ["TOO_MUCH", "TooMuch", "one_notebook", "spending"]

TOO_MUCH = "(too much to show)"
# So that a thousand slow texts cost no more than a few; all of an honest notebook's take a tenth of a second.
NOTEBOOK_SECONDS = 10.0


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
        yield budgets.SECONDS
        return
    if left[0] <= 0:
        raise TooMuch("the time for this notebook is spent")
    began = time.monotonic()
    try:
        yield min(budgets.SECONDS, left[0])
    finally:
        left[0] -= time.monotonic() - began
