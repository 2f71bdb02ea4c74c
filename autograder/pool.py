"""Several grading processes at work. One that dies is replaced and what it held is tried once more."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection, wait
from typing import Any

from autograder.plan import Failed, Job, Marked, Plan

__all__ = ["GradingProcess", "grade_locally"]

AHEAD = 2  # submissions that a process holds, so that it never waits for the one who records
TRIES = 2


class GradingProcess:
    """A process that grades submissions one after the other.

    Attributes:
        held: the submissions that it has been given and has not answered.
        done: how many it has answered.
        greeted: whether it has said that it is ready.
    """

    def __init__(self, plan: Plan) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "autograder.worker", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=None if os.environ.get("AUTOGRADER_DEBUG") else subprocess.DEVNULL,
                start_new_session=True,
            )
        self.connection = Connection(ours.detach())
        self.held: deque[Job] = deque()
        self.done = 0
        self.since = time.monotonic()
        self.greeted = False
        self.connection.send(plan)

    def give(self, job: Job) -> None:
        """Put *job* behind those that it holds."""
        if not self.held:
            self.since = time.monotonic()
        self.held.append(job)
        with contextlib.suppress(OSError):  # its end is noticed where its answer is awaited
            self.connection.send(job)

    def take(self) -> Marked | Failed | None:
        """Its next message: an answer to the job held longest, or None for its greeting.

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
            return None
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
    waiting = iter(jobs)
    again: deque[tuple[Job, int]] = deque()  # with the number of tries that they have had
    tries: dict[str, int] = {}
    team: list[GradingProcess] = []
    exhausted = False
    stillborn = 0

    def supply(worker: GradingProcess) -> None:
        nonlocal exhausted
        while len(worker.held) < AHEAD:
            if again:
                job, tries[job.student] = again.popleft()
            else:
                job = next(waiting, None)  # type: ignore[assignment]
                if job is None:
                    exhausted = True
                    return
            worker.give(job)

    try:
        while True:
            while len(team) < processes and (again or not exhausted):
                team.append(GradingProcess(plan))
                supply(team[-1])
            busy = [worker for worker in team if worker.held]
            if not busy:
                return
            ready = wait([worker.connection for worker in busy], timeout=5)
            for worker in busy:
                late = time.monotonic() - worker.since > seconds
                if worker.connection not in ready and not late:
                    continue
                try:
                    if late:
                        worker.close()
                        raise EOFError
                    job = worker.held[0]
                    answer = worker.take()
                except EOFError:
                    team.remove(worker)
                    why = f"gave no answer in {seconds:g} s" if late else worker.why_gone()
                    stillborn = 0 if worker.greeted else stillborn + 1
                    if stillborn > TRIES:
                        raise Failed(f"no grading process starts: the last one {why}") from None
                    first, *rest = worker.held
                    again.extend((job, tries.get(job.student, 0)) for job in rest)
                    tried = tries.get(first.student, 0) + 1
                    if tried < TRIES:
                        again.append((first, tried))
                    else:
                        yield first, Failed(f"the grading process {why}, {tried} times")
                    continue
                if answer is None:
                    continue
                spent = isinstance(answer, Marked) and sum(answer.peak_mb) > memory_mb
                if worker.done >= recycle_after or spent:
                    team.remove(worker)
                    again.extend((job, tries.get(job.student, 0)) for job in worker.held)
                    worker.close()
                else:
                    supply(worker)
                yield job, answer
    finally:
        for worker in team:
            worker.close()
