"""What a notebook gets from nbgrader alone: its cells run in a stock kernel, and its marks are read from their outputs."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.files.source import KIT
from autograder.notebook.cells import Notebook, is_test

__all__ = ["CELL_SECONDS", "KernelFailed", "Outcome", "stock_outcomes"]

CELL_SECONDS = 60


class KernelFailed(Exception):
    """The notebook could not be run to its end; the message says why."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a test cell earned.

    Attributes:
        said: the type and the text of the exception, or the text on stderr, that took the marks; empty if there was none.
        line: the line of the cell at which the exception passed, counted from 1; 0 if it is not known.
    """

    score: float
    said: str = ""
    line: int = 0


def stock_outcomes(notebook: Notebook, folder: Path, seconds: int = CELL_SECONDS) -> dict[str, Outcome]:
    """Run *notebook* in a fresh kernel, in a copy of *folder*, and mark its test cells as nbgrader does.

    Args:
        seconds: wall time of one cell.

    Returns:
        The outcome of each test cell, by grade_id.

    Raises:
        KernelFailed: there is no kernel, or it ended.
    """
    import logging

    import nbformat

    from autograder.nbgrader_compat.internals import Execute, determine_grade

    nb: Any = nbformat.from_dict(notebook.content)  # type: ignore[no-untyped-call]
    quiet = logging.getLogger("autograder.lint.kernel")
    quiet.addHandler(logging.NullHandler())
    quiet.propagate = False
    with tempfile.TemporaryDirectory(prefix="lint-kernel-") as scratch:
        place = Path(scratch) / "notebook"
        shutil.copytree(
            folder, place, symlinks=True, ignore=shutil.ignore_patterns(".ipynb_checkpoints", KIT)
        )
        try:
            execute = Execute(timeout=seconds, log=quiet, extra_arguments=["--log-level=ERROR"])
            executed, _ = execute.preprocess(nb, {"metadata": {"path": str(place)}})
        except Exception as error:  # of nbclient, jupyter_client, zmq: there is no common base
            text = " ".join(str(error).split())
            raise KernelFailed(f"{type(error).__name__}: {text[:200]}") from error
    found = {}
    for cell in executed.cells:
        if is_test(cell):
            score, _ = determine_grade(cell, quiet)
            found[cell.metadata.nbgrader.grade_id] = Outcome(float(score or 0.0), *_said(cell.outputs))
    return found


def _said(outputs: list[Any]) -> tuple[str, int]:
    for output in outputs:
        if output.output_type == "error":
            return f"{output.ename}: {output.evalue}".strip(": "), _line(output.traceback)
        if output.output_type == "stream" and output.name == "stderr":
            return "text on stderr: " + " ".join(output.text.split()), 0
    return "", 0


def _line(traceback: list[str]) -> int:
    """The line of the cell that a kernel's traceback points at."""
    import re

    for part in traceback:
        plain = re.sub(r"\x1b\[[0-9;]*m", "", part)
        if plain.startswith("Cell In") and (found := re.search(r"^-+> *(\d+)", plain, re.MULTILINE)):
            return int(found.group(1))
    return 0
