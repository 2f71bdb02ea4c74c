"""What was changed over there, changed here too: the content of an object is replaced, and it stays the object that it is."""

from __future__ import annotations

import collections
import io
import random
import sys
import types
from typing import Any

import numpy as np

from autograder.wire.errors import WireError
from autograder.wire.generators import follow

__all__ = ["fill"]

GENERATORS = (random.Random, np.random.Generator, np.random.RandomState)
# From special to general: a Counter is a dict.
KINDS: tuple[type, ...] = (
    list,
    collections.Counter,
    collections.OrderedDict,
    collections.defaultdict,
    dict,
    set,
    bytearray,
    collections.deque,
    types.SimpleNamespace,
    io.StringIO,
    io.BytesIO,
    np.ndarray,
    *GENERATORS,
)


def fill(changes: list[tuple[Any, Any]]) -> None:
    """Give each target, an object of this side, the content that it has over there.

    Raises:
        WireError: one is nothing that can be changed, or its content is of another kind. Then none is changed.
    """
    for target, content in changes:
        _check(target, content)
    for target, content in changes:
        _fill(target, content)


def _tables() -> tuple[type, ...]:
    pandas = sys.modules.get("pandas")
    return (pandas.DataFrame, pandas.Series) if pandas else ()


def _check(target: Any, content: Any) -> None:
    kind = next((kind for kind in (*KINDS, *_tables()) if isinstance(target, kind)), None)
    if kind is None or type(content) is not kind:
        raise WireError("not a message: something changed that cannot be changed, or into something else")


def _fill(target: Any, content: Any) -> None:
    if isinstance(target, list):
        list.__setitem__(target, slice(None), content)
    elif isinstance(target, bytearray):
        bytearray.__setitem__(target, slice(None), content)
    elif isinstance(target, dict):
        _fill_dict(target, content)
    elif isinstance(target, set):
        set.clear(target)
        set.update(target, content)
    elif isinstance(target, collections.deque):
        collections.deque.clear(target)
        collections.deque.extend(target, content)
    elif isinstance(target, types.SimpleNamespace):
        vars(target).clear()
        vars(target).update(vars(content))
    elif isinstance(target, (io.StringIO, io.BytesIO)):
        target.seek(0)
        target.truncate()
        target.write(content.getvalue())
        target.seek(content.tell())
    elif isinstance(target, np.ndarray):
        # An array keeps its type and shape; one that may not be written to was not.
        if target.flags.writeable and target.shape == content.shape and target.dtype == content.dtype:
            target[...] = content
    elif isinstance(target, GENERATORS):
        follow(target, content)
    else:
        type(content).__init__(target, content)  # a table takes over another one's data


def _fill_dict(target: Any, content: Any) -> None:
    if isinstance(target, collections.OrderedDict):
        collections.OrderedDict.clear(target)
        for key, value in content.items():
            collections.OrderedDict.__setitem__(target, key, value)
    else:
        dict.clear(target)
        dict.update(target, content)
