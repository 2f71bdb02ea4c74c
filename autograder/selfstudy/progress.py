"""What a person has done so far in self-study: attempts, best marks and hints, in one small file beside the notebooks.

Beside the notebooks, so that it moves with the work and that two copies of the work do not mix. A file that cannot be read is set aside,
never overwritten; writing replaces the file as a whole, and two checks at the same time wait for one another.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from autograder.notebook.cells import grading
from autograder.selfstudy.changes import Change, LastCheck, changes_since, outcome_of
from autograder.selfstudy.check import Scorecard
from autograder.tutor.hints import Tally, count_attempt

__all__ = ["NotebookProgress", "Progress", "ProgressError", "open_progress", "read_progress"]

VERSION = 1


class ProgressError(Exception):
    """The file cannot be written, or holds what this version does not know; the message says why."""


@dataclass(slots=True)
class _Versioned:
    version: int = VERSION


@dataclass(slots=True)
class NotebookProgress:
    """One notebook.

    Attributes:
        checks: how often it was checked.
        best_score: the highest mark from all tests in one check, and the maximum at that time.
        best: the highest mark of each test.
        parts: attempts and hints of each answer cell.
        last: the outcome of the last check.
    """

    checks: int = 0
    best_score: float = 0.0
    maximum: float = 0.0
    best: dict[str, float] = field(default_factory=dict)
    parts: dict[str, Tally] = field(default_factory=dict)
    last: LastCheck | None = None

    @property
    def hints(self) -> int:
        """Hints given so far."""
        return sum(tally.hints for tally in self.parts.values())

    def record(self, card: Scorecard) -> list[Change] | None:
        """Count a check; returns what changed since the last one, None if there was none to compare it with.

        Best marks are kept of checks with hidden tests only; an untouched answer is no attempt.
        """
        changes = changes_since(self.last, card)
        self.last = outcome_of(card)
        self.checks += 1
        if card.hidden_run:
            self.best_score, self.maximum = max(self.best_score, card.score), card.maximum
            for name, verdict in card.result.verdicts.items():
                self.best[name] = max(self.best.get(name, 0.0), verdict.score)
        untried = card.untried
        for name, cell in card.assembled.by_grade_id().items():
            if grading(cell)["solution"] and name not in untried:
                self.parts[name] = count_attempt(self.parts.get(name, Tally()), cell["source"])
        return changes


@dataclass(slots=True)
class Progress:
    """The content of the file: notebooks by name."""

    version: int = VERSION
    notebooks: dict[str, NotebookProgress] = field(default_factory=dict)

    def of(self, notebook: str) -> NotebookProgress:
        """The progress of a notebook, which may be none yet."""
        return self.notebooks.setdefault(notebook, NotebookProgress())


@contextlib.contextmanager
def open_progress(path: Path) -> Iterator[tuple[Progress, str]]:
    """Read the file at *path*, and write it again at the end if nothing was raised.

    Gives the progress and a message, which is empty but when the file could not be read and was set aside.

    Raises:
        ProgressError: the folder cannot be written to, or the file is from a newer version.
    """
    with _told(path):
        descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # on the folder: the file itself is replaced
        with _told(path):
            progress, message = _read(path)
        yield progress, message
        with _told(path):
            _write(path, progress)
    finally:
        os.close(descriptor)


def read_progress(path: Path) -> Progress:
    """What the file at *path* says, which is left as it is; nothing yet if it is not there.

    Raises:
        ProgressError: it cannot be read.
    """
    with _told(path):
        try:
            return _decoded(path, path.read_bytes())
        except FileNotFoundError:
            return Progress()
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ProgressError(f"{path} cannot be read: {error}") from None


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ProgressError(f"progress cannot be kept in {path}: {error.strerror}") from error


def _read(path: Path) -> tuple[Progress, str]:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return Progress(), ""
    try:
        return _decoded(path, raw), ""
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        aside = next(
            p for n in range(1, 10_000) if not (p := path.with_suffix(f".unreadable-{n}.json")).exists()
        )
        path.rename(aside)
        return (
            Progress(),
            f"{path.name} could not be read ({error}); it is kept as {aside.name}, and counting starts again",
        )


def _decoded(path: Path, raw: bytes) -> Progress:
    version = msgspec.json.decode(raw, type=_Versioned).version
    if version > VERSION:
        raise ProgressError(
            f"{path} has version {version}, this program knows {VERSION}: use a newer program, or --progress with another file"
        )
    return msgspec.json.decode(raw, type=Progress)


def _write(path: Path, progress: Progress) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(progress, order="sorted"), indent=1) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
