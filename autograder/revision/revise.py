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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autograder.files.renamed import RENAMED, read_renamed, renamed_text, with_renamed
from autograder.grading.interrupt import CtrlC
from autograder.grading.pending import Scanner, make_plan
from autograder.grading.plan import Failed, Job, Marked, MarkedNotebook, Plan
from autograder.grading.run import Grader, Listener, only_one
from autograder.grading.store import Recorder, staged
from autograder.kit import KitError, load_kit
from autograder.nbgrader_compat.backup import back_up
from autograder.nbgrader_compat.course import Course, CourseError
from autograder.nbgrader_compat.flags import ask_again
from autograder.nbgrader_compat.generated import Generated, generated
from autograder.nbgrader_compat.lock_wait import LockWait
from autograder.nbgrader_compat.restructure import restructure
from autograder.nbgrader_compat.set_aside import count_aside
from autograder.notebook.cells import read_notebook
from autograder.revision.changes import changes
from autograder.revision.names import Renames, renamed_cells
from autograder.revision.outcome import Revision
from autograder.revision.same import same_answers
from autograder.revision.standing import Standing, standing, total_changes

__all__ = ["revise_course"]


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
        earlier = _read_source(course)
        known = recorder.records.blueprints()
        students = recorder.records.students()
        if not students:
            raise CourseError(
                f"nobody's {course.assignment} is in the gradebook: run nbgrader generate_assignment {course.assignment} --force"
            )
        with generated(course) as made:
            work = _Work(course, recorder, made, earlier, progress, between)
            return work.run(grader, known, students, renames, apply, ctrl_c)


def _read_source(course: Course) -> Renames:
    """The names that questions had before.

    Raises:
        CourseError: a file of the source cannot be used; the message names it.
    """
    try:
        for path in course.source_notebooks():
            read_notebook(path)
        load_kit(course.source)
        return read_renamed(course.source)
    except (ValueError, KitError) as error:
        raise CourseError(str(error)) from None


class _Work:
    def __init__(
        self,
        course: Course,
        recorder: Recorder,
        made: Generated,
        earlier: Renames,
        progress: Listener,
        between: Callable[[str], None],
    ) -> None:
        self._course, self._recorder, self._made, self._earlier = course, recorder, made, earlier
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
        new = self._made.notebooks
        renames = renamed_cells(known, new, self._earlier, told)
        renamed = with_renamed(self._earlier, renames)
        revision = Revision(
            changes(known, new, renames),
            renames,
            (_sum(known), _sum(new)),
        )
        here = set(self._course.students(students))
        revision.not_graded = [student for student in students if student not in here]
        plan = make_plan(self._course, notebooks=new)
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
            if renamed != self._earlier:
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
