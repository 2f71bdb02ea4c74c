"""Several grading processes at work. One that is lost is replaced, and what it held is tried again."""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from multiprocessing.connection import wait

from autograder.exam.draws import Decks
from autograder.grading.plan import Begun, Failed, Job, Marked, Plan
from autograder.grading.process import TRIES, Attempts, Gone, GradingProcess

__all__ = ["grade_locally"]

AHEAD = 2  # submissions that a process holds, so that it never waits for the one who records
Answers = Iterator[tuple[Job, Marked | Failed]]


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
        self._waiting = _Line(jobs)
        self._team: list[GradingProcess] = []
        self._decks: Decks = {}
        self._attempts = Attempts()
        self._stillborn = 0

    def run(self) -> Answers:
        first = [job for job in (self._waiting.take() for _ in range(AHEAD * self._processes)) if job]
        self._waiting.put_back(first)
        count = min(self._processes, len(first))
        cells = (
            _test_cells(self._plan, {name for job in first for name in job.notebooks}) if count > 1 else []
        )
        for number in range(count):
            self._start(cells[number::count])
        while awaited := [worker for worker in self._team if worker.held or not worker.greeted]:
            ready = wait([worker.connection for worker in awaited], timeout=5)
            for worker in awaited:
                if worker.connection in ready or worker.seconds_left() < 0:
                    yield from self._hear(worker)

    def _hear(self, worker: GradingProcess) -> Answers:
        """Deal with the next message of *worker*, or with its end."""
        job = worker.held[0] if worker.held else None
        notebook = worker.notebook
        try:
            message = worker.take()
        except Gone as gone:
            yield from self._lost(worker, job, notebook, str(gone))
            return
        if isinstance(message, Begun):
            return
        if not isinstance(message, (Marked, Failed)):
            self._decks.update(message or {})
            self._begin()
            return
        assert job is not None
        large = isinstance(message, Marked) and sum(message.peak_mb) > self._memory_mb
        if large or worker.done >= self._recycle_after:
            self._waiting.put_back(list(worker.held))
            worker.close()
            self._replace(worker)
        else:
            self._supply(worker)
        yield job, message

    def _lost(self, worker: GradingProcess, job: Job | None, notebook: str, how: str) -> Answers:
        self._stillborn = 0 if worker.greeted else self._stillborn + 1
        if self._stillborn > TRIES:
            raise Failed(f"no grading process starts: the last one {how}")
        self._waiting.put_back(list(worker.held)[1:])
        next_try = self._attempts.after(job, notebook, how) if job else None
        if isinstance(next_try, Job):
            self._waiting.put_back([next_try])
        self._replace(worker)
        if job and isinstance(next_try, Failed):
            yield job, next_try

    def _start(self, share: Sequence[str] = ()) -> None:
        # A process and its candidate take turns, thousands of times: on one core they wait less for each other.
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        free = [core for core in cores if core not in {worker.core for worker in self._team}]
        core = free[0] if free and len(cores) == self._processes else None
        self._team.append(GradingProcess(self._plan, self._decks, share, core, self._seconds))

    def _replace(self, worker: GradingProcess) -> None:
        """Start another in the place of *worker*, which has ended, if there is work."""
        self._team.remove(worker)
        if not self._waiting.is_empty():
            self._start()

    def _begin(self) -> None:
        """When all have greeted, each gets what the others have drawn, and work."""
        if all(worker.greeted for worker in self._team):
            for worker in self._team:
                if not worker.done and not worker.held:
                    worker.tell(self._decks)
                self._supply(worker)

    def _supply(self, worker: GradingProcess) -> None:
        while worker.greeted and len(worker.held) < AHEAD and (job := self._waiting.take()):
            worker.give(job)

    def close(self) -> None:
        for worker in self._team:
            worker.close()


class _Line:
    """The submissions that wait, those that come back before the others."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._jobs = iter(jobs)
        self._back: deque[Job] = deque()

    def is_empty(self) -> bool:
        job = None if self._back else next(self._jobs, None)
        if job:
            self._back.append(job)
        return not self._back

    def take(self) -> Job | None:
        return self._back.popleft() if self._back else next(self._jobs, None)

    def put_back(self, jobs: Sequence[Job]) -> None:
        self._back.extend(jobs)


def _test_cells(plan: Plan, names: set[str]) -> list[str]:
    """The sources of the property tests in the notebooks *names*."""
    found = []
    for name in sorted(names):
        cells = json.loads(plan.source[f"{name}.ipynb"])["cells"]
        found += ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    return [source for source in found if "@given" in source]
