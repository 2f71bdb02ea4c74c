"""Stock IPython kernels that are forked from a process in which all is imported, so that hundreds of notebooks run in minutes.

``python -m tests.kernels SOCKET`` is that process. nbgrader starts what stands in the kernel specification, which asks it for a kernel and lives as long.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

__all__ = ["forked_kernels"]

LAUNCH = """
import json, os, signal, socket, sys, time
while not os.path.exists(sys.argv[1]):
    time.sleep(0.05)
asked = socket.socket(socket.AF_UNIX)
asked.connect(sys.argv[1])
order = {"folder": os.getcwd(), "environment": dict(os.environ), "arguments": sys.argv[2:]}
socket.send_fds(asked, [json.dumps(order).encode()], [0, 1, 2])
signal.signal(signal.SIGINT, lambda *_: asked.send(b"!"))
while asked.recv(1):
    pass
"""


@contextlib.contextmanager
def forked_kernels(folder: Path) -> Iterator[Path]:
    """Gives a folder for ``JUPYTER_PATH``, with a kernel ``python3`` that is forked; all kernels end with the context."""
    place = folder / "socket"
    specification = folder / "share" / "kernels" / "python3"
    specification.mkdir(parents=True)
    launch = [sys.executable, "-IS", "-c", LAUNCH, str(place), "-f", "{connection_file}"]
    (specification / "kernel.json").write_text(
        json.dumps({"argv": launch, "display_name": "Python 3 (ipykernel)", "language": "python"})
    )
    command = [sys.executable, "-m", "tests.kernels", str(place)]
    with subprocess.Popen(command, cwd=Path(__file__).parent.parent, stdin=subprocess.PIPE):
        yield folder / "share"  # it ends when its standard input does, so also when this process is killed


def _become_kernel(asked: socket.socket) -> None:
    data, descriptors, *_ = socket.recv_fds(asked, 1 << 20, 3)
    order = json.loads(data)
    for standard, descriptor in enumerate(descriptors):
        os.dup2(descriptor, standard)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.argv = ["ipykernel_launcher", *order["arguments"]]
    del sys.path[
        0
    ]  # as a kernel's launcher does; IPython adds the notebook's folder, behind the standard library

    def obey() -> None:
        while asked.recv(1):
            os.kill(os.getpid(), signal.SIGINT)
        os._exit(0)

    threading.Thread(target=obey, daemon=True).start()
    from ipykernel.kernelapp import IPKernelApp

    IPKernelApp.launch_instance()


def _serve(place: str) -> None:
    os.environ["MPLBACKEND"] = (
        "module://matplotlib_inline.backend_inline"  # as ipykernel sets it, before the import
    )
    for module in ("ipykernel.kernelapp", "matplotlib_inline.backend_inline", "matplotlib.pyplot", "numpy"):
        importlib.import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{place}.new")
        listening.listen(64)
        os.rename(f"{place}.new", place)  # it is there when it can be asked
        while sys.stdin not in select.select([listening, sys.stdin], [], [])[0]:
            asked, _ = listening.accept()
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                listening.close()
                _become_kernel(asked)
                os._exit(0)
            asked.close()


if __name__ == "__main__":
    _serve(sys.argv[1])
