"""A class of any size whose right marks are known: for a dry run before the term, and for load tests."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autograder.kit import KitError, load_kit
from autograder.nbgrader_compat.copies import copy_course
from autograder.nbgrader_compat.course import Course, CourseError
from autograder.nbgrader_compat.layout import CONFIG, course_layout
from autograder.notebook.cells import grading, read_notebook
from autograder.simulate.kinds import Kind, expected_marks, load_kinds, write_submission
from autograder.terminal import terminal

__all__ = ["SimulationError", "check_marks", "run_comparison", "run_simulate", "simulate_class"]

CASE_CELL = "student"  # where a notebook says whose it is
# Kinds that cost their whole time limit; a class has few of them, else it would measure the limit.
SLOW = 200


def expected_file(course: Course) -> Path:
    """Where the right marks of a simulated class stand."""
    return course.root / f"simulated-{course.assignment}.json"


class SimulationError(Exception):
    """A class that cannot be made or checked; the message says why."""


def _choose(kinds: Sequence[Kind], slow: frozenset[str], count: int, seed: int) -> list[Kind]:
    """*count* kinds: each as often as the others but for the slow ones, which come once in :data:`SLOW` submissions."""
    source = random.Random(seed)
    quick = [kind for kind in kinds if kind.name not in slow]
    rare = [kind for kind in kinds if kind.name in slow]
    chosen: list[Kind] = []
    while len(chosen) < count:
        chosen += source.sample(quick, len(quick))
    chosen = chosen[:count]
    for i, kind in enumerate(rare * (count // SLOW)):
        chosen[(i * SLOW + SLOW // 2) % count] = kind
    return chosen


def simulate_class(
    course: Course,
    count: int,
    seed: int = 0,
    kinds: Sequence[Kind] | None = None,
) -> dict[str, Any]:
    """Hand in *count* submissions and write the right marks to ``simulated-ASSIGNMENT.json`` in the course directory; returns them.

    Each submission is one of *kinds* with a line of its own, so that no two are the same file.

    Raises:
        SimulationError: the course has submissions of others.
    """
    file = expected_file(course)
    ours = set(json.loads(file.read_text("utf-8"))) if file.is_file() else set()
    others = [student for student in course.students() if student not in ours]
    if others:
        raise SimulationError(
            f"{course.layout.submitted} holds submissions that were not simulated: {', '.join(others[:5])}"
        )
    width = max(4, len(str(count)))
    found: dict[str, Any] = {}
    marks = {}
    kit = load_kit(course.source)
    # Some marks hold for the kind's own id: an answer to the published case may be right for somebody else's case.
    known = [kind for kind in kinds or load_kinds(course.source).values() if kind.name not in kit.one_id]
    for i, kind in enumerate(_choose(known, kit.slow, count, seed), 1):
        student = f"sim{i:0{width}d}"
        folder = course.submitted(student)
        write_submission(kind, course.source, course.release, folder)
        _sign(folder, student, kind.name)
        if kind.name not in marks:
            marks[kind.name] = expected_marks(kind, course.source, carried=course.carries_errors_forward)
        found[student] = {"kind": kind.name, "says": kind.says, "marks": marks[kind.name]}
    file.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    return found


def _sign(folder: Path, student: str, kind: str) -> None:
    """Give each notebook a line of its own, and where it says the kind's name as the student's id, the real one."""
    for path in folder.glob("*.ipynb"):
        try:
            notebook = read_notebook(path)
        except ValueError:
            continue
        for cell in notebook.cells:
            if grading(cell).get("grade_id") == CASE_CELL:
                cell["source"] = re.sub(rf"\b{kind}\b", student, cell["source"], flags=re.IGNORECASE)
        # A comment: a text of the student's beside an empty answer would be for a person to look at.
        line = {"cell_type": "code", "id": "signed", "metadata": {}, "source": f"# Handed in by {student}."}
        notebook.cells.append(line | {"execution_count": None, "outputs": []})
        path.write_text(notebook.dumps(), "utf-8")


def check_marks(course: Course, expected: Mapping[str, Any]) -> list[str]:
    """One line for each mark in the gradebook that is not the right one."""
    got: dict[tuple[str, str, str], float | None] = {}
    for student, notebook, cell, mark, _, _ in course.grades():
        got[student, notebook, cell] = mark
    lines = []
    for student, about in expected.items():
        for notebook, cells in about["marks"].items():
            for cell, right in cells.items():
                mark = got.get((student, notebook, cell))
                if mark != right:
                    lines.append(
                        f"{student} ({about['kind']}) {notebook} {cell}: {'no mark' if mark is None else f'{mark:g}'}, right is {right:g}"
                    )
    return lines


def _course(root: Path, assignment: str, db_url: str | None = None) -> Course:
    try:
        return Course(root, assignment, db_url)
    except CourseError as error:
        raise SimulationError(str(error)) from None


def run_simulate(original: Path, root: Path, assignment: str, count: int, seed: int) -> None:
    """Make a course at *root*, a copy of the one at *original* unless there is one, with a class of *count*.

    Raises:
        SimulationError: it cannot be done.
    """

    console = terminal()
    with console.status(f"Making {count} submissions"):
        try:
            if not (root / CONFIG).is_file():
                copy_course(original, root, course_layout(original).assignments())
            course = Course(root, assignment)
            if not course.release.is_dir():
                course.generate_assignment()
            simulate_class(course, count, seed)
        except (CourseError, KitError) as error:
            raise SimulationError(str(error)) from None
    console.print(
        f"Made {count} submissions in {course.layout.submitted}; the right marks are in {expected_file(course)}.",
    )
    console.print(
        f"Grade them:  autograder grade {assignment} --course {root}\nThen:        autograder simulate {assignment} --course {root} --check",
    )


def run_comparison(root: Path, assignment: str, db_url: str | None = None) -> int:
    """Compare the gradebook of a simulated class with the right marks; 0 if every mark is right, 1 if not.

    Raises:
        SimulationError: there is no simulated class.
    """

    course = _course(root, assignment, db_url)
    file = expected_file(course)
    if not file.is_file():
        raise SimulationError(
            f"{root} has no {file.name}: autograder simulate {assignment} --students N makes one"
        )
    expected = json.loads(file.read_text("utf-8"))
    lines = check_marks(course, expected)
    console = terminal()
    for line in lines[:50]:
        console.print(line)
    if len(lines) > 50:
        console.print(f"… and {len(lines) - 50} more")
    total = sum(len(cells) for about in expected.values() for cells in about["marks"].values())
    console.print(f"{total - len(lines)} of {total} marks of {len(expected)} submissions are right.")
    return int(bool(lines))
