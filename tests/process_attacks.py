"""Attacks by what a student's cells do to processes, memory, the channel and the kernel; each prints STOLEN if it got what it tried.

A submission is the first notebook with the answers of ``attacks/wrong.txt`` (worth 1 point), and a cell of the student's own after the set-up or at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograder.notebook.cells import grading
from tests.display_attacks import add_cell
from tests.file_attacks import on_content

__all__: list[str] = []

TRY = """
import ctypes, errno, mmap, os, resource, signal, socket, sys, threading, time
stolen = "STO" + "LEN"
def attempt(action):
    try:
        if action() not in (None, False, -1):
            print(stolen, action)
    except BaseException:
        pass
call = ctypes.CDLL(None, use_errno=True).syscall
"""


def attack(
    marks: float = 1, base: str = "wrong", after: str = "setup"
) -> Callable[[Callable[[], str]], Callable[[], str]]:
    """A submission with a cell of the student's own that runs what the function returns."""

    def register(made: Callable[[], str]) -> Callable[[], str]:
        def apply(content: dict[str, Any]) -> None:
            cells = content["cells"]
            at = next(i for i, cell in enumerate(cells) if grading(cell).get("grade_id") == after)
            cells.insert(
                at + 1,
                {
                    "cell_type": "code",
                    "metadata": {},
                    "source": TRY + made(),
                    "outputs": [],
                    "execution_count": None,
                },
            )

        apply.__name__ = made.__name__
        on_content(marks, base=base)(apply)
        return made

    return register


STOP_WHEN_READ = """
def stop():
    main = threading.main_thread().ident
    while sys._current_frames()[main].f_code.co_name not in ("receive", "_exactly", "_await"):
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGSTOP)
threading.Thread(target=stop, daemon=True).start()
"""


@on_content(1)
def stopped_before_a_cell_that_does_not_fit_into_the_socket(content):
    for source in (TRY + STOP_WHEN_READ, f"x = {'y' * (2 << 20)!r}"):  # after all that is worth something
        add_cell(content, "code", source)


@on_content(1)
def a_cell_that_is_too_large_to_cross(content):
    source = f"text = {'x' * (9 << 20)!r}"
    add_cell(content, "code", source)


@on_content(13, base="right")
def right_answers_beside_a_cell_that_is_too_large_to_cross(content):
    a_cell_that_is_too_large_to_cross(content)


@attack()
def stopped_when_called():
    return "def ridge_point(*a): os.kill(os.getpid(), signal.SIGSTOP)\ndef regime(*a): os.kill(os.getpid(), signal.SIGSTOP)"


@attack()
def values_that_are_too_large_to_cross():
    return "answer_regime = 'x' * (9 << 20)\ndef attainable(*a): return [1.0] * (9 << 20)"


@attack(13, base="right")
def memory_that_no_process_shows():
    return """
def hoard():
    kept = []
    for _ in range(20):
        kept.append(os.memfd_create("x"))
        for _ in range(100):
            os.write(kept[-1], bytes(1 << 20))
    return len(kept)
attempt(hoard)
"""


@attack()
def memory_of_many_processes():
    return """
for _ in range(12):
    if os.fork() == 0:
        kept = bytearray(os.urandom(1 << 20)) * 400
        time.sleep(600)
time.sleep(600)
"""


@attack()
def memory_that_children_leave_in_mappings():
    return """
for _ in range(8):
    if os.fork() == 0:
        kept = []
        for _ in range(10):
            kept.append(mmap.mmap(-1, 100 << 20))
            if os.fork() == 0:
                kept[-1].write(bytes(100 << 20))
                os._exit(0)
            os.wait()
        time.sleep(600)
time.sleep(600)
"""


@attack(13, base="right")
def files_without_number():
    return """
def fill():
    made = 0
    try:
        while True:
            open(f"/tmp/{made}", "w").close()
            made += 1
    except OSError:
        return made > 20_000
attempt(fill)
for name in os.listdir("/tmp"):
    os.unlink(f"/tmp/{name}")
"""


