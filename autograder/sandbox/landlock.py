"""The second confinement, for where namespaces are refused, as in most containers: Landlock, which any Linux process may put on itself.

Interface: https://docs.kernel.org/userspace-api/landlock.html
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator, Sequence

from autograder.sandbox.namespaces import SYSTEM, libc

__all__ = ["restrict_files"]

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same on all architectures
VERSION, PATH_BENEATH = 1, 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
ALL = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}  # later versions add one more
NO_SIGNALS_OR_ABSTRACT_SOCKETS = 3


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("access", ctypes.c_uint64), ("folder", ctypes.c_int32))


def restrict_files(library: Sequence[str], hidden: Sequence[str], own: str) -> int:
    """From now on this process reads the system and *library*, but nothing in *hidden*, and writes in the folder *own* only.

    Where the kernel is new enough it also sends no signal to outside (6.12). Returns the version of Landlock that is in force.

    Raises:
        OSError: the kernel has no Landlock, or it is switched off.
    """
    version = (
        libc().syscall(CREATE_RULESET, None, ctypes.c_size_t(0), VERSION) if sys.platform == "linux" else -1
    )
    if version < 1:
        raise OSError("no Landlock")
    everything = ALL.get(version, (1 << 16) - 1)
    wanted = _Ruleset(everything, 0, NO_SIGNALS_OR_ABSTRACT_SOCKETS if version >= 6 else 0)
    size = 24 if version >= 6 else 8
    rules = libc().syscall(CREATE_RULESET, ctypes.byref(wanted), ctypes.c_size_t(size), 0)
    if rules < 0:
        raise OSError(ctypes.get_errno(), "Landlock refused the rules")
    secrets = [os.path.realpath(path) for path in hidden]
    for path in sorted({os.path.realpath(path) for path in (*SYSTEM, *library)}):
        _allow(rules, path, READ_DIR)
        for shown in _without(path, secrets):
            _allow(rules, shown, READ_FILE | READ_DIR | EXECUTE)
    for device in ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"):
        _allow(rules, device, READ_FILE | WRITE_FILE)
    _allow(rules, own, everything)
    if libc().syscall(RESTRICT_SELF, rules, 0) != 0:
        raise OSError(ctypes.get_errno(), "Landlock refused to start")
    os.close(rules)
    return int(version)


def _without(path: str, hidden: Sequence[str]) -> Iterator[str]:
    """*path*, or the entries below it that are and hold nothing hidden: a rule cannot be taken back further down."""
    if path in hidden or (os.path.islink(path) or not os.path.exists(path)):
        return  # a link's target is allowed where it lies, or not at all
    if not any(h.startswith(path + "/") for h in hidden):
        yield path
        return
    for name in os.listdir(path):
        yield from _without(f"{path}/{name}", hidden)


def _allow(rules: int, path: str, access: int) -> None:
    try:
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    if not os.path.isdir(path):
        access &= EXECUTE | WRITE_FILE | READ_FILE
    rule = _Beneath(access, folder)
    failed = access and libc().syscall(ADD_RULE, rules, PATH_BENEATH, ctypes.byref(rule), 0)
    os.close(folder)
    if failed:
        raise OSError(ctypes.get_errno(), f"Landlock refused a rule for {path}")
