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
import symtable
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType
from typing import Any

from autograder.bounds.deadline import TimeIsUp, deadline
from autograder.bounds.limits import Limits
from autograder.candidate.process import NoSandbox
from autograder.exam.draws import draw_ahead, drawn_once
from autograder.exam.messages import describe_failure, printable
from autograder.exam.session import Session, StudentError
from autograder.kit import Kit
from autograder.kit.wording import Wording
from autograder.notebook.assemble import PROBLEM, steps
from autograder.notebook.cells import Notebook, grading
from autograder.tutor.explain import Failure, explain
from autograder.tutor.owner import CASE_NAME, Owner, WrongCaseError

__all__ = ["ExamResult", "Verdict", "examine", "prepare"]

EXPLAIN_SECONDS = 20.0  # for saying why wrong answers are wrong, once all marks are settled
LONGEST = 4000  # characters of a message
GRACE_SECONDS = 5.0  # after the notebook's time, for the test that is being judged


@dataclass(slots=True)
class Verdict:
    """What a test cell earned.

    Attributes:
        message: for the student, empty for full marks.
        detail: for the instructor: the exception as the test raised it.
        misconceptions: names of the wrong models that give the student's values, where that is certain.
    """

    score: float
    maximum: float
    message: str = ""
    detail: str = ""
    misconceptions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.message, self.detail = printable(self.message[:LONGEST]), printable(self.detail[:LONGEST])


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


def examine(
    notebook: Notebook,
    limits: Limits | None = None,
    files: Mapping[str, bytes] | None = None,
    hidden: Sequence[Path] = (),
    owner: Owner | None = None,
    weakest: str = "limits",
    kit: Kit | None = None,
) -> ExamResult:
    """Run an assembled *notebook* (see :func:`autograder.notebook.assemble.assemble`): the student's cells there, its tests here.

    Args:
        files: what the working folder of the student's code holds, by name.
        hidden: folders that it must not read, such as the course directory.
        owner: whose it is and which lesson it belongs to: which case is asked about, and what explains a wrong answer.
        weakest: the least confinement that will do, one of :data:`autograder.sandbox.levels.LEVELS`.
        kit: what is known of the assignment.

    Raises:
        NoSandbox: this machine could not start a process for it. Nothing that a submission does raises.
    """
    owner, kit = owner or Owner(), kit or Kit()
    result = ExamResult()
    limits = limits or Limits()
    problem = notebook.content["metadata"].get(PROBLEM, "")
    if problem:
        result.notes.append(f"this notebook could not be graded: {problem}")
        for _, cell, test in steps(notebook):
            if test:
                grade = grading(cell)
                message = f"This notebook could not be graded: {problem}."
                result.verdicts[grade["grade_id"]] = Verdict(0.0, float(grade["points"]), message, problem)
        return result
    session = Session(limits, files or {}, hidden, weakest, kit)
    failures: list[Failure] = []
    with contextlib.closing(session):
        for index, cell, test in steps(notebook):
            if test:
                grade = grading(cell)
                verdict = _judge(
                    session, cell["source"], float(grade["points"]), owner, kit.wording, failures
                )
                result.verdicts[grade["grade_id"]] = verdict
            else:
                try:
                    with deadline(max(0.0, session.seconds_left()) + GRACE_SECONDS):
                        session.run(index, cell["source"])
                except TimeIsUp:  # what it answered was too slow to read
                    session.give_up(index)
        asked_for = {name for _, cell, test in steps(notebook) if test for name in free_names(cell["source"])}
        try:
            with deadline(EXPLAIN_SECONDS):
                if kit.tutor:
                    explain(kit.tutor, failures, owner, asked_for, session.probe)
        except (TimeIsUp, Exception) as error:  # marks do not hang on explanations
            session.notes.append(f"wrong answers could not be explained: {type(error).__name__}: {error}")
    result.outputs, result.sandbox, result.notes = session.outputs, session.sandbox, session.notes
    return result


def prepare(source: str) -> None:
    """Draw the examples of a test cell before anybody is examined."""
    with (
        _fixed_hypothesis(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        draw_ahead(source, free_names(source))


def _judge(
    session: Session, source: str, points: float, owner: Owner, wording: Wording, failures: list[Failure]
) -> Verdict:
    """What one test cell earns; what is to be explained later is added to *failures*."""
    session.called.clear()
    said = io.StringIO()
    case_id: str | None = None
    found: dict[str, Any] = {}
    try:
        scope: dict[str, Any] = {"__name__": "exam"}
        with (
            deadline(max(0.0, session.seconds_left()) + GRACE_SECONDS),
            _fixed_hypothesis(),
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(io.StringIO()),
            contextlib.ExitStack() as more,
        ):
            found = session.names(free_names(source))
            scope |= found
            if CASE_NAME in free_names(source):
                scope[CASE_NAME] = case_id = owner.case_id(found.get(CASE_NAME))
            random.seed(0)
            # A test that looks at a student's value could draw from it.
            if all(map(callable, found.values())):
                more.enter_context(drawn_once(source, lambda: session.calls))
            value = _execute(source, scope)
    except (StudentError, WrongCaseError) as error:
        return Verdict(0.0, points, str(error), f"{type(error).__name__}: {error}")
    except TimeIsUp:
        session.close()
        return Verdict(
            0.0, points, "Checking this answer took more time than the notebook has.", "time is up"
        )
    except BaseException as error:
        if isinstance(error, (NoSandbox, KeyboardInterrupt, SystemExit, GeneratorExit)):
            raise
        first = _first(error)
        if isinstance(first, StudentError):
            return Verdict(0.0, points, str(first), f"StudentError: {first}")
        if isinstance(first, MemoryError):
            return Verdict(0.0, points, "Checking this answer took more memory than there is.", "MemoryError")
        detail = "".join(traceback.format_exception_only(first)).strip()
        verdict = Verdict(0.0, points, describe_failure(wording, first, session.called), detail)
        failures.append(Failure(verdict, found, tuple(session.called), case_id))
        return verdict
    score = _partial(value, points)
    verdict = Verdict(score, points, said.getvalue().strip() if score < points else "")
    if score < points:
        failures.append(Failure(verdict, found, tuple(session.called), case_id))
    return verdict


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
