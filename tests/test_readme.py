"""The README says what its commands print, and fits on a few screens."""

from __future__ import annotations

import doctest
import re
import runpy

import pytest


def test_the_readme_has_at_most_eighty_lines(root):
    assert len((root / "README.md").read_text("utf-8").splitlines()) <= 80


def test_who_it_is_for_and_a_picture_come_before_the_commands(root):
    text = (root / "README.md").read_text("utf-8")
    commands = text.index("make demo")
    assert text.index("It is for") < commands and text.index("docs/feedback.webp") < commands


def test_the_pictures_of_pages_are_small_and_shown_and_made_by_one_command(root):
    from PIL import Image

    pictures = {path.stem: path for path in (root / "docs").glob("*.webp")}
    command = (root / "docs" / "make_screenshots.py").read_text("utf-8")
    assert "-m docs.make_screenshots" in (root / "Makefile").read_text("utf-8")
    pages = "".join(path.read_text("utf-8") for path in [root / "README.md", *(root / "docs").glob("*.md")])
    assert set(pictures) == {"check", "feedback", "formgrader", "report", "misunderstandings"}
    for name, path in pictures.items():
        assert f'"{name}"' in command and f"{name}.webp)" in pages
        assert path.stat().st_size < 80_000
        with Image.open(path) as picture:
            assert 500 <= picture.width <= 1600


def test_the_published_table_is_what_its_command_prints(root):
    table = runpy.run_path(str(root / "docs" / "published.py"))["table"]()
    assert table in (root / "README.md").read_text("utf-8")


def test_the_picture_is_what_its_command_draws(root, tmp_path):
    runpy.run_path(str(root / "docs" / "make_pictures.py"))["draw"](tmp_path / "fresh.svg")
    assert (tmp_path / "fresh.svg").read_bytes() == (root / "docs" / "two_regimes.svg").read_bytes()


@pytest.mark.parametrize("page", ["README.md", "docs/library.md", "docs/questions.md"])
def test_the_code_of_a_page_prints_what_it_shows(root, page):
    result = doctest.testfile(str(root / page), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert result.attempted > 3 and not result.failed


def test_the_commands_of_the_readme_are_targets_of_the_makefile_and_ci_runs_the_tests(root):
    commands = re.findall(r"^make (\w+)", (root / "README.md").read_text("utf-8"), re.MULTILINE)
    makefile = (root / "Makefile").read_text("utf-8")
    assert commands == ["demo", "test"]
    assert all(re.search(rf"^{command}:", makefile, re.MULTILINE) for command in commands)
    assert "make test" in (root / ".ci" / "run").read_text("utf-8")
    assert "run: make test" in (root / ".github" / "workflows" / "ci.yml").read_text("utf-8")
