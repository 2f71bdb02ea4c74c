"""An existing nbgrader course takes the examiner in one line of its configuration."""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config
from traitlets.utils.importstring import import_item

from autograder.cli import main
from autograder.nbgrader_compat import settings
from autograder.nbgrader_compat.course import Course, CourseError
from autograder.nbgrader_plugin import use_examiner
from autograder.notebook.cells import read_notebook, strip_solution_marks
from tests.pace import HANG

BIN = Path(sys.executable).parent
ENVIRONMENT = os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
LINE = "\nfrom autograder.nbgrader_plugin import use_examiner\n\nuse_examiner(c)\n"
EXAMINE = "autograder.nbgrader_plugin.Examine"
DOORS = "autograder.nbgrader_plugin.SubmissionExporter", "autograder.pages.feedback.FeedbackExporter"


def run(*command: str, cwd: Path) -> str:
    done = subprocess.run(
        [BIN / command[0], *command[1:]],
        cwd=cwd,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=HANG,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def configured(before: str = "", after: str = "") -> Config:
    config = Config()
    names = {"c": config}
    exec(before, names)
    use_examiner(config)
    exec(after, names)
    return deepcopy(config)


@pytest.mark.parametrize("placed", ["before", "after"])
@pytest.mark.parametrize(
    "lines",
    [
        "",
        "c.Autograde.autograde_preprocessors = ['nbgrader.preprocessors.Execute', 'nbgrader.preprocessors.SaveAutoGrades']",
        "c.Autograde.autograde_preprocessors.append('nbgrader.preprocessors.IgnorePattern')",
        "from nbgrader.preprocessors import Execute; c.Autograde.autograde_preprocessors = [Execute]",
        "c.Autograde.autograde_preprocessors = ['nbgrader.preprocessors.SaveAutoGrades']",
        "c.Autograde.exporter_class = 'nbconvert.exporters.NotebookExporter'",
        "c.GenerateFeedback.exporter_class = 'nbconvert.exporters.HTMLExporter'",
        "c.CourseDirectory.ignore = ['*.bak']",
        "c.CourseDirectory.ignore.append('*.bak')",
    ],
)
def test_what_else_the_configuration_says_cannot_undo_it(placed, lines):
    config = configured(**{placed: lines})
    steps = config.Autograde.autograde_preprocessors
    assert steps[0] == EXAMINE and len([step for step in steps if "Execute" in str(step)]) == 0
    assert (config.Autograde.exporter_class, config.GenerateFeedback.exporter_class) == DOORS
    assert config.GenerateFeedback.preprocessors == []
    ignored = CourseDirectory(config=config).ignore
    assert ignored.count("kit") == 1 == ignored.count(".hypothesis")
    assert ("*.bak" in ignored) == ("*.bak" in lines) and ("__pycache__" in ignored) != ("= ['*.bak" in lines)
    if "SaveAutoGrades" in lines:
        assert steps[1:] == ["nbgrader.preprocessors.SaveAutoGrades"]
    if "IgnorePattern" in lines:
        assert steps[-1] == "nbgrader.preprocessors.IgnorePattern" and len(steps) > 5


def test_the_steps_are_those_that_nbgrader_has_by_default():
    own = [import_item(step) for step in settings.STEPS]
    assert own == Autograde.autograde_preprocessors.default()


def test_the_settings_of_a_course_can_go_to_another_process():
    config = configured("c.CourseDirectory.course_id = 'physics'")
    assert repr(pickle.loads(pickle.dumps(config))) == repr(config)


@pytest.mark.parametrize(
    "line",
    [
        "c.ClearSolutions.begin_solution_delimeter = '# ANSWER'",
        "c.ClearHiddenTests.end_test_delimeter = 'END'",
    ],
)
def test_marks_that_the_examiner_does_not_know_are_refused_by_name(line):
    setting = line.split(" = ")[0]
    with pytest.raises(
        ValueError, match=rf"{re.escape(setting)} = .* cannot be honoured by use_examiner\(c\)"
    ):
        configured(before=line)


def test_marks_with_another_sign_for_comments_are_honoured(tmp_path):
    assert configured("c.ClearSolutions.begin_solution_delimeter = '# BEGIN SOLUTION'")
    cell = {
        "cell_type": "code",
        "metadata": {"nbgrader": {"grade_id": "a", "solution": True, "grade": False}},
        "source": "def f():\n    # BEGIN SOLUTION\n    return 1\n    # END SOLUTION",
    }
    path = tmp_path / "n.ipynb"
    path.write_text(f'{{"cells": [{json.dumps(cell)}], "metadata": {{}}}}')
    assert dict(strip_solution_marks(read_notebook(path))) == {"a": "def f():\n    return 1\n"}


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory) -> Path:
    """The course that nbgrader makes for a beginner, with the one line; released."""
    folder = tmp_path_factory.mktemp("quickstart")
    run("nbgrader", "quickstart", "physics", cwd=folder)
    course = folder / "physics"
    with (course / "nbgrader_config.py").open("a") as file:
        file.write(LINE)
    run("nbgrader", "generate_assignment", "ps1", cwd=course)
    return course


