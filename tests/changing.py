"""A small course whose questions change while there are submissions."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbgrader.api
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook, writes

from autograder.grading.plan import Job, Marked, MarkedNotebook, Plan
from autograder.nbgrader_compat.course import Course
from autograder.notebook.assemble import assemble
from autograder.notebook.cells import Notebook, grading, is_test, read_notebook
from tests.small import cell

__all__ = [
    "ASSIGNMENT",
    "CONFIG",
    "FIRST",
    "Question",
    "by_rule",
    "change",
    "hand_in",
    "new_course",
    "one_alembic",
]

ASSIGNMENT = "hw"
CONFIG = """
c = get_config()
c.CourseDirectory.course_id = "course"
c.LateSubmissionPlugin.penalty_method = "zero"
from autograder.nbgrader_plugin import use_examiner
use_examiner(c)
"""


@dataclass(frozen=True)
class Question:
    """One question: a number that a test asks for, or (*written*) a text that a person marks.

    Attributes:
        right: the number that the test wants.
        variable: what the answer is called in Python, or what the written question is about; by default the name.
    """

    name: str
    points: float = 2
    right: int = 1
    written: bool = False
    variable: str = ""

    @property
    def graded(self) -> str:
        """The cell that has the points."""
        return self.name if self.written else f"{self.name}_test"

    def cells(self) -> list[NotebookNode]:
        """In the source notebook."""
        variable = self.variable or self.name
        if self.written:
            made = new_markdown_cell(f"The model answer to {variable}.", id=self.name.replace("_", "-"))
            flags = {"grade": True, "solution": True, "locked": False, "task": False}
            made.metadata["nbgrader"] = {
                "grade_id": self.name,
                "schema_version": 3,
                "points": self.points,
                **flags,
            }
            return [made]
        answer = f"### BEGIN SOLUTION\n{variable} = {self.right}\n### END SOLUTION"
        return [
            cell(self.name, answer, solution=True),
            cell(self.graded, f"assert {variable} == {self.right}, 'it is another number'", self.points),
        ]


FIRST = {"work": [Question("a"), Question("b", 3), Question("why", 4, written=True)]}


@contextlib.contextmanager
def one_alembic() -> Iterator[None]:
    """nbgrader starts a process for each new gradebook, to ask for a version that does not change: here it is asked once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(
            "PATH", str(Path(sys.executable).parent), prepend=os.pathsep
        )  # alembic is started by its bare name
        version = nbgrader.api.get_alembic_version()
        patch.setattr(nbgrader.api, "get_alembic_version", lambda: version)
        yield


def change(course: Course | Path, notebooks: Mapping[str, Sequence[Question]]) -> None:
    """Write the source anew."""
    folder = course.source if isinstance(course, Course) else course
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.ipynb"):
        path.unlink()
    for name, questions in notebooks.items():
        cells = [one for question in questions for one in question.cells()]
        (folder / f"{name}.ipynb").write_text(writes(new_notebook(cells=cells)) + "\n", "utf-8")


def new_course(root: Path, notebooks: Mapping[str, Sequence[Question]] = FIRST) -> Course:
    """A course in which nobody has handed in; it is released."""
    change(root / "source" / ASSIGNMENT, notebooks)
    (root / "nbgrader_config.py").write_text(CONFIG)
    course = Course(root, ASSIGNMENT)
    course.generate_assignment()
    return course


def hand_in(course: Course, student: str, **answers: object) -> None:
    """Hand in what is released, with numbers and texts for *answers*."""
    target = course.submitted(student)
    shutil.copytree(course.release, target, dirs_exist_ok=True)
    for path in target.glob("*.ipynb"):
        notebook = read_notebook(path)
        for name, one in notebook.by_grade_id().items():
            if name in answers:
                given = answers[name]
                one["source"] = given if isinstance(given, str) else f"{name} = {given}"
        path.write_text(notebook.dumps(), "utf-8")


def by_rule(plan: Plan, jobs: Iterable[Job]) -> Iterator[tuple[Job, Marked]]:
    """A grader that runs the few lines of these notebooks in this process: the marks are those of the examiner, and come at once."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in plan.source.items():
            path = Path(folder, name)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        for job in jobs:
            marked = Marked(job.student, job.fingerprint)
            for name, content in job.notebooks.items():
                notebook = assemble(Path(folder, f"{name}.ipynb"), content)
                marked.notebooks[name] = _marked(notebook)
            yield job, marked


def _marked(notebook: Notebook) -> MarkedNotebook:
    made = MarkedNotebook(notebook.dumps())
    names: dict[str, object] = {}
    untouched = notebook.content["metadata"].get("autograder_untouched", [])
    for one in notebook.cells:
        grade = grading(one)
        if is_test(one):
            made.scores[grade["grade_id"]] = 0.0
            with contextlib.suppress(Exception):
                exec(one["source"], names)
                made.scores[grade["grade_id"]] = float(grade["points"])
        elif one["cell_type"] == "code":
            with contextlib.suppress(Exception):
                exec(one["source"], names)
        elif grade.get("grade"):
            made.scores[grade["grade_id"]] = 0.0 if grade["grade_id"] in untouched else None
        if grade.get("solution"):
            made.comments[grade["grade_id"]] = None
    return made
