"""The page of what a notebook may use: made from the settings that grading goes by, and the same on every machine."""

from __future__ import annotations

import importlib.metadata
import re
from dataclasses import fields
from pathlib import Path

import pytest

from autograder.bounds.limits import Limits
from autograder.candidate.start import start_candidate
from autograder.cli import main
from autograder.files.source import MAY_USE, data_files
from autograder.nbgrader_compat.course import Course
from autograder.nbgrader_compat.release import may_use
from tests.assignments import kit_of, release_of, source_of
from tests.small import write_small
from tests.test_bundle import pins
from tests.test_commands import CONFIG


def rows(text: str) -> dict[str, str]:
    return dict(re.findall(r"^\| (.+) \| (.+) \|$", text, re.MULTILINE))


def test_each_limit_is_there_with_the_value_that_grading_goes_by(assignment, root):
    limits, told = Course(root, assignment).limits(), rows((release_of(assignment) / MAY_USE).read_text())
    for limit in fields(limits):
        value = getattr(limits, limit.name)
        (said,) = [
            most
            for what, most in told.items()
            if limit.metadata["says"] in (what, f"{what}, {most.split()[-1]}")
        ]
        assert float(said.split()[0].replace(",", "")) == value, limit.name


def test_the_versions_are_those_that_are_pinned_and_no_machine_is_asked(assignment, root, monkeypatch):
    before = (release_of(assignment) / MAY_USE).read_text()
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "0.0")
    monkeypatch.setattr("platform.python_version", lambda: "9.9")
    assert may_use(source_of(assignment), Course(root, assignment).limits()) == before
    told, folder = rows(before), root / "autograder" / "data" / "bundle"
    asked = [line for line in (folder / "notebooks.in").read_text().splitlines() if not line.startswith("#")]
    for file in (folder / "requirements.txt", root / "requirements.txt"):
        assert {name: {told[name]} for name in asked} == {name: pins(file)[name] for name in asked}
    for library in kit_of(assignment).warm.libraries:
        assert f'version = "{told[library]}"' in (root / library / "pyproject.toml").read_text()


def test_what_is_listed_can_be_imported_and_read_by_a_notebook_that_is_graded(assignment):
    text = (release_of(assignment) / MAY_USE).read_text()
    packages = text[text.index("| package") : text.index("## Time")]
    names = [name for name in rows(packages) if name not in ("package", "---")]
    given = data_files(source_of(assignment))
    assert names and all(f"`{name}`" in text for name in given)
    candidate = start_candidate(Limits(), given, warm=kit_of(assignment).warm)
    try:
        assert (
            candidate.run(
                f"import {', '.join(names)}\nread = [open(name, 'rb').read() for name in {list(given)!r}]"
            )[1]
            is None
        )
        assert candidate.run("import urllib.request\nurllib.request.urlopen('http://192.0.2.1', timeout=5)")[
            1
        ]
        assert candidate.run("input()")[1]["ename"] == "RuntimeError"
    finally:
        candidate.close()


@pytest.fixture
def small(tmp_path) -> Course:
    (tmp_path / "nbgrader_config.py").write_text(
        CONFIG + 'c.Examine.cell_seconds = 33\nc.Examine.by_assignment = {"circles": {"disk_mb": 7}}\n'
    )
    write_small(tmp_path / "source" / "circles")
    return Course(tmp_path, "circles")


def test_a_course_s_own_settings_and_those_for_one_assignment_are_said(small):
    small.generate_assignment()
    told = rows((small.release / MAY_USE).read_text())
    assert (told["wall time of one cell"], told["files written"]) == ("33 s", "7 MB")
    assert "`sizes.py`" in (small.release / MAY_USE).read_text()


def test_a_page_of_the_course_s_own_is_left_as_it_is(small):
    (small.source / MAY_USE).write_text("ask me")
    small.generate_assignment()
    assert (small.release / MAY_USE).read_text() == "ask me"


def test_check_points_at_it_where_a_file_or_a_package_is_missing(small, capsys):
    small.generate_assignment()
    path = small.release / "circles.ipynb"
    command = ["check", "--no-progress", "--exam", str(small.source), str(path)]
    main(command)
    assert MAY_USE not in capsys.readouterr().out
    text = path.read_text()
    path.write_text(text.replace("raise NotImplementedError()", "import a_package_that_is_not_there", 1))
    assert path.read_text() != text
    main(command)
    assert f"{Path(MAY_USE)} says what a notebook may use" in " ".join(capsys.readouterr().out.split())
