"""The names inside nbgrader that this package is built on, each looked for when this module is imported.

nbgrader promises none of them. One that a version does not have is named in an error before anything is graded.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from autograder.nbgrader_compat.errors import CourseError

__all__ = [
    "AssignLatePenalties",
    "Assignment",
    "Autograde",
    "BaseCell",
    "CheckCellMetadata",
    "Comment",
    "CourseDirectory",
    "Execute",
    "Grade",
    "GradeCell",
    "Gradebook",
    "InvalidEntry",
    "LateSubmissionPlugin",
    "MissingEntry",
    "NbGraderAPI",
    "NbGraderPreprocessor",
    "Notebook",
    "OverwriteCells",
    "OverwriteKernelspec",
    "SaveAutoGrades",
    "SolutionCell",
    "SourceCell",
    "Student",
    "SubmittedAssignment",
    "SubmittedNotebook",
    "TaskCell",
    "determine_grade",
    "find_all_files",
    "needed",
]

TRIED = "0.9.5 and 0.9.6"


def needed(module: str, name: str, *attributes: str) -> Any:
    """``name`` of *module*, which must have the *attributes*.

    Raises:
        CourseError: it is not there, or lacks one; the message names it and the version of nbgrader.
    """
    from nbgrader import __version__

    try:
        found = getattr(import_module(module), name)
        lacks = next((attribute for attribute in attributes if not hasattr(found, attribute)), None)
        missing = f"{module}.{name}.{lacks}" if lacks else ""
    except (ImportError, AttributeError):
        missing = f"{module}.{name}"
    if missing:
        raise CourseError(
            f"nbgrader {__version__} has no {missing}, which the examiner needs; nbgrader {TRIED} have it"
        )
    return found


API = "nbgrader.api"
Assignment = needed(API, "Assignment", "duedate", "id", "name")
BaseCell = needed(API, "BaseCell", "id", "name")
Comment = needed(API, "Comment", "cell_id", "notebook_id", "auto_comment", "comment")
Grade = needed(
    API, "Grade", "cell_id", "notebook_id", "auto_score", "manual_score", "max_score", "needs_manual_grade"
)
Gradebook = needed(
    API,
    "Gradebook",
    "assignment_submissions",
    "close",
    "find_assignment",
    "find_submission",
    "find_submission_notebook",
    "update_or_create_student",
    "update_or_create_submission",
)
GradeCell = needed(API, "GradeCell", "id", "max_score")
SolutionCell = needed(API, "SolutionCell", "id", "name", "notebook_id")
SourceCell = needed(
    API, "SourceCell", "id", "name", "notebook_id", "cell_type", "locked", "source", "checksum"
)
TaskCell = needed(API, "TaskCell", "id", "max_score")
Notebook = needed(API, "Notebook", "id", "name")
Student = needed(API, "Student", "id")
SubmittedNotebook = needed(
    API, "SubmittedNotebook", "id", "assignment_id", "notebook_id", "late_submission_penalty"
)
InvalidEntry = needed(API, "InvalidEntry")
MissingEntry = needed(API, "MissingEntry")
SubmittedAssignment = needed(
    API,
    "SubmittedAssignment",
    *("id", "assignment_id", "duedate", "extension", "student_id", "timestamp", "total_seconds_late"),
)

NbGraderAPI = needed(
    "nbgrader.apps", "NbGraderAPI", "autograde", "generate_assignment", "generate_feedback", "gradebook"
)
Autograde = needed(
    "nbgrader.converters",
    "Autograde",
    "autograde_preprocessors",
    "exclude_overwriting",
    "exporter_class",
    "permissions",
    "pre_convert_hook",
    "sanitize_preprocessors",
)
CourseDirectory = needed(
    "nbgrader.coursedir",
    "CourseDirectory",
    "autograded_directory",
    "db_url",
    "directory_structure",
    "feedback_directory",
    "format_path",
    "groupshared",
    "ignore",
    "release_directory",
    "root",
    "source_directory",
    "submitted_directory",
)
find_all_files = needed("nbgrader.utils", "find_all_files")
determine_grade = needed("nbgrader.utils", "determine_grade")

STEPS = "nbgrader.preprocessors"
AssignLatePenalties = needed(
    STEPS, "AssignLatePenalties", "_check_late_penalty", "init_plugin", "plugin_class"
)
CheckCellMetadata = needed(STEPS, "CheckCellMetadata", "preprocess")
LateSubmissionPlugin = needed("nbgrader.plugins", "LateSubmissionPlugin", "penalty_method")
Execute = needed(STEPS, "Execute", "preprocess")
NbGraderPreprocessor = needed(STEPS, "NbGraderPreprocessor", "preprocess")
OverwriteCells = needed(STEPS, "OverwriteCells", "preprocess_cell")
OverwriteKernelspec = needed(STEPS, "OverwriteKernelspec", "preprocess")
SaveAutoGrades = needed(STEPS, "SaveAutoGrades", "preprocess_cell")
