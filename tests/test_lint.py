"""autograder lint: what it names in an assignment, and what grading asks of it."""

from __future__ import annotations

import importlib
import io
import json
import tomllib
from pathlib import Path

import pytest
from rich.console import Console

from autograder.cli import main
from autograder.lint import assignment as lint
from autograder.lint.assignment import check_before_grading, lint_assignment
from autograder.lint.cells import check_cells
from autograder.lint.kernel import KernelFailed, stock_outcomes
from autograder.lint.patterns import check_patterns
from autograder.lint.report import Finding, Report, print_report
from autograder.nbgrader_compat.course import Course
from autograder.notebook.cells import Notebook
from tests.idioms import load_idioms

SOLUTION = "def double(x):\n    ### BEGIN SOLUTION\n    return x + x\n    ### END SOLUTION"


def notebook(*cells: tuple[str, str], **changes: object) -> Notebook:
    """A notebook of (kind and grade_id, source); *changes* are made to the nbgrader metadata of the last cell."""
    made = []
    for number, (kind, source) in enumerate(cells):
        kind, _, grade_id = kind.partition(" ")
        grade = {
            "grade": kind == "test",
            "solution": kind == "answer",
            "locked": kind != "answer",
            "task": False,
        }
        grade |= {"schema_version": 3, "grade_id": grade_id or f"{kind}_{number}"} | (
            {"points": 2} if kind == "test" else {}
        )
        grade |= changes if number == len(cells) - 1 else {}
        made.append(
            {
                "cell_type": "code",
                "id": f"c{number}",
                "metadata": {} if kind == "plain" else {"nbgrader": grade},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
        )
    return Notebook({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def course_of(root: Path, **notebooks: Notebook) -> Course:
    """A course with nbgrader's usual settings, and an assignment ``first`` of these *notebooks*."""
    folder = root / "source" / "first"
    folder.mkdir(parents=True)
    (root / "nbgrader_config.py").write_text('c = get_config()\nc.CourseDirectory.course_id = "small"\n')
    for name, one in notebooks.items():
        (folder / f"{name}.ipynb").write_text(one.dumps(), "utf-8")
    return Course(root, "first")


def said(findings: list[Finding]) -> str:
    return "\n".join(
        f"{f.cell}:{f.line} {'fails' if f.fails else 'warns'} {f.what} {f.instead}" for f in findings
    )


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (
            notebook(("answer a", SOLUTION), ("test a", "assert double(1) == 2")),
            "a:0 fails 2 cells have this grade_id",
        ),
        (notebook(("test t", "pass"), grade_id=""), "cell 1:0 fails This cell has no grade_id"),
        (
            notebook(("test t", "pass"), schema_version=1),
            "fails Its cells are marked in the way of an older nbgrader",
        ),
        (notebook(("test t", "pass"), points=-1), "t:0 fails Its points are -1"),
        (notebook(("test t", "pass"), points=None), "t:0 fails Its points are None"),
        (notebook(("test t", "pass"), points=0), "t:0 warns This test cell is worth 0 points"),
        (
            notebook(("test cell-0123456789abcdef", "pass")),
            "warns 1 test cells have names that nbgrader made up",
        ),
        (notebook(("answer a", "### BEGIN SOLUTION\nx = 1")), "a:1 fails BEGIN SOLUTION is never ended"),
        (
            notebook(("answer a", "x = 1\n### END SOLUTION")),
            "a:2 fails END SOLUTION has no BEGIN SOLUTION before it",
        ),
        (
            notebook(("test t", "### BEGIN HIDDEN TESTS\n### BEGIN HIDDEN TESTS")),
            "t:2 fails BEGIN HIDDEN TESTS stands inside another",
        ),
        (
            notebook(("locked l", "### BEGIN SOLUTION\n### END SOLUTION")),
            "l:0 fails A solution stands in a cell that is no answer",
        ),
        (
            notebook(("plain", "### BEGIN HIDDEN TESTS\n### END HIDDEN TESTS")),
            "cell 1:0 fails Hidden tests stand in a cell that is not graded",
        ),
        (notebook(("answer a", "def f():\n    return 1")), "a:0 warns The answer has no BEGIN SOLUTION"),
        (
            notebook(
                ("answer a", "### BEGIN SOLUTION\ntotal = price * count * (1 + tax)\n### END SOLUTION"),
                ("test t", "price = count = tax = 1\ntotal = price * count * (1 + tax)"),
            ),
            "a:2 warns This line of the solution stands in t too",
        ),
    ],
)
def test_what_is_wrong_with_cells_is_named(made, told):
    assert told in said(list(check_cells(made, "n")))


def test_a_notebook_with_nothing_wrong_has_no_finding():
    made = notebook(
        ("answer a", SOLUTION),
        (
            "test t",
            "assert double(1) == 2\n### BEGIN HIDDEN TESTS\nassert double(0) == 0\n### END HIDDEN TESTS",
        ),
    )
    assert not list(check_cells(made, "n")) and not list(check_patterns(made, "n"))


def test_a_cell_that_is_marked_as_nothing_needs_no_id():
    made = notebook(
        ("answer a", SOLUTION), ("test t", "assert double(1) == 2"), ("locked l", "x = 1"), locked=False
    )
    del made.cells[-1]["metadata"]["nbgrader"]["grade_id"]
    assert not list(check_cells(made, "n"))
    assert set(made.by_grade_id()) == {"a", "t"}


def test_only_a_solution_that_is_shown_is_wrong_with_the_cells_of_the_idioms():
    found = {
        idiom.name: [finding.what for finding in check_cells(idiom.notebook(), idiom.name)]
        for idiom in load_idioms()
    }
    assert {name for name, told in found.items() if told} == {"reference_in_a_locked_cell"}


def test_names_that_are_looked_for_exist():
    rows = tomllib.loads((Path(lint.__file__).parents[1] / "data/lint.toml").read_text("utf-8"))
    for row in rows.values():
        for name in row["names"]:
            parts = name.split(".")
            try:
                module = importlib.import_module(".".join(parts[:-1]))
            except ModuleNotFoundError:  # not installed everywhere
                assert parts[0] in ("requests", "psutil")
                continue
            assert hasattr(module, parts[-1]), name


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
@pytest.mark.parametrize(
    ("test", "told"),
    [
        ("import signal\nsignal.alarm(3)\ndouble(1)", "t:2 fails signal.alarm takes the clock"),
        (
            "from time import perf_counter as now\nstart = now()\ndouble(1)",
            "t:2 warns time.perf_counter also measures",
        ),
        ("!ls\nassert double(1) == 2", "t:1 warns This runs in the examiner's process"),
        ("double(1) == 2", "t:1 warns The outcome of this comparison is not looked at"),
        ("assert (double(1) == 2, 'no')", "t:1 fails This assertion is about a tuple"),
        (
            "try:\n    assert double(1) == 3\nexcept Exception:\n    pass",
            "t:2 warns The failure of this assertion is caught in line 3",
        ),
        ("assert double(1 == 2", "fails It is not Python"),
    ],
)
def test_tests_whose_outcome_could_be_false_are_named(test, told):
    assert told in said(list(check_patterns(notebook(("answer a", SOLUTION), ("test t", test)), "n")))


@pytest.mark.parametrize(
    "test",
    [
        "import warnings\nwarnings.simplefilter('error')\nassert double(1) == 2",
        "import time\nprint(time.time())",
        "try:\n    double('a' - 1)\nexcept TypeError:\n    pass\nelse:\n    assert False",
        "import matplotlib.pyplot as plt\nplt.show = lambda: None\nassert double(1) == 2",
        "def helper(double):\n    return double\nx = 3\nassert double(x) == 6",
        "import decimal\ndecimal.getcontext().prec = 3\nassert double(1) == 2",
        "import numpy as np\nkept = np.var\ndel np.var\nassert double(1) == 2\nnp.var = kept",
        "result = double(1)\nresult = round(result)\nassert result == 2",
    ],
)
def test_ordinary_tests_are_not_named(test):
    assert not list(check_patterns(notebook(("answer a", SOLUTION), ("test t", test)), "n"))


@pytest.fixture(scope="module")
def mistaken(tmp_path_factory) -> tuple[Course, Report]:
    """A course in which a test is wrong, one writes on stderr, one passes untouched, and one is fine."""
    tests = {
        "fine": "assert double(4) == 8",
        "wrong": "assert double(1) == 2\nassert double(4) == 9",
        "stderr": "import sys\nprint('x', file=sys.stderr)\nassert double(1) == 2",
        "untouched": "assert callable(double)",
        "frames": "import sys\nassert double(sys._getframe().f_globals['__name__'] == '__main__') == 2",
        "code": "assert double.__code__.co_argcount == 1",
        "class": "import types\n\nassert double(1) == 2\nassert type(double) is types.FunctionType",
    }
    made = notebook(("answer a", SOLUTION), *((f"test {name}", text) for name, text in tests.items()))
    course = course_of(tmp_path_factory.mktemp("mistaken"), one=made)
    return course, lint_assignment(course)


def test_the_solutions_marks_are_compared(mistaken):
    _, report = mistaken
    told = {finding.cell: finding for finding in report.findings}
    assert set(told) >= {"wrong", "stderr", "untouched"} and "fine" not in told
    assert told["wrong"].fails and "gets 0 of 2 points in a stock kernel, and here" in told["wrong"].what
    assert told["wrong"].line == 2
    assert told["stderr"].fails and "and all of them here: text on stderr: x" in told["stderr"].what
    assert not told["untouched"].fails and "earns 2 of 2 points" in told["untouched"].what
    assert report.tests == 7 and report.exit_status == 1


def test_the_line_of_a_test_at_which_a_right_solution_fails_only_here_is_told(mistaken):
    told = {finding.cell: finding for finding in mistaken[1].findings}
    assert (told["code"].line, told["class"].line) == (1, 4)
    assert told["code"].what.endswith(": assert double.__code__.co_argcount == 1")
    assert "its source is not in this process" in told["code"].instead
    assert "its class is in another process" in told["class"].instead


def test_a_report_is_at_most_80_columns_wide_and_holds_every_finding(mistaken):
    _, report = mistaken
    out = io.StringIO()
    print_report(report, Console(file=out, width=200))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines[:-1])) <= 80
    text = " ".join(out.getvalue().split())
    assert all(finding.cell in text for finding in report.findings)
    assert lines[-1].startswith("first: 7 test cells examined here and in a stock kernel; ")


