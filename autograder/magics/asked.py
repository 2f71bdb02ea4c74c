"""Asks ``autograder check`` in a process of its own, so that the kernel and its names stay as they are."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["AskError", "ask_check", "ask_progress"]

# -P: what lies beside a notebook takes the place of no module.
COMMAND = (sys.executable, "-P", "-m", "autograder.cli")
NOT_WINDOWS = (
    "Checks need Linux or macOS; on Windows they work in WSL. "
    "Validate, in the toolbar of the notebook, runs the visible tests everywhere."
)
# What a Jupyter server and IPython set for a kernel, and what does not hold for another process.
OF_THE_KERNEL = ("MPLBACKEND", "JPY_SESSION_NAME", "JPY_PARENT_PID", "PYTHONSTARTUP")


class AskError(Exception):
    """There is no answer; the message says why."""


def ask_check(notebook: Path, options: Sequence[str] = ()) -> dict[str, Any]:
    """What ``autograder check --json`` says of *notebook*.

    Raises:
        AskError: it could not be checked.
        KeyboardInterrupt: the user did not want to wait; the check has ended.
    """
    said, complaint = _run(["check", "--json", *options, str(notebook)], notebook.parent)
    try:
        answer = json.loads(said)
        notebooks, errors = answer["notebooks"], answer["errors"]
    except (ValueError, KeyError, TypeError):
        raise AskError(complaint or "The check ended without an answer.") from None
    if not notebooks:
        raise AskError(" ".join(errors) or complaint)
    card: dict[str, Any] = notebooks[0]
    return card


def ask_progress(folder: Path) -> str:
    """What ``autograder progress`` says of the notebooks in *folder*.

    Raises:
        AskError: it says nothing.
    """
    said, complaint = _run(["progress", str(folder)], folder)
    if not said.strip():
        raise AskError(complaint or "There is no answer.")
    return said.rstrip()


def _run(arguments: Sequence[str], folder: Path) -> tuple[str, str]:
    """What the command prints, and the last line of what it complains of."""
    if sys.platform == "win32":
        raise AskError(NOT_WINDOWS)
    try:
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=folder,
            env=_environment(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # an interrupted kernel ends it below, whole
        )
    except OSError as error:
        raise AskError(f"The check could not be started: {error.strerror}.") from None
    try:
        said, complaints = process.communicate()
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.communicate()
        raise
    lines = [line for line in complaints.splitlines() if line.strip()]
    return said, lines[-1].removeprefix("autograder: ") if lines else ""


def _environment(kernels: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in kernels.items() if name not in OF_THE_KERNEL}
    return kept | {"PYTHONUTF8": "1", "NO_COLOR": "1"}
