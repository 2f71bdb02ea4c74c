"""The examiner's dealings with a student's process: it runs cells there, looks at names, calls functions, and survives its end."""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Any, NoReturn

from autograder.bounds.limits import Limits
from autograder.candidate.process import OUT_OF_TIME, Candidate, Died, start_candidate
from autograder.exam.messages import describe_call
from autograder.handles.functions import Awaits, Held, StudentFunction
from autograder.handles.patches import Patches
from autograder.handles.peer import TestPeer
from autograder.handles.raised import EndOfIteration, StudentError, class_below, class_of, raised
from autograder.handles.signatures import describe
from autograder.handles.told import in_record, raised_sentence
from autograder.kit import Kit
from autograder.wire.builtin import is_quick
from autograder.wire.containers import named_tuple
from autograder.wire.plain import Refused, WireError

__all__ = ["Session", "StudentError"]

MAX_RESTARTS = 16
PLAIN = "Return plain numbers, strings, lists, dicts or arrays."
WARDEN_SECONDS = 2.0  # after the notebook's time, for the examiner to say what was not done in time


class Session:
    """Holds the candidate, starts another when one is gone, and remembers the last calls."""

    def __init__(
        self,
        limits: Limits,
        files: Mapping[str, bytes],
        hidden: Sequence[Path],
        weakest: str,
        kit: Kit | None = None,
    ) -> None:
        self._limits = limits
        self._kit = kit or Kit()
        self._weakest = weakest
        self._files = files
        self._hidden = hidden
        self.outputs: dict[int, list[dict[str, Any]]] = {}
        self.sandbox = "not started"
        self.notes: list[str] = []
        self._ran: list[tuple[int, str]] = []
        self._deadly: set[int] = set()
        self._candidate: Candidate | None = None
        self._restarts = 0
        self._deadline = time.monotonic() + limits.total_seconds
        self.calls = 0
        self.called: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = []
        self._stuck: set[str] = set()
        self._peer = TestPeer(self)
        self._exceptions: dict[str, type[StudentError]] = {}
        self.refused: StudentError | None = None

    def seconds_left(self) -> float:
        return self._deadline - time.monotonic()

    def run(self, index: int, source: str) -> None:
        """Run one of the student's cells; one that ends the process costs itself only."""
        candidate = self._ready()
        if candidate is not None:
            self._run_in(candidate, index, source)
        self._ran.append((index, source))

    def give_up(self, index: int) -> None:
        """End the process at a cell that was run, and count the cell as one that it died of."""
        self.close()
        self._deadly.add(index)
        self.notes.append(f"cell {index + 1} {OUT_OF_TIME}")
        self.outputs[index] = [_error("Stopped", f"This cell {OUT_OF_TIME}.")]

    def _run_in(self, candidate: Candidate, index: int, source: str) -> None:
        try:
            outputs, error = candidate.run(source, max(0.01, self.seconds_left()))
        except (Died, Refused) as reason:
            what = str(reason) if isinstance(reason, Died) else f"was not run: it is {reason}"
            self._deadly.add(index)
            self.notes.append(f"cell {index + 1} {what}")
            self.outputs[index] = [_error("Stopped", f"This cell {what}.")]
            return
        shown = [_shown(item) for item in outputs if isinstance(item, dict)]
        if error is not None:
            shown.append(
                _error(str(error.get("ename", "")), str(error.get("evalue", "")), error.get("traceback"))
            )
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
                hidden=self._hidden,
                seconds=self.seconds_left() + WARDEN_SECONDS,
                weakest=self._weakest,
                warm=self._kit.warm,
            )
            self.sandbox = self._candidate.level
            self._candidate.peer = self._peer
            self._peer.begin_process()
            for index, source in self._ran:
                if index not in self._deadly and not self._candidate.gone:
                    self._run_in(self._candidate, index, source)
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
        self._exceptions.clear()
        self.refused = None
        found: dict[str, Any] = {}
        try:
            told = candidate.kinds(wanted)
            for name in told:
                self._stand_in(name, told)
            for name, kind in told.items():
                if kind == "value":
                    word, value = candidate.get(name)
                    if word != "value":
                        raise StudentError(f"`{name}` is {value}. {PLAIN.replace('Return', 'Give')}")
                    found[name] = value
                elif kind != "missing":
                    found[name] = self._stand_in(name, told)
        except (Died, Refused) as reason:
            raise StudentError(f"Looking at your answers {reason}.") from None
        except (
            WireError,
            TypeError,
            ValueError,
            AttributeError,
            LookupError,
        ):  # what describes them is from over there
            raise StudentError("Looking at your answers gave something that is no answer.") from None
        return found

    def watch(
        self, scope: Mapping[str, Any], found: Mapping[str, Any], patches: Patches | None = None
    ) -> None:
        """Let the student's code see which of the names that were *found* have another value in *scope*, or none, and what else is patched."""
        self._peer.scope, self._peer.found, self._peer.patches = scope, found, patches

    def _stand_in(self, name: str, told: dict[str, Any]) -> Any:
        """What stands for a function, a class or an exception of the student's in a test."""
        what = told[name]
        if type(what) is not dict:
            return None
        titles = [one for one in what.get("above") or () if type(one) is str and one != name and one in told]
        if what.get("kind") == "exception":
            if name not in self._exceptions:
                base = class_of(str(what.get("base")))
                self._exceptions[name] = base
                above = [self._stand_in(one, told) for one in titles]
                bases = tuple(one for one in above[:1] if type(one) is type and issubclass(one, base)) or (
                    base,
                )
                self._exceptions[name] = type(name, bases, {"__module__": "__main__"})
            return self._exceptions[name]
        if what.get("kind") == "named tuple":
            return named_tuple(what.get("title"), what.get("fields"))
        classes = self._peer.classes
        if what.get("kind") == "class":
            if name not in classes:
                above = [self._stand_in(one, told) for one in titles]
                self._peer.class_of(name, what, [one for one in above if isinstance(one, type)][:1])
            return classes[name]
        return describe(StudentFunction(Held(self, ["name", name], name, named=True), name), what)

    def call(self, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """The student's function, called in the student's process; see :meth:`ask`."""
        return self.ask(name, name, arguments, keywords)

    def ask(
        self,
        target: Any,
        told: str,
        arguments: tuple[Any, ...],
        keywords: dict[str, Any],
        inputs: tuple[Any, ...] | None = None,
    ) -> Any:
        """What something gives that is called in the student's process: a name of the student's, or what a message can refer to.

        Args:
            told: what it is called in sentences.
            inputs: the arguments that are told, by default all.

        Raises:
            StudentError: it raised, gave something that may not cross, took too long or ended the process.
        """
        if self._candidate is None or self.seconds_left() <= 0:
            self.refuse("There was no time left to check this: the notebook used it up.")
        self.calls += 1
        quick = type(target) is str and not keywords and is_quick(arguments)
        given: list[Any] = [
            told,
            arguments if quick else in_record(arguments if inputs is None else inputs),
            keywords if quick else in_record(keywords),
            "gave no answer",
        ]
        before, self._peer.title = self._peer.title, told
        entry = len(self.called)
        self.called.append((given[0], given[1], given[2], given[3]))
        self._peer.changing = lambda: self._remember(entry, given)
        try:
            word, value = self._candidate.call(
                target, arguments, keywords, self.seconds_left(), self._peer.setting(), quick=quick
            )
        except Died as death:
            self._stuck.add(told)
            if self._candidate.last_words is None:
                self._candidate.last_words = f"{describe_call(self._kit.wording, *given[:3])} {death}."
            self.refuse(self._candidate.last_words)
        except Refused as reason:
            self.refuse(f"`{told}` could not be asked about {reason}.")
        finally:
            self._peer.title = before
        if type(value) is Awaits and not self._peer.awaits:
            word, value = "refused", "a coroutine"
        if word == "refused":
            self.refuse(f"{describe_call(self._kit.wording, *given[:3])} returned {value}. {PLAIN}")
        if word == "raised":
            raise self._error(describe_call(self._kit.wording, *given[:3]), *value)
        if entry < len(self.called):
            self.called[entry] = (given[0], given[1], given[2], in_record(value))
        del self.called[:-64]
        return value

    def _remember(self, entry: int, given: list[Any]) -> None:
        """Keep what a call was given before the call changed it."""
        with contextlib.suppress(Exception):
            given[1:3] = copy.deepcopy(given[1:3])

    def refuse(self, sentence: str) -> NoReturn:
        """Say that there is no value; a test that catches this is failed all the same, as nothing of the kind is raised in a kernel.

        Raises:
            StudentError: always.
        """
        self.refused = StudentError(sentence)
        raise self.refused from None

    def _error(self, told: str, kind: str, text: str, frames: Any, facts: list[Any]) -> StudentError:
        sentence = raised_sentence(told, kind, text, frames)
        match facts:
            case [str(base), str() | None as named, arguments, attributes, list(classes)]:
                if base == "StopIteration":
                    end = EndOfIteration(sentence)
                    end.args = (sentence, *(arguments if type(arguments) is tuple else ())[:1])
                    return end
                of = self._exceptions.get(named or "")
                if of is None:
                    known = self._peer.exception_of(classes, base)
                    of = class_of(base) if known is None else class_below(known)  # type: ignore[arg-type]
                return raised(of, sentence, text, arguments, attributes)
        return StudentError(sentence)

    def probe(self, name: str, arguments: tuple[Any, ...]) -> Any:
        """As :meth:`call`, to explain a failure: never starts another process, never asks what ended one, and changes no argument.

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
        if self._candidate is not None:
            self._candidate.close()


def _shown(item: dict[str, Any]) -> dict[str, Any]:
    """An output in nbformat's form, or an empty dict for something else: it comes from the student's process."""
    kind = item.get("output_type")
    if kind == "stream" and isinstance(item.get("text"), str):
        return {
            "output_type": "stream",
            "name": "stderr" if item.get("name") == "stderr" else "stdout",
            "text": item["text"],
        }
    data = item.get("data")
    if kind in ("display_data", "execute_result") and isinstance(data, dict):
        made = {"output_type": kind, "data": {str(k): v for k, v in data.items()}, "metadata": {}}
        if isinstance(item.get("metadata"), dict):
            made["metadata"] = {str(k): v for k, v in item["metadata"].items()}
        if kind == "execute_result":
            made["execution_count"] = None
        return made
    return {}


def _error(name: str, text: str, lines: Any = None) -> dict[str, Any]:
    kept = [str(line) for line in lines][:200] if isinstance(lines, list) else []
    return {"output_type": "error", "ename": name, "evalue": text, "traceback": kept or [f"{name}: {text}"]}