def test_a_report_is_written_and_read(mistaken):
    _, report = mistaken
    assert Report.loads(report.dumps()) == report


def test_grading_takes_what_is_known_until_something_changes(tmp_path, monkeypatch):
    good = notebook(("answer a", SOLUTION), ("test t", "assert double(4) == 8"))
    course = course_of(tmp_path, one=good)
    assert check_before_grading(course) == []
    monkeypatch.setattr(lint, "lint_assignment", lambda *a, **k: pytest.fail("it was examined again"))
    assert check_before_grading(course) == []
    monkeypatch.undo()
    bad = notebook(("answer a", SOLUTION), ("test t", "assert double(4) == 9"))
    (course.source / "one.ipynb").write_text(bad.dumps(), "utf-8")
    assert [finding.cell for finding in check_before_grading(course)] == ["t"]
    (tmp_path / lint.RECORD).write_text("{broken", "utf-8")
    assert [finding.cell for finding in check_before_grading(course)] == ["t"]
    assert json.loads((tmp_path / lint.RECORD).read_text("utf-8"))["first"]["fingerprint"]


def test_a_course_that_cannot_be_written_into_is_examined_each_time(tmp_path, monkeypatch):
    course = course_of(tmp_path, one=notebook(("answer a", SOLUTION), ("test t", "assert double(4) == 8")))

    def refuse(*arguments, **keywords):
        raise PermissionError("read only")

    monkeypatch.setattr(lint.tempfile, "mkstemp", refuse)
    assert check_before_grading(course) == []
    assert not (tmp_path / lint.RECORD).exists()


