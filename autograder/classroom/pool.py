"""Several grading processes at work. One that dies is replaced and what it held is tried once more."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any

from autograder.classroom.plan import Failed, Job, Marked, Plan
from autograder.examiner.draws import Decks

__all__ = ["GradingProcess", "grade_locally"]

AHEAD = 2  # submissions that a process holds, so that it never waits for the one who records
TRIES = 2


class GradingProcess:
    """A process that grades submissions one after the other.

    Attributes:
        held: the submissions that it has been given and has not answered.
        done: how many it has answered.
        greeted: whether it has said that it is ready.

    Args:
        decks: examples that others have drawn.
        share: test cells whose examples it is to draw before it greets.
        core: the only one that it and its candidates may use.
    """

    def __init__(
        self, plan: Plan, decks: Decks | None = None, share: Sequence[str] = (), core: int | None = None
    ) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "autograder.classroom.worker", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=None if os.environ.get("AUTOGRADER_DEBUG") else subprocess.DEVNULL,
                start_new_session=True,
            )
        self.core = core
        if core is not None:
            with contextlib.suppress(OSError):
                os.sched_setaffinity(self._process.pid, {core})
        self.connection = Connection(ours.detach())
        self.held: deque[Job] = deque()
        self.done = 0
        self.since = time.monotonic()
        self.greeted = False
        self.tell((plan, decks, list(share)))

    def tell(self, message: Any) -> None:
        """Send something that is no submission."""
        with contextlib.suppress(OSError):  # its end is noticed where its answer is awaited
            self.connection.send(message)

    def give(self, job: Job) -> None:
        """Put *job* behind those that it holds."""
        if not self.held:
            self.since = time.monotonic()
        self.held.append(job)
        self.tell(job)

    def take(self) -> Marked | Failed | Decks | None:
        """Its next message: an answer to the job held longest; first of all its greeting, which holds what it has drawn.

        Raises:
            EOFError: it is gone.
            Failed: it cannot grade at all.
        """
        try:
            message: Any = self.connection.recv()
        except OSError:
            raise EOFError from None
        if not self.greeted:
            if isinstance(message, Failed):
                raise message
            self.greeted = True
            self.since = time.monotonic()
            greeting: Decks | None = message
            return greeting
        self.held.popleft()
        self.done += 1
        self.since = time.monotonic()
        answer: Marked | Failed = message
        return answer

    def why_gone(self) -> str:
        """How it ended, for a sentence."""
        self.connection.close()
        status = self._process.wait()
        if status == -signal.SIGKILL:
            return "was killed (SIGKILL; the system does that when memory runs out)"
        return f"ended with status {status}" if status >= 0 else f"ended by signal {-status}"

    def close(self) -> None:
        """End it."""
        self.connection.close()
        self._process.kill()
        self._process.wait()


def grade_locally(
    plan: Plan,
    jobs: Iterable[Job],
    processes: int,
    *,
    recycle_after: int = 200,
    memory_mb: float = 1024,
    seconds: float = 900,
) -> Iterator[tuple[Job, Marked | Failed]]:
    """Grade *jobs* in *processes* processes; answers come as they are ready.

    Args:
        recycle_after: submissions after which a process is replaced.
        memory_mb: resident memory beyond which it is.
        seconds: time after which a process that has not answered is ended.

    Raises:
        Failed: the processes cannot grade at all.
    """
    waiting = _Line(jobs)
    team: list[GradingProcess] = []
    decks: Decks = {}
    stillborn = 0
    first = [job for job in (waiting.take() for _ in range(AHEAD * processes)) if job]
    waiting.put_back(first)
    count = min(processes, len(first))
    cells = _test_cells(plan, {name for job in first for name in job.notebooks}) if count > 1 else []

    def start(share: Sequence[str] = ()) -> None:
        # A process and its candidate take turns, thousands of times: on one core they wait less for each other.
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        free = [core for core in cores if core not in {worker.core for worker in team}]
        core = free[0] if free and len(cores) == processes else None
        team.append(GradingProcess(plan, decks, share, core))

    def supply(worker: GradingProcess) -> None:
        while worker.greeted and len(worker.held) < AHEAD and (job := waiting.take()):
            worker.give(job)

    def begin() -> None:
        """When all have greeted, each gets what the others have drawn, and work."""
        if all(worker.greeted for worker in team):
            for worker in team:
                if not worker.done and not worker.held:
                    worker.tell(decks)
                supply(worker)

    try:
        for number in range(count):
            start(cells[number::count])
        while team:
            awaited = [worker for worker in team if worker.held or not worker.greeted]
            if not awaited:
                return
            ready = wait([worker.connection for worker in awaited], timeout=5)
            for worker in awaited:
                late = time.monotonic() - worker.since > seconds
                if worker.connection not in ready and not late:
                    continue
                job = worker.held[0] if worker.held else None
                try:
                    if late:
                        worker.close()
                        raise EOFError
                    answer = worker.take()
                except EOFError:
                    team.remove(worker)
                    why = f"gave no answer in {seconds:g} s" if late else worker.why_gone()
                    stillborn = 0 if worker.greeted else stillborn + 1
                    if stillborn > TRIES:
                        raise Failed(f"no grading process starts: the last one {why}") from None
                    waiting.put_back(list(worker.held)[1:])
                    given_up = job is not None and not waiting.try_again(job)
                    if not waiting.is_empty():
                        start()
                    if job and given_up:
                        yield job, Failed(f"the grading process {why}, {TRIES} times")
                    continue
                if not isinstance(answer, (Marked, Failed)):
                    decks.update(answer or {})
                    begin()
                    continue
                assert job is not None
                if worker.done >= recycle_after or (
                    isinstance(answer, Marked) and sum(answer.peak_mb) > memory_mb
                ):
                    team.remove(worker)
                    waiting.put_back(list(worker.held))
                    worker.close()
                    if not waiting.is_empty():
                        start()
                else:
                    supply(worker)
                yield job, answer
    finally:
        for worker in team:
            worker.close()


class _Line:
    """The submissions that wait, those that come back before the others."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._jobs = iter(jobs)
        self._back: deque[Job] = deque()
        self._tries: Counter[str] = Counter()

    def is_empty(self) -> bool:
        job = None if self._back else next(self._jobs, None)
        if job:
            self._back.append(job)
        return not self._back

    def take(self) -> Job | None:
        return self._back.popleft() if self._back else next(self._jobs, None)

    def put_back(self, jobs: Sequence[Job]) -> None:
        self._back.extend(jobs)

    def try_again(self, job: Job) -> bool:
        """Put it back, unless it has had its tries."""
        self._tries[job.student] += 1
        if self._tries[job.student] >= TRIES:
            return False
        self._back.append(job)
        return True


def _test_cells(plan: Plan, names: set[str]) -> list[str]:
    """The sources of the property tests in the notebooks *names*."""
    found = []
    for name in sorted(names):
        cells = json.loads(plan.source[f"{name}.ipynb"])["cells"]
        found += ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    return [source for source in found if "@given" in source]
