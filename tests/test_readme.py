"""The README says what its commands print, and its links lead somewhere."""

from __future__ import annotations

import doctest
import re
import runpy
import shlex

import pytest

from autograder.cli import build_parser


def test_the_readme_has_at_most_eighty_lines(root):
    assert len((root / "README.md").read_text().splitlines()) <= 80


def test_the_published_table_is_what_its_command_prints(root):
    table = runpy.run_path(str(root / "docs" / "published.py"))["table"]()
    assert table in (root / "README.md").read_text()


def test_the_picture_is_what_its_command_draws(root, tmp_path):
    runpy.run_path(str(root / "docs" / "make_pictures.py"))["draw"](tmp_path / "fresh.svg")
    assert (tmp_path / "fresh.svg").read_bytes() == (root / "docs" / "two_regimes.svg").read_bytes()


@pytest.mark.parametrize("page", ["README.md", "docs/library.md"])
def test_the_code_of_a_page_prints_what_it_shows(root, page):
    result = doctest.testfile(str(root / page), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert result.attempted > 3 and not result.failed


def test_every_link_of_the_pages_leads_to_a_file(root):
    for page in [root / "README.md", *(root / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} → {target}"


@pytest.mark.parametrize(
    "page", ["docs/self-learners.md", "docs/instructors.md", "autograder/data/bundle/self-learners.md"]
)
def test_every_autograder_command_of_a_page_is_one_that_the_program_knows(root, page):
    lines = re.findall(r"^(?:\.venv/bin/)?autograder (.*)$", (root / page).read_text(), re.MULTILINE)
    assert lines
    for line in lines:
        options = build_parser().parse_args(shlex.split(line, comments=True))
        for notebook in getattr(options, "notebooks", []):
            base = root if page.startswith("docs") else root / "assignments"
            assert list(base.glob(str(notebook))), notebook


def test_the_commands_of_the_readme_are_targets_of_the_makefile_and_ci_runs_the_tests(root):
    commands = re.findall(r"^make (\w+)", (root / "README.md").read_text(), re.MULTILINE)
    makefile = (root / "Makefile").read_text()
    assert commands == ["demo", "test"]
    assert all(re.search(rf"^{command}:", makefile, re.MULTILINE) for command in commands)
    assert "make test" in (root / ".ci" / "run").read_text()


def test_the_points_on_the_students_page_are_those_of_the_notebooks(root):
    from autograder.notebook.cells import read_notebook

    page = (root / "docs" / "students.md").read_text()
    for path in sorted((root / "solutions" / "quantization").glob("*.ipynb")):
        notebook = read_notebook(path)
        auto, manual = sum(notebook.auto_points().values()), sum(notebook.manual_points().values())
        row = next(line for line in page.splitlines() if line.startswith(f"| {path.stem[0]} "))
        assert row.split("|")[3].strip() == f"{auto:g}"
        assert row.split("|")[4].strip() == (f"{manual:g}" if manual else "")
