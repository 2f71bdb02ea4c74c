"""Functions and exceptions of libraries, which both processes know by their names."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from autograder.handles.raised import CROSSING, StudentError

__all__ = ["exception_class", "library_name"]

NAMED = (
    types.FunctionType,
    types.BuiltinFunctionType,
    type(str.upper),
    type(str.__add__),
    np.ufunc,
    type(np.mean),
)
LIBRARIES = frozenset({*sys.stdlib_module_names, "numpy", "pandas", "scipy", "matplotlib"})
# Whose exceptions tell a runner of tests something.
SIGNALS = frozenset(("asyncio", "bdb", "concurrent", "contextlib", "doctest", "pdb", "test", "unittest"))


def library_name(value: Any) -> tuple[str, str] | None:
    """The module and the path by which a library has a function or a class, or None."""
    if not isinstance(value, type) and type(value) not in NAMED:
        return None
    owner = getattr(value, "__objclass__", value)
    module = getattr(owner, "__module__", None) or ("numpy" if type(value) is np.ufunc else None)
    path = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
    if type(module) is not str or type(path) is not str or module.split(".")[0] not in LIBRARIES:
        return None
    found: Any = sys.modules.get(module)
    for name in path.split("."):
        found = getattr(found, name, None)
    return (module, path) if found is value else None


def exception_class(classes: Iterable[Any], base: str, own: Mapping[str, Any]) -> type[Exception] | None:
    """The first of *classes*, as (module, name), that is an exception of a library's, or among the instructor's *own* names, and below *base*."""
    for one in classes:
        match one:
            case (str(module), str(name)) if module == "__main__":
                found = own.get(name)
            case (str(module), str(name)) if module.split(".")[0] in LIBRARIES - SIGNALS:
                found = vars(sys.modules[module]).get(name) if module in sys.modules else None
            case _:
                continue
        if (
            isinstance(found, type)
            and found.__module__ == module
            and issubclass(found, Exception)
            and issubclass(found, CROSSING.get(base, ()))
            and not issubclass(found, StudentError)
        ):
            return found
    return None
