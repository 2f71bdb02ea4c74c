"""Notices when a test seeds ``random`` or ``numpy.random``: asking for their whole states before each call would take longer than the call."""

from __future__ import annotations

import functools
import random
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["seeded", "watch_seeds"]

OWN = ("hypothesis", "autograder")  # packages that seed for reasons of their own
_count = 0


def seeded() -> int:
    """How often a test has seeded one of them so far."""
    return _count


def watch_seeds() -> None:
    """Count from now on."""
    for module in (random, np.random):
        if not hasattr(module.seed, "__wrapped__"):
            module.seed = _counted(module.seed)  # type: ignore[attr-defined]


def _counted(seed: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(seed)
    def counted(*arguments: Any, **keywords: Any) -> None:
        global _count
        if not str(sys._getframe(1).f_globals.get("__name__")).startswith(OWN):
            _count += 1
        seed(*arguments, **keywords)

    return counted
