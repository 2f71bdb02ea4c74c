"""What an ``nbgrader_config.py`` names: the door through which nbgrader takes the examiner."""

from autograder.nbgrader_compat.examine import Examine
from autograder.nbgrader_compat.exporter import SubmissionExporter
from autograder.nbgrader_compat.tidy import tidy_submission

__all__ = ["Examine", "SubmissionExporter", "tidy_submission"]
