"""What an ``nbgrader_config.py`` names: the door through which nbgrader takes the examiner.

The classes are imported when nbgrader asks for them: most commands read the configuration and need none of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from autograder.nbgrader_compat.settings import use_examiner

if TYPE_CHECKING:
    from autograder.nbgrader_compat.examine import Examine
    from autograder.nbgrader_compat.exporter import SubmissionExporter
    from autograder.nbgrader_compat.late import Late
    from autograder.report.formgrader import ModelAnswers

__all__ = ["Examine", "Late", "ModelAnswers", "SubmissionExporter", "use_examiner"]

HOMES = {
    "Examine": "autograder.nbgrader_compat.examine",
    "Late": "autograder.nbgrader_compat.late",
    "ModelAnswers": "autograder.report.formgrader",
    "SubmissionExporter": "autograder.nbgrader_compat.exporter",
}


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(HOMES[name]), name)
