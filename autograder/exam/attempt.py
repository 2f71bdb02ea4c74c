"""The one boundary around whatever is done with a student's bytes: it ends in what was to be made of them, or in a reason, and in time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from autograder.bounds.deadline import TimeIsUp, deadline, memory_limit
from autograder.bounds.limits import Limits
from autograder.candidate.forkserver import close_forkserver
from autograder.candidate.start import NoSandbox
from autograder.exam.carried import SHARE
from autograder.exam.examine import EXPLAIN_SECONDS
from autograder.exam.judge import GRACE_SECONDS
from autograder.files.read import Unreadable, is_machine_fault
from autograder.tutor.reason import printable

__all__ = ["attempt", "notebook_seconds"]

Made = TypeVar("Made")
LONGEST = 200  # characters of an error that are told


def notebook_seconds(limits: Limits) -> float:
    """The time that all of one notebook's grading may take, from its bytes to its marks."""
    return (1 + SHARE) * limits.total_seconds + GRACE_SECONDS + EXPLAIN_SECONDS + limits.render_seconds


def attempt(work: Callable[[], Made], limits: Limits) -> Made | Unreadable:
    """What *work* makes of a student's bytes, or why it could not, within the time and the memory that *limits* give to one notebook.

    Raises:
        NoSandbox, OSError: this machine is at fault, and not what was handed in.
    """
    seconds = notebook_seconds(limits)
    try:
        with deadline(seconds), memory_limit(limits.memory_mb):
            return work()
    except (KeyboardInterrupt, GeneratorExit, NoSandbox):
        raise
    # Libraries written in Rust raise exceptions of their own that are no Exception.
    except BaseException as error:
        if is_machine_fault(error):
            raise
        why = _reason(error, seconds, limits)
    close_forkserver()
    return Unreadable(why)


def _reason(error: BaseException, seconds: float, limits: Limits) -> str:
    if isinstance(error, TimeIsUp):
        return f"grading it took longer than the {seconds:g} s allowed"
    if isinstance(error, MemoryError):
        return f"grading it took more than the {limits.memory_mb} MB of memory allowed"
    if isinstance(error, RecursionError):
        return "something in it is nested too deeply"
    said = printable(" ".join(str(error).split()))
    told = said if len(said) <= LONGEST else said[:LONGEST] + "…"
    return f"grading it failed with {type(error).__name__}" + (f": {told}" if told else "")
