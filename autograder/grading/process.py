"""The handle on a grading process, and what becomes of a submission that such a process was lost with."""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import ForkingPickler
from typing import Any

from autograder.bounds.deadline import TimeIsUp, deadline
from autograder.candidate.forkserver import ONE_THREAD
from autograder.exam.attempt import notebook_seconds
from autograder.exam.draws import Drawn
from autograder.files.read import Unreadable
from autograder.grading.plan import Begun, Failed, Job, Marked, Plan

__all__ = ["TRIES", "Attempts", "Gone", "GradingProcess"]

TRIES = 2
GREETING_SECONDS = 900.0  # for a start with all the examples that are to be drawn
MARGIN_SECONDS = 30.0  # beyond the time of a notebook, for a process that cannot end it itself
CLOSE_SECONDS = 15.0
MESSAGE_SECONDS = 60.0  # from the first byte of an answer to the last


class Gone(Exception):
    """The process has ended, or was ended because it gave no answer; the message says how, after "the grading process"."""


class GradingProcess:
    """A process that grades submissions one after the other.

    Attributes:
        held: the submissions that it has been given and has not answered.
        notebook: what it works on of the one held longest; empty if it has not begun.
        done: how many it has answered.
        greeted: whether it has said that it is ready.

    Args:
        drawn: examples that others have drawn.
        share: (notebook, grade_id) of test cells whose examples it is to draw before it greets.
        core: the only one that it and its candidates may use.
        seconds: time for one notebook; by default what the plan's limits allow, and some more.
    """

    def __init__(
        self,
        plan: Plan,
        drawn: Drawn | None = None,
        share: Sequence[tuple[str, str]] = (),
        core: int | None = None,
        seconds: float | None = None,
    ) -> None:
        ours, theirs = socket.socketpair()
        # Its temporary files are in a folder that it makes, and that can be removed also if it was killed.
        self._folder = os.path.join(tempfile.gettempdir(), f"grading-{uuid.uuid4().hex}")
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "autograder.grading.worker", str(theirs.fileno()), self._folder],
                env=os.environ | ONE_THREAD | {"TMPDIR": self._folder},
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
        self._outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        # What a process does not take, because it is busy or stopped, must not hold up the others.
        self._postman = threading.Thread(target=self._deliver, daemon=True)
        self._postman.start()
        self._seconds = notebook_seconds(plan.limits) + MARGIN_SECONDS if seconds is None else seconds
        self.held: deque[Job] = deque()
        self.notebook = ""
        self.done = 0
        self.greeted = False
        self._since = time.monotonic()
        self.tell((plan, drawn, list(share)))

    def _deliver(self) -> None:
        with contextlib.suppress(OSError):  # its end is noticed where its answer is awaited
            while (message := self._outbox.get()) is not None:
                self.connection.send_bytes(message)

    def tell(self, message: Any) -> None:
        """Send something that is no submission."""
        self._outbox.put(bytes(ForkingPickler.dumps(message)))

    def give(self, job: Job) -> None:
        """Put *job* behind those that it holds."""
        if not self.held:
            self._since = time.monotonic()
        self.held.append(job)
        self.tell(job)

    def seconds_left(self) -> float:
        """How long it may still be silent."""
        return self._since + (self._seconds if self.greeted else GREETING_SECONDS) - time.monotonic()

    def take(self) -> Marked | Failed | Begun | Drawn | None:
        """Its next message, which is there or awaited for as long as it may be silent.

        First of all it greets with what it has drawn; then it says with which notebook it begins, and in the end answers to the job held longest.

        Raises:
            Gone: the process has ended, or was ended because it was silent for too long.
            Failed: it cannot grade at all.
        """
        left = self.seconds_left()
        if not wait([self.connection], timeout=max(0.0, left)):
            self.close(grace=2)
            raise Gone(f"gave no answer in {self._seconds if self.greeted else GREETING_SECONDS:g} s")
        try:
            with deadline(MESSAGE_SECONDS):
                message: Any = self.connection.recv()
        except (EOFError, OSError, TimeIsUp):
            raise Gone(self._how_it_ended()) from None
        if not self.greeted and isinstance(message, Failed):
            raise message
        self._since = time.monotonic()
        self.notebook = message.notebook if isinstance(message, Begun) else ""
        if isinstance(message, (Marked, Failed)):
            self.held.popleft()
            self.done += 1
        elif not isinstance(message, Begun):
            self.greeted = True
        answer: Marked | Failed | Begun | Drawn | None = message
        return answer

    def _how_it_ended(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1)
        status = self._process.poll()
        self.close()
        if status is None:
            return "stopped in the middle of an answer"
        if status == -signal.SIGKILL:
            return "was killed (SIGKILL; the system does that when memory runs out)"
        return f"ended with status {status}" if status >= 0 else f"ended by signal {-status}"

    def close(self, grace: float = CLOSE_SECONDS) -> None:
        """End it; what it works with is put away first, if it can still do that within *grace* seconds."""
        self._process.terminate()
        try:
            self._process.wait(timeout=grace)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        until = time.monotonic() + CLOSE_SECONDS
        while os.path.exists(self._folder) and time.monotonic() < until:
            shutil.rmtree(self._folder, ignore_errors=True)  # what it started may be ending yet
            time.sleep(0.01)
        self._outbox.put(None)
        self._postman.join(timeout=5)
        self.connection.close()


class Attempts:
    """Counts how often a grading process was lost over a notebook, or a submission could not be graded on this machine."""

    def __init__(self) -> None:
        self._lost: Counter[tuple[str, str]] = Counter()
        self._failed: set[str] = set()

    def once_more(self, job: Job) -> bool:
        """Whether to try *job* again, which failed by this machine's fault: a fork or an opened file too many may do so for a moment."""
        if job.student in self._failed:
            return False
        self._failed.add(job.student)
        return True

    def after(self, job: Job, notebook: str, how: str) -> Job | Failed:
        """What to try after a process was lost while it worked on the *notebook* of *job*, if it had begun with one.

        First the same again; then the job without that notebook, which gets zeros for now; a process that is lost all the same is this machine's fault.
        """
        self._lost[job.student, notebook] += 1
        if self._lost[job.student, notebook] < TRIES:
            return job
        if not notebook or isinstance(job.notebooks[notebook], Unreadable):
            return Failed(f"the grading process {how}, {TRIES} times")
        why = Unreadable(
            f"twice it took the grading process with it, which {how}; the next run tries it again"
        )
        return replace(job, notebooks={**job.notebooks, notebook: why}, fingerprint="")

    def forget(self, job: Job) -> None:
        """Count anew for *job*, which has its answer."""
        self._failed.discard(job.student)
        for key in [key for key in self._lost if key[0] == job.student]:
            del self._lost[key]
