"""IPython's ``%%writefile`` in an instructor's cell: the file is written into the folder that these cells run in."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from typing import Any

__all__ = ["WRITEFILE", "expanded", "write_file"]

WRITEFILE = frozenset(("file", "writefile"))  # one magic by two names
APPEND = frozenset(("-a", "--append"))


def write_file(line: str, text: str) -> None:
    """Write *text* as ``%%writefile`` does with the rest of its *line*: ``[-a] NAME``.

    Raises:
        ValueError: the line names no file, or more than one.
    """
    words = shlex.split(line)
    names = [word for word in words if word not in APPEND]
    if len(names) != 1:
        raise ValueError(f"%%writefile {line} names {len(names)} files: it takes one, and -a before it")
    with open(os.path.expanduser(names[0]), "w" if names == words else "a", encoding="utf-8") as file:
        file.write(text)


def expanded(line: str, names: Mapping[str, Any]) -> str:
    """*line* with the values of *names* in the places of ``{name}`` and ``$name``, as IPython gives it to a magic."""
    from IPython.utils.text import DollarFormatter

    try:
        return str(DollarFormatter().vformat(line, (), dict(names)))
    except Exception:  # as there: what cannot be filled in stays as it is
        return line
