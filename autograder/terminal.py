"""The terminal, as every command writes to it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["some", "terminal"]

NAMED = 10  # in a sentence


def terminal(*, stderr: bool = False) -> Console:
    """A console in which nothing moves where no colours are wanted (``NO_COLOR``, as https://no-color.org says) or nobody watches."""
    from rich.console import Console

    moves = False if os.environ.get("NO_COLOR") else None  # None: if it is a terminal
    return Console(stderr=stderr, highlight=False, force_terminal=moves)


def some(names: Sequence[str]) -> str:
    """*names* in a sentence, which tells how many more there are than it names.

    >>> some(["ada", "bob"]), some([*"abcdefghijkl"])
    ('ada, bob', 'a, b, c, d, e, f, g, h, i, j and 2 more')
    """
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
