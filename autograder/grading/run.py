"""Grades a class: finds what is to be graded, has it graded by many processes, and records it, one submission after the other."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.files.source import copies_told
from autograder.grading.interrupt import CtrlC
from autograder.grading.plan import Failed, Job, Marked, Plan
from autograder.nbgrader_compat.course import Course, CourseError
from autograder.triage.reasons import Item

__all__ = ["Grader", "Listener", "Summary", "grade_course"]

LOCK = ".autograder.lock"
NEVER_WHOLE = "-"  # in the place of a fingerprint: only a part of it was ever graded
Grader = Callable[[Plan, Iterable[Job]], Iterator[tuple[Job, Marked | Failed]]]


@dataclass(slots=True)
class Summary:
    """What a run did.

    Attributes:
        graded: students whose submissions were recorded in this run.
        before: those that had been recorded before and are unchanged.
        trouble: those that are not recorded, and why.
        notes: what an instructor should know, by student.
        again: those graded whose marks may be the fault of this machine, and that the next run grades again.
        penalties: those graded before who lose other points for lateness than then.
        stopped: why the run ended early, or an empty string.
        triage: what a person should look at, in the whole class; not looked for in a run that ended early.
        peak_mb: largest resident memory of a grading process, and of the process that it forks candidates from.
    """

    graded: list[str] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    trouble: dict[str, str] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    again: list[str] = field(default_factory=list)
    penalties: list[str] = field(default_factory=list)
    stopped: str = ""
    triage: list[Item] = field(default_factory=list)
    interrupted: bool = False
    seconds: float = 0.0
    peak_mb: tuple[float, float] = (0.0, 0.0)


class Listener:
    """Is told how a run goes; this one does nothing with it."""

    def begin(self, total: int, before: int) -> None:
        """*total* submissions are to be graded, *before* are already."""

    def say(self, sentence: str) -> None:
        """There is something to know about the run."""

    def step(self, student: str, trouble: str, notes: Sequence[str]) -> None:
        """One submission was recorded, or (with *trouble*) could not be."""


@contextlib.contextmanager
def only_one(root: Path) -> Iterator[None]:
    """Holds the course for one grading run.

    Raises:
        CourseError: another run holds it; the message says which.
    """
    try:
        import fcntl
    except ImportError:  # Windows; there nothing else of the examiner works either
        yield
        return
    with (root / LOCK).open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise CourseError(
                f"this course is being graded by {file.read().strip() or 'someone else'}"
            ) from None
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}, since {time.strftime('%H:%M:%S')}")
        file.flush()
        yield
        file.truncate(0)


def grade_course(
    course: Course,
    grader: Grader,
    students: Iterable[str] | None = None,
    *,
    force: bool = False,
    progress: Listener | None = None,
    between: Callable[[str], None] | None = None,
    ctrl_c: CtrlC | None = None,
    only: str = "",
) -> Summary:
    """Grade the submissions of *course* that are not recorded yet.

    Args:
        students: only these.
        force: also those that are recorded.
        between: see :class:`autograder.grading.store.Recorder`.
        ctrl_c: what Ctrl-C does; it ends the run after the submission that is being recorded.
        only: grade this notebook of everyone, also where it is recorded, and leave the others' marks as they are.

    Raises:
        CourseError: grading cannot begin.
    """
    from autograder.grading.pending import Scanner, make_plan, students_named
    from autograder.grading.store import Recorder
    from autograder.nbgrader_compat.lock_wait import LockWait

    progress, ctrl_c = progress or Listener(), ctrl_c or CtrlC()
    summary = Summary()
    started = time.monotonic()
    lock_wait = LockWait(course, progress.say, ctrl_c.let_through)
    observed = {"between": between} if between else {}
    with (
        only_one(course.root),
        contextlib.closing(Recorder(course, **observed, lock_wait=lock_wait)) as recorder,
    ):
        recorder.recover()
        for sentence in copies_told(course.source):
            progress.say(sentence)
        plan = make_plan(course, lock_wait)
        if only and only not in plan.notebooks:
            raise CourseError(
                f"{course.assignment} has no notebook {only!r}; it has {', '.join(sorted(plan.notebooks))}"
            )
        scanner = Scanner(course, plan)
        known = recorder.recorded()
        todo: list[tuple[str, str]] = []
        for student in students_named(course, students, known):
            if course.name_too_long(student):
                summary.trouble[student] = "the name of its folder is too long for the gradebook"
                continue
            try:
                scanner.prepare(student)
                print_ = scanner.fingerprint(student)
            except CourseError as error:
                summary.trouble[student] = str(error)
                continue
            if only:
                # What is recorded of the others stays true or not, as it was.
                todo.append((student, known.get(student) or NEVER_WHOLE))
            elif known.get(student) == print_ and not force:
                summary.before.append(student)
            else:
                todo.append((student, print_))
        summary.penalties = recorder.records.penalties_anew(frozenset(summary.before))
        for sentence in recorder.records.about_extensions({*known, *course.students(known)}):
            progress.say(sentence)
        progress.begin(len(todo) + len(summary.trouble), len(summary.before))
        for student, why in summary.trouble.items():
            progress.step(student, why, [])

        def jobs() -> Iterator[Job]:
            for student, print_ in todo:
                try:
                    yield scanner.job(student, print_, only)
                except CourseError as error:
                    summary.trouble[student] = str(error)
                    progress.step(student, str(error), [])

        _run(grader(plan, jobs()), recorder, summary, progress, plan, ctrl_c)
        if not summary.stopped:  # else the rest is for the next run
            for student in sorted({student for student, _ in todo} - {*summary.graded, *summary.trouble}):
                summary.trouble[student] = (
                    "no grading process gave an answer for it; run the same command again"
                )
                progress.step(student, summary.trouble[student], [])
        _verify(recorder, summary)
        if not summary.stopped:
            summary.triage = _triage(recorder, summary)
    summary.seconds = time.monotonic() - started
    return summary


def _verify(recorder: Any, summary: Summary) -> None:
    """Take back what the gradebook that lies there now does not hold; one that is only locked holds what was committed to it."""
    from autograder.nbgrader_compat.lock_wait import GradebookInUse

    why = "its record has vanished from the gradebook since"
    try:
        lost = recorder.missing(set(summary.graded)) if summary.graded else set()
    except GradebookInUse as error:
        lost, summary.stopped = set(), summary.stopped or str(error)
    except KeyboardInterrupt:
        lost, summary.interrupted, summary.stopped = set(), True, summary.stopped or "by Ctrl-C"
    except CourseError as error:
        lost, why = set(summary.graded), "it was recorded, but the gradebook cannot be read to make sure"
        summary.stopped = summary.stopped or str(error)
    for student in sorted(lost):
        summary.graded.remove(student)
        summary.trouble[student] = why


def _triage(recorder: Any, summary: Summary) -> list[Item]:
    try:
        found: list[Item] = recorder.triage()
    except KeyboardInterrupt:
        summary.interrupted, summary.stopped = True, "by Ctrl-C"
    except (CourseError, OSError) as error:
        summary.stopped = f"what a person should look at could not be listed: {error}"
    else:
        return found
    return []


def _run(
    answers: Iterator[tuple[Job, Marked | Failed]],
    recorder: Any,
    summary: Summary,
    progress: Listener,
    plan: Plan,
    ctrl_c: CtrlC,
) -> None:
    with contextlib.closing(answers):  # type: ignore[type-var]
        try:
            for job, answer in answers:
                if isinstance(answer, Failed):
                    summary.trouble[job.student] = str(answer)
                    progress.step(job.student, str(answer), [])
                else:
                    with ctrl_c.held_off():
                        recorder.record(answer)
                        summary.graded.append(job.student)
                    summary.peak_mb = (
                        max(summary.peak_mb[0], answer.peak_mb[0]),
                        max(summary.peak_mb[1], answer.peak_mb[1]),
                    )
                    notes = [*job.notes, *_notes(plan, answer)]
                    if not job.fingerprint:
                        summary.again.append(job.student)
                    if notes:
                        summary.notes[job.student] = notes
                    progress.step(job.student, "", notes)
        except KeyboardInterrupt:
            summary.interrupted = True
            summary.stopped = "by Ctrl-C"
        except (CourseError, Failed) as error:
            summary.stopped = str(error)
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            summary.stopped = f"{where}{error.strerror or error}"


def _notes(plan: Plan, marked: Marked) -> list[str]:
    lines = [f"{name}: {note}" for name, found in sorted(marked.notebooks.items()) for note in found.notes]
    missing = sorted(({marked.only} if marked.only else set(plan.notebooks)) - set(marked.notebooks))
    if missing:
        listed = marked.notebooks or marked.only
        lines.append("not handed in: " + (", ".join(missing) if listed else "any notebook of the assignment"))
    return lines
