"""The strongest confinement: Linux namespaces and a file system that holds the interpreter, the library and an empty folder, nothing else."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import socket
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["HOME", "die_with_parent", "drop_capabilities", "leave_namespaces", "libc", "settle"]

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x20000, 0x4000000, 0x8000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
# (statvfs flag, mount flag): what a remount inside a user namespace may not drop.
KEPT_FLAGS = (
    ("ST_NOEXEC", MS_NOEXEC),
    ("ST_NOATIME", 1024),
    ("ST_NODIRATIME", 2048),
    ("ST_RELATIME", 1 << 21),
)
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, MNT_DETACH = 1, 38, 2
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
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
OCTAL = re.compile(r"\\([0-7]{3})")  # how the kernel writes spaces in the names of mounts


def libc() -> ctypes.CDLL:
    """The C library, with errno kept."""
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


def leave_namespaces() -> None:
    """What this process starts from now on is in namespaces of its own: files, processes, network, host name and System V objects.

    Raises:
        OSError: the kernel refuses.
    """
    if sys.platform != "linux" or os.uname().machine not in PIVOT_ROOT:
        raise OSError("namespaces need Linux on x86-64 or ARM64")
    uid, gid = os.getuid(), os.getgid()
    flags = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET
    _check(libc().unshare(flags | (CLONE_NEWUSER if uid else 0)), "unshare")
    if uid:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


def settle(disk_mb: int, inodes: int, library: Sequence[str], hidden: Sequence[str], root: str) -> None:
    """As the first process of the new namespaces: make the file system, on the empty folder *root*, and go on below as their second process.

    The caller returns in :data:`HOME`, in that second process; the first waits for it and reaps what else ends.

    Args:
        disk_mb, inodes: what may be written.
        library: folders to show, read-only, besides the system's.
        hidden: folders inside those that look empty.

    Raises:
        OSError: the kernel refuses.
    """
    _new_root(disk_mb, inodes, library, hidden, root)
    _supervise(os.fork())
    os.chdir(HOME)


def drop_capabilities() -> None:
    """Give up every capability of this process and the means to get one."""
    c = libc()
    c.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    c.capset(header, (ctypes.c_uint32 * 6)())


def die_with_parent() -> None:
    """Have this process killed when its parent ends; on Linux only."""
    libc().prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _supervise(child: int) -> None:
    """In the parent: wait for *child*, reaping whatever else ends, and end with its status. In the child: return."""
    if child == 0:
        return
    os.closerange(0, 4096)  # the examiner must see the student's end of the channel close
    while True:
        try:
            ended, status = os.wait()
        except ChildProcessError:
            os._exit(1)
        if ended == child:
            os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    encoded = [None if text is None else text.encode() for text in (source, target, kind)]
    options = None if data is None else data.encode()
    _check(libc().mount(*encoded, ctypes.c_ulong(flags), options), f"mount {target}")


def _bind(source: str, target: str) -> None:
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        Path(target).touch()
    _mount(source, target, None, MS_BIND | MS_REC)


def _close_mounts(root: str) -> None:
    """Make every mount below *root* read-only, also those that lay below a folder that was bound: a remount changes one mount only."""
    points = [
        line.split()[4]
        for line in Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape").splitlines()
    ]
    for escaped in {point for point in points if point.startswith(root + "/")}:
        target = OCTAL.sub(lambda found: chr(int(found[1], 8)), escaped)
        has = os.statvfs(target).f_flag
        kept = sum(flag for name, flag in KEPT_FLAGS if has & getattr(os, name, 0))
        device = stat.S_ISCHR(os.stat(target).st_mode)
        flags = MS_NOSUID | kept | (0 if device else MS_RDONLY | MS_NODEV)
        _mount(None, target, None, MS_BIND | MS_REMOUNT | flags)


def _new_root(disk_mb: int, inodes: int, library: Sequence[str], hidden: Sequence[str], root: str) -> None:
    _mount(None, "/", None, MS_REC | MS_PRIVATE)
    _mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, f"size={disk_mb}m,nr_inodes={inodes + 256},mode=755")
    bound: list[str] = []
    for path in [*SYSTEM, *sorted(library)]:
        if os.path.islink(path) and path in SYSTEM:
            os.symlink(os.readlink(path), root + path)
        elif os.path.exists(path) and not any(path == b or path.startswith(b + "/") for b in bound):
            _bind(path, root + path)
            bound.append(path)
    for path in hidden:
        if any(path.startswith(b + "/") for b in bound) and os.path.isdir(root + path):
            _mount(
                "tmpfs",
                root + path,
                "tmpfs",
                MS_RDONLY | MS_NOSUID | MS_NODEV,
                "size=4k,nr_inodes=1,mode=555",
            )
    for device in DEVICES:
        _bind(f"/dev/{device}", f"{root}/dev/{device}")
    _close_mounts(root)
    os.makedirs(root + "/proc")
    with contextlib.suppress(OSError):  # some containers forbid it; without it there is less to see, not more
        _mount("proc", root + "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    for folder in (HOME, "/tmp", "/dev/shm", "/old"):
        os.makedirs(root + folder, exist_ok=True)
        os.chmod(root + folder, 0o1777)
    os.chdir(root)
    _check(libc().syscall(PIVOT_ROOT[os.uname().machine], b".", b"old"), "pivot_root")
    _check(libc().umount2(b"/old", MNT_DETACH), "umount")
    os.rmdir("/old")
    socket.sethostname("notebook")
