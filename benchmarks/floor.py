"""The least that grading could cost: the students' own cells and the property tests, in plain processes that have everything imported.

No examiner, no confinement, no gradebook. ``python -m benchmarks.floor JSON`` is one of those processes.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["CORES", "floor_seconds"]

ROOT = Path(__file__).resolve().parent.parent
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _run(course: Path, students: Sequence[str], once: bool) -> None:
    """In a process of its own: print the seconds that the cells and the tests of *students* take, imports not counted."""
    import matplotlib

    matplotlib.use("module://matplotlib_inline.backend_inline")
    import hypothesis  # noqa: F401
    import matplotlib.pyplot

    from autograder.candidate.shell import make_shell
    from autograder.candidate.warm import warm_up
    from autograder.exam.draws import asked_directly, drawn_once
    from autograder.exam.hypothesis_compat import fixed_draws
    from autograder.files.source import data_files
    from autograder.kit import load_kit
    from autograder.notebook.assemble import assemble, steps

    said = sys.stdout
    shell = make_shell()
    source = course / "solutions" / "quantization"
    warm_up(shell, load_kit(source).warm, data_files(source))
    os.chdir(source)
    taken = 0.0
    for number, student in enumerate([students[0], *students] if once else students):
        start = time.perf_counter()
        for path in sorted((course / "submitted" / student / "quantization").glob("*.ipynb")):
            notebook = assemble(source / path.name, path)
            for _, cell, test in steps(notebook):
                if not (test and once):
                    shell.run(cell["source"], 1 << 20)
                    continue
                scope = {"__name__": "exam", **shell.user_ns}
                with (
                    contextlib.suppress(BaseException),
                    fixed_draws(),
                    asked_directly(),
                    drawn_once(cell["source"], [cell["source"]], lambda: 0),
                ):
                    exec(cell["source"], scope)
            shell.reset(new_session=True)
        # The first time draws the examples, as each of our processes does once.
        if not (once and number == 0):
            taken += time.perf_counter() - start
    print(taken, file=said)


def floor_seconds(course: Any, students: Sequence[str], once: bool) -> float:
    """Seconds of wall time that *students* cost on all cores."""
    parts = [list(students[i::CORES]) for i in range(CORES)]
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.floor", json.dumps([str(course.root), part, once])],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for part in parts
        if part
    ]
    return sum(float(process.communicate()[0].split()[-1]) for process in running) / CORES


if __name__ == "__main__":
    root, graded, drawn_before = json.loads(sys.argv[1])
    _run(Path(root), graded, drawn_before)
