"""Self-study: the visible and the hidden tests on one's own notebook, without a course, a database or the answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from autograder.bounds.limits import Limits
from autograder.exam.attempt import attempt
from autograder.exam.examine import ExamResult, examine
from autograder.files.beside import own_files_in
from autograder.files.names import shown_name
from autograder.files.read import Unreadable
from autograder.files.source import MAY_USE, data_files
from autograder.kit import KitError, load_kit
from autograder.notebook.assemble import PROBLEM, assemble
from autograder.notebook.cells import (
    Notebook,
    Part,
    grading,
    is_test,
    read_notebook,
    test_part,
    without_hidden_tests,
)
from autograder.notebook.submitted import read_path
from autograder.report.rubric import Question, questions
from autograder.sandbox.levels import LEVELS
from autograder.selfstudy.exams import ExamError, exam_notebook
from autograder.selfstudy.parts import parts_of, untried_answers
from autograder.selfstudy.visible import with_own_parameters
from autograder.tutor.hints import Hints
from autograder.tutor.owner import Owner

__all__ = ["CheckError", "Scorecard", "check_notebook"]


Made = TypeVar("Made")


class CheckError(Exception):
    """A notebook that cannot be checked; the message says why."""


@dataclass(frozen=True, slots=True)
class Scorecard:
    """The outcome of one notebook.

    Attributes:
        notebook: its name.
        assembled: the notebook as it was examined.
        exam: the notebook that the tests came from.
        result: the examiner's verdicts; tests that were not run have none.
        parts: what each test cell of the exam holds, by grade_id.
        hidden_run: whether hidden tests were run.
        hints: of the assignment.
        may_use: the name of the page beside the notebook that says what it may use; empty if there is none.
        written: the questions that people mark, with the lines of their rubrics.
    """

    notebook: str
    assembled: Notebook
    exam: Notebook
    result: ExamResult
    parts: Mapping[str, Part]
    hidden_run: bool
    hints: Hints = field(default_factory=Hints)
    may_use: str = ""
    written: tuple[Question, ...] = ()

    @property
    def untried(self) -> frozenset[str]:
        """grade_id of the answers that are as they were handed out."""
        return untried_answers(self.exam, self.assembled)

    @property
    def score(self) -> float:
        """Points earned from the tests that were run."""
        return sum(verdict.score for verdict in self.result.verdicts.values())

    @property
    def maximum(self) -> float:
        """Points that the tests give that were run."""
        return sum(verdict.maximum for verdict in self.result.verdicts.values())

    @property
    def failing(self) -> list[str]:
        """grade_id of the tests without full marks, in the notebook's order."""
        return [name for name, v in self.result.verdicts.items() if v.score < v.maximum]

    @property
    def headline(self) -> str:
        """The outcome in one sentence, which claims nothing about tests that were not run."""
        count, failed = len(self.result.verdicts), len(self.failing)
        if not self.hidden_run:
            public = f"{failed} of {count} public checks failed" if failed else "public checks passed"
            return f"{public}; hidden checks not run"
        points = f"{self.score:g} of {self.maximum:g} points from tests"
        return points if failed else f"{points}: public and hidden checks passed"

    def as_json(self) -> dict[str, Any]:
        """The outcome as plain data; points are null where hidden tests were not run."""
        untried, parts = self.untried, parts_of(self.exam)
        not_tried = {test for part in parts if part.name in untried for test in part.tests}
        tests = [
            {
                "test": name,
                "part": self.parts[name],
                "score": verdict.score if self.hidden_run else None,
                "maximum": verdict.maximum,
                "passed": verdict.score >= verdict.maximum,
                "tried": name not in not_tried,
                "message": verdict.message,
                "reason": verdict.reason.as_json() if verdict.reason else None,
            }
            for name, verdict in self.result.verdicts.items()
        ]
        return {
            "notebook": self.notebook,
            "says": self.headline,
            "score": self.score if self.hidden_run else None,
            "maximum": self.maximum if self.hidden_run else None,
            "written_points": sum(self.exam.manual_points().values()),
            "parts": [
                {"answer": part.name, "tests": [name for name in part.tests if name in self.result.verdicts]}
                for part in parts
            ],
            "written": [
                {
                    "answer": question.cell,
                    "maximum": question.maximum,
                    "tried": question.cell not in untried,
                    "checklist": list(question.items),
                }
                for question in self.written
            ],
            "hidden_checks": "run" if self.hidden_run else "not run",
            "tests": tests,
            "notes": self.result.notes,
            "sandbox": self.result.sandbox,
        }


