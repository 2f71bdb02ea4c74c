"""What many processes use together is limited as what one uses, and nothing of a run outlives it."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.inside import (
    LIMITS,
    PLACES,
    in_a_candidate,
    in_candidates,
    needs_root,
    when_the_examiner_is_killed,
)

GROWTH = """
import ctypes, mmap, multiprocessing, os, time


def hold(size):
    kept = bytearray(os.urandom(1 << 20)) * (size >> 20)
    time.sleep(600)
    return kept


def many_processes():
    for _ in range(6):
        if os.fork() == 0:
            hold(200 << 20)
    time.sleep(600)


def shared_and_let_go():
    for _ in range(2):
        if os.fork() == 0:
            kept = []
            for _ in range(4):
                kept.append(mmap.mmap(-1, 100 << 20))
                if os.fork() == 0:  # the pages are in nobody's memory when this ends, but held by the mapping
                    kept[-1].write(bytes(100 << 20))
                    os._exit(0)
                os.wait()
            time.sleep(600)
    time.sleep(600)


def threads_of_children():
    def child():
        import threading
        for _ in range(4):
            threading.Thread(target=hold, args=(60 << 20,)).start()
    for _ in range(4):
        multiprocessing.Process(target=child).start()
    time.sleep(600)


def socket_buffers():
    import resource, socket
    kept = []
    for _ in range(14):
        if os.fork() == 0:
            try:
                while True:
                    for end in socket.socketpair():
                        kept.append(end)
                        end.setblocking(False)
                        try:
                            while True:
                                end.send(bytes(1 << 16))
                        except BlockingIOError:
                            pass
            except OSError:
                time.sleep(600)
    time.sleep(600)


def first_threads_that_end():
    import threading
    for _ in range(5):
        if os.fork() == 0:
            threading.Thread(target=hold, args=(200 << 20,)).start()
            exit_thread = {"x86_64": 60, "aarch64": 93}[os.uname().machine]
            ctypes.CDLL(None).syscall(exit_thread, 0)
    time.sleep(600)


def slow_to_look_at():
    libc, page = ctypes.CDLL(None), mmap.PAGESIZE
    libc.mmap.restype = ctypes.c_void_p
    for _ in range(12):
        if os.fork() == 0:
            start = libc.mmap(None, ctypes.c_size_t(50_000 * page), 3, 0x22, -1, 0)
            for i in range(0, 50_000, 2):
                libc.mprotect(ctypes.c_void_p(start + i * page), ctypes.c_size_t(page), 1)
            hold(60 << 20)
    time.sleep(600)


def orphans():
    for _ in range(6):
        if os.fork() == 0:
            if os.fork() == 0:
                os.setsid()
                hold(200 << 20)
            os._exit(0)
        os.wait()
    time.sleep(600)
"""


@needs_root
@pytest.mark.parametrize(("level", "user"), PLACES)
def test_memory_is_that_of_all_processes_together_shared_memory_included(level, user):
    ways = [
        "many_processes",
        "shared_and_let_go",
        "threads_of_children",
        "orphans",
        "socket_buffers",
        "first_threads_that_end",
        "slow_to_look_at",
    ]
    died = ["died", "needed more than the 512 MB of memory allowed"]
    assert in_candidates(level, GROWTH, ways, user=user) == [died] * len(ways)


MODEST = """
import multiprocessing, numpy as np


def total(seed):
    return float(np.random.default_rng(seed).random(4_000_000).sum())  # 32 MB each


def modest():
    with multiprocessing.Pool(4) as pool:
        return len(pool.map(total, range(16)))
"""


@needs_root
@pytest.mark.parametrize(("level", "user"), PLACES)
def test_four_processes_within_the_limit_together_are_left_alone(level, user):
    """Each starts as a copy of the library's 100 MB and more: memory in common counts once."""
    assert in_a_candidate(level, MODEST, "modest", user=user) == 16


