"""Which names the questions of an assignment had before: submissions from before a change hold the old ones.

It stands in ``kit/renamed.toml`` of the source folder: a table for each notebook, in which the old name of a cell has the present one as its value.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

from autograder.files.source import KIT

__all__ = ["RENAMED", "read_renamed", "renamed_text", "with_renamed"]

RENAMED = f"{KIT}/renamed.toml"
Renamed = Mapping[str, Mapping[str, str]]
HEAD = "# Names that questions had before: OLD = NEW. Submissions may still hold the old ones.\n"


def read_renamed(source: Path) -> dict[str, dict[str, str]]:
    """The present name of each old one, by notebook, for the assignment whose source folder is *source*.

    Raises:
        ValueError: the file cannot be used; the message names it.
    """
    file = source / RENAMED
    if not file.is_file():
        return {}
    try:
        found = tomllib.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} is not TOML: {error}") from None
    for notebook, names in found.items():
        if not isinstance(names, dict) or not all(isinstance(new, str) for new in names.values()):
            raise ValueError(f'{file}: [{notebook}] must hold lines such as old_name = "new_name"')
    return found


def with_renamed(before: Renamed, more: Renamed) -> dict[str, dict[str, str]]:
    """The names of *before*, followed by those of *more*: a name that is renamed once more leads to the last one."""
    made = {notebook: dict(names) for notebook, names in before.items()}
    for notebook, names in more.items():
        own = made.setdefault(notebook, {})
        for old, new in names.items():
            for first, second in list(own.items()):
                if second == old:
                    own[first] = new
            own[old] = new
            own.pop(new, None)  # it is the present name again
    return {notebook: names for notebook, names in made.items() if names}


def renamed_text(renamed: Renamed) -> str:
    """The file that says so."""
    lines = [HEAD]
    for notebook, names in sorted(renamed.items()):
        lines.append(f"\n[{_quoted(notebook)}]\n")
        lines += [f"{_quoted(old)} = {_quoted(new)}\n" for old, new in sorted(names.items())]
    return "".join(lines)


def _quoted(name: str) -> str:
    """A string of TOML: one of JSON is, but for one character."""
    return json.dumps(name, ensure_ascii=False).replace("\x7f", "\\u007f")
