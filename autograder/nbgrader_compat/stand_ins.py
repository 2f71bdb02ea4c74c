"""What takes the places of nbgrader's steps in a grading process: the same steps, with a stand-in for the gradebook that each of them opens."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from traitlets.utils.importstring import import_item

from autograder.files.beside import OwnFiles
from autograder.nbgrader_compat.blueprint import Blueprint
from autograder.nbgrader_compat.examine import Examine
from autograder.nbgrader_compat.internals import (
    AssignLatePenalties,
    CheckCellMetadata,
    MissingEntry,
    NbGraderPreprocessor,
    OverwriteCells,
    OverwriteKernelspec,
    SaveAutoGrades,
)
from autograder.nbgrader_compat.late import Late

__all__ = ["INSTEAD", "ExamineHere", "StandInGradebook", "preprocessor_classes"]


def preprocessor_classes(listed: list[Any]) -> list[type[Any]]:
    """The classes of a setting such as ``Autograde.autograde_preprocessors``, which may name them."""
    return [import_item(item) if isinstance(item, str) else item for item in listed]


class StandInGradebook:
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


class ExamineHere(Examine):
    """The examination with the sources of the plan, without a course directory."""

    source_folder = Path()
    students: tuple[str, ...] = ()
    hidden_folders: tuple[Path, ...] = ()

    def folder(self, resources: Any) -> Path:
        return self.source_folder

    def own_files(self, resources: Any) -> OwnFiles:
        own: OwnFiles = resources["nbgrader"]["own_files"]
        return own

    def classmates(self, resources: Any) -> tuple[str, ...]:
        return self.students

    def hidden(self) -> list[Path]:
        return list(self.hidden_folders)


# Late penalties depend on the gradebook and are assigned where it is.
INSTEAD: dict[type[Any], type[Any] | None] = {
    OverwriteCells: _Overwrite,
    OverwriteKernelspec: _Kernelspec,
    SaveAutoGrades: _Save,
    CheckCellMetadata: _Check,
    Examine: ExamineHere,
    AssignLatePenalties: None,
    Late: None,
}
