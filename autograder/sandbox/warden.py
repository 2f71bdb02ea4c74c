"""The warden of a student's processes: it ends all of them when the examiner says so or is gone, when time is over, or when they use too much together.

It is their parent and runs none of the student's code. What a kernel limits by process (address space, size of a file) adds up over many processes,
files and shared memory; the warden looks at the sum, ten times a second.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Container
from dataclasses import dataclass

from autograder.sandbox.usage import Excess, Usage, descendants

__all__ = ["END_SECONDS", "Guard", "adopt_orphans", "end_descendants", "stand_guard"]

PR_SET_CHILD_SUBREAPER = 36
# Seconds between two looks: more than the shortest if looking would take a larger share of the time.
SHORTEST, LONGEST, SHARE = 0.1, 1.0, 0.2
END_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Guard:
    """What a warden watches.

    Attributes:
        lifeline: a socket to the examiner; its closing is the order to end everything. Before it does so for a reason of its own, the warden
            writes that: ``time``, ``memory`` or ``files``.
        seconds: the time that the processes have.
        memory_mb: memory of all of them together, beyond what each starts with.
        disk_mb, inodes: what may lie in *folder*.
        folder: a folder to remove at the end; empty if it is gone with its file system.
        own_namespace: whether the child becomes the first process of a namespace, with which all others end.
    """

    lifeline: int
    seconds: float
    memory_mb: float
    disk_mb: float
    inodes: int
    folder: str = ""
    own_namespace: bool = False


def adopt_orphans() -> None:
    """From now on what descends from this process and loses its parent becomes a child of this process."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def stand_guard(guard: Guard) -> None:
    """Fork. In the child, return; the parent is its warden from now on, and ends with its exit status."""
    system = _open_proc()
    if not guard.own_namespace:
        adopt_orphans()
    child = os.fork()
    if child == 0:
        if system >= 0:
            os.close(system)
        return
    status = 1
    try:
        kept = sorted({guard.lifeline, system} - {-1})
        for low, high in zip([-1, *kept], [*kept, 4096], strict=True):
            os.closerange(low + 1, high)  # the examiner must see the student's end of the channel close
        status = _watch(child, guard, Usage(system, guard.own_namespace, guard.folder))
    finally:
        os._exit(status)


def _watch(child: int, guard: Guard, usage: Usage) -> int:
    poll = select.poll()
    poll.register(guard.lifeline, select.POLLIN)
    if hasattr(os, "pidfd_open"):
        with contextlib.suppress(OSError):  # an old kernel: its end is noticed at the next look
            poll.register(os.pidfd_open(child), select.POLLIN)
    until = time.monotonic() + guard.seconds
    pause, status, why, ended = SHORTEST, 1, "", None
    while not why:
        left = until - time.monotonic()
        told = poll.poll(max(0.0, min(pause, left)) * 1000)
        ended = _reap(child)
        if ended is not None or any(descriptor == guard.lifeline for descriptor, _ in told):
            status = status if ended is None else ended
            break
        began = time.monotonic()
        try:
            usage.check(guard.memory_mb, guard.disk_mb, guard.inodes, until)
        except Excess as excess:
            why = str(excess)
        if time.monotonic() >= until:
            why = "time"
        pause = min(max(SHORTEST, (time.monotonic() - began) / SHARE), LONGEST)
    if why:  # before they end: the examiner looks for it when it sees that
        with contextlib.suppress(OSError):
            os.write(guard.lifeline, why.encode())
    if ended is None:
        for end in (os.kill,) if guard.own_namespace else (os.killpg, os.kill):
            with contextlib.suppress(OSError):
                end(child, signal.SIGKILL)
        os.waitpid(child, 0)
    if not guard.own_namespace:
        end_descendants()
    if guard.folder:
        _remove(guard.folder)
    return status


def _reap(child: int) -> int | None:
    """The exit status of *child* if it has ended; others that have are forgotten."""
    found = None
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == child:
                found = os.waitstatus_to_exitcode(ended[1]) & 0xFF
    return found


def end_descendants(spared: Container[int] = ()) -> None:
    """Kill every process that descends from this one, also those that are started meanwhile, and wait until they are gone.

    Args:
        spared: children that stay, with what descends from them.
    """
    proc = _open_proc()
    until = time.monotonic() + END_SECONDS
    while proc >= 0 and time.monotonic() < until:
        found = descendants(proc, os.getpid(), spared)
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):  # it has a parent that is still there
                os.waitpid(pid, os.WNOHANG)
        if not found:
            break
        time.sleep(0.001)
    if proc >= 0:
        os.close(proc)


def _open_proc() -> int:
    return os.open("/proc", os.O_RDONLY | os.O_DIRECTORY) if os.path.isdir("/proc") else -1


def _remove(folder: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if os.path.lexists(folder):  # too deep for one path, or closed to its owner
        for command in (["chmod", "-R", "u+rwX"], ["rm", "-rf"]):
            with contextlib.suppress(OSError, subprocess.SubprocessError):
                subprocess.run([*command, "--", folder], stderr=subprocess.DEVNULL, timeout=END_SECONDS)
