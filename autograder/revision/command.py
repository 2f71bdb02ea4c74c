"""``autograder revise``: what is shown of a change of an assignment."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from autograder.files.source import copies_told
from autograder.grading.command import Bar, local_grader
from autograder.grading.interrupt import CtrlC
from autograder.grading.plan import Failed
from autograder.nbgrader_compat.course import Course, CourseError
from autograder.revision.outcome import Revision
from autograder.revision.revise import revise_course
from autograder.revision.standing import TotalChange
from autograder.terminal import some, terminal

__all__ = ["revision_lines", "run_revise"]

WIDTH = 80
NAME = 24  # columns of a student's name


def run_revise(
    root: Path,
    assignment: str,
    renames: Sequence[str] = (),
    *,
    apply: bool = False,
    jobs: int | None = None,
    db_url: str | None = None,
    check: Callable[[Course], None] = lambda course: None,
) -> int:
    """Show what a changed source changes for whom, or let the gradebook and the release follow it.

    Args:
        check: raises CourseError if the assignment is not fit to be graded.

    Returns:
        The exit status: 0 if it is shown or done, 2 if not, 130 after Ctrl-C.
    """
    console = terminal(stderr=True)
    try:
        with console.status("Reading the course"):
            course = Course(root, assignment, db_url)
            for sentence in copies_told(course.source):
                print(sentence)
            check(course)
        with CtrlC() as ctrl_c, Bar(console) as bar:
            revision = revise_course(
                course, local_grader(jobs), renames, apply=apply, progress=bar, ctrl_c=ctrl_c
            )
    except (CourseError, Failed) as error:
        print(f"autograder: {error}; nothing is changed", file=sys.stderr)
        return 2
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"autograder: {where}{error.strerror or error}; nothing is changed", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("autograder: stopped by Ctrl-C; nothing is changed", file=sys.stderr)
        return 130
    for line in revision_lines(assignment, revision, apply):
        print(line)
    return 0


def revision_lines(assignment: str, revision: Revision, applied: bool) -> Iterator[str]:
    """What is changed, or would be, in lines of 80 columns."""
    yield f"Changes of {assignment}:" if revision.changes else "No question is changed."
    notebook = ""
    for change in revision.changes:
        if change.notebook != notebook:
            notebook = change.notebook
            yield f"  {notebook}"
        yield from _wrapped(f"{change.cell}: {change.says}" if change.cell else change.says, "    ")
    removed = any(change.says.startswith("removed") for change in revision.changes)
    if removed and any(change.says.startswith("added") for change in revision.changes):
        yield from _wrapped("If one of them only has another name now, say so with --rename OLD=NEW.", "  ")
    before, after = revision.points
    yield f"Points that there are: {before:g}" + (f" → {after:g}." if before != after else ", as before.")
    yield from _totals(revision, applied)
    yield from (line for sentence in _to_know(revision) for line in _wrapped(sentence, ""))
    yield from (
        line for sentence in _next_steps(assignment, revision, applied) for line in _wrapped(sentence, "")
    )


def _totals(revision: Revision, applied: bool) -> Iterator[str]:
    graded = f"{revision.students} {'submission' if revision.students == 1 else 'submissions'}"
    changed = len(revision.totals)
    verb = ("changed" if applied else "would change") if changed else ("stays" if applied else "would stay")
    which = f"the totals of {changed} {verb}" if changed else f"every total {verb} as it is"
    yield from _wrapped(f"With the new source, {graded} graded again: {which}.", "")
    if changed:
        width = min(NAME, max(len("student"), *(len(one.student) for one in revision.totals)))
        yield f"  {'student':{width}}  {'before':>7}  {'after':>7}  because of"
        for one in revision.totals:
            yield from _row(one, width)


def _row(one: TotalChange, width: int) -> Iterator[str]:
    name = one.student if len(one.student) <= width else f"{one.student[: width - 1]}…"
    head = f"  {name:{width}}  {one.before:>7.6g}  {one.after:>7.6g}  "
    yield from textwrap.wrap(
        ", ".join(one.because) or "-", WIDTH, initial_indent=head, subsequent_indent=" " * len(head)
    )


def _to_know(revision: Revision) -> Iterator[str]:
    if revision.asked:
        yield (
            f"Marks by hand for questions that are changed: {revision.asked}. They are kept, and wait for a person to look at "
            "them again."
        )
    if revision.aside > 0:
        yield (
            f"Marks or comments by hand for questions that no longer count: {revision.aside}. They are set aside in the "
            "gradebook, and come back if the question does."
        )
    if revision.aside < 0:
        yield f"Marks or comments by hand that had been set aside and come back: {-revision.aside}."
    if revision.not_graded:
        yield (
            f"In the gradebook, but with no files to grade again: {some(revision.not_graded)}. They keep their marks, and "
            "what is changed waits for a person."
        )
    if revision.again:
        yield (
            f"{some(revision.again)}: zeros, because a grading process was lost; the next autograder grade grades them again."
        )


def _next_steps(assignment: str, revision: Revision, applied: bool) -> Iterator[str]:
    if not applied:
        yield f"Nothing is changed yet: autograder revise {assignment} --apply does it."
        return
    yield "The gradebook, the release and the graded notebooks are changed."
    if revision.backup is not None:
        yield f"The gradebook as it was is kept as {revision.backup.name} beside it."
    yield f"Students' pages and the report are older: run autograder feedback {assignment}, and autograder report {assignment}."


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
