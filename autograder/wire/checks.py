"""Checks that the modules of types share: how much may cross, and what a tree holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograder.wire.errors import Refused, WireError

__all__ = [
    "COMPLEX",
    "INT64",
    "ITEM",
    "LARGE_INT",
    "MAX_INT_BITS",
    "MAX_RANGE",
    "bounded",
    "hashed",
    "raw_bytes",
]

INT64 = range(-(2**63), 2**63)  # the integers that MessagePack holds
MAX_INT_BITS = 4096
MAX_RANGE = 1_000_000
# What is hashed on arrival, or in a test, is bounded: values can be chosen to collide, and then the time grows with the square.
# Strings are safe, as their hashes are secret, and so are floats and 64-bit integers, few of which can have one hash.
MAX_HASHED = 10_000
# What else costs the other side time when it is hashed, in the units of `Message.spend`.
ITEM, COMPLEX, LARGE_INT = 1, 10, 100


def bounded(values: Any, kind: str) -> Any:
    """*values*, which will be hashed, if they are few enough."""
    if len(values) > MAX_HASHED:
        raise Refused(f"a {kind} of {len(values):,} items, more than the {MAX_HASHED:,} allowed")
    return values


def hashed(rest: Sequence[Any]) -> Sequence[Any]:
    """The items on arrival, which will be hashed, if they are few enough."""
    if len(rest) > MAX_HASHED:
        raise WireError("not a message: too many items")
    return rest


def raw_bytes(rest: Sequence[Any]) -> bytes:
    """The one item of *rest*, which is bytes."""
    (raw,) = rest
    if type(raw) is not bytes:  # bytes(n) of a number would be n bytes of memory
        raise WireError("not a message: no bytes")
    return raw
