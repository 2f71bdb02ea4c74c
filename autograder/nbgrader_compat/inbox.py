"""The submissions of a course, read by what its settings and its source notebooks say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autograder.bounds.limits import Limits
from autograder.files.read import file_ids
from autograder.files.source import MAY_USE, data_files, source_notebooks
from autograder.files.submissions import Inbox, Wanted
from autograder.notebook.cells import read_notebook

__all__ = ["course_inbox"]


def course_inbox(directory: Any, submitted: Path, assignment: str, limits: Limits) -> Inbox:
    """What was handed in for the *assignment* of the course whose ``CourseDirectory`` nbgrader made.

    Args:
        submitted: the folder of all submissions.
    """
    source = Path(directory.format_path(directory.source_directory, ".", assignment))
    wanted = Wanted(
        {path.stem: frozenset(read_notebook(path).by_grade_id()) for path in source_notebooks(source)},
        frozenset((*data_files(source), MAY_USE)),
        str(directory.config.Exchange.get("timezone", "")),
    )
    return Inbox(submitted, assignment, limits, file_ids(source), list(directory.ignore), wanted)
