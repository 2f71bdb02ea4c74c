"""The terminal, as every command writes to it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["terminal"]


def terminal(*, stderr: bool = False) -> Console:
    """A console in which nothing moves where no colours are wanted (``NO_COLOR``, as https://no-color.org says) or nobody watches."""
    from rich.console import Console

    moves = False if os.environ.get("NO_COLOR") else None  # None: if it is a terminal
    return Console(stderr=stderr, highlight=False, force_terminal=moves)
