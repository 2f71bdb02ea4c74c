"""A run of ``autograder grade`` that is ended leaves no temporary folder and no process, whenever that is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.courses import handed_in
from tests.pace import HANG

MOMENTS = {
    "a folder is there": lambda folder, course: [*folder.glob("*")],
    "the sandbox starts": lambda folder, course: [*folder.glob("*/candidate-root-*")],
    "the first is recorded": lambda folder, course: [*course.glob("autograded/*/quantization")],
}


def wait_until(done: Callable[[], object]) -> None:
    guard = time.monotonic() + HANG
    while not done():
        assert time.monotonic() < guard
        time.sleep(0.02)


def processes_in(folder: Path) -> list[str]:
    """Those that were told of *folder* on their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().decode(errors="replace"))
        except OSError:
            continue
    return [line for line in found if str(folder) in line]


@pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_ended_run_leaves_no_folder_and_no_process(root, tmp_path, number, moment):
    course = handed_in(root, tmp_path / "course", ["s01", "s04", "s05", "s06"], only="0")
    folder = tmp_path / "temporary"
    folder.mkdir()
    command = [sys.executable, "-m", "autograder.cli", "grade", "quantization", "--no-lint", "--jobs", "2"]
    with subprocess.Popen(
        command, cwd=course.root, env=os.environ | {"TMPDIR": str(folder)}, stdout=subprocess.DEVNULL
    ) as run:
        wait_until(lambda: MOMENTS[moment](folder, course.root) or run.poll() is not None)
        run.send_signal(number)
        run.wait(HANG)
    wait_until(lambda: not [*folder.iterdir()] and not processes_in(folder))
