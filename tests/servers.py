"""Servers that tests start for themselves, from installed packages, on this machine only."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pace import HANG

TOKEN = "a-token-for-this-test"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def jupyter_lab(course: Path, base: Path) -> Iterator[str]:
    """The address of a JupyterLab over the folder *course*, to which :data:`TOKEN` signs in; what it writes for itself goes into *base*."""
    environment = os.environ | {
        "HOME": str(base),
        "JUPYTER_CONFIG_DIR": str(base / "config"),
        "JUPYTER_RUNTIME_DIR": str(base / "run"),
        "JUPYTERLAB_SETTINGS_DIR": str(base / "settings"),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    news = base / "settings" / "@jupyterlab" / "apputils-extension"
    news.mkdir(parents=True)
    (news / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
    # JupyterLab 4.2 takes the cells outside the view out of the page, where the test looks for them.
    cells = base / "settings" / "@jupyterlab" / "notebook-extension"
    cells.mkdir(parents=True)
    (cells / "tracker.jupyterlab-settings").write_text('{"windowingMode": "none"}')
    command = [
        Path(sys.executable).parent / "jupyter",
        "lab",
        "--allow-root",
        "--no-browser",
        "--LabApp.expose_app_in_browser=True",
        "--JupyterNotebookApp.expose_app_in_browser=True",
        f"--ServerApp.port={free_port()}",
        f"--IdentityProvider.token={TOKEN}",
        f"--ServerApp.root_dir={course}",
    ]
    log = (base / "log").open("w+")
    server = subprocess.Popen(command, cwd=course, env=environment, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    address = next(
        found.group(0) for line in server.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+/", line))
    )
    drain = subprocess.Popen(["cat"], stdin=server.stderr, stdout=log)  # a full pipe would stop the server
    try:
        yield address
    finally:
        server.terminate()
        server.wait(HANG)
        server.stderr.close()
        drain.wait(HANG)
        log.close()


def missing(what: str) -> None:
    """Skip, but fail where everything must be installed."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is not installed, and in CI it must be")
    pytest.skip(f"{what} is not installed (make test installs it where it may)")


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """The address of an empty database on a PostgreSQL server of its own."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    binaries = found[-1].parent if found else Path(shutil.which("initdb") or "missing").parent
    if not (binaries / "initdb").is_file():
        missing("PostgreSQL")
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    as_root = os.getuid() == 0
    who = {"user": "postgres", "group": "postgres", "extra_groups": []} if as_root else {}
    if as_root:  # the server refuses to run as root
        account = pwd.getpwnam("postgres")
        os.chown(folder, account.pw_uid, account.pw_gid)
    environment = {"PATH": os.defpath, "LANG": "C.UTF-8", "HOME": str(folder)}

    def run(*command: str | Path) -> None:
        subprocess.run(command, check=True, cwd=folder, env=environment, stdout=subprocess.DEVNULL, **who)

    port = free_port()
    run(binaries / "initdb", "-D", folder / "data", "-U", "tester", "--auth=trust", "--no-sync")
    options = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder} -c fsync=off"
    run(
        binaries / "pg_ctl",
        "-D",
        folder / "data",
        "-w",
        "-t",
        str(HANG),
        "-l",
        folder / "log",
        "-o",
        options,
        "start",
    )
    try:
        yield f"postgresql://tester@127.0.0.1:{port}/postgres"
    finally:
        run(binaries / "pg_ctl", "-D", folder / "data", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


class Team(list[subprocess.Popen[str]]):
    """Worker processes, and the scheduler's."""

    def __init__(self, scheduler: subprocess.Popen[str]) -> None:
        super().__init__()
        self.scheduler = scheduler


@contextlib.contextmanager
def dask_cluster(workers: int, folder: Path) -> Iterator[tuple[str, Team]]:
    """The address of a Dask scheduler, and its worker processes, which are not restarted when they die."""
    if importlib.util.find_spec("distributed") is None:
        missing("Dask")
    address = f"tcp://127.0.0.1:{free_port()}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    port = address.rpartition(":")[2]
    base = [
        sys.executable,
        "-m",
        "distributed.cli.dask_scheduler",
        "--host",
        "127.0.0.1",
        "--port",
        port,
        "--no-dashboard",
        "--no-show",
    ]
    started = [subprocess.Popen(base, text=True, **quiet)]
    single = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(folder)]
    team = Team(started[0])
    try:
        for _ in range(workers):
            command = [sys.executable, "-m", "distributed.cli.dask_worker", address, *single]
            team.append(subprocess.Popen(command, text=True, **quiet))
        yield address, team
    finally:
        for process in [*team, *started]:
            process.kill()
            process.wait()
