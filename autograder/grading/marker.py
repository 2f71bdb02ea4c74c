"""Grades a submission into plain data, with nbgrader's own preprocessors and without its database.

nbgrader opens the gradebook for each of its steps, and stores the marks as it goes. Here the same steps look at a copy of what the gradebook
says about the source notebooks, and what they would store is kept, for :mod:`autograder.grading.store` to store at once.
"""

from __future__ import annotations

import contextlib
import os
import re
import resource
import sys
import tempfile
from collections.abc import Callable, Set
from pathlib import Path
from typing import Any

import nbformat

from autograder.candidate.start import start_candidate
from autograder.exam.attempt import attempt
from autograder.exam.examine import draw_ahead
from autograder.files.read import Unreadable
from autograder.grading.plan import Job, Marked, MarkedNotebook, Plan
from autograder.nbgrader_compat.examine import Examine
from autograder.nbgrader_compat.stand_ins import INSTEAD, ExamineHere, StandInGradebook, preprocessor_classes
from autograder.notebook.assemble import PROBLEM, assemble
from autograder.notebook.cells import is_test

__all__ = ["Marker"]


PEAK = re.compile(r"^VmHWM:\s*(\d+) kB", re.MULTILINE)


def _peak_mb() -> tuple[float, float]:
    """Largest resident memory so far of this process, and of the process that candidates are forked from (0 where the system does not say)."""
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20), 0.0
    # Linux counts as maximal what the process had that started this one: there it is asked for otherwise.
    forkserver = 0.0
    with contextlib.suppress(OSError):
        for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
            forkserver = max(forkserver, _peak_of(child))
    return _peak_of("self"), forkserver


def _peak_of(process: str) -> float:
    try:
        found = PEAK.search(Path(f"/proc/{process}/status").read_text())
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0


def _text(nb: Any) -> str:
    """The notebook as a file that can be written: surrogates, which a student's strings may hold, cannot."""
    text: str = nbformat.writes(nb, version=4) + "\n"
    return text.encode("utf-8", "replace").decode("utf-8")


def _without_outputs(nb: Any) -> Any:
    for cell in nb.cells:
        if cell.cell_type == "code" and not is_test(cell):
            cell.outputs = []
    return nb


class Marker:
    """Grades submissions by one plan; one at a time."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._work = tempfile.TemporaryDirectory(prefix="autograder-")
        self._source = Path(self._work.name, "source")
        self._source.mkdir()
        for name, content in plan.source.items():
            file = self._source / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        self._steps = []
        for listed in preprocessor_classes([*plan.sanitize, *plan.autograde]):
            made = INSTEAD.get(listed, listed)
            if made is not None:
                self._steps.append(made(config=plan.config))
                if isinstance(self._steps[-1], ExamineHere):
                    self._steps[-1].source_folder = self._source
                    self._steps[-1].students = plan.students
                    self._steps[-1].hidden_folders = (Path(plan.root), Path(self._work.name))

    def check_sandbox(self) -> None:
        """Raise what grading would fail with for everyone.

        Raises:
            NoSandbox: students' processes cannot be confined as the settings want it.
        """
        for step in self._steps:
            if isinstance(step, Examine):
                start_candidate(self._plan.limits, weakest=step.weakest_sandbox).close()

    def mark(self, job: Job, begin: Callable[[str], None] = lambda name: None) -> Marked:
        """The marks of one submission.

        Args:
            begin: is told of each notebook before anything is done with it.

        Raises:
            NoSandbox, OSError: this machine is at fault.
        """
        marked = Marked(job.student, job.fingerprint, only=job.only)
        for name, content in job.notebooks.items():
            begin(name)
            marked.notebooks[name] = self._mark_notebook(job, name, content)
        marked.peak_mb = _peak_mb()
        return marked

    def _mark_notebook(self, job: Job, name: str, content: bytes | Unreadable) -> MarkedNotebook:
        made = attempt(lambda: self._through_all_steps(job, name, content), self._plan.limits)
        if isinstance(made, Unreadable):
            made = self._through_all_steps(job, name, made)
        return made

    def _through_all_steps(self, job: Job, name: str, content: bytes | Unreadable) -> MarkedNotebook:
        gradebook = StandInGradebook(self._plan.notebooks[name])
        nb = nbformat.from_dict(assemble(self._source / f"{name}.ipynb", content).content)
        about = {
            "student": job.student,
            "own_files": job.own,
            "assignment": self._plan.assignment,
            "notebook": name,
            "db_url": self._plan.db_url,
            "gradebook": gradebook,
        }
        resources: Any = {"unique_key": name, "output_files_dir": f"{name}_files", "nbgrader": about}
        for step in self._steps:
            nb, resources = step(nb, resources)
        notes = [str(note) for note in nb.metadata.get("autograder", {}).get("notes", [])]
        if nb.metadata.get(PROBLEM):
            notes = [f"could not be graded: {nb.metadata[PROBLEM]}; it gets zeros"]
        text = _text(nb)
        if len(text) > self._plan.limits.file_mb << 20:
            notes.append(f"what its cells show is left out: it is larger than {self._plan.limits.file_mb} MB")
            text = _text(_without_outputs(nb))
        return MarkedNotebook(
            text=text,
            scores={key: grade.auto_score for key, grade in gradebook.grades.items()},
            comments={key: comment.auto_comment for key, comment in gradebook.comments.items()},
            notes=notes,
            flagged=resources["nbgrader"].get("flagged", []),
        )

    def draw_ahead(self, name: str, tests: Set[str]) -> None:
        """Draw the examples of these *tests* (grade_ids) of the notebook *name* before anybody is examined."""
        draw_ahead(self._source, name, tests)

    def close(self) -> None:
        """Remove the working folder."""
        self._work.cleanup()
