"""Confines the process that runs a student's code; called in that process, before any of the code.

On Linux: user, mount, PID, network and IPC namespaces, a file system that holds the interpreter, the library and an empty folder and
nothing else, an own uid or no capabilities, and resource limits. Elsewhere, and where the kernel refuses, what is left is said.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import socket
import stat
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from autograder.limits import Limits

__all__ = ["FULL", "confine"]

FULL = "namespaces"
PARTIAL = "process limits only: files, network and other processes are not hidden"

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = (
    0x20000,
    0x4000000,
    0x8000000,
    0x10000000,
    0x20000000,
    0x40000000,
)
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = (
    1,
    2,
    4,
    8,
    32,
    4096,
    16384,
    1 << 18,
)
# statvfs flags that a remount inside a user namespace may not drop
KEPT_FLAGS = {os.ST_NOEXEC: MS_NOEXEC} if hasattr(os, "ST_NOEXEC") else {}
KEPT_FLAGS |= {
    getattr(os, n): f
    for n, f in (("ST_NOATIME", 1024), ("ST_NODIRATIME", 2048), ("ST_RELATIME", 1 << 21))
    if hasattr(os, n)
}
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, MNT_DETACH, PIVOT_ROOT = 1, 38, 2, {"x86_64": 155, "aarch64": 41}
SYSTEM = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/fonts",
)
DEVICES = ("null", "zero", "full", "random", "urandom")
HOME = "/home/student"
STUDENT_UID = 61000  # plus the process id, so that candidates do not share the limit on processes


def confine(
    limits: Limits, library: Sequence[str], hidden: Sequence[str], files: dict[str, bytes], mount_point: str
) -> str:
    """Confine this process and return the level reached; the caller goes on in a child of the first process.

    Args:
        library: folders that the student's code may read besides the system and the interpreter.
        hidden: folders inside those that it may not.
        files: what to put into the working directory, by name.
        mount_point: an empty folder, for the new file system.
    """
    level = PARTIAL
    if sys.platform == "linux" and os.uname().machine in PIVOT_ROOT:
        try:
            _enter_namespaces()
            level = FULL
        except OSError:
            level = PARTIAL
    if level == FULL:
        _die_with_parent()
        _supervise(os.fork())
        _die_with_parent()
        _new_root(limits, library, hidden, mount_point)
        _supervise(os.fork())
        os.chdir(HOME)
    else:
        os.chdir(tempfile.mkdtemp(prefix="notebook-"))
    for name, content in files.items():
        Path(name).write_bytes(content)
    _limit(limits)
    _drop_privileges(level)
    return level


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


def _enter_namespaces() -> None:
    uid, gid = os.getuid(), os.getgid()
    flags = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET
    if uid != 0:
        flags |= CLONE_NEWUSER
    _check(_libc().unshare(flags), "unshare")
    if uid != 0:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


def _die_with_parent() -> None:
    _libc().prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _supervise(child: int) -> None:
    """In the parent: wait for *child*, reaping whatever else ends, and end with it. In the child: return."""
    if child == 0:
        return
    os.closerange(0, 4096)  # the examiner must see the student's end of the channel close
    while True:
        try:
            ended, _ = os.wait()
        except ChildProcessError:
            os._exit(0)
        if ended == child:
            os._exit(0)


def _mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    encoded = [None if text is None else text.encode() for text in (source, target, kind)]
    _check(
        _libc().mount(*encoded, ctypes.c_ulong(flags), None if data is None else data.encode()),
        f"mount {target}",
    )


def _bind(source: str, target: str) -> None:
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        Path(target).touch()
    _mount(source, target, None, MS_BIND | MS_REC)
    kept = 0
    for bit, flag in KEPT_FLAGS.items():
        kept |= flag if os.statvfs(target).f_flag & bit else 0
    device = stat.S_ISCHR(os.stat(target).st_mode)
    flags = MS_NOSUID | kept | (0 if device else MS_RDONLY | MS_NODEV)
    _mount(None, target, None, MS_BIND | MS_REMOUNT | flags)


def _new_root(limits: Limits, library: Sequence[str], hidden: Sequence[str], root: str) -> None:
    _mount(None, "/", None, MS_REC | MS_PRIVATE)
    _mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, f"size={limits.disk_mb}m,mode=755")
    bound: list[str] = []
    for path in [*SYSTEM, *sorted(library)]:
        if os.path.islink(path) and path in SYSTEM:
            os.symlink(os.readlink(path), root + path)
        elif os.path.exists(path) and not any(path == b or path.startswith(b + "/") for b in bound):
            _bind(path, root + path)
            bound.append(path)
    for path in hidden:
        if any(path.startswith(b + "/") for b in bound) and os.path.isdir(root + path):
            _mount("tmpfs", root + path, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV, "size=4k,mode=555")
    for device in DEVICES:
        _bind(f"/dev/{device}", f"{root}/dev/{device}")
    os.makedirs(root + "/proc")
    with contextlib.suppress(OSError):  # some containers forbid it; without it there is less to see, not more
        _mount("proc", root + "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    for folder in (HOME, "/tmp", "/old"):
        os.makedirs(root + folder, exist_ok=True)
        os.chmod(root + folder, 0o1777)
    os.chdir(root)
    _check(_libc().syscall(PIVOT_ROOT[os.uname().machine], b".", b"old"), "pivot_root")
    _check(_libc().umount2(b"/old", MNT_DETACH), "umount")
    os.rmdir("/old")
    socket.sethostname("notebook")


def _limit(limits: Limits) -> None:
    megabyte = 1 << 20
    try:
        used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        used = 1 << 30
    wanted = {
        "RLIMIT_AS": used + limits.memory_mb * megabyte,
        "RLIMIT_FSIZE": limits.disk_mb * megabyte,
        "RLIMIT_NPROC": limits.processes,
        "RLIMIT_NOFILE": 256,
        "RLIMIT_CORE": 0,
        "RLIMIT_CPU": int(limits.total_seconds) + 5,
    }
    for name, value in wanted.items():
        if hasattr(resource, name):
            with contextlib.suppress(ValueError, OSError):  # macOS refuses some of them
                resource.setrlimit(getattr(resource, name), (value, value))


def _drop_privileges(level: str) -> None:
    if os.getuid() == 0:
        uid = STUDENT_UID + os.getpid() % 4000
        os.chown(".", uid, uid)
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
    if level == FULL:
        libc = _libc()
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        header = (ctypes.c_uint32 * 2)(0x20080522, 0)
        libc.capset(header, (ctypes.c_uint32 * 6)())
