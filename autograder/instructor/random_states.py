"""The states of ``random`` and of NumPy's global generator in the examiner; NumPy is not imported for it."""

from __future__ import annotations

import random
import sys
from typing import Any

__all__ = ["States", "random_states", "restore_random_states", "seed_generators"]

States = tuple[Any, Any]  # of random, and of numpy.random or None


def seed_generators() -> None:
    """Put both into the state that every examination begins with, so that what a test draws is the same for every submission."""
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)


def random_states() -> States:
    """The states as they are."""
    numpy = sys.modules.get("numpy")
    return random.getstate(), numpy.random.get_state() if numpy is not None else None


def restore_random_states(states: States) -> None:
    """Put both into the *states* that :func:`random_states` gave; NumPy's stays if it was not imported then."""
    drawn, numbers = states
    random.setstate(drawn)
    if numbers is not None:
        sys.modules["numpy"].random.set_state(numbers)
