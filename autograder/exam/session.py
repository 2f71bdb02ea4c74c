"""The examiner's dealings with a student's process: it runs cells there, looks at names, calls functions, and survives its end."""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Any, NoReturn

from autograder.bounds.limits import Limits
from autograder.candidate.process import OUT_OF_TIME, Candidate, Died
from autograder.candidate.start import start_candidate
from autograder.exam.messages import Call, describe_call
from autograder.exam.outputs import error_output, shown_output
from autograder.exam.proxies import Proxies
from autograder.exam.stopped import Stop, StoppedCells
from autograder.handles.functions import Awaits
from autograder.handles.patches import Patches
from autograder.handles.peer import TestPeer
from autograder.handles.raised import StudentError
from autograder.handles.told import Printed, in_record, raised_sentence
from autograder.kit import Kit
from autograder.wire.builtin import is_quick
from autograder.wire.errors import Refused, WireError

__all__ = ["Session", "StudentError"]

MAX_RESTARTS = 16
PLAIN = "Return plain numbers, strings, lists, dicts or arrays."
WARDEN_SECONDS = 2.0  # after the notebook's time, for the examiner to say what was not done in time


class Session:
    """Holds the candidate, starts another when one is gone, and remembers the last calls.

    Attributes:
        outputs: what each cell showed, by its index in the notebook, in nbformat's form.
        sandbox: how far the candidate is confined.
        notes: what an instructor should know.
        calls: how often the student's functions were called.
        called: the last calls: name, arguments, keywords, and what came back, in the form that a message can tell.
        refused: the last refusal of a value since the names were looked up; None if there was none.
        cells: those that were run, and which of them stopped.

    Args:
        files: the assignment's, which the student's code finds: content by name.
        seconds: the time that there is; by default a notebook's.
        own: the student's, which it finds too.
    """

    def __init__(
        self,
        limits: Limits,
        files: Mapping[str, bytes],
        hidden: Sequence[Path],
        weakest: str,
        kit: Kit | None = None,
        seconds: float | None = None,
        own: Mapping[str, bytes] | None = None,
    ) -> None:
        self._limits = limits
        self._kit = kit or Kit()
        self._weakest = weakest
        self._files, self._own = files, own
        self._hidden = hidden
        self.outputs: dict[int, list[dict[str, Any]]] = {}
        self.sandbox = "not started"
        self.notes: list[str] = []
        self._ran: list[tuple[int, str, Mapping[str, Any]]] = []
        self._deadly: set[int] = set()
        self._candidate: Candidate | None = None
        self._restarts = 0
        self._deadline = time.monotonic() + (limits.total_seconds if seconds is None else seconds)
        self.calls = 0
        self.called: list[Call] = []
        self._stuck: set[str] = set()
        self._peer = TestPeer(self)
        self._proxies = Proxies(self, self._peer)
        self.refused: StudentError | None = None
        self.cells = StoppedCells()

    def seconds_left(self) -> float:
        """Until the notebook's time is over."""
        return self._deadline - time.monotonic()

    def run(self, index: int, source: str, replaced: Mapping[str, Any] | None = None) -> None:
        """Run one of the student's cells, which finds what is *replaced*, by name; one that ends the process costs itself only."""
        candidate = self._ready()
        self.cells.sources[index] = source
        if candidate is not None:
            self._run_in(candidate, index, source, replaced or {})
        self._ran.append((index, source, replaced or {}))

    def give_up(self, index: int) -> None:
        """End the process at a cell that was run, and count the cell as one that it died of."""
        self.close()
        self._stop(index, OUT_OF_TIME)

    def _stop(self, index: int, what: str) -> None:
        """The process was ended, or not asked, because of a cell."""
        self._deadly.add(index)
        self.notes.append(f"cell {index + 1} {what}")
        self.outputs[index] = [error_output("Stopped", f"This cell {what}.")]
        self.cells.stops[index] = Stop("", what)

    def _run_in(self, candidate: Candidate, index: int, source: str, replaced: Mapping[str, Any]) -> None:
        setting: list[Any] | None = [[], {}, [], {}, dict(replaced), [], None] if replaced else None
        try:
            outputs, error = candidate.run(source, max(0.01, self.seconds_left()), setting)
        except (Died, Refused) as reason:
            self._stop(index, str(reason) if isinstance(reason, Died) else f"was not run: it is {reason}")
            return
        shown = [shown_output(item) for item in outputs if isinstance(item, dict)]
        self.cells.stops.pop(index, None)
        if error is not None:
            self.cells.stops[index] = Stop.of_error(error)
            name, text = str(error.get("ename", "")), str(error.get("evalue", ""))
            shown.append(error_output(name, text, error.get("traceback")))
        self.outputs[index] = [item for item in shown if item]

    def _ready(self) -> Candidate | None:
        """A living candidate that has run all cells so far but the deadly ones, or None when there is no time left."""
        while self._candidate is None or self._candidate.gone:
            if self._restarts > MAX_RESTARTS or self.seconds_left() <= 0:
                note = "the time or the number of restarts of this notebook is used up"
                if note not in self.notes:
                    self.notes.append(note)
                return None
            self._restarts += 1
            self._candidate = start_candidate(
                self._limits,
                self._files,
                own=self._own,
                hidden=self._hidden,
                seconds=self.seconds_left() + WARDEN_SECONDS,
                weakest=self._weakest,
                warm=self._kit.warm,
            )
            self.sandbox = self._candidate.level
            self._candidate.peer = self._peer
            self._peer.begin_process()
            for index, source, replaced in self._ran:
                if index not in self._deadly and not self._candidate.gone:
                    self._run_in(self._candidate, index, source, replaced)
        return self._candidate

    def names(self, wanted: Set[str]) -> dict[str, Any]:
        """What the test's free names stand for; those that the student did not define are left out.

        Raises:
            StudentError: a value may not cross, or there is no process to ask.
        """
        candidate = self._ready()
        if candidate is None:
            raise StudentError("There was no time left to check this: earlier cells used it up.")
        self._peer.begin_test(wanted)
        self._proxies.begin_test()
        self.refused = None
        found: dict[str, Any] = {}
        try:
            told = candidate.kinds(wanted)
            # Before the values, as those may be instances of the classes among them.
            proxies = {name: self._proxies.proxy(name, told) for name in told}
            for name, kind in told.items():
                if kind == "value":
                    self._peer.unnamed()
                    word, value = candidate.get(name)
                    if unnamed := self._peer.unnamed():
                        word, value = "refused", f"a {unnamed}"
                    if word != "value":
                        raise StudentError(f"`{name}` is {value}. {PLAIN.replace('Return', 'Give')}")
                    found[name] = value
                elif kind != "missing":
                    found[name] = proxies[name]
        except (Died, Refused) as reason:
            raise StudentError(f"Looking at your answers {reason}.") from None
        # What describes the names is from over there.
        except (WireError, TypeError, ValueError, AttributeError, LookupError):
            raise StudentError("Looking at your answers gave something that is no answer.") from None
        return found

    def watch(
        self, scope: Mapping[str, Any], found: Mapping[str, Any], patches: Patches | None = None
    ) -> None:
        """Let the student's code see which of the names that were *found* have another value in *scope*, or none, and what else is patched."""
        self._peer.watch(scope, found, patches)

    def ask(
        self,
        target: Any,
        told: str,
        arguments: tuple[Any, ...],
        keywords: dict[str, Any],
        inputs: tuple[Any, ...] | None = None,
    ) -> Any:
        """What something gives that is called in the student's process; see :meth:`autograder.handles.handle.Asks.ask`."""
        if self._candidate is None or self.seconds_left() <= 0:
            self.refuse("There was no time left to check this: the notebook used it up.")
        self.calls += 1
        quick = type(target) is str and not keywords and is_quick(arguments)
        given: list[Any] = [
            told,
            arguments if quick else in_record(arguments if inputs is None else inputs),
            keywords if quick else in_record(keywords),
        ]
        before, self._peer.title = self._peer.title, told
        entry = len(self.called)
        self.called.append((given[0], given[1], given[2], "gave no answer"))
        self._peer.changing, self._peer.said = lambda: _keep_content(given), ""
        self._peer.unnamed()
        try:
            word, value = self._candidate.call(
                target, arguments, keywords, self.seconds_left(), self._peer.setting.changes(), quick=quick
            )
        except Died as death:
            self._stuck.add(told)
            if self._candidate.last_words is None:
                self._candidate.last_words = f"{self._told(given)} {death}."
            self.refuse(self._candidate.last_words)
        except Refused as reason:
            self.refuse(f"`{told}` could not be asked about {reason}.")
        finally:
            self._peer.title = before
        if type(target) is str and word == "value" and (unnamed := self._peer.unnamed()):
            word, value = "refused", f"a {unnamed}"
        if type(value) is Awaits and not self._peer.awaits:
            word, value = "refused", "a coroutine"
        if word == "refused":
            self.refuse(f"{self._told(given)} returned {value}. {PLAIN}")
        if word == "raised":
            kind, text, frames, facts = value
            why = self.cells.why_raised(kind, text)
            sentence = raised_sentence(self._told(given), kind, text, frames, why)
            raise self._proxies.exception(sentence, text, facts)
        if entry < len(self.called):
            printed = value is None and self._peer.said.strip()
            told_of = Printed(self._peer.said) if printed else in_record(value)
            self.called[entry] = (given[0], given[1], given[2], told_of)
        del self.called[:-64]
        return value

    def _told(self, given: list[Any]) -> str:
        return describe_call(self._kit.wording, *given)

    def refuse(self, sentence: str) -> NoReturn:
        """Say that there is no value; see :meth:`autograder.handles.handle.Asks.refuse`."""
        self.refused = StudentError(sentence)
        raise self.refused from None

    def probe(self, name: str, arguments: tuple[Any, ...]) -> Any:
        """What the student's function *name* gives, to explain a failure: never starts another process, never asks what ended one, and changes no argument.

        Raises:
            StudentError: there is no value.
        """
        seconds = self.seconds_left()
        if self._candidate is None or self._candidate.gone or name in self._stuck or seconds <= 0:
            raise StudentError("nobody is left to ask")
        self._peer.muted = True
        try:
            word, value = self._candidate.call(name, copy.deepcopy(arguments), {}, seconds)
        except (Died, Refused) as reason:
            raise StudentError(str(reason)) from None
        finally:
            self._peer.muted = False
        if word != "value":
            raise StudentError(f"{word} instead of a value")
        return value

    def close(self) -> None:
        """End the process."""
        if self._candidate is not None:
            self._candidate.close()


def _keep_content(given: list[Any]) -> None:
    """Tell a call with the arguments as they are now, whatever it does to them."""
    with contextlib.suppress(Exception):
        given[1:] = copy.deepcopy(given[1:])
