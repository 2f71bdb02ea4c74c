"""The pages say what is there: their links, paths and commands lead somewhere, and their figures are those of the sources."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from autograder.cli import build_parser
from autograder.files.source import KIT
from autograder.kit import load_kit
from autograder.notebook.cells import read_notebook

ROOT = Path(__file__).resolve().parent.parent
LONGEST = 119
NOT_OURS = {".venv", "build", "node_modules"}
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in ROOT.rglob("*.md")
    if not any(part.startswith(".") or part in NOT_OURS for part in path.relative_to(ROOT).parts)
)
DOCS = [page for page in PAGES if page.startswith("docs/")]
# A path of the tree, in backticks. What holds NAME, STUDENT or … stands for any.
TREE = re.compile(r"`((?:mlsysim|autograder|solutions|assignments|tests|docs|benchmarks)/[\w./*-]*)`")
COMMAND = re.compile(r"^(?:\.venv/bin/)?autograder (.*)$", re.MULTILINE)
INLINE = re.compile(r"`(?:\.venv/bin/)?autograder ([a-z][^`]*)`")


def text_of(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def test_there_are_pages():
    assert {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/index.md"} <= set(PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_lines_are_short(page):
    long = [n for n, line in enumerate(text_of(page).splitlines(), 1) if len(line) > LONGEST]
    assert not long


@pytest.mark.parametrize("page", [page for page in PAGES if not page.startswith("autograder/data/")])
def test_every_link_leads_to_a_file_and_every_heading_that_is_named_is_there(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(text_of(page))):
        if "://" in target:
            continue
        path, _, heading = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        assert file.exists(), target
        if heading:
            titles = re.findall(r"^#+ (.*)$", file.read_text("utf-8"), re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES)
def test_every_path_of_the_tree_that_a_page_names_exists(page):
    if page == "CHANGELOG.md":
        return
    for path in TREE.findall(text_of(page)):
        if re.search(r"NAME|STUDENT", path):
            continue
        assert list(ROOT.glob(path.rstrip("/"))), path


@pytest.mark.parametrize("page", PAGES)
def test_every_command_is_one_that_the_program_knows(page, capsys):
    text = text_of(page)
    whole = [line for line in COMMAND.findall(text) if "{{" not in line]
    for line in whole:
        options = build_parser().parse_args(shlex.split(line, comments=True))
        for notebook in getattr(options, "notebooks", []):
            assert list(ROOT.glob(str(notebook))) or (ROOT / "solutions" / notebook).is_dir(), notebook
    for name in {words.split()[0] for words in INLINE.findall(text)}:
        with pytest.raises(SystemExit) as ended:
            build_parser().parse_args([name, "--help"])
        assert ended.value.code == 0, name


def test_every_command_is_named_on_some_page():
    parser = build_parser()
    (commands,) = (action for action in parser._actions if action.dest == "command")
    said = "\n".join(map(text_of, ["README.md", *DOCS]))
    assert not [name for name in commands.choices if f"autograder {name}" not in said]


def test_the_index_has_a_line_for_each_page():
    index = text_of("docs/index.md")
    assert not [
        page for page in DOCS if f"]({page.removeprefix('docs/')})" not in index and "index" not in page
    ]


def test_the_page_on_the_architecture_names_every_package():
    page = text_of("docs/architecture.md")
    packages = [
        path.parent.relative_to(ROOT).as_posix()
        for path in ROOT.glob("*/*/__init__.py")
        if path.parts[-3] in ("mlsysim", "autograder")
    ]
    assert len(packages) > 15
    assert not [name for name in packages if not re.search(rf"^\| `{name}/` \|", page, re.MULTILINE)]


@pytest.mark.parametrize(
    "change",
    [
        *(
            "a GPU",
            "a mixture-of-experts model",
            "what a failing student reads",
            "a misconception",
            "a limit",
            "a plot",
        ),
        *(
            "the feedback page",
            "another assignment",
            "how submissions are found",
            "what is written to the gradebook",
        ),
        *("a command's option", "a hint", "a sandbox level"),
    ],
)
def test_the_page_on_the_architecture_says_where_a_change_goes(change):
    (row,) = [
        line
        for line in text_of("docs/architecture.md").splitlines()
        if line.startswith(f"| {change}") and "|---" not in line and "`" in line
    ]
    assert row


def test_the_layers_are_in_the_order_of_the_table():
    """A package may use those below it: the table has each above all that it uses."""
    from tests.test_layers import MAY_USE

    order = re.findall(r"^\| `autograder/(\w+)/` \|", text_of("docs/architecture.md"), re.MULTILINE)
    for folder, uses in MAY_USE.items():
        name = folder.removeprefix("autograder/")
        if name in order:
            assert not [one for one in uses if one in order and order.index(one) < order.index(name)], name


def test_the_points_on_the_students_page_are_those_of_the_notebooks():
    page = text_of("docs/students.md")
    for source in sorted((ROOT / "solutions").glob("*/*.ipynb")):
        notebook = read_notebook(source)
        auto, manual = sum(notebook.auto_points().values()), sum(notebook.manual_points().values())
        section = page.partition(f"\n### {source.parent.name}")[2].partition("\n### ")[0]
        row = next(line for line in section.splitlines() if line.startswith(f"| {source.stem[0]} "))
        assert row.split("|")[3].strip() == f"{auto:g}"
        assert row.split("|")[4].strip() == (f"{manual:g}" if manual else "")


def test_a_drawing_has_words_for_those_who_do_not_see_it():
    for page in ["README.md", *DOCS]:
        for alt, target in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", text_of(page)):
            assert len(alt.split()) > 10, target
    drawing = text_of("docs/architecture.svg")
    assert "<title" in drawing and "<desc" in drawing and "prefers-color-scheme: dark" in drawing


def test_patterns_find_what_they_are_for():
    """Else the tests above could not fail."""
    assert TREE.findall("see `autograder/cli/` and `mlsysim/x.py`") == ["autograder/cli/", "mlsysim/x.py"]
    assert INLINE.findall("with `autograder lint ps1` and `autograder`") == ["lint ps1"]


def test_the_kit_of_the_page_is_one_that_can_be_read(tmp_path):
    (shown,) = re.findall(r"^```toml\n(.*?)^```$", text_of("docs/any-course.md"), re.MULTILINE | re.DOTALL)
    (tmp_path / KIT).mkdir()
    (tmp_path / KIT / "kit.toml").write_text(shown)
    (tmp_path / "cases.py").write_text("def case(notebook, student_id):\n    return {}\n")
    kit = load_kit(tmp_path)
    assert kit.title and kit.warm.libraries == ("mlsysim",) and kit.slow == {"s12"}