def check_notebook(path: Path, exam: Path, *, public_only: bool = False) -> Scorecard:
    """Examine the notebook at *path* against the one in the folder *exam* that has the same name, or that it looks like.

    Raises:
        CheckError: there is no such file, no exam for a notebook of that name, or one of them cannot be read.
    """
    try:
        submission = read_path(path) if path.is_file() else None
        source = None if submission is None else exam_notebook(exam, path)
    except ExamError as error:
        raise CheckError(str(error)) from None
    except OSError as error:
        raise CheckError(f"{path} cannot be read: {error.strerror}") from None
    if submission is None:
        raise CheckError(f"{path} is not a file")
    if source is None:
        known = ", ".join(sorted(p.name for p in exam.glob("*.ipynb"))) or "none"
        raise CheckError(f"there are no tests for a notebook named {path.name}; there are for: {known}")
    assembled = _made(path, lambda: assemble(source, submission))
    if problem := assembled.content["metadata"].get(PROBLEM):
        raise CheckError(f"{path} cannot be read: {problem}")
    try:
        template = read_notebook(source)
    except ValueError as error:
        raise CheckError(str(error)) from error
    tests = {grading(c)["grade_id"]: c["source"] for c in template.cells if is_test(c)}
    parts = {name: _part_of(path, name, text) for name, text in tests.items()}
    hidden_run = not public_only and any(
        text.rstrip() != without_hidden_tests(text) for text in tests.values()
    )
    if not hidden_run:
        for cell in assembled.cells:
            if is_test(cell):
                cell["source"] = without_hidden_tests(cell["source"])
    files = data_files(exam)
    try:
        kit = load_kit(exam)
    except KitError as error:
        raise CheckError(str(error)) from None
    result = _made(
        path,
        lambda: examine(
            assembled,
            files=files,
            owner=Owner(source.stem),
            kit=with_own_parameters(kit, assembled),
            source=exam,
            own=own_files_in(path.parent, Limits()),
        ),
    )
    if source.name != path.name:
        result.notes.append(
            f"{shown_name(path.name)} was checked as {source.name}: hand it in under that name"
        )
    if result.sandbox == "limits":
        result.notes.append(f"your cells were confined by limits only: {LEVELS['limits']}")
    if not hidden_run:
        result.verdicts = {n: v for n, v in result.verdicts.items() if parts[n] != "hidden"}
    page = MAY_USE if path.with_name(MAY_USE).is_file() else ""
    written = tuple(questions(source))
    return Scorecard(source.stem, assembled, template, result, parts, hidden_run, kit.hints, page, written)


def _part_of(path: Path, name: str, test: str) -> Part:
    try:
        return test_part(test)
    except (SyntaxError, ValueError) as error:  # somebody has changed it
        raise CheckError(
            f"{path} cannot be checked: its test cell {name} is no Python ({error}); take it again from the notebook that you were given"
        ) from None


def _made(path: Path, work: Callable[[], Made]) -> Made:
    """What *work* makes of the notebook at *path*.

    Raises:
        CheckError: it could not, and that is the notebook's own fault.
    """
    made = attempt(work, Limits())
    if isinstance(made, Unreadable):
        raise CheckError(f"{path} cannot be checked: {made.why}")
    return made
