"""The warm process that candidates are forked from, and the examiner's lines to their wardens."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from autograder.candidate.serve import CONTROL_LIMIT
from autograder.candidate.warm import Warm
from autograder.sandbox.warden import END_SECONDS
from autograder.wire.channel import Channel

__all__ = [
    "ONE_THREAD",
    "START_SECONDS",
    "ForkServer",
    "Lifeline",
    "await_ends",
    "close_forkserver",
    "warm_forkserver",
]

START_SECONDS = 60.0
# For processes that have one core: the threads of a matrix product would wait for each other there, and at full speed.
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class Lifeline:
    """The examiner's end of a socket to a warden, which ends everything when it is cut, or closed because the examiner is gone."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        _living.append(self)

    def last_word(self) -> bytes:
        """Why the warden ended everything, if it did so for a reason of its own; see :class:`autograder.sandbox.warden.Guard`."""
        try:
            return self._socket.recv(16, socket.MSG_DONTWAIT)
        except OSError:
            return b""

    def cut(self) -> None:
        """Have everything ended; :func:`await_ends` waits for that."""
        if self in _living:
            _living.remove(self)
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_WR)
            _ending.append(self)

    def await_end(self, seconds: float) -> None:
        """Wait until the warden has done so, for *seconds* at most."""
        until = time.monotonic() + seconds
        with self._socket as connection, contextlib.suppress(OSError):
            while True:
                connection.settimeout(max(0.001, until - time.monotonic()))
                if not connection.recv(16):
                    return


_living: list[Lifeline] = []
_ending: list[Lifeline] = []


def await_ends(seconds: float, spared: int = 0) -> None:
    """Wait until everything has ended that was to be, for *seconds* at most, but for the last *spared* candidates."""
    until = time.monotonic() + seconds
    while len(_ending) > spared:
        _ending.pop(0).await_end(until - time.monotonic())


class ForkServer:
    """The warm process that candidates are forked from.

    Attributes:
        level: the strongest confinement on this machine, one of :data:`autograder.sandbox.levels.LEVELS`.
    """

    def __init__(self, warm: Warm, files: Mapping[str, bytes]) -> None:
        self.serves = warm, dict(files) if warm.cell else {}
        ours, theirs = socket.socketpair()
        self._mount_point = tempfile.mkdtemp(prefix="candidate-root-")
        os.chmod(self._mount_point, 0o711)  # for students' folders in it, where there are no namespaces
        # Nothing of the examiner's: a clean environment, an empty command line, no open file but the socket.
        environment = {
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "HOME": self._mount_point,
            "USER": "student",
            "LOGNAME": "student",
            "MPLCONFIGDIR": self._mount_point,
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
            "PYTHONHASHSEED": "0",
            **ONE_THREAD,
            "PINT_CACHE_FOLDER": "",
        }
        command = [
            sys.executable,
            "-P",
            "-s",
            "-m",
            "autograder.candidate.serve",
            str(theirs.fileno()),
            self._mount_point,
        ]
        quiet = subprocess.DEVNULL
        log = None if os.environ.get("AUTOGRADER_DEBUG") else quiet
        self._process = subprocess.Popen(
            command,
            env=environment,
            cwd="/",
            pass_fds=[theirs.fileno()],
            stdin=quiet,
            stdout=quiet,
            stderr=log,
            start_new_session=True,
        )
        theirs.close()
        self._socket = ours
        self._control = Channel(ours, CONTROL_LIMIT)
        self.owner = os.getpid()
        self.level = ""

    def await_start(self) -> None:
        """Have it warm up, and wait until it says how far it can confine a process."""
        warm, files = self.serves
        self._control.send([asdict(warm), files], START_SECONDS)
        self.level = self._control.receive(START_SECONDS)

    def serves_for(self, warm: Warm, files: Mapping[str, bytes]) -> bool:
        """Whether it can be used by this process, and is warm in this way."""
        if self.serves != (warm, files if warm.cell else {}):
            return False
        return self.owner == os.getpid() and self._process.poll() is None

    def fork(self, order: dict[str, Any]) -> tuple[socket.socket, Lifeline]:
        """A socket to the new candidate, and a lifeline to its warden."""
        ours, theirs = socket.socketpair()
        lifeline, wardens = socket.socketpair()
        with theirs, wardens:
            socket.send_fds(self._socket, [b"."], [theirs.fileno(), wardens.fileno()])
            self._control.send(order, START_SECONDS)
            self._control.receive(START_SECONDS)
        return ours, Lifeline(lifeline)

    def close(self) -> None:
        """End it, when it has seen its candidates end."""
        if self.owner == os.getpid():
            for lifeline in list(_living):
                lifeline.cut()
            await_ends(END_SECONDS)
            self._socket.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(END_SECONDS)
            self._process.kill()
            self._process.wait()
            shutil.rmtree(self._mount_point, ignore_errors=True)


_forkserver: ForkServer | None = None


def warm_forkserver(warm: Warm, files: Mapping[str, bytes]) -> ForkServer:
    """This process's forkserver, started if there is none that is warm in this way, beside these files of the assignment."""
    global _forkserver
    if _forkserver is None or not _forkserver.serves_for(warm, files):
        close_forkserver()
        _forkserver = ForkServer(warm, files)
        atexit.register(_forkserver.close)
        _forkserver.await_start()
    return _forkserver


def close_forkserver() -> None:
    """End it, and with it what it was in the middle of; the next candidate gets a new one."""
    global _forkserver
    if _forkserver is not None:
        _forkserver.close()
        _forkserver = None
