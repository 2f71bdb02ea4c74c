"""The student's side of the exam. ``python -m autograder.candidate.serve FD`` starts the process that all candidates are forked from.

It imports what notebooks use, once, and never sees a test: it gets code cells and calls, and sends plain data back.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import mmap
import os
import random
import resource
import shutil
import signal
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from importlib.util import find_spec
from typing import Any, ClassVar

from autograder.bounds.limits import Limits
from autograder.candidate.warm import Warm, warm_up
from autograder.sandbox.levels import confine, strongest
from autograder.sandbox.warden import END_SECONDS, adopt_orphans, end_descendants
from autograder.wire.channel import Channel
from autograder.wire.errors import WireError

__all__ = ["main"]

CONTROL_LIMIT = 64 << 20
TRIAL_SECONDS = 60.0


def _library(packages: Sequence[str]) -> list[str]:
    """The folders that notebooks import from; *packages*, and those of modules, may lie outside the usual ones."""
    found = (find_spec(name) for name in {name.split(".")[0] for name in packages})
    places = [place for spec in found if spec for place in spec.submodule_search_locations or ()]
    paths = (sys.prefix, sys.base_prefix, *places, *_sites())
    return sorted({*paths, *map(os.path.realpath, paths)})


def _sites() -> list[str]:
    """Where packages are installed, which may be outside the environment, such as with ``--system-site-packages``."""
    names = ("site-packages", "dist-packages")
    return [path for path in sys.path if os.path.basename(path) in names and os.path.isdir(path)]


def _confine(order: dict[str, Any], library: Sequence[str], mount_point: str, lifeline: int) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    installed = [os.path.join(os.path.realpath(site), "autograder") for site in _sites()]
    hidden = [os.path.dirname(os.path.dirname(os.path.abspath(__file__))), *installed, *order["hidden"]]
    limits = Limits(**order["limits"])
    confine(order["level"], limits, library, hidden, order["files"], mount_point, lifeline, order["seconds"])


def _become_candidate(
    connection: socket.socket,
    lifeline: int,
    order: dict[str, Any],
    library: Sequence[str],
    mount_point: str,
    shell: Any,
) -> None:
    """In a fresh fork: confine this process, then serve; never returns."""
    from autograder.candidate.calls import serve  # imported before: this process cannot see its file

    limits = Limits(**order["limits"])
    channel = Channel(connection, limits.answer_kb << 10)
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    kept = sorted({channel.fileno(), lifeline})
    for low, high in zip([2, *kept], [*kept, 4096], strict=True):
        os.closerange(low + 1, high)
    _confine(order, library, mount_point, lifeline)
    if order["level"] == "landlock":
        _use_nameless_semaphores()
    if order["level"] != "namespaces":
        _miss_absent_files()
    os.environ.update(HOME=os.getcwd(), TMPDIR=os.getcwd(), MPLCONFIGDIR=os.getcwd())
    # Compiled modules are known by the second and the size of their source. A person takes longer to write a module anew; here cells follow at once.
    sys.dont_write_bytecode, os.environ["PYTHONDONTWRITEBYTECODE"] = True, "1"
    random.seed(0)
    np = importlib.import_module("numpy")
    np.random.seed(0)
    gc.enable()
    os.register_at_fork(after_in_child=channel.close)  # only one process may answer
    channel.send(["ready"])
    serve(channel, shell, limits)


def _miss_absent_files() -> None:
    """Let ``os.utime`` notice that a file is absent, as ``Path.touch`` needs it: the filter of system calls says that all is done."""
    really = os.utime

    def utime(path: Any, *arguments: Any, **keywords: Any) -> None:
        os.stat(path, **{key: keywords[key] for key in ("dir_fd", "follow_symlinks") if key in keywords})
        really(path, *arguments, **keywords)

    os.utime = utime


def _use_nameless_semaphores() -> None:
    """Let multiprocessing's locks and queues work without ``/dev/shm``, where other programs of the same user have their memory."""
    import _multiprocessing  # type: ignore[import-not-found]
    from multiprocessing.heap import Arena

    Arena._dir_candidates = []  # type: ignore[attr-defined]  # then it takes the folder for temporary files
    named = _multiprocessing.SemLock

    class SemLock(named):  # type: ignore[misc, valid-type]
        kept: ClassVar[list[mmap.mmap]] = []

        def __new__(cls, kind: int, value: int, maxvalue: int, name: str, unlink: bool) -> Any:
            if not unlink:  # for another interpreter, which finds it by its name only
                return named(kind, value, maxvalue, name, unlink)
            memory = mmap.mmap(-1, mmap.PAGESIZE)  # shared with every fork
            cls.kept.append(memory)
            address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
            ctypes.CDLL(None).sem_init(ctypes.c_void_p(address), 1, ctypes.c_uint(value))
            return named._rebuild(address, kind, maxvalue, None)

    _multiprocessing.SemLock = SemLock


class _Wardens:
    """The children of this process, and those of them that lost theirs."""

    def __init__(self) -> None:
        adopt_orphans()
        self._known: set[int] = set()

    def add(self, pid: int) -> None:
        self._known.add(pid)

    def reap(self, wait: bool = False) -> None:
        """Forget those that have ended, or all after waiting for them; what one of them left behind is ended."""
        until = time.monotonic() + END_SECONDS
        while self._known:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            self._known.discard(pid)
            if pid and os.WIFSIGNALED(status):  # it could not do its work
                end_descendants(self._known)
            if not pid and (not wait or time.monotonic() > until):
                break
            if not pid:
                time.sleep(0.001)
        if wait:
            end_descendants()


def main(control_fd: int, mount_point: str) -> None:
    """Fork a candidate for every order that comes over the control socket, until it closes."""
    from autograder.candidate import calls  # noqa: F401
    from autograder.candidate.shell import make_shell

    # The examiner may be within a limit that is meant for its own work on one submission.
    resource.setrlimit(resource.RLIMIT_AS, (resource.getrlimit(resource.RLIMIT_AS)[1],) * 2)
    control = socket.socket(fileno=control_fd)
    orders = Channel(control, CONTROL_LIMIT)
    warm, files = orders.receive()
    warm = Warm(**warm)
    shell = make_shell()
    warm_up(shell, warm, files)
    library = _library([*warm.libraries, *warm.modules])
    gc.collect()
    gc.freeze()
    trial = {"limits": asdict(Limits()), "hidden": [], "files": {}, "seconds": TRIAL_SECONDS}
    orders.send(
        strongest(lambda level, lifeline: _confine({**trial, "level": level}, library, mount_point, lifeline))
    )
    wardens = _Wardens()
    while True:
        try:
            _, (descriptor, lifeline), *_ = socket.recv_fds(control, 1, 2)
            order = orders.receive()
        except (WireError, OSError, ValueError):
            break
        wardens.reap()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                control.close()
                _become_candidate(
                    socket.socket(fileno=descriptor), lifeline, order, library, mount_point, shell
                )
                status = 0
            finally:
                os._exit(status)
        os.close(descriptor)
        os.close(lifeline)
        wardens.add(pid)
        orders.send(pid)
    wardens.reap(wait=True)
    shutil.rmtree(mount_point, ignore_errors=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
