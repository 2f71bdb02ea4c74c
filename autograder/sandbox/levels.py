"""Confines the process that runs a student's code; called in that process, before any of the code."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from autograder.bounds.limits import Limits
from autograder.sandbox.landlock import restrict_files
from autograder.sandbox.namespaces import die_with_parent, drop_capabilities, leave_namespaces, settle
from autograder.sandbox.seccomp import ARCHITECTURES, filter_system_calls
from autograder.sandbox.warden import Guard, stand_guard

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

__all__ = ["LEVELS", "confine", "strongest"]

# Strongest first, each with what an instructor is told.
LEVELS = {
    "namespaces": "own file system, processes and user; no network",
    "landlock": "no network, and files outside the notebook's folder cannot be opened; other processes are not hidden",
    "limits": "time, memory and output are limited; files, other processes and, outside Linux, the network are not hidden",
}
# Plus the process id, so that candidates do not share the kernel's count of a user's processes.
STUDENT_UID = 61000


def confine(
    level: str,
    limits: Limits,
    library: Sequence[str],
    hidden: Sequence[str],
    files: dict[str, bytes],
    mount_point: str,
    lifeline: int,
    seconds: float,
) -> None:
    """Fork a confined process and return in it, in a new working folder that holds *files*. The process that called becomes its warden and never returns.

    Args:
        level: one of :data:`LEVELS`.
        library: folders that the student's code may read besides the system and the interpreter.
        hidden: folders inside those that it may not.
        files: content by name, which may have folders in it, with ``/`` between the parts.
        mount_point: an empty folder, for a new file system or the working folder.
        lifeline, seconds: see :class:`autograder.sandbox.warden.Guard`.

    Raises:
        OSError: this machine does not have that level.
    """
    student = STUDENT_UID + os.getpid() % 4000
    inside = level == "namespaces"
    # Processes of the same user that are none of the student's: with namespaces, the warden and the one between.
    running = 0 if os.getuid() == 0 else 2 if inside else _running()
    if inside:
        leave_namespaces()
    folder = "" if inside else tempfile.mkdtemp(prefix="notebook-", dir=mount_point)
    # What is given and the folders themselves come on top of what a student may write.
    disk_mb = limits.disk_mb + 1 + sum(map(len, files.values())) // (1 << 20)
    inodes = limits.inodes + sum(1 + name.count("/") for name in files)
    stand_guard(Guard(lifeline, seconds, limits.memory_mb, disk_mb, inodes, folder, own_namespace=inside))
    os.close(lifeline)
    os.setsid()
    with contextlib.suppress(OSError):  # if memory runs out, these processes go first
        Path("/proc/self/oom_score_adj").write_text("1000")
    if inside:
        die_with_parent()
        settle(disk_mb, inodes, library, hidden, mount_point)
    else:
        os.chdir(folder)
    written = _write(files)
    _limit(limits, running)
    if os.getuid() == 0:
        if not inside and not _others_may_read(os.__file__):
            raise OSError(
                f"other users may not read the interpreter, {os.__file__}; a student's would be root's"
            )
        for own in (".", *written):  # as in a kernel, what is given may be written over
            os.chown(own, student, student)
        os.setgroups([])
        os.setgid(student)
        os.setuid(student)
    if sys.platform == "linux":
        die_with_parent()  # a change of user would undo it
        drop_capabilities()
        version = restrict_files(library, hidden, folder) if level == "landlock" else 0
        if level != "limits" or os.uname().machine in ARCHITECTURES:
            filter_system_calls(level, version)


def strongest(attempt: Callable[[str, int], object]) -> str:
    """The first of :data:`LEVELS` at which *attempt*, run in a fork with a lifeline, raises nothing."""
    for level in LEVELS:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            pid = os.fork()
            if pid == 0:
                status = 1
                try:
                    ours.close()
                    attempt(level, theirs.detach())
                    status = 0
                finally:
                    os._exit(status)
            if os.waitpid(pid, 0)[1] == 0:
                return level
    raise OSError("no process can be confined on this machine, not even by limits")


def _write(files: dict[str, bytes]) -> list[str]:
    """Write *files* into the working folder; returns them and the folders that were made for them."""
    folders: dict[str, None] = {}
    for name, content in files.items():
        for folder in reversed(PurePosixPath(name).parents[:-1]):
            if str(folder) not in folders:
                os.mkdir(folder)
                folders[str(folder)] = None
        Path(name).write_bytes(content)
    return [*folders, *files]


def _others_may_read(path: str) -> bool:
    """Whether a user who owns nothing may open *path*; it is not so for an interpreter in root's home."""
    whole = Path(path).resolve()
    return bool(whole.stat().st_mode & 0o004) and all(p.stat().st_mode & 0o001 for p in whole.parents)


def _running() -> int:
    """Processes and threads of this user: the kernel counts them all against the limit."""
    total = 0
    for tasks in Path("/proc").glob("[0-9]*/task"):
        with contextlib.suppress(OSError):
            total += len(os.listdir(tasks)) if tasks.stat().st_uid == os.getuid() else 0
    return total if total else 1 << 16  # no /proc: no limit that would be meant for one student


def _limit(limits: Limits, running: int) -> None:
    if resource is None:
        return
    megabyte = 1 << 20
    try:
        used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        used = 1 << 30
    wanted = {
        "RLIMIT_AS": used + limits.memory_mb * megabyte,
        "RLIMIT_FSIZE": limits.disk_mb * megabyte,
        "RLIMIT_NPROC": limits.processes + running,
        "RLIMIT_NOFILE": 256,
        "RLIMIT_CORE": 0,
        "RLIMIT_SIGPENDING": 1024,
        "RLIMIT_CPU": int(limits.total_seconds) + 5,
    }
    for name, value in wanted.items():
        if hasattr(resource, name):
            with contextlib.suppress(ValueError, OSError):  # macOS refuses some of them
                resource.setrlimit(getattr(resource, name), (value, value))
