"""What a student's processes use together, as the system's list of processes tells it. What cannot be seen, or not in time, counts as too much."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import time
from collections.abc import Container, Iterator

__all__ = ["TooMuch", "Usage", "descendants"]

LOOK_SECONDS = 1.0  # of a processor, for one look; an honest notebook takes a few thousandths
DEEPEST = 200  # folders inside one another
SOCKET_BUFFER = 208 << 10  # what the kernel may keep for one end of a socket, which no process's memory shows
ROLLUP = re.compile(rb"^(Pss_Anon|Pss|SwapPss):\s+(\d+) kB", re.MULTILINE)
MAPPING = re.compile(
    rb"^([0-9a-f]+)-([0-9a-f]+) ...([sp]) ([0-9a-f]+) ([0-9a-f]+):([0-9a-f]+) (\d+)(.*)$", re.MULTILINE
)


class TooMuch(Exception):
    """More is used than is allowed, of what the text says: ``memory`` or ``files``."""


def descendants(proc: str | int, ancestor: int, spared: Container[int] = ()) -> list[int]:
    """Processes that descend from *ancestor*, but for those in *spared* and theirs, in the list *proc*: a path, or an open folder."""
    parents = {}
    for name in os.listdir(proc) if isinstance(proc, int) or os.path.isdir(proc) else ():
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
        system: the system's list of processes, an open folder, or -1 where there is none.
        own_namespace: whether they get a list of their own, which is shorter.
        folder: where they may write, if that is no file system of their own.
    """

    def __init__(self, system: int, own_namespace: bool, folder: str = "") -> None:
        self._system = system
        self._own = own_namespace
        self._folder = folder
        if system >= 0:
            self._size, self._resident = _pages(system, "self")

    def check(self, memory_mb: float, disk_mb: float, inodes: int, until: float) -> None:
        """Look, at most until the time *until*.

        Raises:
            TooMuch: they use more memory together, beyond what one starts with, or more of the folder than allowed.
        """
        self._enough = time.process_time() + LOOK_SECONDS
        self._until = until
        proc, pids = self._list()
        if self._folder:
            self._check_files(proc, pids, disk_mb, inodes)
        # One alone is within its own limit.
        if len(pids) > 1 and self._memory(proc, pids) > memory_mb * (1 << 20):
            raise TooMuch("memory")

    def _list(self) -> tuple[str | int, list[int]]:
        if self._system < 0:
            return "", []
        # The student's first process changes the root of this one too, and mounts a list there; some containers forbid that.
        if (
            self._own
            and os.path.exists("/proc/1")
            and os.stat("/proc").st_dev != os.fstat(self._system).st_dev
        ):
            return "/proc", [int(name) for name in os.listdir("/proc") if name.isdigit() and name != "1"]
        return self._system, descendants(self._system, os.getpid())

    def _each(self, pids: list[int]) -> Iterator[int]:
        """*pids*, as long as there is time; they can be made to be slow to look at."""
        for pid in pids:
            if time.monotonic() > self._until:
                return
            if time.process_time() > self._enough:
                raise TooMuch("memory")
            yield pid

    def _memory(self, proc: str | int, pids: list[int]) -> int:
        own, shared = 0, dict[tuple[bytes, ...], int]()
        for pid in self._each(pids):
            try:
                own += self._of(proc, pid, shared)
            except PermissionError:  # another user's program: everything that it could use counts
                with contextlib.suppress(OSError):
                    own += max(0, _pages(proc, str(pid))[0] - self._size)
            except (
                OSError
            ):  # it has ended, or only its first thread has, and then nothing tells what the others use
                with contextlib.suppress(OSError):
                    if len(_names(proc, f"{pid}/task")) > 1:
                        raise TooMuch("memory") from None
        return max(0, own + sum(shared.values()) - self._resident)

    def _of(self, proc: str | int, pid: int, shared: dict[tuple[bytes, ...], int]) -> int:
        """Bytes of one process, as a share where it has them in common with others; what it may share is added to *shared*."""
        found = ROLLUP.findall(_read(proc, f"{pid}/smaps_rollup"))
        if not found:
            raise ProcessLookupError
        sizes = {name: int(size) << 10 for name, size in found}
        for mapped, which, private, _ in _mappings(proc, pid):
            if not private:
                shared[which] = max(mapped, shared.get(which, 0))
        pages = sizes.get(b"Pss_Anon", sizes.get(b"Pss", 0)) + sizes.get(b"SwapPss", 0)
        return pages + len(_names(proc, f"{pid}/fd")) * SOCKET_BUFFER

    def _check_files(self, proc: str | int, pids: list[int], disk_mb: float, inodes: int) -> None:
        size, count, most = 0, 0, disk_mb * (1 << 20)
        with _subfolder(-1, self._folder) as folder:
            device = os.fstat(folder).st_dev
            for entry in _everything_in(folder):
                size, count = size + entry.st_blocks * 512, count + 1
                if size > most or count > inodes:
                    raise TooMuch("files")
        deleted = dict[int, int]()
        for pid in self._each(pids):
            with contextlib.suppress(OSError):
                for name in _names(proc, f"{pid}/fd"):
                    with contextlib.suppress(OSError):
                        entry = _stat(proc, f"{pid}/fd/{name}")
                        if entry.st_nlink == 0 and entry.st_dev == device:
                            deleted[entry.st_ino] = entry.st_blocks * 512
                for mapped, (major, minor, number), _, path in _mappings(proc, pid):
                    if path.endswith(b" (deleted)") and os.makedev(int(major, 16), int(minor, 16)) == device:
                        deleted[int(number)] = max(mapped, deleted.get(int(number), 0))
        if size + sum(deleted.values()) > most:
            raise TooMuch("files")


def _mappings(proc: str | int, pid: int) -> Iterator[tuple[int, tuple[bytes, ...], bool, bytes]]:
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
                        raise TooMuch("files")
                    with _subfolder(folder, entry.name) as opened:
                        yield from _everything_in(opened, depth + 1)


@contextlib.contextmanager
def _subfolder(folder: int, name: str) -> Iterator[int]:
    try:
        opened = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
    except PermissionError:  # closed by its owner, and then nothing tells what lies in it
        raise TooMuch("files") from None
    try:
        yield opened
    finally:
        os.close(opened)


def _pages(proc: str | int, pid: str) -> tuple[int, int]:
    """Bytes that a process has mapped, and that are in memory."""
    mapped, resident, *_ = map(int, _read(proc, f"{pid}/statm").split())
    return mapped * os.sysconf("SC_PAGE_SIZE"), resident * os.sysconf("SC_PAGE_SIZE")


def _open(proc: str | int, name: str) -> int:
    return (
        os.open(f"{proc}/{name}", os.O_RDONLY)
        if isinstance(proc, str)
        else os.open(name, os.O_RDONLY, dir_fd=proc)
    )


def _stat(proc: str | int, name: str) -> os.stat_result:
    return os.stat(f"{proc}/{name}") if isinstance(proc, str) else os.stat(name, dir_fd=proc)


def _read(proc: str | int, name: str) -> bytes:
    with open(_open(proc, name), "rb") as file:
        return file.read()


def _names(proc: str | int, name: str) -> list[str]:
    folder = _open(proc, name)
    try:
        return os.listdir(folder)
    finally:
        os.close(folder)
