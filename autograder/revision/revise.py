"""Takes a changed source into a course that has submissions of it already: all of it, or nothing.

Nothing of the course is touched while the submissions are graded again. Their notebooks and the new release are written beside the places where they
belong; then the gradebook is changed in one transaction, with rows that name these folders; then they take their places. Whatever ends the process in
between, :meth:`autograder.grading.store.Recorder.recover` of the next run finishes it or throws it away. Asked what would change, the same is done up to
the end of the transaction, which is then taken back.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from autograder.files.renamed import RENAMED, read_renamed, renamed_text, with_renamed
from autograder.grading.interrupt import CtrlC
from autograder.grading.pending import Scanner, make_plan
from autograder.grading.plan import Failed, Job, Marked, MarkedNotebook, Plan
from autograder.grading.run import Grader, Listener, only_one
from autograder.grading.store import Recorder, staged
from autograder.nbgrader_compat.backup import back_up
from autograder.nbgrader_compat.course import Course, CourseError
from autograder.nbgrader_compat.flags import ask_again
from autograder.nbgrader_compat.generated import Generated, generated
from autograder.nbgrader_compat.lock_wait import LockWait
from autograder.nbgrader_compat.restructure import restructure
from autograder.nbgrader_compat.set_aside import count_aside
from autograder.revision.changes import (
    Change,
    Renames,
    changes,
    earlier_renames,
    find_renames,
    told_renames,
)
from autograder.revision.same import same_answers
from autograder.revision.standing import Standing, TotalChange, standing, total_changes

__all__ = ["Revision", "revise_course"]


@dataclass(slots=True)
class Revision:
    """What is changed, or would be.

    Attributes:
        points: the sum of all maxima before and after.
        students: how many were graded again.
        totals: of them and the others, those whose total is another one.
        asked: marks by hand of changed questions, which a person is asked to look at.
        aside: marks and comments by hand that are set aside; negative if some come back.
        not_graded: students in the gradebook whose files are no longer there.
        again: students whose marks may be the fault of this machine, and that the next run grades again.
        backup: the copy of the gradebook from before; None if nothing was changed, or where it is a server's.
    """

    changes: list[Change]
    renames: Renames
    points: tuple[float, float]
    students: int = 0
    totals: list[TotalChange] = field(default_factory=list)
    asked: int = 0
    aside: int = 0
    not_graded: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    backup: Path | None = None


@dataclass(slots=True)
class _Graded:
    fingerprint: str
    notebooks: dict[str, MarkedNotebook]
    settled: set[tuple[str, str]]
    folder: str


def revise_course(
    course: Course,
    grader: Grader,
    renames: Sequence[str] = (),
    *,
    apply: bool = False,
    progress: Listener | None = None,
    between: Callable[[str], None] = lambda step: None,
    ctrl_c: CtrlC | None = None,
) -> Revision:
    """Let the gradebook and the release of *course* follow its source, and grade again who is graded; or say what that would change.

    Args:
        renames: cells that have another name now, as ``OLD=NEW`` or ``NOTEBOOK/OLD=NEW``; those that are otherwise the same are found.
        apply: do it.
        between: called with the name of the step that has just been done.

    Raises:
        CourseError, Failed, OSError: it cannot be done; nothing is changed.
    """
    progress, ctrl_c = progress or Listener(), ctrl_c or CtrlC()
    lock_wait = LockWait(course, progress.say, ctrl_c.let_through)
    with (
        only_one(course.root),
        contextlib.closing(Recorder(course, lock_wait=lock_wait)) as recorder,
    ):
        recorder.recover()
        known = recorder.records.blueprints()
        students = recorder.records.students()
        if not students:
            raise CourseError(
                f"nobody's {course.assignment} is in the gradebook: run nbgrader generate_assignment {course.assignment} --force"
            )
        with generated(course) as made:
            work = _Work(course, recorder, made, progress, between)
            return work.run(grader, known, students, renames, apply, ctrl_c)


class _Work:
    def __init__(
        self,
        course: Course,
        recorder: Recorder,
        made: Generated,
        progress: Listener,
        between: Callable[[str], None],
    ) -> None:
        self._course, self._recorder, self._made = course, recorder, made
        self._progress, self._between = progress, between
        self._graded: dict[str, _Graded] = {}

    def run(
        self,
        grader: Grader,
        known: dict[str, Any],
        students: list[str],
        told: Sequence[str],
        apply: bool,
        ctrl_c: CtrlC,
    ) -> Revision:
        renames, renamed = self._renames(known, told)
        revision = Revision(
            changes(known, self._made.notebooks, renames),
            renames,
            (_sum(known), _sum(self._made.notebooks)),
        )
        here = set(self._course.students(students))
        revision.not_graded = [student for student in students if student not in here]
        plan = make_plan(self._course, notebooks=self._made.notebooks)
        if renamed:
            plan = replace(plan, source=plan.source | {RENAMED: renamed_text(renamed).encode()})
        try:
            self._grade(grader, plan, [one for one in students if one in here], revision, apply)
            self._between("graded")
            with ctrl_c.held_off():
                self._record(revision, renamed, apply)
        except BaseException:
            with contextlib.suppress(Exception):  # what was written and not recorded goes
                self._recorder.recover()
            raise
        return revision

    def _renames(self, known: dict[str, Any], told: Sequence[str]) -> tuple[Renames, Renames]:
        """What is renamed in the gradebook, and all that submissions may call otherwise than the source."""
        new = self._made.notebooks
        try:
            earlier = read_renamed(self._course.source)
        except ValueError as error:
            raise CourseError(str(error)) from None
        renames = with_renamed(earlier_renames(earlier, known, new), told_renames(told, known, new))
        renames = with_renamed(renames, find_renames(known, new, renames))
        for notebook, names in renames.items():
            if len({*names.values()}) < len(names):
                raise CourseError(f"two cells of {notebook} would have one name: {_listed(names)}")
        return renames, with_renamed(earlier, renames)

    def _grade(
        self, grader: Grader, plan: Plan, students: Sequence[str], revision: Revision, apply: bool
    ) -> None:
        scanner = Scanner(self._course, plan)
        affected = self._affected(revision)
        self._progress.begin(len(students), 0)
        trouble: list[str] = []

        def jobs() -> Iterator[Job]:
            for student in students:
                try:
                    if apply:
                        scanner.prepare(student)
                    yield scanner.job(student, scanner.fingerprint(student))
                except CourseError as error:
                    trouble.append(f"{student}: {error}")
                    return

        answers = grader(plan, jobs())
        with contextlib.closing(answers):  # type: ignore[type-var]
            for job, answer in answers:
                if isinstance(answer, Failed):
                    raise Failed(f"{job.student} could not be graded again: {answer}")
                self._keep(answer, plan, revision, affected, apply)
                if not job.fingerprint:
                    revision.again.append(job.student)
                self._progress.step(job.student, "", [])
        missing = sorted(set(students) - self._graded.keys())
        if trouble or missing:
            raise Failed(trouble[0] if trouble else f"no grading process gave an answer for {missing[0]}")
        revision.students = len(students)

    def _keep(
        self,
        marked: Marked,
        plan: Plan,
        revision: Revision,
        affected: set[tuple[str, str]],
        apply: bool,
    ) -> None:
        settled: set[tuple[str, str]] = set()
        for name, notebook in marked.notebooks.items():
            before = self._course.autograded(marked.student) / f"{name}.ipynb"
            if same_answers(before, notebook.text, revision.renames.get(name, {}), plan.limits):
                settled |= {(name, cell) for cell in plan.notebooks[name].points} - affected
        folder = self._recorder.stage(marked) if apply else ""
        for notebook in marked.notebooks.values():
            notebook.text = ""  # it is written, and a class may have thousands
        self._graded[marked.student] = _Graded(marked.fingerprint, marked.notebooks, settled, folder)

    def _affected(self, revision: Revision) -> set[tuple[str, str]]:
        """The questions whose marks by hand stand for something else now."""
        found = set()
        for change in revision.changes:
            present = self._made.notebooks.get(change.notebook)
            if change.affects and present is not None:
                found |= {(change.notebook, cell) for cell in present.points if change.cell in ("", cell)}
        return found

    def _record(self, revision: Revision, renamed: Renames, apply: bool) -> None:
        token = uuid.uuid4().hex if apply else ""
        if apply:
            self._course.layout.release.mkdir(parents=True, exist_ok=True)
            shutil.copytree(self._made.release, staged(self._course.release, token))
            if renamed != read_renamed(self._course.source):
                _write(self._course.source / RENAMED, renamed_text(renamed))
            if self._course.database_file is not None:
                revision.backup = back_up(self._course.database_file)
            self._between("staged")

        def work(book: Any) -> tuple[Standing, Standing]:
            name = self._course.assignment
            key = book.find_assignment(name).id
            self._recorder.records.put_folder(book, key, "", token)  # before all else: it takes the lock
            aside = count_aside(book.db, name)
            before = standing(book, name)
            restructure(book, name, self._made.notebooks, revision.renames)
            for student, one in self._graded.items():
                self._recorder.records.put(
                    book, student, one.notebooks, one.fingerprint, one.folder, one.settled
                )
            revision.asked = ask_again(book, name, self._affected(revision), revision.not_graded)
            book.db.flush()
            revision.aside = count_aside(book.db, name) - aside
            return before, standing(book, name)

        try:
            before, after = self._recorder.records.together(work, keep=apply)
        except BaseException:
            if revision.backup is not None:
                revision.backup.unlink()
            raise
        self._between("committed")
        revision.totals = total_changes(before, after, revision.renames)
        if apply:
            self._recorder.recover()


def _listed(names: dict[str, str]) -> str:
    return ", ".join(f"{old} → {new}" for old, new in names.items())


def _sum(notebooks: dict[str, Any]) -> float:
    return sum(sum(blueprint.points.values()) for blueprint in notebooks.values())


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    made = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        made.write_text(text, "utf-8")
        os.replace(made, path)
    finally:
        made.unlink(missing_ok=True)
