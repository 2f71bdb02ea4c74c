"""The system calls that a student's process may not make, as a seccomp filter: a few rules in the kernel, which no later code can take back.

The other confinements hide files and processes; this one closes what goes past them: other processes' limits, files' permissions, sockets, memory that
counts in no limit, and the parts of the kernel that are attacked most. It needs no library: a filter is an array of small instructions.

Interface: https://docs.kernel.org/userspace-api/seccomp_filter.html
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from dataclasses import dataclass

from autograder.sandbox.namespaces import libc

__all__ = ["ARCHITECTURES", "RULES", "Rule", "filter_system_calls", "numbers", "rules_for"]

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
LOAD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# Calls that are newer than these rules may do what the rules forbid; the C library knows how to do without them.
NEWER = 463
NEW_NAMESPACES = 0x7E020000
AF_UNIX, AF_INET, AF_INET6 = 1, 2, 10
PR_SET_DUMPABLE, F_SETLEASE, F_NOTIFY = 4, 1024, 1026
CHANGES_OF_FLAGS = (
    0x40086602,
    0x401C5820,
    0x40087602,
)  # FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR, FS_IOC_SETVERSION
DONE = 0  # the call does nothing and succeeds

# Name, number on x86-64, number on ARM64 (which lacks some old calls), from the kernel's tables of system calls.
_TABLE = """
add_key 248 217        bpf 321 280              chmod 90 -               chown 92 -               chroot 161 51
clone 56 220           clone3 435 435           fanotify_init 300 262    fchmod 91 52             fchmodat 268 53
fchmodat2 452 452      fchown 93 55             fchownat 260 54          fsconfig 431 431         fsetxattr 190 7
fsmount 432 432        fremovexattr 199 16      fsopen 430 430           fspick 433 433           futimesat 261 -
inotify_add_watch 254 27   io_uring_enter 426 426   io_uring_register 427 427   io_uring_setup 425 425   ioprio_set 251 30
kcmp 312 272           keyctl 250 219           lchown 94 -              lremovexattr 198 15      lsetxattr 189 6
memfd_create 319 279   memfd_secret 447 447     migrate_pages 256 238    mount 165 40             mount_setattr 442 442
move_mount 429 429     move_pages 279 239       mq_open 240 180          mq_unlink 241 181        msgctl 71 187
msgget 68 186          msgrcv 70 188            msgsnd 69 189            open_by_handle_at 304 265  open_tree 428 428
perf_event_open 298 241  pidfd_getfd 438 438    pivot_root 155 41        prlimit64 302 261        process_madvise 440 440
process_mrelease 448 448  process_vm_readv 310 270  process_vm_writev 311 271  ptrace 101 117        removexattr 197 14
request_key 249 218    sched_setaffinity 203 122  sched_setattr 314 274  sched_setparam 142 118   sched_setscheduler 144 119
semctl 66 191          semget 64 190            semop 65 193             semtimedop 220 192       setns 308 268
setpriority 141 140    setxattr 188 5           shmat 30 196             shmctl 31 195            shmget 29 194
socket 41 198          socketpair 53 199        truncate 76 45           umount2 166 39           unshare 272 97
fcntl 72 25            ioctl 16 29              prctl 157 167            vmsplice 278 75
userfaultfd 323 282    utime 132 -              utimensat 280 88         utimes 235 -
"""
_CELLS = _TABLE.split()
_NUMBERS = {
    name: {"x86_64": x86, "aarch64": arm}
    for name, x86, arm in zip(_CELLS[::3], _CELLS[1::3], _CELLS[2::3], strict=True)
}


@dataclass(frozen=True, slots=True)
class Rule:
    """Calls that are refused.

    Attributes:
        calls: their names.
        why: what they would do.
        error: the error number that they give; :data:`DONE` pretends that they were done.
        argument: the argument that it depends on, by position; None refuses them always.
        allowed: values of that argument with which they may be made.
        refused: instead, values with which they may not.
        bits: instead, bits of which it may have none.
        where: the levels of confinement at which the rule holds; all of them if empty.
    """

    calls: str
    why: str
    error: int = errno.EPERM
    argument: int | None = None
    allowed: tuple[int, ...] = ()
    refused: tuple[int, ...] = ()
    bits: int = 0
    where: tuple[str, ...] = ()


_OUTSIDE = ("landlock", "limits")  # where files and processes of others can be named
RULES = (
    Rule("prlimit64", "change the limits of another process", argument=0, allowed=(0,)),
    Rule("setpriority", "slow down other processes", argument=0, allowed=(0,)),
    Rule("setpriority", "slow down another process", argument=1, allowed=(0,)),
    Rule("ioprio_set", "slow down the files of other processes", argument=0, allowed=(1,)),
    Rule("ioprio_set", "slow down the files of another process", argument=1, allowed=(0,)),
    Rule(
        "sched_setattr sched_setparam sched_setscheduler",
        "decide when another process runs",
        argument=0,
        allowed=(0,),
    ),
    Rule("sched_setaffinity", "leave the core on which it is graded, and slow down others' work"),
    Rule("migrate_pages move_pages process_madvise process_mrelease", "move another process's memory"),
    Rule("kcmp pidfd_getfd process_vm_readv process_vm_writev ptrace", "look into another process"),
    Rule("socket", "talk to services of this machine", argument=0, allowed=(AF_INET, AF_INET6)),
    Rule("socket", "talk to a network", where=_OUTSIDE),
    Rule("socketpair", "use a rare kind of socket", argument=0, allowed=(AF_UNIX,)),
    Rule("clone", "make namespaces, in which it would be root", argument=0, bits=NEW_NAMESPACES),
    Rule("clone3", "make namespaces; its argument cannot be seen here", errno.ENOSYS),
    Rule("setns unshare", "make or enter namespaces"),
    Rule(
        "chroot fsconfig fsmount fsopen fspick mount mount_setattr move_mount open_tree pivot_root umount2",
        "change what is mounted",
    ),
    Rule("memfd_create memfd_secret", "hold memory that no limit counts"),
    Rule("msgctl msgget msgrcv msgsnd", "use queues that outlive it and that others use"),
    Rule("mq_open mq_unlink", "use queues that outlive it and that others use"),
    Rule("semctl semget semop semtimedop", "use semaphores that outlive it and that others use"),
    Rule("shmat shmctl shmget", "use memory that outlives it and that others use"),
    Rule("io_uring_enter io_uring_register io_uring_setup", "make calls that no filter sees", errno.ENOSYS),
    Rule("bpf fanotify_init perf_event_open userfaultfd", "use a part of the kernel that is often attacked"),
    Rule("add_key keyctl request_key", "use keys of the user"),
    Rule("vmsplice", "keep memory in pipes, where no limit counts it"),
    Rule("prctl", "hide from the one who counts its memory", argument=0, refused=(PR_SET_DUMPABLE,)),
    Rule(
        "fcntl",
        "hold up others who open a file, or watch a folder",
        argument=1,
        refused=(F_SETLEASE, F_NOTIFY),
    ),
    Rule("open_by_handle_at", "open files without their names"),
    Rule(
        "inotify_add_watch",
        "watch folders that it cannot open, and keep what happened where no limit counts it",
    ),
    # Copying a file sets its permissions and times: that must not fail, and must change nothing that lies elsewhere.
    Rule("chmod fchmod fchmodat fchmodat2", "change who may use a file", DONE, where=_OUTSIDE),
    Rule("chown fchown fchownat lchown", "change whose a file is", DONE, where=_OUTSIDE),
    Rule("futimesat utime utimensat utimes", "change when a file was changed", DONE, where=_OUTSIDE),
    Rule("ioctl", "change a file's flags", argument=1, refused=CHANGES_OF_FLAGS, where=_OUTSIDE),
    Rule(
        "fremovexattr fsetxattr lremovexattr lsetxattr removexattr setxattr",
        "change a file's attributes",
        errno.ENOTSUP,
        where=_OUTSIDE,
    ),
)
# Landlock sees this call from its third version on.
TRUNCATE = Rule("truncate", "cut off a file by its name")


def numbers(rule: Rule) -> dict[str, int]:
    """The calls of *rule* that this machine has, with their numbers; empty where the table does not know the machine."""
    machine = os.uname().machine
    found = {name: _NUMBERS[name].get(machine, "-") for name in rule.calls.split()}
    return {name: int(number) for name, number in found.items() if number != "-"}


def rules_for(level: str, landlock: int = 0) -> list[Rule]:
    """The rules at a level of confinement; *landlock* is the version of Landlock that is in force."""
    rules = [rule for rule in RULES if not rule.where or level in rule.where]
    return [*rules, TRUNCATE] if level == "landlock" and landlock < 3 else rules


def filter_system_calls(level: str, landlock: int = 0) -> None:
    """From now on this process and all that it starts cannot make the calls of :func:`rules_for`.

    Raises:
        OSError: the kernel has no filters, or this is a machine that the table does not know.
    """
    machine = os.uname().machine
    if sys.platform != "linux" or machine not in ARCHITECTURES:
        raise OSError("system calls are filtered on Linux on x86-64 and ARM64 only")
    program = b"".join(_program(rules_for(level, landlock), machine))
    memory = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(memory))
    if libc().prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.c_char_p(header), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the kernel refused the filter of system calls")


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def _program(rules: list[Rule], machine: str) -> list[bytes]:
    unknown = _step(RETURN, REFUSE | errno.ENOSYS)
    made = [
        _step(LOAD, ARCHITECTURE),
        _step(JUMP_EQUAL, ARCHITECTURES[machine], 1, 0),
        unknown,
        _step(LOAD, NUMBER),
        _step(JUMP_AT_LEAST, NEWER, 0, 1),  # also x86-64's second table of the same calls, from 0x40000000 on
        unknown,
    ]
    for rule in rules:
        for number in numbers(rule).values():
            judged = [*_argument(rule), _step(RETURN, REFUSE | rule.error)]
            if rule.argument is not None:
                judged.append(_step(LOAD, NUMBER))  # of a harmless call, for the rules that follow
            made += [_step(JUMP_EQUAL, number, 0, len(judged)), *judged]
    return [*made, _step(RETURN, ALLOW)]


def _argument(rule: Rule) -> list[bytes]:
    """Steps that jump over the next one, which refuses the call, where its argument is harmless.

    They look at the lower half of the argument only: each of these is 32 bits wide, and the kernel ignores the rest.
    """
    if rule.argument is None:
        return []
    load = _step(LOAD, ARGUMENTS + 8 * rule.argument)
    if rule.bits:
        return [load, _step(JUMP_ANY_BIT, rule.bits, 0, 1)]
    count = len(rule.allowed) + len(rule.refused)
    if rule.refused:  # the last one jumps over the refusal if it is not that value either
        steps = [_step(JUMP_EQUAL, value, count - i - 1, 0) for i, value in enumerate(rule.refused)]
        return [load, *steps[:-1], _step(JUMP_EQUAL, rule.refused[-1], 0, 1)]
    return [load, *(_step(JUMP_EQUAL, value, count - i, 0) for i, value in enumerate(rule.allowed))]
