"""Whatever becomes of grading processes, and whenever: each submission gets one answer, or the run says that nothing can be graded."""

from __future__ import annotations

import itertools
from collections import Counter, deque
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.bounds.limits import Limits
from autograder.grading import pool
from autograder.grading.plan import Begun, Failed, Job, Marked, Plan
from autograder.grading.process import Gone
from tests.thorough import THOROUGH

LARGE, RECYCLE = 100.0, 3
HAPPENS = ("greets", "is marked", "is marked", "is marked, large", "begins", "fails", "is lost")


class FakeProcess:
    """A grading process to which happens what *story* says next."""

    def __init__(self, story: Any) -> None:
        self._story = story
        self.connection = object()
        self.held: deque[Job] = deque()
        self.notebook, self.done, self.greeted, self.core = "", 0, False, None

    def tell(self, message: Any) -> None:
        """Nothing comes of it."""

    def give(self, job: Job) -> None:
        assert self.greeted
        self.held.append(job)

    def seconds_left(self) -> float:
        return 1.0

    def close(self, grace: float = 0.0) -> None:
        """There is nothing to end."""

    def take(self) -> Any:
        happens = next(self._story)
        if happens == "is lost":
            raise Gone("was killed")
        if not self.greeted:
            self.greeted = True
            return None
        if happens == "begins":
            self.notebook = "a"
            return Begun("a")
        job = self.held.popleft()
        self.done, self.notebook = self.done + 1, ""
        if happens == "fails":
            return Failed("no disk")
        marked = Marked(job.student, "")
        marked.peak_mb = (LARGE if "large" in happens else 1.0, 1.0)
        return marked


@settings(max_examples=20_000 if THOROUGH else 500)
@given(
    st.lists(st.sampled_from(HAPPENS), max_size=40),
    st.integers(0, 9),
    st.integers(1, 4),
    st.lists(st.integers(0, 3), max_size=40),
)
def test_each_submission_gets_one_answer(happens, submissions, processes, turns):
    story = itertools.chain(happens, itertools.repeat("is marked"))
    turn = itertools.chain(turns, itertools.repeat(0))

    def wait(connections: list[Any], timeout: float) -> list[Any]:
        return [connections[next(turn) % len(connections)]] if connections else []

    plan = Plan("x", {"a.ipynb": b'{"cells": []}'}, {}, {}, [], [], "", "", (), "", Limits(), ())
    jobs = [Job(f"s{i}", {"a": b""}, "print") for i in range(submissions)]
    answered: Counter[str] = Counter()
    usual = pool.GradingProcess, pool.wait
    pool.GradingProcess, pool.wait = (lambda *_: FakeProcess(story)), wait
    try:
        for job, answer in pool.grade_locally(plan, jobs, processes, recycle_after=RECYCLE, memory_mb=LARGE):
            assert isinstance(answer, (Marked, Failed))
            answered[job.student] += 1
    except Failed as nothing:
        assert str(nothing).startswith("no grading process starts")
        return
    finally:
        pool.GradingProcess, pool.wait = usual
    assert answered == Counter(job.student for job in jobs)
