"""What a student's processes use together, as the system's list of processes tells it. What cannot be seen, or not in time, counts as too much."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import time
from collections.abc import Container, Iterator

__all__ = ["Excess", "Usage", "descendants"]

LOOK_SECONDS = 1.0  # of a processor, for one look; an honest notebook takes a few thousandths
DEEPEST = 200  # folders inside one another
SOCKET_BUFFER = 208 << 10  # what the kernel may keep for one end of a socket, which no process's memory shows
# Files that were sent over a socket and not yet received: nothing tells which they are. Processes that hand each other files have one or two.
IN_FLIGHT, MOST_IN_FLIGHT = re.compile(rb"^scm_fds:\s+(\d+)", re.MULTILINE), 16
ROLLUP = re.compile(rb"^(Pss_Anon|Pss|SwapPss):\s+(\d+) kB", re.MULTILINE)
MAPPING = re.compile(
    rb"^([0-9a-f]+)-([0-9a-f]+) ...([sp]) ([0-9a-f]+) ([0-9a-f]+):([0-9a-f]+) (\d+)(.*)$", re.MULTILINE
)


class Excess(Exception):
    """More is used than is allowed, of what the text says: ``memory`` or ``files``."""


def descendants(proc: int, ancestor: int, spared: Container[int] = ()) -> list[int]:
    """Processes that descend from *ancestor*, but for those in *spared* and theirs, in the list *proc*, an open ``/proc``."""
    parents = {}
    for name in os.listdir(proc):
        if name.isdigit() and int(name) not in spared:
            with contextlib.suppress(OSError, ValueError):
                parents[int(name)] = int(_read(proc, f"{name}/stat").rpartition(b")")[2].split()[1])
    found, more = set[int](), {ancestor}
    while more:
        more = {pid for pid, parent in parents.items() if parent in more} - found
        found |= more
    return sorted(found)


class Usage:
    """Looks at the processes that descend from this one.

    Args:
        proc: the system's list of processes, an open ``/proc``, or -1 where there is none.
        own_namespace: whether they get a list of their own, which is shorter.
        folder: where they may write, if that is no file system of their own.
    """

    def __init__(self, proc: int, own_namespace: bool, folder: str = "") -> None:
        self._proc = proc
        self._list_to_come, self._own_list = own_namespace, False
        self._folder = folder
        if proc >= 0:
            self._size, self._resident = _pages(proc, "self")

    def check(self, memory_mb: float, disk_mb: float, inodes: int, until: float) -> None:
        """Look, at most until the time *until*.

        Raises:
            Excess: they use more memory together, beyond what one starts with, or more of the folder than allowed.
        """
        self._enough = time.process_time() + LOOK_SECONDS
        self._until = until
        pids = self._processes()
        if self._folder:
            self._check_files(pids, disk_mb, inodes)
        # One alone is within its own limit.
        if len(pids) > 1 and self._memory(pids) > memory_mb * (1 << 20):
            raise Excess("memory")

    def _processes(self) -> list[int]:
        if self._proc < 0:
            return []
        device = os.fstat(self._proc).st_dev
        # The student's first process changes the root of this one too, and mounts a list there; some containers forbid that.
        if self._list_to_come and os.path.exists("/proc/1") and os.stat("/proc").st_dev != device:
            os.close(self._proc)
            self._proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
            self._list_to_come, self._own_list = False, True
        if self._own_list:
            return [int(name) for name in os.listdir(self._proc) if name.isdigit() and name != "1"]
        return descendants(self._proc, os.getpid())

    def _each(self, pids: list[int]) -> Iterator[int]:
        """*pids*, as long as there is time; they can be made to be slow to look at."""
        for pid in pids:
            if time.monotonic() > self._until:
                return
            if time.process_time() > self._enough:
                raise Excess("memory")
            yield pid

    def _memory(self, pids: list[int]) -> int:
        own, shared = 0, dict[tuple[bytes, ...], int]()
        for pid in self._each(pids):
            try:
                own += self._of(pid, shared)
            except PermissionError:  # another user's program: everything that it could use counts
                with contextlib.suppress(OSError):
                    own += max(0, _pages(self._proc, str(pid))[0] - self._size)
            except OSError:
                # It has ended, or its first thread alone has: then nothing tells what the others use.
                with contextlib.suppress(OSError):
                    if len(_names(self._proc, f"{pid}/task")) > 1:
                        raise Excess("memory") from None
        return max(0, own + sum(shared.values()) - self._resident)

    def _of(self, pid: int, shared: dict[tuple[bytes, ...], int]) -> int:
        """Bytes of one process, as a share where it has them in common with others; what it may share is added to *shared*."""
        found = ROLLUP.findall(_read(self._proc, f"{pid}/smaps_rollup"))
        if not found:
            raise ProcessLookupError
        sizes = {name: int(size) << 10 for name, size in found}
        for mapped, which, private, _ in _mappings(self._proc, pid):
            if not private:
                shared[which] = max(mapped, shared.get(which, 0))
        pages = sizes.get(b"Pss_Anon", sizes.get(b"Pss", 0)) + sizes.get(b"SwapPss", 0)
        return pages + len(_names(self._proc, f"{pid}/fd")) * SOCKET_BUFFER

    def _check_files(self, pids: list[int], disk_mb: float, inodes: int) -> None:
        size, count, most = 0, 0, disk_mb * (1 << 20)
        with _subfolder(-1, self._folder) as folder:
            device = os.fstat(folder).st_dev
            for entry in _everything_in(folder):
                size, count = size + entry.st_blocks * 512, count + 1
                if size > most or count > inodes:
                    raise Excess("files")
        deleted, in_flight = dict[int, int](), 0
        for pid in self._each(pids):
            with contextlib.suppress(OSError):
                for name in _names(self._proc, f"{pid}/fd"):
                    with contextlib.suppress(OSError):
                        entry = os.stat(f"{pid}/fd/{name}", dir_fd=self._proc)
                        if entry.st_nlink == 0 and entry.st_dev == device:
                            deleted[entry.st_ino] = entry.st_blocks * 512
                        elif stat.S_ISSOCK(entry.st_mode):
                            in_flight += sum(
                                map(int, IN_FLIGHT.findall(_read(self._proc, f"{pid}/fdinfo/{name}")))
                            )
                for mapped, (major, minor, number), _, path in _mappings(self._proc, pid):
                    if path.endswith(b" (deleted)") and os.makedev(int(major, 16), int(minor, 16)) == device:
                        deleted[int(number)] = max(mapped, deleted.get(int(number), 0))
        if size + sum(deleted.values()) > most or in_flight > MOST_IN_FLIGHT:
            raise Excess("files")


def _mappings(proc: int, pid: int) -> Iterator[tuple[int, tuple[bytes, ...], bool, bytes]]:
    """Size, file (device and number), whether it is private, and path, of what a process has mapped of files or shared memory."""
    for low, high, kind, offset, major, minor, number, path in MAPPING.findall(_read(proc, f"{pid}/maps")):
        if number != b"0":
            yield int(offset, 16) + int(high, 16) - int(low, 16), (major, minor, number), kind == b"p", path


def _everything_in(folder: int, depth: int = 0) -> Iterator[os.stat_result]:
    """What lies in the opened *folder*, at any depth, however long its path; links are not followed."""
    with os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                found = entry.stat(follow_symlinks=False)
                yield found
                if stat.S_ISDIR(found.st_mode):
                    if depth >= DEEPEST:
                        raise Excess("files")
                    with _subfolder(folder, entry.name) as opened:
                        yield from _everything_in(opened, depth + 1)


@contextlib.contextmanager
def _subfolder(folder: int, name: str) -> Iterator[int]:
    try:
        opened = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
    except PermissionError:  # closed by its owner, and then nothing tells what lies in it
        raise Excess("files") from None
    try:
        yield opened
    finally:
        os.close(opened)


def _pages(proc: int, pid: str) -> tuple[int, int]:
    """Bytes that a process has mapped, and that are in memory."""
    mapped, resident, *_ = map(int, _read(proc, f"{pid}/statm").split())
    return mapped * os.sysconf("SC_PAGE_SIZE"), resident * os.sysconf("SC_PAGE_SIZE")


def _read(proc: int, name: str) -> bytes:
    with open(os.open(name, os.O_RDONLY, dir_fd=proc), "rb") as file:
        return file.read()


def _names(proc: int, name: str) -> list[str]:
    folder = os.open(name, os.O_RDONLY, dir_fd=proc)
    try:
        return os.listdir(folder)
    finally:
        os.close(folder)
