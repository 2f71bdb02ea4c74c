"""The student version and the gradebook's view of a changed source, made by nbgrader in a folder of its own, away from the course's release and gradebook."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from autograder.nbgrader_compat.blueprint import Blueprint, blueprints_of
from autograder.nbgrader_compat.copies import not_copied
from autograder.nbgrader_compat.course import Course
from autograder.nbgrader_compat.internals import Gradebook, NbGraderAPI

__all__ = ["Generated", "generated"]


@dataclass(frozen=True, slots=True)
class Generated:
    """What ``nbgrader generate_assignment`` makes of the source as it is now.

    Attributes:
        release: the folder of the student version.
        notebooks: what the gradebook would hold of them, by name.
    """

    release: Path
    notebooks: dict[str, Blueprint]


@contextmanager
def generated(course: Course) -> Iterator[Generated]:
    """Generate the assignment of *course*; what was made is removed at the end.

    Raises:
        CourseError: nbgrader could not; the message says why.
    """
    with tempfile.TemporaryDirectory(prefix="autograder_") as name:
        work = Path(name)
        config = course.config()
        source, release = work / "source", work / "release"
        shutil.copytree(course.layout.source, source, ignore=_other_folders(course))
        config.CourseDirectory.source_directory = str(source)
        config.CourseDirectory.release_directory = str(release)
        config.CourseDirectory.db_url = f"sqlite:///{work / 'gradebook.db'}"
        config.NbGrader.logfile = str(work / "log")
        api = NbGraderAPI(config=config)
        course.check_outcome(api.generate_assignment(course.assignment, force=True))
        course.refuse_kit(release / course.assignment)
        with Gradebook(config.CourseDirectory.db_url, api.coursedir.course_id) as book:
            notebooks = blueprints_of(book.find_assignment(course.assignment))
        yield Generated(release / course.assignment, notebooks)


def _other_folders(course: Course) -> Callable[[str, list[str]], set[str]]:
    """For ``copytree``: the other assignments, and what is never copied."""
    top = str(course.layout.source)

    def ignored(folder: str, names: list[str]) -> set[str]:
        others = {
            name
            for name in names
            if folder == top and name != course.assignment and Path(folder, name).is_dir()
        }
        return others | not_copied(folder, names)

    return ignored
