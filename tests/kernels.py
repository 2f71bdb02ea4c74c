"""Stock IPython kernels that are forked from a process in which all is imported, so that hundreds of notebooks run in minutes.

``python -m tests.kernels SOCKET`` is that process. nbgrader starts what stands in the kernel specification, which asks it for a kernel and lives as long.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

__all__ = ["forked_kernels"]

LAUNCH = """
import json, os, signal, socket, sys
asked = socket.socket(socket.AF_UNIX)
asked.connect(sys.argv[1])
order = {"folder": os.getcwd(), "environment": dict(os.environ), "arguments": sys.argv[2:]}
socket.send_fds(asked, [json.dumps(order).encode()], [0, 1, 2])
signal.signal(signal.SIGINT, signal.SIG_IGN)
asked.recv(1)
"""


@contextlib.contextmanager
def forked_kernels(folder: Path) -> Iterator[Path]:
    """Gives a folder for ``JUPYTER_PATH``, with a kernel ``python3`` that is forked; all kernels end with the context."""
    place = folder / "socket"
    specification = folder / "share" / "kernels" / "python3"
    specification.mkdir(parents=True)
    launch = [sys.executable, "-IS", "-c", LAUNCH, str(place), "-f", "{connection_file}"]
    (specification / "kernel.json").write_text(
        json.dumps({"argv": launch, "display_name": "Python 3", "language": "python"})
    )
    with subprocess.Popen([sys.executable, "-m", "tests.kernels", str(place)]) as zygote:
        try:
            while not place.exists() and zygote.poll() is None:
                time.sleep(0.05)
            yield folder / "share"
        finally:
            zygote.kill()


def _become_kernel(asked: socket.socket) -> None:
    data, descriptors, *_ = socket.recv_fds(asked, 1 << 20, 3)
    order = json.loads(data)
    for standard, descriptor in enumerate(descriptors):
        os.dup2(descriptor, standard)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.argv = ["ipykernel_launcher", *order["arguments"]]
    sys.path[0] = ""

    def end_with_who_asked() -> None:
        asked.recv(1)
        os._exit(0)

    threading.Thread(target=end_with_who_asked, daemon=True).start()
    from ipykernel.kernelapp import IPKernelApp

    IPKernelApp.launch_instance()


def _serve(place: str) -> None:
    for module in ("ipykernel.kernelapp", "matplotlib_inline.backend_inline", "matplotlib.pyplot", "numpy"):
        importlib.import_module(module)

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(place)
        listening.listen(64)
        while True:
            asked, _ = listening.accept()
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                listening.close()
                _become_kernel(asked)
                os._exit(0)
            asked.close()


if __name__ == "__main__":
    _serve(sys.argv[1])
