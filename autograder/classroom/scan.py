"""What there is to grade: the exam as a plan, and each submission with a fingerprint of all that its marks depend on."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from autograder.classroom.course import ASSIGNMENT, Course, CourseError
from autograder.classroom.plan import Blueprint, Job, Plan, SourceCell, code_digest, read_folder
from autograder.notebooks import read_notebook

__all__ = ["Scanner", "make_plan", "students_named"]


def make_plan(course: Course) -> Plan:
    """The exam of *course*.

    Raises:
        CourseError: the assignment was not generated, or its source has changed since, or the settings cannot be honoured.
    """
    from traitlets import TraitError

    from autograder.classroom.marking import INSTEAD, preprocessor_classes
    from autograder.nbgrader_plugin import Examine

    converter = course.converter()
    sanitize, autograde = converter.sanitize_preprocessors, converter.autograde_preprocessors
    classes = preprocessor_classes([*sanitize, *autograde])
    if Examine not in classes:
        raise CourseError(
            "nbgrader_config.py does not set autograder.nbgrader_plugin.Examine among c.Autograde.autograde_preprocessors"
        )
    try:
        Examine(config=converter.config).limits(ASSIGNMENT)
    except (TraitError, ValueError) as error:
        raise CourseError(f"nbgrader_config.py cannot be used: {error}") from error
    for listed in classes:
        known = [base.__name__ for base in INSTEAD if issubclass(listed, base) and listed not in INSTEAD]
        if known:
            raise CourseError(
                f"{listed.__name__} is a {known[0]} of your own, which opens the gradebook: grade with nbgrader autograde"
            )
    notebooks = _blueprints(course)
    files = {path.name: path.read_bytes() for path in sorted(course.source.iterdir()) if path.is_file()}
    for path in sorted(course.source.glob("*.ipynb")):
        source = read_notebook(path)
        points = {**source.auto_points(), **source.manual_points()}
        if path.stem not in notebooks or notebooks[path.stem].points != points:
            raise CourseError(
                f"{path} is not what the gradebook knows: run nbgrader generate_assignment {ASSIGNMENT} --force"
            )
    return Plan(
        ASSIGNMENT,
        files,
        notebooks,
        converter.config,
        list(sanitize),
        list(autograde),
        course.db_url,
        str(course.root),
        code_digest(),
        tuple(course.students()),
    )


def _blueprints(course: Course) -> dict[str, Blueprint]:
    from nbgrader.api import MissingEntry

    with course.gradebook() as book:
        try:
            assignment = book.find_assignment(ASSIGNMENT)
        except MissingEntry:
            raise CourseError(
                f"the gradebook {course.shown_db_url} has no assignment {ASSIGNMENT}: run nbgrader generate_assignment {ASSIGNMENT}"
                f" --db={course.shown_db_url}"
            ) from None
        return {
            notebook.name: Blueprint(
                kernelspec=notebook.kernelspec,
                cells={
                    cell.name: SourceCell(cell.name, cell.cell_type, cell.locked, cell.source, cell.checksum)
                    for cell in notebook.source_cells
                },
                points={cell.name: cell.max_score for cell in [*notebook.grade_cells, *notebook.task_cells]},
            )
            for notebook in assignment.notebooks
        }


class Scanner:
    """Finds submissions."""

    def __init__(self, course: Course, plan: Plan) -> None:
        self._course = course
        self._names = sorted(plan.notebooks)
        self._hook = course.converter().pre_convert_hook
        digest = hashlib.sha256()
        for name, content in sorted(plan.source.items()):
            digest.update(f"{name}\0{len(content)}\0".encode())
            digest.update(content)
        digest.update(json.dumps(_settings(plan), sort_keys=True, default=repr).encode())
        self._exam = digest.digest()

    def prepare(self, student: str) -> None:
        """Run the course's ``pre_convert_hook``, as nbgrader does; like there, its failure is no matter."""
        if self._hook is not None:
            found = sorted(str(path) for path in self._course.submitted(student).glob("*.ipynb"))
            with contextlib.suppress(Exception):
                self._hook(assignment=ASSIGNMENT, student=student, notebooks=found)

    def fingerprint(self, student: str) -> str:
        """Of the submission's files, the exam and its settings."""
        folder = self._course.submitted(student)
        digest = hashlib.sha256(self._exam)
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_symlink():
                digest.update(f"link\0{name}\0{path.readlink()}\0".encode("utf-8", "surrogateescape"))
            elif path.is_file():
                content = path.read_bytes()
                digest.update(f"file\0{name}\0{len(content)}\0".encode("utf-8", "surrogateescape"))
                digest.update(content)
        return digest.hexdigest()

    def job(self, student: str, fingerprint: str) -> Job:
        """The submission as it is handed to a grading process.

        Raises:
            CourseError: a file cannot be read, or the time of handing in.
        """
        try:
            self._course.timestamp(student)
        except Exception:
            raise CourseError("its timestamp.txt says no time") from None
        try:
            return Job(student, read_folder(self._course.submitted(student), self._names), fingerprint)
        except OSError as error:
            raise CourseError(f"{error.filename} cannot be read: {error.strerror}") from None


def _settings(plan: Plan) -> dict[str, Any]:
    """The settings that marks depend on: those of the preprocessors, by section."""
    from autograder.classroom.marking import preprocessor_classes

    listed = preprocessor_classes([*plan.sanitize, *plan.autograde])
    sections = {base.__name__ for step in listed for base in step.__mro__}
    chosen: dict[str, Any] = {
        name: dict(plan.config[name]) for name in sorted(sections) if name in plan.config
    }
    return chosen | {"steps": [step.__name__ for step in listed]}


def students_named(course: Course, wanted: Iterable[str] | None) -> list[str]:
    """Everyone who handed in, or those of *wanted*.

    Raises:
        CourseError: one of them did not.
    """
    known = course.students()
    if wanted is None:
        return known
    chosen = list(dict.fromkeys(wanted))
    for student in chosen:
        if student not in known:
            few = ", ".join(known[:8]) + (", …" if len(known) > 8 else "") or "nobody"
            raise CourseError(
                f"{student} has handed in nothing; in {Path(course.root, 'submitted')} there is {few}"
            )
    return chosen
