"""The examiner: runs the test cells of the source notebook in this process, and asks the candidate's for what they name.

A name that a test cell uses but does not define is the student's: a function becomes a proxy that calls it over there, a value a copy.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import functools
import io
import random
import signal
import symtable
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType
from typing import Any

from autograder.assemble import PROBLEM, steps
from autograder.draws import draw_ahead, drawn_once
from autograder.limits import Limits
from autograder.messages import describe_call, describe_failure, printable
from autograder.notebooks import Notebook, grading
from autograder.process import Candidate, Died, start_candidate

__all__ = ["ExamResult", "Verdict", "examine", "prepare"]

MAX_RESTARTS = 16
GRACE_SECONDS = 5.0  # after the notebook's time, for the test that is being judged


@dataclass(slots=True)
class Verdict:
    """What a test cell earned.

    Attributes:
        message: for the student, empty for full marks.
        detail: for the instructor: the exception as the test raised it.
    """

    score: float
    maximum: float
    message: str = ""
    detail: str = ""

    def __post_init__(self) -> None:
        self.message, self.detail = printable(self.message), printable(self.detail)


@dataclass(slots=True)
class ExamResult:
    """The outcome of one notebook.

    Attributes:
        verdicts: by grade_id, one for every test cell of the source.
        outputs: what each of the student's cells showed, by its index in the notebook, in nbformat's form.
        sandbox: how far the student's process was confined.
        notes: what an instructor should know: cells that ended the process, limits that were met.
    """

    verdicts: dict[str, Verdict] = field(default_factory=dict)
    outputs: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    sandbox: str = "not started"
    notes: list[str] = field(default_factory=list)


class StudentError(Exception):
    """The student's function did not give a value that can be judged; the text is a sentence for the student."""


class _TimeUp(BaseException):
    """The notebook's time ended while the examiner was busy with an answer; no test may catch it."""


class _Desk:
    """Holds the candidate, starts another when one is gone, and remembers the last calls."""

    def __init__(
        self, limits: Limits, files: Mapping[str, bytes], hidden: Sequence[Path], result: ExamResult
    ) -> None:
        self._limits = limits
        self._files = files
        self._hidden = hidden
        self._result = result
        self._ran: list[tuple[int, str]] = []
        self._deadly: set[int] = set()
        self._candidate: Candidate | None = None
        self._restarts = 0
        self._deadline = time.monotonic() + limits.total_seconds
        self.calls = 0
        self.called: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = []

    def seconds_left(self) -> float:
        return self._deadline - time.monotonic()

    def run(self, index: int, source: str) -> None:
        """Run one of the student's cells; one that ends the process costs itself only."""
        candidate = self._ready()
        if candidate is not None:
            self._run_in(candidate, index, source)
        self._ran.append((index, source))

    def _run_in(self, candidate: Candidate, index: int, source: str) -> None:
        try:
            outputs, error = candidate.run(source, max(0.01, self.seconds_left()))
        except Died as death:
            self._deadly.add(index)
            self._result.notes.append(f"cell {index + 1} {death}")
            self._result.outputs[index] = [_error("Stopped", f"This cell {death}.")]
            return
        shown = [_shown(item) for item in outputs if isinstance(item, dict)]
        if error is not None:
            shown.append(
                _error(str(error.get("ename", "")), str(error.get("evalue", "")), error.get("traceback"))
            )
        self._result.outputs[index] = [item for item in shown if item]

    def _ready(self) -> Candidate | None:
        """A living candidate that has run all cells so far but the deadly ones, or None when there is no time left."""
        while self._candidate is None or self._candidate.gone:
            if self._restarts > MAX_RESTARTS or self.seconds_left() <= 0:
                note = "the time or the number of restarts of this notebook is used up"
                if note not in self._result.notes:
                    self._result.notes.append(note)
                return None
            self._restarts += 1
            self._candidate = start_candidate(self._limits, self._files, hidden=self._hidden)
            self._result.sandbox = self._candidate.level
            for index, source in self._ran:
                if index not in self._deadly and not self._candidate.gone:
                    self._run_in(self._candidate, index, source)
        return self._candidate

    def names(self, wanted: frozenset[str]) -> dict[str, Any]:
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
        except Died as death:
            raise StudentError(f"Looking at your answers {death}.") from None
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
            if self._candidate.last_words is None:
                self._candidate.last_words = f"{describe_call(name, arguments, keywords)} {death}."
            raise StudentError(self._candidate.last_words) from None
        if word in ("refused", "raised"):
            told = describe_call(name, arguments, keywords)
        if word == "refused":
            raise StudentError(
                f"{told} returned {value}. Return plain numbers, strings, lists, dicts or arrays."
            )
        if word == "raised":
            raise StudentError(_raised(told, *value))
        self.called[-1] = (name, arguments, keywords, value)
        return value

    def close(self) -> None:
        if self._candidate is not None:
            self._candidate.close()


def _raised(told: str, kind: Any, text: Any, frames: Any) -> str:
    what = f"{str(kind)[:80]}: {str(text)[:300]}" if text else str(kind)[:80]
    where = ""
    if isinstance(frames, list) and frames and isinstance(frames[-1], list) and len(frames[-1]) == 2:
        line, source = frames[-1]
        where = (
            f" at line {line} of its cell: `{str(source)[:120]}`"
            if source
            else f" at line {line} of its cell"
        )
    if kind == "NotImplementedError" and not text:
        return f"{told} has no code yet."
    return f"{told} raised {what}{where}."


