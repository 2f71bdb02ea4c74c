"""The files of an assignment's source folder, or of its release: the instructor's, and trusted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

__all__ = ["KIT", "LEFT_BEHIND", "MAY_USE", "data_files", "source_files"]

KIT = "kit"  # the folder of what the grader knows of the assignment, which nobody is given
MAY_USE = "what-you-may-use.md"  # made when the assignment is released
# Left by an editor, by Python, or by someone who checked the solutions.
LEFT_BEHIND = (".", "__pycache__", "autograder-progress")


def source_files(folder: Path) -> dict[str, bytes]:
    """The content of all files in *folder* and below, by name relative to it, with ``/`` between the parts.

    Hidden files, links and what tools leave behind are not among them.
    """
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in _below(folder)}


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
