"""The assignments that this repository has, for tests that hold for each of them."""

from __future__ import annotations

from pathlib import Path

from autograder.kit import Kit, load_kit
from autograder.simulate.kinds import Kind, load_kinds

__all__ = ["ASSIGNMENTS", "kinds_of", "kit_of", "notebooks_of", "release_of", "source_of"]

ROOT = Path(__file__).resolve().parent.parent
ASSIGNMENTS = sorted(path.name for path in (ROOT / "solutions").iterdir() if (path / "kit").is_dir())


def source_of(assignment: str) -> Path:
    """The folder of its source notebooks."""
    return ROOT / "solutions" / assignment


def release_of(assignment: str) -> Path:
    """The folder of its released notebooks."""
    return ROOT / "assignments" / assignment


def notebooks_of(assignment: str) -> list[str]:
    """Their names, in order."""
    return sorted(path.stem for path in source_of(assignment).glob("*.ipynb"))


def kit_of(assignment: str) -> Kit:
    """What the grader knows of it."""
    return load_kit(source_of(assignment))


def kinds_of(assignment: str) -> dict[str, Kind]:
    """The kinds of simulated submissions, by name."""
    return load_kinds(source_of(assignment))