def hand_in(course: Path, student: str, wrong: tuple[str, str] | None = None) -> None:
    """Hand in the solutions of the sources, with one piece of text exchanged in the answers."""
    target = course / "submitted" / student / "ps1"
    shutil.copytree(course / "release" / "ps1", target)
    for path in target.glob("*.ipynb"):
        notebook = read_notebook(path)
        answers = dict(strip_solution_marks(read_notebook(course / "source" / "ps1" / path.name)))
        for name, cell in notebook.by_grade_id().items():
            if name in answers:
                cell["source"] = answers[name].replace(*wrong) if wrong else answers[name]
        path.write_text(notebook.dumps())


def marks(course: Path) -> dict[str, tuple[float, float]]:
    """Automatic marks and their maximum, by student."""
    found: dict[str, tuple[float, float]] = {}
    for student, _, _, mark, manual, maximum in Course(course, "ps1").grades():
        if mark is not None and manual is None:
            total = found.get(student, (0.0, 0.0))
            found[student] = total[0] + mark, total[1] + maximum
    return found


@pytest.fixture(scope="module", params=["autograder grade", "nbgrader autograde"])
def graded(request, quickstart, tmp_path_factory) -> Path:
    course = tmp_path_factory.mktemp("graded") / "physics"
    shutil.copytree(quickstart, course)
    hand_in(course, "bitdiddle")
    hand_in(course, "hacker", wrong=("i ** 2", "i ** 3"))
    run(*request.param.split(), "ps1", cwd=course)
    return course


def test_the_solved_exercises_of_the_quickstart_get_full_marks_and_wrong_work_loses(graded):
    found = marks(graded)
    assert found["bitdiddle"][0] == found["bitdiddle"][1] > 0
    assert found["hacker"][0] < found["bitdiddle"][0]


def test_its_feedback_pages_come_out(graded):
    run("nbgrader", "generate_feedback", "ps1", cwd=graded)
    page = (graded / "feedback" / "bitdiddle" / "ps1" / "problem1.html").read_text()
    assert "Feedback for bitdiddle" in page
    assert main(["feedback", "ps1", "--course", str(graded)]) == 0
    assert (graded / "feedback" / "bitdiddle" / "ps1.html").is_file()


def test_an_assignment_that_is_not_there_is_named_beside_those_that_are(quickstart):
    with pytest.raises(CourseError, match=r"source has no assignment 'ps2'; it has ps1"):
        Course(quickstart, "ps2")


def test_a_structure_of_folders_that_cannot_be_honoured_is_refused(quickstart, tmp_path):
    course = tmp_path / "course"
    shutil.copytree(quickstart, course)
    with (course / "nbgrader_config.py").open("a") as file:
        file.write(
            '\nc.CourseDirectory.directory_structure = "{nbgrader_step}/{assignment_id}/{student_id}"\n'
        )
    with pytest.raises(CourseError, match=r"directory_structure = .* cannot be honoured"):
        Course(course, "ps1")


def test_the_kit_of_an_assignment_is_not_released(quickstart, tmp_path):
    course = tmp_path / "course"
    shutil.copytree(quickstart, course)
    for name in ("kit/kit.toml", "data/x.csv", "cases.toml"):
        file = course / "source" / "ps1" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("a = 1\n")
    Course(course, "ps1").generate_assignment()
    release = course / "release" / "ps1"
    assert (release / "data" / "x.csv").is_file() and (release / "cases.toml").is_file()
    assert not (release / "kit").exists()
    with (course / "nbgrader_config.py").open("a") as file:
        file.write("\ndict.__setitem__(c.CourseDirectory, 'ignore', [])\n")
    with pytest.raises(CourseError, match="released the folder kit/ of ps1"):
        Course(course, "ps1").generate_assignment()
    assert not release.exists()
