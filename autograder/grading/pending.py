"""What there is to grade: the exam as a plan, and each submission with a fingerprint of all that its marks depend on."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from autograder.bounds.deadline import TimeIsUp, deadline, memory_limit
from autograder.files.renamed import read_renamed
from autograder.files.source import source_files
from autograder.grading.plan import Job, Plan, code_digest
from autograder.kit import load_kit
from autograder.nbgrader_compat.blueprint import Blueprint
from autograder.nbgrader_compat.course import Course, CourseError
from autograder.nbgrader_compat.lock_wait import LockWait, read_blueprints
from autograder.notebook.cells import Notebook, is_test, read_notebook

__all__ = ["Scanner", "make_plan", "students_named"]


def make_plan(
    course: Course,
    lock_wait: LockWait | None = None,
    notebooks: dict[str, Blueprint] | None = None,
) -> Plan:
    """The exam of *course*.

    Args:
        lock_wait: how a locked gradebook is waited for.
        notebooks: what the gradebook is to know of the source; by default, what it knows.

    Raises:
        CourseError: the assignment was not generated, or its source has changed since, or the settings cannot be honoured.
    """
    from autograder.nbgrader_compat.examine import Examine
    from autograder.nbgrader_compat.stand_ins import INSTEAD, preprocessor_classes

    converter = course.converter()
    sanitize, autograde = converter.sanitize_preprocessors, converter.autograde_preprocessors
    classes = preprocessor_classes([*sanitize, *autograde])
    if Examine not in classes:
        raise CourseError(
            "nbgrader_config.py does not set autograder.nbgrader_plugin.Examine among c.Autograde.autograde_preprocessors"
        )
    limits = course.limits()
    for listed in classes:
        known = [base.__name__ for base in INSTEAD if issubclass(listed, base) and listed not in INSTEAD]
        if known:
            raise CourseError(
                f"{listed.__name__} is a {known[0]} of your own, which opens the gradebook: grade with nbgrader autograde"
            )
    if notebooks is None:
        waiting = lock_wait or LockWait(course)
        notebooks = waiting.run(lambda: read_blueprints(course, waiting))
        _check_source(course, notebooks, waiting)
    try:
        read_renamed(course.source)
    except ValueError as error:
        raise CourseError(str(error)) from None
    libraries = load_kit(course.source).warm.libraries
    return Plan(
        course.assignment,
        source_files(course.source),
        notebooks,
        _for_marking(converter.config),
        list(sanitize),
        list(autograde),
        course.db_url,
        str(course.root),
        libraries,
        code_digest(libraries),
        limits,
        tuple(course.students()),
    )


def _for_marking(config: Any) -> Any:
    """The settings without those of late penalties: they are assigned where the gradebook is, and anew in each run."""
    made = copy.deepcopy(config)
    for section in ("AssignLatePenalties", "Late"):
        made.pop(section, None)
    return made


def _check_source(course: Course, notebooks: Mapping[str, Blueprint], waiting: LockWait) -> None:
    """Make sure that the gradebook has the questions and the tests that the source has.

    Raises:
        CourseError: it has not; the message says what to do.
    """
    paths = {path.stem: path for path in course.source_notebooks()}
    changed = [
        name for name, path in paths.items() if not _is_known(read_notebook(path), notebooks.get(name))
    ]
    gone = sorted(notebooks.keys() - paths.keys())
    if changed or gone:
        what = (
            f"{paths[changed[0]]} is not what the gradebook knows"
            if changed
            else f"the gradebook has a notebook {gone[0]}, and {course.source} has none of that name"
        )
        command = (
            f"autograder revise {course.assignment} shows what changes for whom"
            if waiting.run(lambda: _any_submission(course, waiting))
            else f"run nbgrader generate_assignment {course.assignment} --force"
        )
        raise CourseError(f"{what}: {command}")


def _any_submission(course: Course, waiting: LockWait) -> bool:
    with waiting.gradebook() as book:
        return bool(book.assignment_submissions(course.assignment))


def _is_known(source: Notebook, blueprint: Blueprint | None) -> bool:
    points = {**source.auto_points(), **source.manual_points()}
    if blueprint is None or blueprint.points != points:
        return False
    tests = {key: cell["source"] for key, cell in source.by_grade_id().items() if is_test(cell)}
    # nbgrader writes some tests itself when it releases them.
    return all(text == blueprint.cells[key].source for key, text in tests.items() if "AUTOTEST" not in text)


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
        self._limits = plan.limits

    def prepare(self, student: str) -> None:
        """Run the course's ``pre_convert_hook``, as nbgrader does; like there, its failure is no matter."""
        if self._hook is not None:
            with contextlib.suppress(Exception, TimeIsUp), deadline(self._limits.render_seconds):
                found = sorted(str(path) for path in self._course.submitted(student).glob("*.ipynb"))
                self._hook(assignment=self._course.assignment, student=student, notebooks=found)

    def fingerprint(self, student: str) -> str:
        """Of the submission's files, the exam and its settings.

        Raises:
            CourseError: the files cannot be read here and now.
        """
        digest = hashlib.sha256(self._exam)
        with self._reading():
            self._course.inbox.add_to_digest(student, self._names, digest)
        return digest.hexdigest()

    def job(self, student: str, fingerprint: str, only: str = "") -> Job:
        """The submission, or the notebook *only* of it, as it is handed to a grading process.

        Raises:
            CourseError: the files cannot be read here and now.
        """
        inbox = self._course.inbox
        with self._reading():
            notebooks, items = inbox.notebooks_and_triage(student, self._names)
            if only:
                notebooks = {name: content for name, content in notebooks.items() if name == only}
                items = [item for item in items if item.notebook == only]
            files = [f"{item.notebook}: {item.says}" if item.notebook else item.says for item in items]
            notes = (*inbox.notes(student), *files)
            return Job(student, notebooks, fingerprint, notes, inbox.own_files(student), only)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        """What is read is bounded by the limits on files: what is slow or large beyond those for one notebook is so because of this machine."""
        limits = self._limits
        try:
            with deadline(limits.render_seconds), memory_limit(limits.memory_mb):
                yield
        except TimeIsUp:
            raise CourseError(f"its files could not be read within {limits.render_seconds:g} s") from None
        except MemoryError:
            raise CourseError("this machine has not enough memory to read its files") from None
        except OSError as error:
            raise CourseError(f"its files cannot be read: {error.strerror}") from None