def test_exit_statuses_of_the_command(mistaken, tmp_path, capsys):
    course, _ = mistaken
    assert main(["lint", "first", "--course", str(course.root), "--quick"]) == 1
    assert "must be mended" in capsys.readouterr().out
    assert main(["lint", "second", "--course", str(course.root)]) == 2
    assert "has no assignment 'second'" in capsys.readouterr().err
    broken = course_of(tmp_path, one=notebook(("answer a", SOLUTION)))
    (broken.source / "one.ipynb").write_text("{", "utf-8")
    assert main(["lint", "first", "--course", str(tmp_path)]) == 2
    assert "is not a notebook" in capsys.readouterr().err


def test_a_kernel_that_ends_is_told(tmp_path):
    with pytest.raises(KernelFailed, match="died"):
        stock_outcomes(notebook(("plain", "import os\nos._exit(1)"), ("test t", "pass")), tmp_path)


def test_the_assignments_of_this_repository_pass(root, assignment, tmp_path):
    course = Course.copy_of(root, tmp_path / "course", assignment)
    assert said(lint_assignment(course, quick=True).findings) == ""


def test_a_kit_that_names_what_is_not_there_is_named(root, tmp_path):
    course = Course.copy_of(root, tmp_path / "course", "quantization")
    folder = course.source / "kit"
    for file, old, new in (
        ("hints.toml", "[0_self_check.ridge_point]", "[0_self_check.ridge_pint]"),
        ("kinds.toml", "[s02.cells.2_crossover]", "[s02.cells.2_crosover]"),
        ("misconceptions.toml", '"slope, peak_flops"', '"slope, peak_flops"'),
        (
            "misconceptions.toml",
            '["attainable", "min(slope, peak_flops)", "slope"]',
            '["attainable", "min(slop, peak_flops)", "slope"]',
        ),
    ):
        path = folder / file
        text = path.read_text("utf-8")
        assert old in text or file == "misconceptions.toml"
        path.write_text(text.replace(old, new), "utf-8")
    told = said(lint_assignment(course, quick=True).failing)
    assert "has no cell 'ridge_pint'" in told
    assert "There is no notebook '2_crosover'" in told
    assert "does not stand just once in attainable" in told
