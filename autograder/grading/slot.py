"""A place for one grading process after another: here, in a pool of them; on a cluster, one for each thread of a worker.

A small state machine::

    STARTING --greeting--> READY --its last answer, or too large--> ENDED
        |                    |
        +------ lost --------+--> ENDED     what it held goes back to the line, the first of it as the attempts so far allow
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

from autograder.exam.draws import Drawn
from autograder.grading.plan import Begun, Failed, Job, Marked
from autograder.grading.process import TRIES, Attempts, Gone, GradingProcess

__all__ = ["Answers", "Line", "Slot", "State"]

Answers = Iterator[tuple[Job, Marked | Failed]]


class State(enum.Enum):
    """Of the process in a slot."""

    STARTING = enum.auto()
    READY = enum.auto()
    ENDED = enum.auto()


class Line:
    """The submissions that wait, those that come back before the others."""

    def __init__(self, jobs: Iterable[Job] = ()) -> None:
        self._jobs = iter(jobs)
        self._back: deque[Job] = deque()

    def is_empty(self) -> bool:
        """Whether nothing waits."""
        job = None if self._back else next(self._jobs, None)
        if job:
            self._back.append(job)
        return not self._back

    def take(self) -> Job | None:
        """The next one."""
        return self._back.popleft() if self._back else next(self._jobs, None)

    def put_back(self, jobs: Iterable[Job]) -> None:
        """Let *jobs* be the next ones."""
        self._back.extend(jobs)


class Slot:
    """Keeps a grading process at work on a line of submissions.

    Attributes:
        process: the one that works now.
        state: of it.

    Args:
        start: starts one.
        line: where submissions come from.
        attempts: how often a process was lost over a submission, counted for the whole line.
        ahead: submissions that a process holds, so that it never waits for the one who records.
        recycle_after: submissions after which it is replaced.
        memory_mb: resident memory beyond which it is.
    """

    def __init__(
        self,
        start: Callable[[], GradingProcess],
        line: Line,
        attempts: Attempts,
        *,
        ahead: int = 1,
        recycle_after: int = 200,
        memory_mb: float = 1024,
    ) -> None:
        self._start, self._line, self._attempts = start, line, attempts
        self._ahead, self._recycle_after, self._memory_mb = ahead, recycle_after, memory_mb
        self._stillborn = 0
        self.process = start()
        self.state = State.STARTING

    @property
    def is_awaited(self) -> bool:
        """Whether its process owes an answer, or its greeting."""
        return self.state is State.STARTING or (self.state is State.READY and bool(self.process.held))

    def supply(self) -> None:
        """Give the process what it can hold; start another if there is none and work waits."""
        if self.state is State.ENDED and not self._line.is_empty():
            self.process, self.state = self._start(), State.STARTING
        while self.state is State.READY and len(self.process.held) < self._ahead:
            job = self._line.take()
            if job is None:
                return
            self.process.give(job)

    def hear(self, greeted: Callable[[Drawn], None]) -> Answers:
        """Deal with the next message of the process, or with its end; gives an answer, if there is one.

        Args:
            greeted: is told what a new process has drawn, and has it supplied.

        Raises:
            Failed: no process can grade at all.
        """
        held, notebook = list(self.process.held), self.process.notebook
        try:
            message = self.process.take()
        except Gone as gone:
            yield from self._lost(held, notebook, str(gone))
            return
        if isinstance(message, Begun):
            return
        if isinstance(message, (Marked, Failed)):
            large = isinstance(message, Marked) and sum(message.peak_mb) > self._memory_mb
            if large or self.process.done >= self._recycle_after:
                self._line.put_back(self.process.held)
                self.close()
            again = isinstance(message, Failed) and self._attempts.once_more(held[0])
            if again:
                self._line.put_back(held[:1])
            self.supply()
            if not again:
                yield held[0], message
            return
        self.state, self._stillborn = State.READY, 0
        greeted(message or {})

    def _lost(self, held: Sequence[Job], notebook: str, how: str) -> Answers:
        self._stillborn += self.state is State.STARTING
        if self._stillborn > TRIES:
            raise Failed(f"no grading process starts: the last one {how}")
        next_try = self._attempts.after(held[0], notebook, how) if held else None
        again = [next_try] if isinstance(next_try, Job) else []
        self._line.put_back([*held[1:], *again])
        self.state = State.ENDED
        self.supply()
        if isinstance(next_try, Failed):
            yield held[0], next_try

    def grade(self, job: Job) -> tuple[Job, Marked | Failed]:
        """Grade *job* alone, as it was handed in or as far as a process survives it.

        Raises:
            Failed: no process can grade at all.
        """
        self._line.put_back([job])
        self.supply()
        while True:
            for answer in self.hear(lambda drawn: self.supply()):
                self._attempts.forget(job)
                return answer

    def close(self) -> None:
        """End the process."""
        if self.state is not State.ENDED:
            self.state = State.ENDED
            self.process.close()
