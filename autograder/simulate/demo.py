"""The whole path on a class made by construction: release, submissions, grading, feedback, report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.files.source import KIT, source_notebooks
from autograder.grading.command import Bar, local_grader, print_summary
from autograder.grading.run import Summary, grade_course
from autograder.kit import KitError, load_kit
from autograder.nbgrader_compat.copies import copy_course
from autograder.nbgrader_compat.course import Course, CourseError
from autograder.nbgrader_compat.layout import course_layout
from autograder.pages.feedback import write_student_pages
from autograder.report.marks import class_marks
from autograder.report.page import bank_of, report_file, write_report
from autograder.report.rows import class_rows, print_report
from autograder.simulate.kinds import Kind, expected_marks, load_kinds, write_submission
from autograder.simulate.mixed import spread
from autograder.terminal import terminal

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["DemoError", "demonstrable", "grade_class", "make_class", "run_demo"]


class DemoError(Exception):
    """A wrong argument to the demo."""


def make_class(course: Course, kinds: Sequence[Kind]) -> None:
    """Hand in one submission of each kind, under the kind's name as the student id."""
    for kind in kinds:
        write_submission(kind, course.source, course.release, course.submitted(kind.name))


def grade_class(course: Course, console: Console | None = None) -> Summary:
    """Grade everyone in parallel and write feedback, with progress on *console*; the summary's trouble holds what could not be done."""
    from rich.progress import track

    if console is None:
        summary = grade_course(course, local_grader())
    else:
        with Bar(console) as bar:
            summary = grade_course(course, local_grader(), progress=bar)
    for student in track(summary.graded, "Feedback", console=console, disable=console is None):
        try:
            course.generate_feedback(student)
        except CourseError as error:
            summary.trouble[student] = str(error)
    return summary


def expected_total(kind: Kind, course: Course) -> float:
    """The right sum of automatic marks of a submission of this kind."""
    return sum(
        sum(mark or 0 for mark in cells.values()) for cells in expected_marks(kind, course.source).values()
    )


def demonstrable(original: Path) -> list[str]:
    """The assignments of the course at *original* whose kits have kinds of submissions, to make a class of.

    Raises:
        DemoError: there is none.
    """
    layout = course_layout(original)
    names = layout.assignments()
    found = [name for name in names if (layout.source / name / KIT / "kinds.toml").is_file()]
    if not found:
        raise DemoError(
            f"say which assignment to show: none of {layout.source} has a {KIT}/kinds.toml; "
            f"it has {', '.join(names) or 'none'}"
        )
    return found


def run_demo(
    original: Path,
    root: Path,
    assignments: Sequence[str],
    names: Sequence[str] | None = None,
    students: int = 0,
) -> int:
    """Copy the course at *original* to *root*, grade a class of each of *assignments* there, and show the marks.

    Args:
        names: kinds of submissions; by default all of the assignment.
        students: how many there are at least, unless *names* says who; after one of each kind come some with several slips.

    Returns:
        0 if every total is the right one and nothing went wrong, else 1.

    Raises:
        DemoError: one of *names* is no kind.
        CourseError: the course cannot be copied or used.
    """
    console = terminal()
    kinds = {name: _kinds(original, name, names) for name in assignments}
    if names is None:
        kinds = {name: _class(original, name, known, students) for name, known in kinds.items()}
    copy_course(original, root, assignments)
    return max(_demonstrate(Course(root, name), kinds[name], console) for name in assignments)


def _kinds(original: Path, assignment: str, names: Sequence[str] | None) -> list[Kind]:
    layout = course_layout(original)
    layout.check_assignment(assignment)
    try:
        known = load_kinds(layout.source / assignment)
    except KitError as error:
        raise DemoError(str(error)) from None
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise DemoError(f"{assignment} has no kind {', '.join(unknown)}; it has {', '.join(known)}")
    return [known[name] for name in names or known]


def _class(original: Path, assignment: str, kinds: list[Kind], students: int) -> list[Kind]:
    """One student of each of *kinds*, and then some of whom no two need be alike, up to so many *students*."""
    source = course_layout(original).source / assignment
    kit, taken = load_kit(source), {kind.name for kind in kinds}
    numbered = (f"s{number:02}" for number in range(1, students + len(kinds) + 1))
    names = [name for name in numbered if name not in taken][: max(0, students - len(kinds))]
    known = [kind for kind in kinds if kind.name not in {*kit.slow, *kit.one_id}]
    return [*kinds, *spread(known, [path.stem for path in source_notebooks(source)], names)]


def _demonstrate(course: Course, kinds: Sequence[Kind], console: Console) -> int:
    from rich.progress import Progress

    console.rule(course.assignment)
    with console.status("Releasing the assignment"):
        course.generate_assignment()
    console.print(f"Released {len(list(course.release.glob('*.ipynb')))} notebooks into {course.release}")
    make_class(course, kinds)
    console.print(f"Made {len(kinds)} submissions in {course.layout.submitted}")
    summary = grade_class(course, console)
    if summary.stopped:
        print_summary(summary, console)
    with Progress(console=console) as progress:
        task = progress.add_task("Pages", total=len(kinds))
        write_student_pages(course, course.students(), lambda student: progress.update(task, advance=1))
    rows = class_rows(
        course,
        {kind.name: kind.says for kind in kinds},
        {kind.name: expected_total(kind, course) for kind in kinds},
        summary.trouble,
    )
    print_report(rows)
    page = report_file(course)
    title = f"Class report: {course.assignment}"
    write_report(rows, page, summary.triage, title=title, marks=class_marks(course), bank=bank_of(course))
    console.print(f"Report: {page}   gradebook: {course.shown_db_url}   feedback: {course.layout.feedback}")
    return int(bool(summary.trouble or summary.stopped) or not all(row.as_expected for row in rows))
