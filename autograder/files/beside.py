"""A student's own files beside the notebook: those that their code finds there, as in a kernel.

They are there for the candidate alone, and take the place of nothing: neither of a file or a module of the assignment, nor of an installed module.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.machinery import all_suffixes
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from autograder.bounds.limits import Limits
from autograder.files.read import Unreadable, open_folder
from autograder.files.source import KIT, LEFT_BEHIND
from autograder.files.times import TIMESTAMP
from autograder.files.tree import Entry, walk

__all__ = ["OwnFiles", "in_nobodys_way", "own_files_in", "read_own"]

# Of no use to a notebook: other notebooks, and what the grader and self-learners have beside them.
NOT_READ = ("*.ipynb", "*.exam", KIT)
SUFFIXES = sorted(all_suffixes(), key=len, reverse=True)
MOST_NOTES = 5
NOBODY_MISSES = "test"  # Python's tests of itself; many students have a file of that name


@dataclass(frozen=True, slots=True)
class OwnFiles:
    """Some of the files beside the notebook that are the student's own.

    Attributes:
        content: by name, with ``/`` between the parts.
        notes: what to say of those that are not among them.
    """

    content: Mapping[str, bytes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read_own(entries: Iterable[Entry], limits: Limits) -> OwnFiles:
    """The files among *entries*, but for what tools leave behind and what is too large."""
    found: dict[str, bytes] = {}
    too_large: list[str] = []
    left = limits.own_mb << 20
    for entry in entries:
        hidden = any(part.startswith(LEFT_BEHIND) for part in entry.name.split("/"))
        if entry.left_out or hidden or entry.name == TIMESTAMP:
            continue
        if entry.size > left:
            too_large.append(entry.name)
        else:
            found[entry.name] = b"".join(entry.chunks())
            left -= entry.size
    many = f" and {len(too_large) - 1} more are" if too_large[1:] else " is"
    why = f"not there for the cells: a student's own files may have {limits.own_mb} MB together"
    return OwnFiles(found, (f"{too_large[0]}{many} {why}",) if too_large else ())


def own_files_in(
    folder: Path,
    limits: Limits,
    ignore: Sequence[str] = (),
    not_these: Collection[tuple[int, int]] = (),
) -> OwnFiles:
    """The student's own files in *folder*, which is trusted, and below; see :func:`autograder.files.tree.walk` for the rest."""
    with open_folder(folder) as opened:
        if isinstance(opened, Unreadable):
            return OwnFiles()
        return read_own(walk(opened, limits, (*ignore, *NOT_READ), not_these), limits)


def in_nobodys_way(own: OwnFiles, given: Mapping[str, bytes]) -> OwnFiles:
    """Those of a student's *own* files that take the place of none that the assignment has *given*, and of no module that is given or installed."""
    places = {name.casefold() for name in given}
    folders = {folder for name in places for folder in _folders(name)}
    modules = set(_modules(given))
    found: dict[str, bytes] = {}
    notes: list[str] = []
    for name, content in own.content.items():
        module, place = _module(name), name.casefold()
        if name in given:
            if _lines(content) != _lines(given[name]):
                notes.append(f"{name} differs from the assignment's own, which the cells find")
        elif place in places | folders or places.intersection(_folders(place)) or module in modules:
            notes.append(f"{name} is not there for the cells: the assignment has something else by that name")
        elif module and _is_installed(module):
            notes.append(f"{name} is not there for the cells: an installed module has that name")
        else:
            found[name] = content
    return OwnFiles(found, (*own.notes, *_few(notes)))


def _few(notes: list[str]) -> tuple[str, ...]:
    more = len(notes) - MOST_NOTES
    return tuple(notes) if more <= 0 else (*notes[:MOST_NOTES], f"the same holds for {more} more files")


def _lines(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n")


def _folders(name: str) -> set[str]:
    """The folders that a file is in."""
    return {str(folder) for folder in PurePosixPath(name).parents} - {"."}


def _module(name: str) -> str:
    """The module that a file is imported as, with slashes between the parts; empty if it is none."""
    suffix = next((suffix for suffix in SUFFIXES if name.endswith(suffix)), None)
    return "" if suffix is None else name.removesuffix(suffix).removesuffix("/__init__")


def _modules(names: Iterable[str]) -> Iterator[str]:
    """The modules of these files, and the packages that they are in."""
    for name in names:
        if module := _module(name):
            yield module
            yield from _folders(module)


def _is_installed(module: str) -> bool:
    if (
        module == NOBODY_MISSES or not module.isidentifier()
    ):  # part of a package, or nothing that can be imported
        return False
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):  # such as that of the main module
        return True
    return module in sys.stdlib_module_names or (spec is not None and spec.origin is not None)
