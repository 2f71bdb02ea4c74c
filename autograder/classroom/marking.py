"""Grades a submission into plain data, with nbgrader's own preprocessors and without its database.

nbgrader opens the gradebook for each of its steps, and stores the marks as it goes. Here the same steps look at a copy of what the gradebook
says about the source notebooks, and what they would store is kept, for :mod:`autograder.classroom.records` to store at once.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

# jsonschema would import it, for a second, to check addresses that no notebook has.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

import nbformat  # noqa: E402
from nbgrader.api import MissingEntry  # noqa: E402
from nbgrader.preprocessors import (  # noqa: E402
    AssignLatePenalties,
    CheckCellMetadata,
    NbGraderPreprocessor,
    OverwriteCells,
    OverwriteKernelspec,
    SaveAutoGrades,
)
from traitlets.utils.importstring import import_item  # noqa: E402

from autograder.classroom.plan import Blueprint, Job, Marked, MarkedNotebook, Plan  # noqa: E402
from autograder.examiner.assemble import PROBLEM, assemble  # noqa: E402
from autograder.examiner.boundary import attempt  # noqa: E402
from autograder.examiner.files import Unreadable  # noqa: E402
from autograder.nbgrader_plugin import Examine  # noqa: E402

__all__ = ["Marker", "preprocessor_classes"]


PEAK = re.compile(r"^VmHWM:\s*(\d+) kB", re.MULTILINE)


def preprocessor_classes(listed: list[Any]) -> list[type[Any]]:
    """The classes of a setting such as ``Autograde.autograde_preprocessors``, which may name them."""
    return [import_item(item) if isinstance(item, str) else item for item in listed]


class _Gradebook:
    """What the preprocessors ask a gradebook for: source cells from a blueprint, and places to put marks and comments."""

    def __init__(self, blueprint: Blueprint) -> None:
        self.blueprint = blueprint
        self.grades: dict[str, Any] = {}
        self.comments: dict[str, Any] = {}
        self.db = SimpleNamespace(commit=lambda: None)

    def find_source_cell(self, name: str, *where: str) -> Any:
        if name not in self.blueprint.cells:
            raise MissingEntry(f"No such source cell: {name}")
        return self.blueprint.cells[name]

    def find_graded_cell(self, name: str, *where: str) -> Any:
        return SimpleNamespace(max_score=self.blueprint.points[name])

    def find_grade(self, name: str, *where: str) -> Any:
        return self.grades.setdefault(name, SimpleNamespace(auto_score=None, manual_score=None))

    def find_comment(self, name: str, *where: str) -> Any:
        return self.comments.setdefault(name, SimpleNamespace(auto_comment=None))


class _WithGradebook(NbGraderPreprocessor):
    """In the place of opening the database: uses the stand-in that the resources carry."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        about = resources["nbgrader"]
        self.notebook_id, self.assignment_id, self.student_id = (
            about["notebook"],
            about["assignment"],
            about["student"],
        )
        self.gradebook = about["gradebook"]
        made: tuple[Any, Any] = NbGraderPreprocessor.preprocess(self, nb, resources)
        return made


class _Overwrite(_WithGradebook, OverwriteCells):
    pass


class _Save(_WithGradebook, SaveAutoGrades):
    pass


class _Kernelspec(OverwriteKernelspec):
    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        kernelspec = json.loads(resources["nbgrader"]["gradebook"].blueprint.kernelspec or "null")
        if kernelspec:
            nb.metadata["kernelspec"] = kernelspec
        return nb, resources


class _Check(CheckCellMetadata):
    """Validates each set of metadata once: all submissions of a notebook have the source's."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(**keywords)
        self._seen: set[str] = set()

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        found = [
            (cell.cell_type, cell.metadata["nbgrader"]) for cell in nb.cells if "nbgrader" in cell.metadata
        ]
        key = json.dumps(found)
        if key not in self._seen:
            super().preprocess(nb, resources)
            self._seen.add(key)
        return nb, resources


class _ExamineHere(Examine):
    source_folder = Path()
    students: tuple[str, ...] = ()
    hidden_folders: tuple[Path, ...] = ()

    def folder(self, resources: Any) -> Path:
        return self.source_folder

    def classmates(self, resources: Any) -> tuple[str, ...]:
        return self.students

    def hidden(self) -> list[Path]:
        return list(self.hidden_folders)


def _peak_mb() -> tuple[float, float]:
    """Largest resident memory so far of this process, and of the process that candidates are forked from (0 where the system does not say)."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        1 << 20 if sys.platform == "darwin" else 1 << 10
    )
    nursery = 0.0
    with contextlib.suppress(OSError):
        for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
            found = PEAK.search(Path(f"/proc/{child}/status").read_text())
            nursery = max(nursery, int(found[1]) / 1024 if found else 0.0)
    return own, nursery


def _text(nb: Any) -> str:
    """The notebook as a file that can be written: surrogates, which a student's strings may hold, cannot."""
    text: str = nbformat.writes(nb, version=4) + "\n"
    return text.encode("utf-8", "replace").decode("utf-8")


# Late penalties depend on the gradebook and are assigned where it is.
INSTEAD: dict[type[Any], type[Any] | None] = {
    OverwriteCells: _Overwrite,
    OverwriteKernelspec: _Kernelspec,
    SaveAutoGrades: _Save,
    CheckCellMetadata: _Check,
    Examine: _ExamineHere,
    AssignLatePenalties: None,
}


class Marker:
    """Grades submissions by one plan; one at a time."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._work = tempfile.TemporaryDirectory(prefix="autograder-")
        self._source = Path(self._work.name, "source")
        self._source.mkdir()
        for name, content in plan.source.items():
            (self._source / name).write_bytes(content)
        self._steps = []
        for listed in preprocessor_classes([*plan.sanitize, *plan.autograde]):
            made = INSTEAD.get(listed, listed)
            if made is not None:
                self._steps.append(made(config=plan.config))
                if isinstance(self._steps[-1], _ExamineHere):
                    self._steps[-1].source_folder = self._source
                    self._steps[-1].students = plan.students
                    self._steps[-1].hidden_folders = (Path(plan.root), Path(self._work.name))

    def mark(self, job: Job, begin: Callable[[str], None] = lambda name: None) -> Marked:
        """The marks of one submission.

        Args:
            begin: is told of each notebook before anything is done with it.

        Raises:
            NoSandbox, OSError: this machine is at fault.
        """
        marked = Marked(job.student, job.fingerprint)
        for name, content in job.notebooks.items():
            begin(name)
            marked.notebooks[name] = self._mark_notebook(job.student, name, content)
        marked.peak_mb = _peak_mb()
        return marked

    def _mark_notebook(self, student: str, name: str, content: bytes | Unreadable) -> MarkedNotebook:
        made = attempt(lambda: self._through_all_steps(student, name, content), self._plan.limits)
        if isinstance(made, Unreadable):
            made = self._through_all_steps(student, name, made)
        return made

    def _through_all_steps(self, student: str, name: str, content: bytes | Unreadable) -> MarkedNotebook:
        gradebook = _Gradebook(self._plan.notebooks[name])
        nb = nbformat.from_dict(assemble(self._source / f"{name}.ipynb", content).content)
        about = {
            "student": student,
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
        return MarkedNotebook(
            text=_text(nb),
            scores={key: grade.auto_score for key, grade in gradebook.grades.items()},
            comments={key: comment.auto_comment for key, comment in gradebook.comments.items()},
            notes=notes,
        )

    def close(self) -> None:
        """Remove the working folder."""
        self._work.cleanup()
