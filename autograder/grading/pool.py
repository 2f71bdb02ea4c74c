"""Several grading processes at work. One that is lost is replaced, and what it held is tried again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from multiprocessing.connection import wait

from autograder.exam.draws import Drawn
from autograder.grading.plan import Job, Plan
from autograder.grading.process import Attempts, GradingProcess
from autograder.grading.slot import Answers, Line, Slot, State
from autograder.notebook.cells import grading, is_test

__all__ = ["grade_locally"]

AHEAD = 2  # submissions that a process holds, so that it never waits for the one who records


def grade_locally(
    plan: Plan,
    jobs: Iterable[Job],
    processes: int,
    *,
    recycle_after: int = 200,
    memory_mb: float = 1024,
    seconds: float | None = None,
) -> Answers:
    """Grade *jobs* in *processes* processes; answers come as they are ready.

    Args:
        recycle_after: submissions after which a process is replaced.
        memory_mb: resident memory beyond which it is.
        seconds: time for one notebook after which a process that has not answered is ended; by default what the plan's limits allow.

    Raises:
        Failed: the processes cannot grade at all.
    """
    pool = _Pool(plan, jobs, processes, recycle_after, memory_mb, seconds)
    try:
        yield from pool.run()
    finally:
        pool.close()


class _Pool:
    def __init__(
        self,
        plan: Plan,
        jobs: Iterable[Job],
        processes: int,
        recycle_after: int,
        memory_mb: float,
        seconds: float | None,
    ) -> None:
        self._plan, self._processes, self._seconds = plan, processes, seconds
        self._recycle_after, self._memory_mb = recycle_after, memory_mb
        self._line = Line(jobs)
        self._attempts = Attempts()
        self._slots: list[Slot] = []
        self._drawn: Drawn = {}
        self._begun = False

    def run(self) -> Answers:
        first = [job for job in (self._line.take() for _ in range(AHEAD * self._processes)) if job]
        self._line.put_back(first)
        count = min(self._processes, len(first))
        cells = (
            _property_tests(self._plan, {name for job in first for name in job.notebooks})
            if count > 1
            else []
        )
        for number in range(count):
            self._add(number, cells[number::count])
        while awaited := [slot for slot in self._slots if slot.is_awaited]:
            ready = wait([slot.process.connection for slot in awaited], timeout=5)
            for slot in awaited:
                if slot.process.connection in ready or slot.process.seconds_left() < 0:
                    yield from slot.hear(self._greeted)

    def _add(self, number: int, share: Sequence[tuple[str, str]]) -> None:
        # A process and its candidate take turns, thousands of times: on one core they wait less for each other.
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        core = cores[number] if len(cores) == self._processes else None
        shares = iter([share])

        def start() -> GradingProcess:
            return GradingProcess(self._plan, self._drawn, next(shares, ()), core, self._seconds)

        slot = Slot(
            start,
            self._line,
            self._attempts,
            ahead=AHEAD,
            recycle_after=self._recycle_after,
            memory_mb=self._memory_mb,
        )
        self._slots.append(slot)

    def _greeted(self, drawn: Drawn) -> None:
        """When the first ones have all greeted, each gets what the others have drawn; from then on there is work for whoever greets."""
        self._drawn.update(drawn)
        if not self._begun:
            if any(slot.state is State.STARTING for slot in self._slots):
                return
            self._begun = True
            for slot in self._slots:
                if slot.state is State.READY:
                    slot.process.tell(self._drawn)
        for slot in self._slots:
            slot.supply()

    def close(self) -> None:
        for slot in self._slots:
            slot.close()


def _property_tests(plan: Plan, names: set[str]) -> list[tuple[str, str]]:
    """(notebook, grade_id) of the property tests in the notebooks *names*."""
    cells = [
        (name, cell) for name in sorted(names) for cell in json.loads(plan.source[f"{name}.ipynb"])["cells"]
    ]
    return [
        (name, grading(cell)["grade_id"])
        for name, cell in cells
        if is_test(cell) and "@given" in "".join(cell["source"])
    ]
