"""A deadline and a memory limit for what this process does with a student's bytes.

They work inside this process, so that a submission that is too slow or too large ends in an exception here, which its own verdict can be made of.
A process that does not even notice is ended from outside: the candidate by its warden, a grading process by :mod:`autograder.grading.pool`.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

__all__ = ["TimeIsUp", "deadline", "memory_limit"]


class TimeIsUp(BaseException):
    """The time of :func:`deadline` is over; no ``except Exception`` of a test or a library may catch it."""


@contextlib.contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise :class:`TimeIsUp` inside after *seconds*, or when the deadline around this one is over, whichever is first.

    Only a main thread can be interrupted; in others this does nothing.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def ring(*_: object) -> None:
        # Again, in case something caught the first one.
        signal.setitimer(signal.ITIMER_REAL, 1.0)
        raise TimeIsUp

    before = signal.signal(signal.SIGALRM, ring)
    began, (outer, _) = time.monotonic(), signal.getitimer(signal.ITIMER_REAL)
    signal.setitimer(signal.ITIMER_REAL, max(0.001, min(seconds, outer) if outer else seconds))
    try:
        yield
    finally:
        left = outer - (time.monotonic() - began)
        signal.setitimer(signal.ITIMER_REAL, max(0.001, left) if outer else 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def memory_limit(megabytes: float) -> Iterator[None]:
    """Let this process map at most *megabytes* more than it does now; beyond that Python raises MemoryError."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    except (OSError, ValueError):  # not Linux: there the limit would count what the system maps for itself
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_AS)
    wanted = pages * resource.getpagesize() + int(megabytes * (1 << 20))
    hard = before[1]
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if before[0] != resource.RLIM_INFINITY:
        wanted = min(wanted, before[0])
    resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
