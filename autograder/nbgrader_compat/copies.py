"""A copy of a course to try something out in, which shares nothing with the original."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path

from autograder.files.source import LEFT_BEHIND, stray_copies
from autograder.nbgrader_compat.errors import CourseError
from autograder.nbgrader_compat.layout import CONFIG, course_layout, load_config

__all__ = ["copy_course", "not_copied"]

OWN_PLACE = """
# This is a copy: it has its own folders and its own gradebook.
import pathlib

c = get_config()
c.CourseDirectory.root = str(pathlib.Path(__file__).resolve().parent)
c.CourseDirectory.db_url = f"sqlite:///{pathlib.Path(__file__).resolve().parent / 'gradebook.db'}"
"""
LEFT = shutil.ignore_patterns(*(f"{name}*" for name in LEFT_BEHIND))


def not_copied(folder: str, names: list[str]) -> set[str]:
    """For ``shutil.copytree``: what tools leave behind, and copies of notebooks."""
    return {*LEFT(folder, names), *(path.name for path in stray_copies(Path(folder)))}


def copy_course(original: Path, root: Path, assignments: Collection[str]) -> None:
    """Make a course at *root* with the configuration of *original* and the sources of *assignments*; what was at *root* is removed.

    Raises:
        CourseError: *original* has no such assignment, or its folders do not lie below it.
    """
    original, root = original.resolve(), root.resolve()
    if root == original or original.is_relative_to(root):
        raise CourseError(f"{root} holds the course that is to be copied: name another folder for the copy")
    layout = course_layout(original)
    for name in assignments:
        layout.check_assignment(name)
    for folder in (layout.source, layout.release, layout.submitted, layout.autograded, layout.feedback):
        if not folder.is_relative_to(layout.root):
            raise CourseError(
                f"{folder} does not lie in the course directory {layout.root}, and the copy would share it"
            )
    shutil.rmtree(root, ignore_errors=True)
    source = root / layout.source.relative_to(layout.root)
    source.mkdir(parents=True)
    for path in layout.source.iterdir():
        if path.name in assignments:
            shutil.copytree(path, source / path.name, ignore=not_copied)
        elif path.is_file():  # such as the header that nbgrader puts on every notebook
            shutil.copy(path, source)
    shutil.copy(original / CONFIG, root)
    config = load_config(root)
    if config.CourseDirectory.root != str(root) or "db_url" in config.CourseDirectory:
        with (root / CONFIG).open("a", encoding="utf-8") as file:
            file.write(OWN_PLACE)
