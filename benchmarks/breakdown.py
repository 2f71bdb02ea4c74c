"""Where the time of grading goes, by part of the work."""

from __future__ import annotations

import contextlib
import os
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

__all__ = ["where_time_goes"]


@contextlib.contextmanager
def _one_core() -> Iterator[None]:
    """As when all cores grade: a process and its candidate share one, and neither waits for another to wake up."""
    if not hasattr(os, "sched_getaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


@contextlib.contextmanager
def _timed(taken: dict[str, float], owner: Any, name: str, label: str) -> Iterator[None]:
    """Adds up the time spent in a function, what is timed inside it left out."""
    original = getattr(owner, name)

    def wrapper(*arguments: Any, **keywords: Any) -> Any:
        start, inside = time.perf_counter(), sum(taken.values())
        try:
            return original(*arguments, **keywords)
        finally:
            taken[label] += time.perf_counter() - start - (sum(taken.values()) - inside)

    setattr(owner, name, wrapper)
    try:
        yield
    finally:
        setattr(owner, name, original)


def where_time_goes(course: Any, students: Sequence[str]) -> tuple[dict[str, float], int]:
    """Seconds by part of the work, of a single process on a single core that grades and records, and the number of calls of students' functions."""
    import nbformat

    from autograder.candidate import process
    from autograder.exam import examine as exam
    from autograder.exam import session
    from autograder.grading.marker import Marker
    from autograder.grading.run import grade_course
    from autograder.grading.store import Recorder

    taken: dict[str, float] = defaultdict(float)
    marker: list[Any] = []
    calls = [0]

    def here(plan: Any, jobs: Any) -> Any:
        marker.append(Marker(plan))
        for number, job in enumerate(jobs):
            if number == 0:
                marker[0].mark(job)  # draws the examples
                taken.clear()
                calls[0] = 0
            yield job, marker[0].mark(job)

    original = process.Candidate.call

    def counted(self: Any, *arguments: Any, **keywords: Any) -> Any:
        calls[0] += 1
        return original(self, *arguments, **keywords)

    parts = [
        (session, "start_candidate", "a confined process for each notebook"),
        (process.Candidate, "run", "the students' cells"),
        (process.Candidate, "call", "calls of the students' functions, both ways over the wire"),
        (exam, "judge", "the tests themselves: examples, references, comparisons, shrinking"),
        (exam, "explain", "saying why wrong answers are wrong"),
        (nbformat, "writes", "writing the notebooks"),
        (Marker, "mark", "nbgrader's steps, assembling, closing"),
        (Recorder, "record", "gradebook and files, by the one who records"),
    ]
    process.Candidate.call = counted  # type: ignore[method-assign]
    with contextlib.ExitStack() as stack:
        for owner, name, label in parts:
            stack.enter_context(_timed(taken, owner, name, label))
        stack.enter_context(_one_core())
        grade_course(course, here, students, force=True)
    process.Candidate.call = original  # type: ignore[method-assign]
    marker[0].close()
    return taken, calls[0]
