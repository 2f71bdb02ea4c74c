"""Makes the folder that this file is in an nbgrader course: ``solutions/`` is the source, ``assignments/`` the release."""

from pathlib import Path

c = get_config()  # noqa: F821  (nbgrader defines it)

c.CourseDirectory.root = str(Path(__file__).resolve().parent)
c.CourseDirectory.course_id = "quantization-kit"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "assignments"

# A cell that runs longer than this is interrupted.
c.ExecutePreprocessor.timeout = 15

# The first is nbgrader's own; the second keeps kernels from warning on the terminal that they use TCP.
c.Execute.extra_arguments = ["--HistoryManager.hist_file=:memory:", "--log-level=ERROR"]

# Feedback shows the marks and the messages, not the hidden tests.
c.GenerateFeedback.preprocessors = [
    "nbgrader.preprocessors.GetGrades",
    "autograder.feedback.HideHiddenTests",
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
]
