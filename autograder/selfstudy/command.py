"""The ``autograder check`` command: examine, remember, show, and look again when a notebook is saved."""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hypothesis.configuration import set_hypothesis_home_dir

from autograder.candidate.start import NoSandbox
from autograder.selfstudy.check import CheckError, Scorecard, check_notebook
from autograder.selfstudy.exams import ExamError, Exams
from autograder.selfstudy.progress import NotebookProgress, ProgressError, open_progress
from autograder.selfstudy.scorecard import Checked, print_scorecard
from autograder.terminal import terminal
from autograder.tutor.hints import PROGRESS_FILE, STEPS, Tally

__all__ = ["Checking", "run_check"]

VISIBLE_ONLY = "There is no exam beside this notebook: only the tests that it shows were run."
_Stamp = tuple[int, int, int] | None


@dataclass(frozen=True, slots=True)
class Checking:
    """What was asked for on the command line; see ``autograder check --help``."""

    notebooks: Sequence[Path]
    exam: Path | None = None
    public: bool = False
    html: Path | None = None
    json: bool = False
    watch: bool = False
    hint: bool = False
    hint_for: str | None = None
    progress: Path | None = None
    no_progress: bool = False


def run_check(asked: Checking) -> int:
    """0 if every test has full marks, 1 if not (or hidden tests were not run, unasked), 2 if a notebook could not be checked."""
    with tempfile.TemporaryDirectory(prefix="autograder-") as aside, Exams(asked.exam) as exams:
        set_hypothesis_home_dir(aside)  # it would leave a folder of its own where the notebooks are
        rounds = _Rounds(asked, exams)
        status = rounds.check(asked.notebooks)
        if asked.watch:
            with contextlib.suppress(KeyboardInterrupt):
                for saved in _saves(asked.notebooks, rounds.seen):
                    status = rounds.check(saved)
    return status


def _complain(error: Exception) -> int:
    print(f"autograder: {error}", file=sys.stderr)
    return 2


def _saves(notebooks: Sequence[Path], seen: dict[Path, _Stamp]) -> Iterator[list[Path]]:
    """Those that differ from what was *seen*, whenever there are some.

    The file system's events only say when to look, so that a save during a check, or on a disk without events, is not missed.
    """
    from watchfiles import watch

    folders = sorted({path.resolve().parent for path in notebooks if path.resolve().parent.is_dir()})
    if not folders:
        return
    print("Waiting for the next save; Ctrl-C ends.", file=sys.stderr, flush=True)
    for _ in watch(*folders, debounce=100, step=20, rust_timeout=250, yield_on_timeout=True, recursive=False):
        saved = [
            path for path in notebooks if (stamp := _stamp(path)) != seen.get(path) and stamp is not None
        ]
        if saved:
            yield saved


def _stamp(path: Path) -> _Stamp:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class _Rounds:
    """One check after another; *seen* is what was checked last of each notebook."""

    def __init__(self, asked: Checking, exams: Exams) -> None:
        self.seen: dict[Path, _Stamp] = {}
        self._asked, self._exams = asked, exams
        self._checked: dict[Path, Checked] = {}
        self._unkept: dict[str, NotebookProgress] = {}  # in the place of the file where none is wanted

    def check(self, paths: Sequence[Path]) -> int:
        """Check the notebooks at *paths* and show them; the exit status."""
        asked, status, began = self._asked, 0, time.monotonic()
        errors: list[str] = []
        for path in paths:
            again = self._checked.pop(path, None) is not None
            self.seen[path] = _stamp(path)
            try:
                with terminal(stderr=True).status(f"Checking {path.name}"):
                    exam = self._exams.of(path)
                    card = check_notebook(path, exam, public_only=asked.public)
            except (CheckError, ExamError, NoSandbox) as error:
                status = _complain(error)
                errors.append(str(error))
                continue
            without = VISIBLE_ONLY if self._exams.is_visible_only(exam) and not asked.public else ""
            self._checked[path] = checked = replace(self._remember(path, card), without=without)
            if not asked.json:
                print_scorecard(checked, only_changes=again)
            unasked = not card.hidden_run and not asked.public
            status = max(status, int(bool(card.failing) or unasked))
        if asked.json:
            found = [checked.as_json() for checked in self._checked.values()]
            print(json.dumps({"notebooks": found, "errors": errors, "status": status}), flush=True)
        if asked.html and self._checked:
            status = max(status, _write_html(asked.html, [one.card for one in self._checked.values()]))
        if asked.watch:
            print(f"Checked in {time.monotonic() - began:.2f} s.", file=sys.stderr, flush=True)
        return status

    def _remember(self, path: Path, card: Scorecard) -> Checked:
        """Count the check and give the hint that was asked for; work goes on without a file that cannot be written."""
        asked = self._asked
        if not asked.no_progress:
            try:
                with open_progress(asked.progress or path.parent / PROGRESS_FILE) as (progress, message):
                    if message:
                        print(f"autograder: {message}", file=sys.stderr)
                    mine = progress.of(card.notebook)
                    changes = mine.record(card)
                    return Checked(card, mine, changes, _hint(asked, card, mine))
            except ProgressError as error:
                print(f"autograder: {error}", file=sys.stderr)
        mine = self._unkept.setdefault(card.notebook, NotebookProgress())
        return Checked(card, changes=mine.record(card))


def _write_html(path: Path, cards: list[Scorecard]) -> int:
    from autograder.selfstudy.scorecard import scorecard_html

    try:
        path.write_text(scorecard_html(cards), "utf-8")
    except OSError as error:
        return _complain(OSError(f"{path} cannot be written: {error.strerror}"))
    return 0


def _hint(asked: Checking, card: Scorecard, progress: NotebookProgress) -> str:
    """The hint for the part that was named, or for one that fails: one thing at a time."""
    if not asked.hint and asked.hint_for is None:
        return ""
    try:
        if asked.hint_for is not None:
            parts = [card.hints.answer_cell(card.notebook, asked.hint_for)]
        else:
            parts = list(dict.fromkeys(card.hints.answer_cell(card.notebook, name) for name in card.failing))
    except KeyError as error:
        return str(error.args[0])
    if not parts:
        return "Nothing fails here: no hint is needed."
    part = min(parts, key=lambda part: _further(progress.parts.get(part, Tally())))
    reply = card.hints.ask(card.notebook, part, progress.parts.get(part, Tally()))
    progress.parts[part] = reply.tally
    return f"{part}: {reply.text}"


def _further(tally: Tally) -> int:
    """How late a failing part's turn is: first those that were tried and have hints left; one that nobody tried has none to give."""
    return 2 if not tally.attempts else int(tally.hints >= len(STEPS))