def _settings(plan: Plan) -> dict[str, Any]:
    """The settings that marks depend on: those of the preprocessors, by section."""
    from autograder.nbgrader_compat.stand_ins import preprocessor_classes

    listed = preprocessor_classes([*plan.sanitize, *plan.autograde])
    sections = {base.__name__ for step in listed for base in step.__mro__}
    chosen: dict[str, Any] = {
        name: dict(plan.config[name]) for name in sorted(sections) if name in plan.config
    }
    if "Examine" in chosen:
        chosen["Examine"].pop("lock_seconds", None)  # no mark depends on how long a lock is waited for
    return chosen | {"steps": [step.__name__ for step in listed]}


def students_named(course: Course, wanted: Iterable[str] | None, graded: Collection[str] = ()) -> list[str]:
    """Everyone who handed in, or those of *wanted*; *graded* have marks from an earlier run.

    Raises:
        CourseError: one of them did not.
    """
    known = course.students(graded)
    if wanted is None:
        return known
    chosen = list(dict.fromkeys(wanted))
    for student in chosen:
        if student not in known:
            few = ", ".join(known[:8]) + (", …" if len(known) > 8 else "") or "nobody"
            raise CourseError(f"{student} has handed in nothing; in {course.layout.submitted} there is {few}")
    return chosen
