"""The warden of a student's processes: it ends all of them when the examiner says so or is gone, when time is over, or when they use too much together.

It is their parent and runs none of the student's code. What a kernel limits by process (address space, size of a file) adds up over many processes,
files and shared memory; the warden looks at the sum, ten times a second.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import select
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Container, Iterator
from dataclasses import dataclass

__all__ = ["END_SECONDS", "Guard", "adopt_orphans", "end_descendants", "stand_guard"]

PR_SET_CHILD_SUBREAPER = 36
INTERVAL, SHARE = 0.1, 0.2  # seconds between two looks; at most this share of the time is spent looking
END_SECONDS = 10.0
SOCKET_BUFFER = 208 << 10  # what the kernel may keep for one end of a socket, which no process's memory shows
ROLLUP = re.compile(rb"^(Pss_Anon|Pss|SwapPss):\s+(\d+) kB", re.MULTILINE)
MAPPING = re.compile(rb"^([0-9a-f]+)-([0-9a-f]+) ...s ([0-9a-f]+) (\S+ \d+)", re.MULTILINE)


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
    system = os.open("/proc", os.O_RDONLY) if os.path.isdir("/proc") else -1
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
        status = _watch(child, guard, _Processes(system, guard.own_namespace))
    finally:
        os._exit(status)


def _watch(child: int, guard: Guard, processes: _Processes) -> int:
    poll = select.poll()
    poll.register(guard.lifeline, select.POLLIN)
    if hasattr(os, "pidfd_open"):
        with contextlib.suppress(OSError):  # an old kernel: its end is noticed at the next look
            poll.register(os.pidfd_open(child), select.POLLIN)
    until = time.monotonic() + guard.seconds
    pause, status, why, ended = INTERVAL, 1, "", None
    while not why:
        left = until - time.monotonic()
        told = poll.poll(max(0.0, min(pause, left)) * 1000)
        ended = _reap(child)
        if ended is not None or any(descriptor == guard.lifeline for descriptor, _ in told):
            status = status if ended is None else ended
            break
        began = time.monotonic()
        why = "time" if left <= 0 else _excess(guard, processes)
        pause = max(INTERVAL, (time.monotonic() - began) / SHARE)
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
    until = time.monotonic() + END_SECONDS
    while time.monotonic() < until:
        found = _descendants("/proc", os.getpid(), spared)
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):  # it has a parent that is still there
                os.waitpid(pid, os.WNOHANG)
        if not found:
            return
        time.sleep(0.001)


def _descendants(proc: str | int, ancestor: int, spared: Container[int] = ()) -> list[int]:
    """Processes that descend from *ancestor*, in the list *proc*: a path, or an open folder."""
    parents = {}
    for name in os.listdir(proc) if proc != "/proc" or os.path.isdir("/proc") else ():
        if name.isdigit() and int(name) not in spared:
            with contextlib.suppress(OSError, ValueError):
                parents[int(name)] = int(_read(proc, f"{name}/stat").rpartition(b")")[2].split()[1])
    found, more = set[int](), {ancestor}
    while more:
        more = {pid for pid, parent in parents.items() if parent in more} - found
        found |= more
    return sorted(found)


def _open(proc: str | int, name: str) -> int:
    return (
        os.open(f"{proc}/{name}", os.O_RDONLY)
        if isinstance(proc, str)
        else os.open(name, os.O_RDONLY, dir_fd=proc)
    )


def _read(proc: str | int, name: str) -> bytes:
    with open(_open(proc, name), "rb") as file:
        return file.read()


def _names(proc: str | int, name: str) -> list[str]:
    folder = _open(proc, name)
    try:
        return os.listdir(folder)
    finally:
        os.close(folder)


class _Processes:
    """Those that a warden watches.

    Args:
        system: the system's list of processes, an open folder, or -1 where there is none.
        own_namespace: whether they get a list of their own, which is shorter.
    """

    def __init__(self, system: int, own_namespace: bool) -> None:
        self._system = system
        self._own = own_namespace
        if system >= 0:
            self._size, self._resident = _pages(system, "self")

    def _list(self) -> tuple[str | int, list[int]]:
        # The student's first process changes the root of this one too, and mounts a list there; some containers forbid that.
        if (
            self._own
            and os.path.exists("/proc/1")
            and os.stat("/proc").st_dev != os.fstat(self._system).st_dev
        ):
            return "/proc", [int(name) for name in os.listdir("/proc") if name.isdigit() and name != "1"]
        return self._system, _descendants(self._system, os.getpid())

    def memory(self) -> int:
        """Bytes that they use beyond what one starts with. One alone is within its own limit: then it is 0."""
        if self._system < 0:
            return 0
        proc, pids = self._list()
        if len(pids) < 2:
            return 0
        own, shared = 0, dict[bytes, int]()
        for pid in pids:
            with contextlib.suppress(OSError):
                own += self._of(proc, pid, shared)
        return max(0, own + sum(shared.values()) - self._resident)

    def _of(self, proc: str | int, pid: int, shared: dict[bytes, int]) -> int:
        """Bytes of one process, as a share where it has them in common with others; what it may share is added to *shared*."""
        try:
            sizes = {
                name: int(size) << 10 for name, size in ROLLUP.findall(_read(proc, f"{pid}/smaps_rollup"))
            }
            for low, high, offset, which in MAPPING.findall(_read(proc, f"{pid}/maps")):
                size = int(offset, 16) + int(high, 16) - int(low, 16)
                shared[which] = max(size, shared.get(which, 0))
            open_files = len(_names(proc, f"{pid}/fd"))
        except PermissionError:  # it has closed itself to others: everything that it could use counts
            return max(0, _pages(proc, str(pid))[0] - self._size)
        pages = sizes.get(b"Pss_Anon", sizes.get(b"Pss", 0)) + sizes.get(b"SwapPss", 0)
        return pages + open_files * SOCKET_BUFFER


def _pages(proc: str | int, pid: str) -> tuple[int, int]:
    """Bytes that a process has mapped, and that are in memory."""
    mapped, resident, *_ = map(int, _read(proc, f"{pid}/statm").split())
    return mapped * os.sysconf("SC_PAGE_SIZE"), resident * os.sysconf("SC_PAGE_SIZE")


def _excess(guard: Guard, processes: _Processes) -> str:
    """What the processes have too much of, or nothing."""
    if guard.folder:
        size, count = 0, 0
        for entry in _walk(guard.folder):
            size, count = size + entry.st_blocks * 512, count + 1
            if size > guard.disk_mb * (1 << 20) or count > guard.inodes:
                return "files"
    return "memory" if processes.memory() > guard.memory_mb * (1 << 20) else ""


def _walk(folder: str) -> Iterator[os.stat_result]:
    waiting = [folder]
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    found = entry.stat(follow_symlinks=False)
                    yield found
                    if stat.S_ISDIR(found.st_mode):
                        waiting.append(entry.path)


def _remove(folder: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if os.path.lexists(folder):  # too deep for one path, or closed to its owner
        for command in (["chmod", "-R", "u+rwX"], ["rm", "-rf"]):
            with contextlib.suppress(OSError, subprocess.SubprocessError):
                subprocess.run([*command, "--", folder], stderr=subprocess.DEVNULL, timeout=END_SECONDS)
