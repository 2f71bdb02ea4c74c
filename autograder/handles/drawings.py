"""What stands for a student's figures, axes, and what is drawn in them."""

from __future__ import annotations

import sys
from typing import Any

from autograder.handles.handle import Handle, Held, record

__all__ = ["Drawing"]

# What can be asked for by other names than ``get_…``.
PARTS = frozenset(
    ("axes", "figure", "lines", "patches", "collections", "texts", "images", "artists", "containers")
) | {"legends", "title", "xaxis", "yaxis", "name"}
MODULES = ("figure", "axes", "lines", "patches", "text", "legend", "collections", "image")


class Drawing(Handle):
    """A figure, axes, or something that is drawn in them; what it is like is asked by what Matplotlib calls ``get_…``, and by a few names more."""

    __slots__ = ("_kind_",)

    def __init__(self, held: Held, title: str) -> None:
        object.__setattr__(self, "_held_", held)
        object.__setattr__(self, "_kind_", _class_of(title))

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return object.__getattribute__(self, "_kind_")

    def __bool__(self) -> bool:
        record(self).asks.refuse(f"`{record(self).title}` is a drawing, where a value was expected.")

    def __getattr__(self, name: str) -> Any:
        held = record(self)
        if name.startswith("__"):
            raise AttributeError(name)
        if name not in PARTS and not name.startswith("get_"):
            held.asks.refuse(f"`{name}` of a drawing cannot be asked for here.")
        return held.get(self, name)

    def __repr__(self) -> str:
        return f"<{object.__getattribute__(self, '_kind_').__name__}>"


def _class_of(title: str) -> type:
    """Matplotlib's own class of this name, if the test has imported it."""
    artist = getattr(sys.modules.get("matplotlib.artist"), "Artist", None)
    for module in MODULES:
        found = getattr(sys.modules.get(f"matplotlib.{module}"), title, None)
        if artist is not None and isinstance(found, type) and issubclass(found, artist):
            return found
    return Drawing
