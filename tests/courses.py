"""Courses with a class that has handed in."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from autograder.nbgrader_compat.course import Course
from autograder.simulate.demo import make_class
from tests.assignments import kinds_of

ASSIGNMENT = "quantization"


def handed_in(root: Path, folder: Path, names: Iterable[str], *, only: str = "", late: str = "") -> Course:
    """A course in *folder* in which one student of each of the kinds *names* has handed in, and nothing is graded.

    Args:
        only: first letters of the notebooks that they hand in; all if empty.
        late: who has handed in after the due date.
    """
    course = Course.copy_of(root, folder, ASSIGNMENT)
    course.generate_assignment()
    make_class(course, [kinds_of("quantization")[name] for name in names])
    for path in course.layout.submitted.glob("*/*/*.ipynb"):
        if only and path.name[0] not in only:
            path.unlink()
    if late:
        (course.submitted(late) / "timestamp.txt").write_text("2026-01-05 10:00:00 UTC")
    return course
