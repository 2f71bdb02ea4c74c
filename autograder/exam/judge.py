"""What one test cell earns: the test is run, and what it raises becomes a reason."""

from __future__ import annotations

import contextlib
import io
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from autograder.bounds.deadline import TimeIsUp, deadline
from autograder.candidate.start import NoSandbox
from autograder.exam.draws import drawn_once
from autograder.exam.messages import describe_failure
from autograder.exam.session import Session, StudentError
from autograder.instructor.scope import Looked, Scope
from autograder.instructor.statements import FILENAME
from autograder.kit import Kit
from autograder.tutor.explain import Failure, until_wrong
from autograder.tutor.owner import WrongCaseError
from autograder.tutor.reason import Reason, printable

__all__ = ["GRACE_SECONDS", "Verdict", "drawn_once_for", "judge", "silence"]

LONGEST = 4000  # characters of a message
GRACE_SECONDS = 5.0  # after the notebook's time, for the test that is being judged


@dataclass(slots=True)
class Verdict:
    """What a test cell earned.

    Attributes:
        reason: why it is not more.
        detail: for the instructor: the exception as the test raised it.
        misconceptions: names of the wrong models that give the student's values, where that is certain.
        carried: functions of earlier parts that were wrong, and for which right ones stood when it earned this.
        line: of the test cell, where it failed; 0 if that is not known.
    """

    score: float
    maximum: float
    reason: Reason = field(default_factory=Reason)
    detail: str = ""
    misconceptions: tuple[str, ...] = ()
    carried: tuple[str, ...] = ()
    line: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        self.detail = printable(self.detail[:LONGEST])

    @property
    def message(self) -> str:
        """The reason in words; empty for full marks."""
        return str(self.reason)


@contextlib.contextmanager
def silence() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


@contextlib.contextmanager
def drawn_once_for(scope: Scope, place: int, calls: Callable[[], int]) -> Iterator[None]:
    with drawn_once(scope.context(place), scope.texts(place), calls):
        yield


def judge(
    session: Session, scope: Scope, place: int, points: float, kit: Kit, failures: list[Failure]
) -> Verdict:
    """What one test cell earns; what is to be explained later is added to *failures*."""
    said = io.StringIO()
    looked = Looked({}, None)
    try:
        with (
            deadline(max(0.0, session.seconds_left()) + GRACE_SECONDS),
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(io.StringIO()),
            contextlib.ExitStack() as more,
        ):
            with silence():
                scope.reach(place)
            session.called.clear()
            session.refused = None
            looked = scope.look_up(place)
            # A test that looks at a student's value could draw from it.
            if looked.only_functions:
                more.enter_context(drawn_once_for(scope, place, lambda: session.calls))
            value = scope.run_test(place)
            if session.refused is not None:  # the test took it for an exception of the student's
                raise session.refused
    except (StudentError, WrongCaseError) as error:
        told = getattr(error, "sentence", str(error))
        return Verdict(0.0, points, Reason(told), f"{type(error).__name__}: {told}", line=_line(error))
    except TimeIsUp:
        session.close()
        why = Reason("Checking this answer took more time than the notebook has.")
        return Verdict(0.0, points, why, "time is up")
    except BaseException as error:
        if isinstance(error, (NoSandbox, KeyboardInterrupt, SystemExit, GeneratorExit)):
            raise
        cause = scope.cause(error)
        if isinstance(cause.error, (StudentError, WrongCaseError)):
            told = getattr(cause.error, "sentence", str(cause.error))
            return Verdict(
                0.0, points, Reason(told), f"{type(cause.error).__name__}: {told}", line=_line(error)
            )
        if isinstance(cause.error, MemoryError):
            why = Reason("Checking this answer took more memory than there is.")
            return Verdict(0.0, points, why, "MemoryError")
        detail = "".join(traceback.format_exception_only(cause.error)).strip()
        called = until_wrong(kit.tutor, cause.called)
        told = (kit.wording, cause.error, called, looked.found, session.cells, scope.asked)
        verdict = Verdict(0.0, points, describe_failure(*told), detail, line=_line(error))
        failures.append(Failure(verdict, looked.found, called, looked.case_id))
        return verdict
    score = _partial(value, points)
    verdict = Verdict(score, points, Reason(said.getvalue().strip() if score < points else ""))
    if score < points:
        failures.append(Failure(verdict, looked.found, tuple(session.called), looked.case_id))
    return verdict


def _line(error: BaseException) -> int:
    """The line of the test cell at which *error* was raised; 0 if none of its lines was reached."""
    frames = traceback.walk_tb(error.__traceback__)
    return next((line for frame, line in frames if frame.f_code.co_filename == FILENAME), 0)


def _partial(value: Any, points: float) -> float:
    """As in nbgrader, a last value that is a number is partial credit; anything else is full marks."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return points
    if not 0 <= value <= points:
        raise ValueError(f"a test cell gave {value} of {points:g} points")
    return float(value)
