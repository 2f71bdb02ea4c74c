"""Makes the folder that this file is in an nbgrader course: ``solutions/`` is the source, ``assignments/`` the release."""

from pathlib import Path

from autograder.nbgrader_plugin import use_examiner

c = get_config()  # noqa: F821  (nbgrader defines it)

c.CourseDirectory.root = str(Path(__file__).resolve().parent)
c.CourseDirectory.course_id = "quantization-kit"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "assignments"

# Students' code runs confined in a process of its own, tests run outside it. Limits: c.Examine.cell_seconds and so on.
use_examiner(c)
