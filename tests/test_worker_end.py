"""A grading process ends when it is told to, whatever it is in the middle of."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.pace import HANG

# Its forkserver is being closed, by code that holds a lock, when the signal comes; closing it again waits for that lock.
PROGRAM = """
import os, signal, socket, sys, threading
from autograder.candidate import forkserver
from autograder.grading import worker

worker.END_SECONDS = 1
lock = threading.Lock()
closing = threading.Event()

def close_forkserver():
    with lock:
        if not closing.is_set():
            closing.set()
            os.kill(os.getpid(), signal.SIGTERM)
            threading.Event().wait(0.05)

forkserver.close_forkserver = close_forkserver
ours, theirs = socket.socketpair()
theirs_fd = theirs.detach()
{how}
worker.main(theirs_fd, sys.argv[1])
"""
HOW = {
    "the other side is gone, and it is told so by a signal too": "ours.close()",
    "a signal comes while something else is closing it": """
connect = worker.Connection
class Closing(connect):
    def recv(self):
        close_forkserver()
        return super().recv()
worker.Connection = Closing
""",
}


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
@pytest.mark.parametrize("how", HOW)
def test_it_ends_though_it_is_told_in_the_middle_of_an_end(tmp_path, how):
    command = [sys.executable, "-c", PROGRAM.replace("{how}", HOW[how]), str(tmp_path / "folder")]
    done = subprocess.run(command, timeout=HANG)
    assert done.returncode in (128 + signal.SIGTERM, -signal.SIGALRM)


# The signal comes while it imports what it needs, and a module is half there.
IMPORTING = """
import os, signal, socket, sys, types
from autograder.grading import worker

class Told:
    def find_spec(self, name, *rest):
        if name == "autograder.candidate.start":
            sys.modules["autograder.candidate.forkserver"] = types.ModuleType("half")
            os.kill(os.getpid(), signal.SIGTERM)

sys.meta_path.insert(0, Told())
worker.main(socket.socketpair()[1].detach(), sys.argv[1])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_told_while_it_starts_it_leaves_no_folder(tmp_path):
    command = [sys.executable, "-c", IMPORTING, str(tmp_path / "folder")]
    done = subprocess.run(command, timeout=HANG)
    assert done.returncode == 128 + signal.SIGTERM and not (tmp_path / "folder").exists()
