"""The files of an assignment's source folder, or of its release: the instructor's, and trusted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from autograder.files.lookalikes import grade_ids

__all__ = [
    "KIT",
    "LEFT_BEHIND",
    "MAY_USE",
    "copies_told",
    "data_files",
    "source_files",
    "source_notebooks",
    "stray_copies",
]

KIT = "kit"  # the folder of what the grader knows of the assignment, which nobody is given
MAY_USE = "what-you-may-use.md"  # made when the assignment is released
# Left by an editor, by Python, or by someone who checked the solutions.
LEFT_BEHIND = (".", "__pycache__", "autograder-progress")
# What JupyterLab, browsers and file managers put behind the name of a copy.
COPY = re.compile(r"(.+?)(?:-Copy\d*| ?\(\d+\)|(?: -)? copy(?: \d+)?| - Copy(?: \(\d+\))?)")


def source_notebooks(folder: Path) -> list[Path]:
    """The notebooks of the assignment whose source folder is *folder*, by name; a copy that was left beside one is not among them."""
    copies = stray_copies(folder)
    return [path for path in _notebooks(folder) if path not in copies]


def stray_copies(folder: Path) -> dict[Path, Path]:
    """The notebooks in *folder* that are copies of another one there, and of which.

    One is if it is called like a copy of it (``lab-Copy1.ipynb``, ``lab (1).ipynb``), and at least half of its cells that nbgrader knows are the other's.
    """
    found: dict[Path, Path] = {}
    for path in _notebooks(folder):
        name = path.stem
        while match := COPY.fullmatch(name):
            name = match[1]
            original = folder / f"{name}.ipynb"
            if original.is_file():
                cells = grade_ids(path.read_bytes())
                if 2 * len(cells & grade_ids(original.read_bytes())) >= len(cells):
                    found[path] = original
                break
    return found


def copies_told(folder: Path) -> list[str]:
    """A sentence for each copy that is left out."""
    return [
        f"{path.parent.name}/{path.name} is left out: it is a copy of {original.name}."
        for path, original in stray_copies(folder).items()
    ]


def _notebooks(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.ipynb") if not path.name.startswith(LEFT_BEHIND))


def source_files(folder: Path) -> dict[str, bytes]:
    """The content of all files in *folder* and below, by name relative to it, with ``/`` between the parts.

    Hidden files, links, what tools leave behind and copies of notebooks are not among them.
    """
    copies = stray_copies(folder)
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in _below(folder)
        if path not in copies
    }


def data_files(folder: Path) -> dict[str, bytes]:
    """Those of them that a student has beside the notebooks: neither a notebook nor in the kit."""
    return {
        name: content
        for name, content in source_files(folder).items()
        if not name.endswith(".ipynb") and not name.startswith(f"{KIT}/")
    }


def _below(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith(LEFT_BEHIND) or path.is_symlink():
            continue
        if path.is_dir():
            yield from _below(path)
        elif path.is_file():
            yield path
