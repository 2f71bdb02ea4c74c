"""The ``autograder`` command: what can be asked for; the work is imported when it is."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

__all__ = ["main"]

ROOT = Path(__file__).resolve().parent.parent
STATUS = "Exit status: 0 if every test has full marks; 1 if not, or if hidden tests were not run and --public was not given; 2 if a notebook could not be checked."


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="autograder", description="Grade the quantization assignment.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_demo(
        commands.add_parser("demo", help="release, make a class, grade it, write feedback and a report")
    )
    _add_check(
        commands.add_parser(
            "check", help="run the visible and hidden tests on your own notebooks", epilog=STATUS
        )
    )
    _add_feedback(commands.add_parser("feedback", help="write each student's page of a graded course"))
    _add_bundle(commands.add_parser("bundle", help="make what students, or people who work alone, are given"))
    _add_exam(
        commands.add_parser(
            "exam", help="take the tests of the source notebooks into the package, without answers"
        )
    )
    options = parser.parse_args(arguments)
    status: int = options.run(options)
    return status


def _add_demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--course",
        type=Path,
        default=Path("build/demo"),
        help="where to make the course (default: %(default)s)",
    )
    parser.add_argument(
        "--kinds", nargs="+", metavar="KIND", help="only these kinds of submission, such as s01 s04"
    )
    parser.set_defaults(run=_demo)


def _demo(options: argparse.Namespace) -> int:
    if not (ROOT / "solutions").is_dir():
        return _complain(
            "the demonstration needs a repository of the kit: there are no solutions here to make a class from"
        )
    from autograder.demo import DemoError, run_demo

    try:
        run_demo(ROOT, options.course, options.kinds)
    except DemoError as error:
        return _complain(error)
    return 0


def _add_check(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("notebooks", nargs="+", type=Path, metavar="NOTEBOOK", help="a notebook of the assignment")
    add("--html", type=Path, metavar="FILE", help="also write a page with your answers, marks and messages")
    add("--json", action="store_true", help="print one line of JSON instead of text")
    add("--watch", action="store_true", help="check again whenever a notebook is saved")
    add(
        "--hint",
        action="store_true",
        help="print the next hint for what fails; the next one comes after another attempt",
    )
    add(
        "--hint-for",
        metavar="PART",
        help="the same for one test or answer cell, by its name in the scorecard",
    )
    add("--public", action="store_true", help="leave the hidden tests out")
    add(
        "--exam",
        type=Path,
        metavar="DIR",
        help="take the tests from the notebooks in DIR (default: those of the package)",
    )
    add(
        "--progress",
        type=Path,
        metavar="FILE",
        help="where attempts, best marks and hints are kept (default: autograder-progress.json beside the notebook)",
    )
    add("--no-progress", action="store_true", help="keep and show no progress")
    parser.set_defaults(run=_check)


def _check(options: argparse.Namespace) -> int:
    if options.no_progress and (options.hint or options.hint_for or options.progress):
        return _complain("--no-progress allows neither hints, which are counted, nor --progress")
    from autograder.selfstudy import Checking, run_check

    return run_check(Checking(**{name: getattr(options, name) for name in Checking.__dataclass_fields__}))


def _add_feedback(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("assignment", choices=["quantization"], help="the assignment")
    add("--course", type=Path, default=Path(), metavar="DIR", help="the course directory (default: here)")
    add("--student", action="append", metavar="ID", help="only this student; may be repeated")
    parser.set_defaults(run=_feedback)


def _feedback(options: argparse.Namespace) -> int:
    from autograder.course import Course, CourseError

    try:
        course = Course(options.course)
    except CourseError as error:
        return _complain(error)
    from rich.progress import Progress

    from autograder.feedback import write_student_pages

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


def _add_bundle(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--for",
        dest="audience",
        choices=["students", "self-learners"],
        required=True,
        help="students get the library; self-learners the examiner and its hidden tests too; nobody gets answers",
    )
    add(
        "--course",
        type=Path,
        default=ROOT,
        metavar="DIR",
        help="the course directory (default: this repository)",
    )
    add(
        "--out",
        type=Path,
        metavar="PATH",
        help="a new folder, or a file that ends in .zip (default: build/AUDIENCE)",
    )
    parser.set_defaults(run=_bundle)


def _bundle(options: argparse.Namespace) -> int:
    from autograder.bundle import BundleError, write_bundle

    target = options.out or Path("build") / options.audience
    try:
        names = write_bundle(options.audience, options.course / "assignments/quantization", target)
    except (BundleError, OSError) as error:
        return _complain(error)
    print("\n".join([f"{target}:", *(f"  {name}" for name in names)]))
    return 0


def _add_exam(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--course",
        type=Path,
        default=ROOT,
        metavar="DIR",
        help="the course directory (default: this repository)",
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="where to write (default: autograder/data/exam/quantization)"
    )
    parser.set_defaults(run=_exam)


def _exam(options: argparse.Namespace) -> int:
    from autograder.installed import ExamError, write_exam

    source, release = options.course / "solutions/quantization", options.course / "assignments/quantization"
    target = options.out or ROOT / "autograder/data/exam/quantization"
    if not source.is_dir():
        return _complain(f"{options.course} is no course directory: it has no solutions/quantization")
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
