"""The examiner's dealings with a student's process: it runs cells there, looks at names, calls functions, and survives its end."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Any

from autograder.bounds.limits import Limits
from autograder.candidate.process import OUT_OF_TIME, Candidate, Died, start_candidate
from autograder.exam.messages import describe_call
from autograder.kit import Kit
from autograder.wire.plain import Refused

__all__ = ["Session", "StudentError"]

MAX_RESTARTS = 16
WARDEN_SECONDS = 2.0  # after the notebook's time, for the examiner to say what was not done in time


class StudentError(Exception):
    """The student's function did not give a value that can be judged; the text is a sentence for the student."""


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
        found: dict[str, Any] = {}
        try:
            for name, kind in candidate.kinds(wanted).items():
                if kind == "function":
                    found[name] = _proxy(self, name)
                elif kind == "value":
                    word, value = candidate.get(name)
                    if word != "value":
                        raise StudentError(
                            f"`{name}` is {value}. Give plain numbers, strings, lists, dicts or arrays."
                        )
                    found[name] = value
        except (Died, Refused) as reason:
            raise StudentError(f"Looking at your answers {reason}.") from None
        return found

    def call(self, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """The student's function, called in the student's process.

        Raises:
            StudentError: it raised, gave something that is no plain data, took too long or ended the process.
        """
        if self._candidate is None or self.seconds_left() <= 0:
            raise StudentError("There was no time left to check this: the notebook used it up.")
        self.calls += 1
        self.called.append((name, arguments, keywords, "gave no answer"))
        del self.called[:-64]
        try:
            word, value = self._candidate.call(name, arguments, keywords, self.seconds_left())
        except Died as death:
            self._stuck.add(name)
            if self._candidate.last_words is None:
                self._candidate.last_words = (
                    f"{describe_call(self._kit.wording, name, arguments, keywords)} {death}."
                )
            raise StudentError(self._candidate.last_words) from None
        except Refused as reason:
            raise StudentError(f"`{name}` could not be asked about {reason}.") from None
        if word in ("refused", "raised"):
            told = describe_call(self._kit.wording, name, arguments, keywords)
        if word == "refused":
            raise StudentError(
                f"{told} returned {value}. Return plain numbers, strings, lists, dicts or arrays."
            )
        if word == "raised":
            raise StudentError(_raised(told, *value))
        self.called[-1] = (name, arguments, keywords, value)
        return value

    def probe(self, name: str, arguments: tuple[Any, ...]) -> Any:
        """As :meth:`call`, to explain a failure: never starts another process, and never asks what ended one.

        Raises:
            StudentError: there is no value.
        """
        seconds = self.seconds_left()
        if self._candidate is None or self._candidate.gone or name in self._stuck or seconds <= 0:
            raise StudentError("nobody is left to ask")
        try:
            word, value = self._candidate.call(name, arguments, {}, seconds)
        except (Died, Refused) as reason:
            raise StudentError(str(reason)) from None
        if word != "value":
            raise StudentError(f"{word} instead of a value")
        return value

    def close(self) -> None:
        if self._candidate is not None:
            self._candidate.close()


def _raised(told: str, kind: Any, text: Any, frames: Any) -> str:
    text = " ".join(str(text).split())[:200]
    what = f"{str(kind)[:80]}: {text}" if text else str(kind)[:80]
    where = ""
    if isinstance(frames, list) and frames and isinstance(frames[-1], list) and len(frames[-1]) == 2:
        line, source = frames[-1]
        where = (
            f" at line {line} of its cell: `{str(source)[:120]}`"
            if source
            else f" at line {line} of its cell"
        )
    if kind == "NotImplementedError" and not text:
        return f"{told.split(',')[0].removesuffix('()`').rstrip('`')}` has no code yet."
    return f"{told} raised {what}{where}."


def _proxy(session: Session, name: str) -> Any:
    def asked(*arguments: Any, **keywords: Any) -> Any:
        return session.call(name, arguments, keywords)

    asked.__name__ = asked.__qualname__ = name
    return asked


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