@attack(13, base="right")
def parts_of_the_kernel():
    return """
numbers = {"x86_64": [29, 68, 64, 240, 425, 323, 321, 298, 248, 250, 101, 310, 272, 308, 435, 165, 319, 447],
           "aarch64": [194, 186, 190, 180, 425, 282, 280, 241, 217, 219, 117, 270, 97, 268, 435, 40, 279, 447]}
for number in numbers[os.uname().machine]:
    for first in (0, 1, 0x10000000):
        attempt(lambda: call(number, first, 4096, 0o1600, 0, 0, 0) >= 0)
for family in (1, 16, 17, 40, 38, 29):
    attempt(lambda: socket.socket(family, socket.SOCK_STREAM))
    attempt(lambda: socket.socket(family, socket.SOCK_DGRAM))
    attempt(lambda: socket.socket(family, socket.SOCK_RAW))
"""


@attack(13, base="right")
def other_processes():
    return """
for pid in [1, os.getppid(), *range(2, 400)]:
    if pid != os.getpid():
        attempt(lambda: resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, 0)) or True)
        attempt(lambda: os.setpriority(os.PRIO_PROCESS, pid, 19) or True)
        attempt(lambda: os.sched_setaffinity(pid, {0}) or True)
attempt(lambda: os.setpriority(os.PRIO_USER, 0, 19) or True)
attempt(lambda: os.sched_setaffinity(0, range(os.cpu_count())) or True)
"""


@attack(13, base="right")
def daemons_that_hold_the_channel():
    return """
for _ in range(4):
    if call(57 if os.uname().machine == "x86_64" else 220, 17, 0, 0, 0, 0) == 0:
        os.setsid()
        if os.fork() == 0:
            for number in signal.valid_signals():
                try:
                    signal.signal(number, signal.SIG_IGN)
                except (OSError, ValueError):
                    pass
            time.sleep(600)
        os._exit(0)
"""


@attack(after="predict")
def noise_on_the_channel():
    return """
descriptors = [int(name) for name in os.listdir("/proc/self/fd")]
def shout():
    while True:
        for number in descriptors:
            try:
                if number > 2 and os.readlink(f"/proc/self/fd/{number}").startswith("socket"):
                    os.write(number, b"\\0\\0\\0\\5\\x92\\x01\\xa1done" * 100)
            except OSError:
                pass
threading.Thread(target=shout, daemon=True).start()
time.sleep(0.5)
"""


@attack()
def half_a_message_and_then_silence():
    return """
for name in os.listdir("/proc/self/fd"):
    try:
        if int(name) > 2 and os.readlink(f"/proc/self/fd/{name}").startswith("socket"):
            os.write(int(name), b"\\0\\0\\1\\0half")
    except OSError:
        pass
time.sleep(600)
"""


@attack()
def texts_that_cannot_be_written():
    return """
class Odd(Exception):
    def __str__(self): return "\\ud800 \\x1b[2J \\0 \\u202e" * 1000
Odd.__name__ = Odd.__qualname__ = "\\udfff" * 200
def ridge_point(*a): raise Odd
def regime(*a): return "memory\\ud800-bound"
def attainable(*a): return {"\\udc80": ["\\ud800"]}
answer_regime = "\\ud800"
print("\\ud800", file=sys.stderr)
raise Odd
"""


@attack()
def a_message_that_takes_for_ever():
    return """
class Slow(Exception):
    def __str__(self): time.sleep(600)
    __repr__ = __str__
def ridge_point(*a): raise Slow
raise Slow
"""


@on_content(1)
def its_own_limits_set_to_nothing(content):
    source = (  # at the end: what is worth something may end as soon as it has nothing left
        TRY
        + """
for name in ("RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_NPROC", "RLIMIT_AS", "RLIMIT_STACK"):
    try:
        resource.setrlimit(getattr(resource, name), (0, 0))
    except (ValueError, OSError):
        pass
"""
    )
    add_cell(content, "code", source)


@attack()
def another_program_in_its_place():
    return 'os.execvp("sleep", ["sleep", "600"])'


@attack()
def a_thousand_threads_that_never_end():
    return """
def spin():
    while True:
        pass
try:
    for _ in range(1000):
        threading.Thread(target=spin).start()
except RuntimeError:
    pass
"""
