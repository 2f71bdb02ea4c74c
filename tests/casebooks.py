"""The module ``cases`` of an assignment, as its notebooks import it from beside them."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path
from types import ModuleType

__all__ = ["cases_of"]

SOLUTIONS = Path(__file__).resolve().parents[1] / "solutions"


@functools.cache
def cases_of(assignment: str) -> ModuleType:
    """``solutions/ASSIGNMENT/cases.py``, under a name of its own so that two assignments can be loaded at once."""
    path = SOLUTIONS / assignment / "cases.py"
    spec = importlib.util.spec_from_file_location(f"cases_of_{assignment}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
