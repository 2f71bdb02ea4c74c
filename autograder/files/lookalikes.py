"""Finds the notebooks of an assignment that lie under another name: by the cells that they hold first, and by their names second.

What a file holds is only searched for nbgrader's names of cells, never parsed: nothing that a student writes can make that slow or fail.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from autograder.bounds.limits import Limits
from autograder.files.tree import Entry, walk

__all__ = ["Lookalike", "digest_of", "grade_ids", "identified", "lookalikes"]

Known = Mapping[str, Collection[str]]  # the grade_ids of each source notebook, by its name
GRADE_ID = re.compile(rb'"grade_id"\s*:\s*"([^"\\\n]{1,200})"')
# Browsers and mail programs put endings behind it.
NOTEBOOK = re.compile(r"\.(ipynb|json)", re.IGNORECASE)
ENDINGS = re.compile(r"\.(ipynb|json|txt)\b.*$", re.IGNORECASE)
ENOUGH = 0.5  # of a notebook's cells: a file with fewer of them is another one
OTHER_THAN_NAMES = re.compile(r"[^0-9a-z]+")


@dataclass(frozen=True, slots=True)
class Lookalike:
    """Files of one content that look like one notebook.

    Attributes:
        names: where they are, as it is shown.
        digest: of what they hold.
        content: what they hold; empty, if it is not the first content that looks like the notebook, as then none is used.
        by_cells: whether they hold the notebook's cells, and do not only have a name like it.
    """

    names: list[str] = field(default_factory=list)
    digest: bytes = b""
    content: bytes = b""
    by_cells: bool = True


def identified(name: str, content: bytes, known: Known) -> str | None:
    """Which of the *known* notebooks the file *name* is; None if it looks like none, or like two of them equally."""
    shares = _shares(content, known)
    best = _single(shares)
    if best is not None and shares[best] >= ENOUGH:
        return best
    if any(shares.values()):  # it holds cells of this assignment: its name has nothing to say against them
        known = {notebook: cells for notebook, cells in known.items() if shares.get(notebook)}
    plain = _plain(name)
    return _single({one: len(key) for one in known if (key := _plain(one)) and key in plain})


def _shares(content: bytes, known: Known) -> dict[str, float]:
    """How much of each notebook's cells the *content* names."""
    cells = {one.encode() for each in known.values() for one in each}
    found = grade_ids(content) & cells
    return {
        notebook: sum(one.encode() in found for one in each) / len(each)
        for notebook, each in known.items()
        if each
    }


def _single(weights: Mapping[str, float]) -> str | None:
    """The heaviest, if there is one alone."""
    heaviest = max(weights.values(), default=0)
    found = [one for one, weight in weights.items() if weight == heaviest > 0]
    return found[0] if len(found) == 1 else None


def _plain(name: str) -> str:
    return OTHER_THAN_NAMES.sub("", ENDINGS.sub("", name.rpartition("/")[2]).casefold())


def grade_ids(content: bytes) -> set[bytes]:
    """The names of cells that stand in the bytes of a notebook, which need not be one."""
    plain = content.replace(b"\0", b"")  # UTF-16 has one beside each letter
    return {match[1] for match in GRADE_ID.finditer(plain)}


def digest_of(content: bytes) -> bytes:
    """What two files of one content have in common."""
    return hashlib.sha256(content).digest()


def lookalikes(
    folder: int,
    known: Known,
    limits: Limits,
    ignore: Sequence[str] = (),
    not_these: Collection[tuple[int, int]] = (),
) -> tuple[dict[str, list[Lookalike]], list[str]]:
    """What lies in the opened *folder* and below under another name than that of the notebook that it looks like, by notebook.

    Returns:
        The files by notebook, those of one content together, and the names of all other files.
    """
    found: dict[str, dict[bytes, Lookalike]] = {}
    others = []
    for entry in _files(walk(folder, limits, ignore, not_these), known):
        notebook = None
        if not entry.left_out and NOTEBOOK.search(entry.name):
            content = b"".join(entry.chunks())
            notebook = identified(entry.name, content, known)
        if notebook is None:
            others.append(entry.name)
        else:
            same = found.setdefault(notebook, {})
            key = digest_of(content)
            if key not in same:
                by_cells = identified("", content, known) == notebook
                same[key] = Lookalike([], key, b"" if same else content, by_cells)
            same[key].names.append(entry.name)
    return {notebook: list(same.values()) for notebook, same in found.items()}, others


def _files(entries: Iterable[Entry], known: Known) -> Iterator[Entry]:
    right = {f"{name}.ipynb" for name in known}
    return (entry for entry in entries if entry.name not in right)
