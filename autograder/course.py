"""An nbgrader course on disk: release, grading, feedback, through nbgrader's own API."""

from __future__ import annotations

import os
import re
import shutil
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["ASSIGNMENT", "Course", "CourseError"]

ASSIGNMENT = "quantization"
EXCEPTION = re.compile(r"^ *([\w.]*(?:Error|Exception|Exit|Invalid)\b.*)", re.MULTILINE)


class CourseError(Exception):
    """nbgrader could not do a step; the message is the reason that it logged."""


class Course:
    """The course directory at *root*: the folder that holds ``nbgrader_config.py``."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        config = self.root / "nbgrader_config.py"
        if not config.is_file():
            raise CourseError(f"{self.root} is not a course directory: it has no nbgrader_config.py")
        from nbgrader.apps import NbGraderAPI
        from sqlalchemy.exc import SAWarning
        from traitlets.config.loader import PyFileConfigLoader

        warnings.filterwarnings("ignore", category=SAWarning, module="nbgrader")

        self._config = PyFileConfigLoader(config.name, path=str(self.root)).load_config()
        self._config.NbGrader.logfile = str(self.root / ".nbgrader.log")
        # nbgrader starts alembic by its bare name.
        os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        self._api: Any = NbGraderAPI(config=self._config)

    @classmethod
    def copy_of(cls, original: Path, root: Path) -> Course:
        """A course of its own at *root*, with the sources and the configuration of *original*."""
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(original / "solutions", root / "solutions")
        shutil.copy(original / "nbgrader_config.py", root)
        return cls(root)

    @property
    def source(self) -> Path:
        """The folder of the source notebooks."""
        return self.root / "solutions" / ASSIGNMENT

    @property
    def release(self) -> Path:
        """The folder of the student version."""
        return self.root / "assignments" / ASSIGNMENT

    def student_page(self, student: str) -> Path:
        """The page of all of *student*'s notebooks; beside nbgrader's folder, whose pages are released one by one."""
        return self.feedback(student).with_suffix(".html")

    def submitted(self, student: str) -> Path:
        """The folder that *student*'s notebooks were collected into."""
        return self.root / "submitted" / student / ASSIGNMENT

    def feedback(self, student: str) -> Path:
        """The folder of *student*'s feedback pages."""
        return self.root / "feedback" / student / ASSIGNMENT

    def students(self) -> list[str]:
        """Everyone who handed something in."""
        return sorted(path.parent.name for path in (self.root / "submitted").glob(f"*/{ASSIGNMENT}"))

    def generate_assignment(self) -> None:
        """Make the student version."""
        self._check(self._api.generate_assignment(ASSIGNMENT, force=True))

    def autograde(self, student: str) -> None:
        """Grade one student's submission into the gradebook."""
        self._check(self._api.autograde(ASSIGNMENT, student, force=True))

    def generate_feedback(self, student: str) -> None:
        """Write one student's feedback pages."""
        self._check(self._api.generate_feedback(ASSIGNMENT, student, force=True))

    def gradebook(self) -> Any:
        """nbgrader's gradebook; use it as a context manager."""
        return self._api.gradebook

    def grades(self) -> Iterator[tuple[str, str, str, float | None, float | None, float]]:
        """(student, notebook, cell, automatic mark, manual mark, maximum) of everything in the gradebook."""
        with self.gradebook() as book:
            for submission in book.assignment_submissions(ASSIGNMENT):
                for notebook in submission.notebooks:
                    for grade in notebook.grades:
                        yield (
                            submission.student.id,
                            notebook.name,
                            grade.name,
                            grade.auto_score,
                            grade.manual_score,
                            grade.max_score,
                        )

    @staticmethod
    def _check(outcome: dict[str, Any]) -> None:
        if not outcome["success"]:
            text = "\n".join(outcome.get(key) or "" for key in ("error", "log"))
            reasons = [found for found in EXCEPTION.findall(text) if "NbGraderException" not in found]
            raise CourseError(reasons[-1] if reasons else "nbgrader gave no reason")