FILES = """
import os, time


def wait_if(made, wanted):
    if made >= wanted:
        time.sleep(600)  # the warden must have seen it by then
    return made


def many_files():
    made = 0
    try:
        for made in range(3000):
            os.makedirs(f"d{made % 7}", exist_ok=True)
            open(f"d{made % 7}/{made}", "w").close()
    except OSError:
        pass
    return wait_if(made, 2000)


def far_below():
    made = 0
    try:
        for _ in range(24):
            os.mkdir("d" * 200)
            os.chdir("d" * 200)
        for made in range(3000):
            open(str(made), "w").close()
    except OSError:
        pass
    return wait_if(made, 2000)


def in_a_closed_folder():
    os.umask(0)
    os.mkdir("closed", 0o300)
    made = 0
    try:
        for made in range(3000):
            open(f"closed/{made}", "w").close()
    except OSError:
        pass
    return wait_if(made, 2000)


def deleted_but_open():
    kept, made = [], 0
    try:
        for made in range(40):
            kept.append(open("f", "wb", buffering=0))
            os.unlink("f")
            kept[-1].write(os.urandom(1 << 20))
    except OSError:
        pass
    return wait_if(made, 20)


def unnamed():
    kept, made = [], 0
    try:
        for made in range(40):
            kept.append(os.open(".", os.O_TMPFILE | os.O_WRONLY))
            os.write(kept[-1], os.urandom(1 << 20))
    except OSError:
        pass
    return wait_if(made, 20)


def deleted_and_in_flight():
    import socket
    ours, theirs = socket.socketpair()
    made = 0
    try:
        for made in range(60):
            with open("f", "w+b", buffering=0) as file:
                os.unlink("f")
                file.write(os.urandom(1 << 20))
                socket.send_fds(ours, [b"x"], [file.fileno()] * 2)
    except OSError:
        pass
    return wait_if(made, 20)


def deleted_but_mapped():
    import mmap
    kept, made = [], 0
    try:
        for made in range(40):
            with open("f", "w+b", buffering=0) as file:
                file.write(os.urandom(1 << 20))
                kept.append(mmap.mmap(file.fileno(), 0))
            os.unlink("f")
    except OSError:
        pass
    return wait_if(made, 20)


def many_bytes():
    made = 0
    try:
        for made in range(40):
            with open(f"f{made}", "wb") as file:
                file.write(os.urandom(1 << 20))
    except OSError:
        pass
    return wait_if(made, 20)
"""


@needs_root
@pytest.mark.parametrize(("level", "user"), PLACES)
def test_files_are_limited_in_number_as_in_size(level, user):
    numbers = ["many_files", "far_below", "in_a_closed_folder"]
    sizes = ["many_bytes", "deleted_but_open", "deleted_but_mapped", "unnamed", "deleted_and_in_flight"]
    found = dict(
        zip([*numbers, *sizes], in_candidates(level, FILES, [*numbers, *sizes], user=user), strict=True)
    )
    for way, (word, value) in found.items():
        if level == "namespaces":  # the file system is full
            assert 1 <= value <= (LIMITS.inodes + 256 if way in numbers else LIMITS.disk_mb + 1), way
        else:
            assert (word, value) == ("died", "wrote more than the 8 MB or 500 files allowed"), way


STUBBORN = """
import os, signal, time


def linger(name):
    for number in signal.Signals:
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.setsid()
                os.closerange(0, 256)
                os.execvp("sleep", ["sleep", name])
            os._exit(0)
    os.makedirs("a/" * 100)


def daemons(name):
    linger(name)
    os.mkdir("closed", 0)


def stopped(name):
    linger(name)
    os.kill(os.getpid(), signal.SIGSTOP)


def ended(name):
    linger(name)
    os._exit(0)
"""


def running(name: str) -> list[str]:
    """Processes that are ``sleep`` with this argument."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(path.read_bytes().decode(errors="replace"))
    return [line for line in found if line.split("\0")[:2] == ["sleep", name]]


@needs_root
@pytest.mark.parametrize(("level", "user"), PLACES)
def test_no_process_and_no_folder_outlives_a_run(level, user):
    name = f"98765{os.getpid()}{time.monotonic_ns() % 10**6}"
    assert in_candidates(level, STUBBORN, ["daemons", "ended"], name, user=user) == [
        ["value", None],
        ["died", "ended the notebook's process"],
    ]
    impatient = replace(LIMITS, call_seconds=2)
    assert in_candidates(level, STUBBORN, ["stopped"], name, user=user, limits=impatient) == [
        ["died", "took longer than the 2 s allowed"]
    ]
    assert running(name) == []


@needs_root
@pytest.mark.parametrize(("level", "user"), PLACES)
def test_nothing_is_left_when_the_examiner_is_killed_in_the_middle(level, user):
    name = f"87654{os.getpid()}{time.monotonic_ns() % 10**6}"
    when_the_examiner_is_killed(level, STUBBORN, "daemons", name, user=user)
    assert running(name) == []


@needs_root
@pytest.mark.parametrize(("level", "user"), PLACES)
def test_the_warden_ends_the_notebook_when_its_time_is_over_whatever_the_examiner_does(level, user):
    """The examiner would wait for a minute: its call has a limit of its own."""
    cell = "import time\n\n\ndef wait():\n    time.sleep(50)"
    assert in_candidates(level, cell, ["wait"], user=user, seconds=1.0) == [
        ["died", "was not done when the notebook's time was over"]
    ]
