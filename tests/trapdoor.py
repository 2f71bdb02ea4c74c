"""A preprocessor that does to its grading process what a notebook asks for: stands for any fault of a library that a student's bytes could find."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import time
from typing import Any

from nbgrader.preprocessors import NbGraderPreprocessor

from autograder.candidate.start import NoSandbox

MARK = "trapdoor: "
# What becomes of a notebook whose grading does that: "zeros" at once, "lost" after two processes were lost, "machine" if it is no fault of its own, "graded" if that was for a moment only.
OUTCOMES = {
    "is killed": "lost",
    "exits": "lost",
    "ends well": "lost",
    "stops": "lost",
    "is busy and hears nothing": "lost",
    "fails": "zeros",
    "panics": "zeros",
    "leaves": "zeros",
    "fills the memory": "zeros",
    "recurses": "zeros",
    "may not": "zeros",
    "has a full disk": "machine",
    "has no sandbox": "machine",
    "has too many files open for a moment": "graded",
}


class Panic(BaseException):
    """As libraries written in Rust raise it."""


class Trapdoor(NbGraderPreprocessor):
    """Looks for :data:`MARK` in the student's cells."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        for cell in nb.cells:
            if MARK in cell.source:
                self.fall(cell.source.split(MARK)[1].strip())
        return nb, resources

    def fall(self, trap: str) -> None:
        if trap == "is killed":
            os.kill(os.getpid(), signal.SIGKILL)
        elif trap == "exits":
            os._exit(3)
        elif trap == "ends well":
            os._exit(0)
        elif trap == "stops":
            os.kill(os.getpid(), signal.SIGSTOP)
        elif trap == "is busy and hears nothing":
            signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 30))
            time.sleep(600)
        elif trap == "fails":
            raise KeyError("\ud800")
        elif trap == "panics":
            raise Panic("index out of bounds")
        elif trap == "leaves":
            raise SystemExit(0)
        elif trap == "fills the memory":
            self.kept = [bytearray(1 << 20) for _ in range(100_000)]
        elif trap == "recurses":
            self.fall(trap)
        elif trap == "may not":
            raise PermissionError(errno.EACCES, "Permission denied")
        elif trap == "has a full disk":
            raise OSError(errno.ENOSPC, "No space left on device")
        elif trap == "has no sandbox":
            raise NoSandbox("no process for a notebook could be started")
        elif trap == "has too many files open for a moment":
            with contextlib.suppress(FileExistsError):
                open(os.environ["TRAPDOOR_FELL"], "x").close()
                raise OSError(errno.EMFILE, "Too many open files")
            return
        raise AssertionError(trap)
