"""The command line: what it finds by itself, what it says to what is not there, and an assignment made by ``autograder new``."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from autograder.cli import main
from autograder.nbgrader_compat.course import Course
from autograder.nbgrader_compat.layout import course_layout
from autograder.simulate.demo import DemoError, demonstrable

CONFIG = "from autograder.nbgrader_plugin import use_examiner\n\nc = get_config()\nuse_examiner(c)\n"
SLOW = {"rich", "nbgrader", "numpy", "hypothesis", "jinja2", "nbformat", "msgspec", "mlsysim", "traitlets"}


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course of one new assignment, ``first``; the current folder lies deep in it."""
    (tmp_path / "nbgrader_config.py").write_text(CONFIG)
    (tmp_path / "notes" / "week").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "notes" / "week")
    assert main(["new", "first"]) == 0
    return tmp_path


def text(capsys) -> str:
    said = capsys.readouterr()
    return " ".join((said.out + said.err).split())


def test_help_imports_nothing_that_takes_long():
    code = "import sys; from autograder.cli import main\ntry: main(['--help'])\nexcept SystemExit: print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split("\n")[-2].split()) & SLOW


@pytest.mark.parametrize("command", ["grade", "feedback", "report", "exam", "check", "demo"])
def test_an_assignment_that_is_not_there_is_named_beside_those_that_are(course, command, capsys):
    arguments = [command, "secnod"] if command != "demo" else ["demo", "secnod", "--course", "copy"]
    assert main(arguments) == 2
    said = text(capsys)
    assert "has no assignment 'secnod'; it has first" in said and str(course / "source") in said


@pytest.mark.parametrize("command", ["grade", "feedback", "report", "exam", "demo", "new"])
def test_where_there_is_no_course_it_says_where_it_looked(tmp_path, monkeypatch, command, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([command, "first"]) == 2
    assert "no folder from here upwards holds nbgrader_config.py; name one with --course DIR" in text(capsys)


@pytest.mark.parametrize("name", ["a/b", "..", "a+b", "", "first"])
def test_a_new_assignment_needs_a_free_and_usable_name(course, name, capsys):
    assert main(["new", name]) == 2
    assert ("there already" if name == "first" else "is no name for an assignment") in text(capsys)
    assert course_layout(course).assignments() == ["first"]


def test_a_new_assignment_can_be_shown_released_checked_reported_and_bundled(course, capsys, monkeypatch):
    monkeypatch.chdir(course)
    assert main(["demo"]) == 0
    said = text(capsys)
    assert "divides whole numbers" in said and "≠" not in said
    copy = course / "build" / "demo"
    page = (copy / "feedback" / "whole_numbers" / "first.html").read_text()
    assert (
        "the division drops what is behind the decimal point" in page
        and "1.5" not in page.split("</style>")[1]
    )
    monkeypatch.chdir(copy)
    assert main(["report", "first", "--html", "notes.html"]) == 0
    assert 'href="feedback/right/first.html' in (copy / "notes.html").read_text()
    assert main(["check", "first"]) == 1
    assert "mean_hidden" in text(capsys)
    assert main(["lint", "first"]) == 0
    assert main(["exam", "first", "--out", "first.exam"]) == 0
    assert main(["bundle", "first", "--for", "students", "--out", "given"]) == 0
    given = {path.name for path in (copy / "given").rglob("*") if path.is_file()}
    assert "1_mean.ipynb" in given and "kit.toml" not in given


def test_an_assignment_that_fails_its_lint_is_not_graded_unless_one_insists(course, capsys):
    source = course / "source" / "first" / "1_mean.ipynb"
    source.write_text(
        source.read_text().replace("assert mean([1, 2, 3]) == 2", "assert mean([1, 2, 3]) == 7")
    )
    Course(course, "first").generate_assignment()
    assert main(["grade", "first"]) == 2
    said = text(capsys)
    assert "first must be mended before it is graded: 1_mean, mean_visible:" in said and "--no-lint" in said
    assert main(["grade", "first", "--no-lint"]) == 0


def test_without_a_name_the_demonstration_shows_the_assignments_that_say_how_to_make_a_class(course):
    assert main(["new", "second"]) == 0 and main(["new", "third"]) == 0
    os.remove(course / "source" / "second" / "kit" / "kinds.toml")
    assert demonstrable(course) == ["first", "third"]
    for name in ("first", "third"):
        os.remove(course / "source" / name / "kit" / "kinds.toml")
    with pytest.raises(DemoError, match="it has first, second, third"):
        demonstrable(course)


def test_a_copy_has_its_own_folders_and_gradebook_whatever_the_original_says(course):
    with (course / "nbgrader_config.py").open("a") as file:
        file.write(
            f"c.CourseDirectory.root = {str(course)!r}\nc.CourseDirectory.db_url = 'sqlite:///{course}/real.db'\n"
        )
    copy = Course.copy_of(course, course / "build" / "copy", "first")
    copy.generate_assignment()
    assert copy.root == course / "build" / "copy" and (copy.root / "gradebook.db").is_file()
    assert not (course / "real.db").exists() and not (course / "release").exists()


def test_what_is_copied_over_is_never_the_original(course, capsys):
    assert main(["demo", "first", "--course", str(course)]) == 2
    assert "name another folder for the copy" in text(capsys)
    assert (course / "source" / "first" / "1_mean.ipynb").is_file()
