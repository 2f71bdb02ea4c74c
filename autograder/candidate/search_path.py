"""Where a notebook's own modules stand among all others."""

from __future__ import annotations

import os
import sys

__all__ = ["with_folder"]

INSTALLED = ("site-packages", "dist-packages")


def with_folder(folder: str) -> list[str]:
    """``sys.path`` with *folder* where a kernel has that of its notebook: behind the standard library, before what is installed."""
    place = next((at for at, path in enumerate(sys.path) if os.path.basename(path) in INSTALLED), 0)
    return [*sys.path[:place], folder, *sys.path[place:]]
