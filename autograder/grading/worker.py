"""A grading process: ``python -m autograder.grading.worker FD`` gets a plan and then submissions over a socket, and sends back what they earned."""

from __future__ import annotations

import ctypes
import gc
import os
import shutil
import signal
import sys
from multiprocessing.connection import Connection
from typing import Any

__all__ = ["main"]

PR_SET_PDEATHSIG = 1
END_SECONDS = 60  # for everything that it started, however many ends it is told of


def main(descriptor: int, folder: str) -> None:
    """Serve until the other side is gone; *folder* is for temporary files, and goes too."""

    def end(*_: object) -> None:
        # The end of the one who gave the orders comes as a signal and as the end of the socket, and may come in the middle of another end:
        # then this would wait for itself. The alarm is the system's, which ends a process that waits.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(END_SECONDS)
        try:
            forkserver = sys.modules.get("autograder.candidate.forkserver")
            close = getattr(
                forkserver, "close_forkserver", None
            )  # not there while that module is being imported
            if close is not None:
                close()
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            os._exit(128 + signal.SIGTERM)

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who gave the orders
    signal.signal(signal.SIGTERM, end)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    os.mkdir(folder)
    os.chmod(folder, 0o711)  # for students' folders in it, where there are no namespaces
    from autograder.candidate.start import NoSandbox
    from autograder.exam.draws import exchange
    from autograder.grading.marker import Marker
    from autograder.grading.plan import Begun, Failed, Job, code_digest

    connection = Connection(descriptor)
    try:
        plan, drawn, share = connection.recv()
        if plan.code != code_digest(plan.libraries):
            connection.send(
                Failed("the autograder or a library installed there is not the one that gave the order")
            )
            return
        marker = Marker(plan)
        try:
            marker.check_sandbox()
        except NoSandbox as error:
            connection.send(Failed(str(error)))
            return
        exchange(drawn)
        for notebook in sorted({name for name, _ in share}):
            marker.draw_ahead(notebook, {cell for name, cell in share if name == notebook})
        connection.send(exchange() if share else None)
        # What is there now stays, and need not be looked through for garbage again and again.
        gc.collect()
        gc.freeze()
        while True:
            job = connection.recv()
            if not isinstance(job, Job):  # what the others have drawn
                exchange(job)
                continue
            try:
                answer: Any = marker.mark(job, lambda name: connection.send(Begun(name)))
            except Exception as error:  # of this machine: whatever is the submission's own ends in marks
                said = " ".join(str(error).split())
                answer = Failed(said if isinstance(error, NoSandbox) else f"{type(error).__name__}: {said}")
            connection.send(answer)
    except (EOFError, OSError):
        end()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
