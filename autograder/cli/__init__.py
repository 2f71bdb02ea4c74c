"""The ``autograder`` command: what can be asked for is in :mod:`autograder.cli.arguments`; the work is imported when it is."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from autograder.cli.arguments import build_parser

__all__ = ["main"]

ROOT = Path(__file__).resolve().parent.parent.parent


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = build_parser(ROOT).parse_args(arguments)
    run: dict[str, Callable[[argparse.Namespace], int]] = {
        "demo": _demo,
        "check": _check,
        "grade": _grade,
        "simulate": _simulate,
        "feedback": _feedback,
        "bundle": _bundle,
        "exam": _exam,
    }
    return run[options.command](options)


def _grade(options: argparse.Namespace) -> int:
    from autograder.grading.command import run_grade

    return run_grade(
        options.course,
        options.assignment,
        options.student,
        jobs=options.jobs,
        force=options.force,
        db_url=options.db,
        scheduler=options.scheduler,
    )


def _simulate(options: argparse.Namespace) -> int:
    from autograder.simulate.simulated import SimulationError, run_check, run_simulate

    try:
        if options.check:
            return run_check(options.course, options.assignment, options.db)
        if options.students is None:
            raise SimulationError("say how many submissions to make, --students N, or --check")
        run_simulate(ROOT, options.course, options.assignment, options.students, options.seed)
    except SimulationError as error:
        return _complain(error)
    return 0


def _demo(options: argparse.Namespace) -> int:
    if not (ROOT / "solutions").is_dir():
        return _complain(
            "the demonstration needs a repository of the kit: there are no solutions here to make a class from"
        )
    from autograder.simulate.demo import DemoError, run_demo

    try:
        run_demo(ROOT, options.course, options.assignment, options.kinds)
    except DemoError as error:
        return _complain(error)
    return 0


def _check(options: argparse.Namespace) -> int:
    if options.no_progress and (options.hint or options.hint_for or options.progress):
        return _complain("--no-progress allows neither hints, which are counted, nor --progress")
    from autograder.selfstudy.command import Checking, run_check

    return run_check(Checking(**{name: getattr(options, name) for name in Checking.__dataclass_fields__}))


def _feedback(options: argparse.Namespace) -> int:
    from autograder.nbgrader_compat.course import Course, CourseError

    try:
        course = Course(options.course, options.assignment)
    except CourseError as error:
        return _complain(error)
    from rich.progress import Progress

    from autograder.pages.feedback import write_student_pages

    students = options.student or course.students()
    if not students:
        return _complain(f"{options.course} has no submissions")
    with Progress() as progress:
        task = progress.add_task("Pages", total=len(students))
        missing = write_student_pages(course, students, lambda student: progress.update(task, advance=1))
    for student in missing:
        _complain(f"there is nothing of {student!r} in the gradebook: no page")
    written = [student for student in students if student not in missing]
    if written:
        print(f"Wrote {len(written)} pages, such as {course.student_page(written[0])}")
    return 2 if missing else 0


def _bundle(options: argparse.Namespace) -> int:
    from autograder.selfstudy.bundle import BundleError, write_bundle

    target = options.out or Path("build") / options.audience
    try:
        names = write_bundle(
            options.audience,
            options.course / "solutions" / options.assignment,
            options.course / "assignments" / options.assignment,
            target,
        )
    except (BundleError, OSError) as error:
        return _complain(error)
    print("\n".join([f"{target}:", *(f"  {name}" for name in names)]))
    return 0


def _exam(options: argparse.Namespace) -> int:
    from autograder.selfstudy.exams import ExamError, write_exam

    source, release = (
        options.course / "solutions" / options.assignment,
        options.course / "assignments" / options.assignment,
    )
    target = options.out or Path("build") / f"{options.assignment}.exam"
    if not source.is_dir():
        return _complain(f"{options.course} is no course directory: it has no solutions/{options.assignment}")
    try:
        written = write_exam(source, release, target)
    except (ExamError, ValueError) as error:
        return _complain(error)
    print(f"Wrote {len(written)} files into {target}")
    return 0


def _complain(problem: object) -> int:
    print(f"autograder: {problem}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    raise SystemExit(main())