def _proxy(desk: _Desk, name: str) -> Any:
    def asked(*arguments: Any, **keywords: Any) -> Any:
        return desk.call(name, arguments, keywords)

    asked.__name__ = asked.__qualname__ = name
    return asked


def examine(
    notebook: Notebook,
    limits: Limits | None = None,
    files: Mapping[str, bytes] | None = None,
    hidden: Sequence[Path] = (),
) -> ExamResult:
    """Run an assembled *notebook* (see :func:`autograder.assemble.assemble`): the student's cells there, its tests here.

    Args:
        files: what the working folder of the student's code holds, by name.
        hidden: folders that it must not read, such as the course directory.

    Raises:
        NoSandbox: this machine could not start a process for it. Nothing that a submission does raises.
    """
    result = ExamResult()
    limits = limits or Limits()
    problem = notebook.content["metadata"].get(PROBLEM, "")
    if problem:
        result.notes.append(f"this notebook could not be read: {problem}")
        for _, cell, test in steps(notebook):
            if test:
                grade = grading(cell)
                message = f"This notebook could not be read: {problem}."
                result.verdicts[grade["grade_id"]] = Verdict(0.0, float(grade["points"]), message, problem)
        return result
    desk = _Desk(limits, files or {}, hidden, result)
    with contextlib.closing(desk):
        for index, cell, test in steps(notebook):
            if test:
                grade = grading(cell)
                result.verdicts[grade["grade_id"]] = _judge(desk, cell["source"], float(grade["points"]))
            else:
                desk.run(index, cell["source"])
    return result


def prepare(source: str) -> None:
    """Draw the examples of a test cell before anybody is examined."""
    with (
        _fixed_hypothesis(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        draw_ahead(source, free_names(source))


def _judge(desk: _Desk, source: str, points: float) -> Verdict:
    desk.called.clear()
    said = io.StringIO()
    try:
        scope: dict[str, Any] = {"__name__": "exam"}
        with (
            _alarm(desk.seconds_left() + GRACE_SECONDS),
            _fixed_hypothesis(),
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(io.StringIO()),
            contextlib.ExitStack() as more,
        ):
            found = desk.names(free_names(source))
            scope |= found
            random.seed(0)
            if all(
                map(callable, found.values())
            ):  # a test that looks at a student's value could draw from it
                more.enter_context(drawn_once(source, lambda: desk.calls))
            value = _execute(source, scope)
    except StudentError as error:
        return Verdict(0.0, points, str(error), f"StudentError: {error}")
    except _TimeUp:
        desk.close()
        return Verdict(
            0.0, points, "Checking this answer took more time than the notebook has.", "time is up"
        )
    except BaseException as error:
        if isinstance(error, (KeyboardInterrupt, SystemExit, GeneratorExit)):
            raise
        first = _first(error)
        if isinstance(first, StudentError):
            return Verdict(0.0, points, str(first), f"StudentError: {first}")
        detail = "".join(traceback.format_exception_only(first)).strip()
        return Verdict(0.0, points, describe_failure(first, desk.called), detail)
    score = _partial(value, points)
    return Verdict(score, points, said.getvalue().strip() if score < points else "")


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Raise :class:`_TimeUp` after *seconds*: answers can be made to be slow to judge. Only a main thread has alarms."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def ring(*_: object) -> None:
        raise _TimeUp

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, GRACE_SECONDS))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _partial(value: Any, points: float) -> float:
    """As in nbgrader, a last value that is a number is partial credit; anything else is full marks."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return points
    if not 0 <= value <= points:
        raise ValueError(f"a test cell gave {value} of {points:g} points")
    return float(value)


@functools.lru_cache(maxsize=512)  # the same tests for every submission
def _compiled(source: str) -> tuple[CodeType, CodeType | None]:
    """A test cell, and its last expression apart."""
    tree = ast.parse(source)
    last = tree.body[-1] if tree.body else None
    if isinstance(last, ast.Expr):
        body = compile(ast.Module(tree.body[:-1], []), "<test>", "exec")
        return body, compile(ast.Expression(last.value), "<test>", "eval")
    return compile(tree, "<test>", "exec"), None


def _execute(source: str, scope: dict[str, Any]) -> Any:
    body, last = _compiled(source)
    exec(body, scope)
    return None if last is None else eval(last, scope)


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


@contextlib.contextmanager
def _fixed_hypothesis() -> Iterator[None]:
    """Draws depend on the test alone: not on the clock, a database, or the speed of this machine."""
    from hypothesis import HealthCheck, Phase, settings

    before = settings.get_current_profile_name()
    settings.register_profile(
        "exam",
        derandomize=True,
        database=None,
        deadline=None,
        print_blob=False,
        report_multiple_bugs=False,
        # Explaining asks six times as much as drawing and shrinking together, for a text that no student sees.
        phases=[phase for phase in Phase if phase is not Phase.explain],
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile("exam")
    try:
        yield
    finally:
        settings.load_profile(before)


@functools.lru_cache(maxsize=512)
def free_names(source: str) -> frozenset[str]:
    """The names that a test cell uses but neither defines nor finds among the builtins."""
    top = symtable.symtable(source, "<test>", "exec")
    bound = {
        s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported() or s.is_namespace()
    }
    used: set[str] = set()

    def look(table: symtable.SymbolTable) -> None:
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (symbol.is_global() or table is top):
                used.add(symbol.get_name())
        for child in table.get_children():
            look(child)

    look(top)
    return frozenset(used - bound - set(dir(builtins)))


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
