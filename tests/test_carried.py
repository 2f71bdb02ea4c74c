"""One slip is charged once: a part that fails because of an earlier one gets the marks that it earns with right functions there."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook, writes

from autograder.exam.examine import ExamResult, examine
from autograder.files.source import data_files
from autograder.notebook.assemble import assemble
from autograder.notebook.cells import grading, read_notebook, strip_solution_marks
from autograder.tutor.owner import Owner
from tests.assignments import ASSIGNMENTS, kinds_of, kit_of, release_of, source_of
from tests.models import own_tests
from tests.mutants import mutants
from tests.small import cell
from tests.thorough import THOROUGH

SAMPLE = 8  # mutants of each assignment that `make test` tries


def every_mutant() -> dict[str, list[tuple[str, str, str]]]:
    """By assignment: notebook, grade_id of the answer, its mutant."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for assignment in ASSIGNMENTS:
        for path in sorted(source_of(assignment).glob("*.ipynb")):
            known = read_notebook(path).by_grade_id()
            for key, answer in strip_solution_marks(read_notebook(path)):
                if known[key]["cell_type"] == "code":
                    found.setdefault(assignment, []).extend((path.stem, key, one) for one in mutants(answer))
    return found


def handed_in(assignment: str, notebook: str, answers: dict[str, str]) -> bytes:
    """The release of a notebook with the right answers, but for *answers*."""
    made = read_notebook(release_of(assignment) / f"{notebook}.ipynb")
    right = dict(strip_solution_marks(read_notebook(source_of(assignment) / f"{notebook}.ipynb")))
    for key, answer in (right | answers).items():
        made.by_grade_id()[key]["source"] = answer
    return made.dumps().encode()


def lost(assignment: str, notebook: str, content: bytes, *, carry: bool = True) -> dict[str, float]:
    """The points that each test takes."""
    source = source_of(assignment)
    result = examine(
        assemble(source / f"{notebook}.ipynb", content),
        files=data_files(source),
        owner=Owner(notebook),
        kit=kit_of(assignment),
        source=source,
        carry_errors_forward=carry,
    )
    return {key: one.maximum - one.score for key, one in result.verdicts.items() if one.score < one.maximum}


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_a_slip_costs_its_own_part_and_on_average_at_most_a_fifth_more(assignment):
    known = every_mutant()[assignment]
    tried = known if THOROUGH else random.Random(assignment).sample(known, SAMPLE)
    shares = []
    for notebook, answer, text in tried:
        taken = lost(assignment, notebook, handed_in(assignment, notebook, {answer: text}))
        own = sum(points for key, points in taken.items() if key in own_tests(assignment, notebook, answer))
        if taken:
            assert own, (notebook, text, taken)  # whoever is wrong loses marks there
            shares.append(sum(taken.values()) / own)
    assert len(shares) > len(tried) / 2
    assert sum(shares) / len(shares) <= 1.2, sorted(shares)


def test_without_it_the_same_slip_costs_what_it_costs_in_a_kernel():
    kind = kinds_of("quantization")["s04"]
    content = handed_in("quantization", "1_predict", dict(kind.cells["1_predict"]))
    assert lost("quantization", "1_predict", content, carry=False) == kind.alone["1_predict"]
    assert lost("quantization", "1_predict", content) == kind.lost["1_predict"]


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_who_answers_nothing_gets_nothing(assignment):
    for path in sorted(release_of(assignment).glob("*.ipynb")):
        points = read_notebook(source_of(assignment) / path.name).auto_points()
        assert lost(assignment, path.stem, path.read_bytes()) == points


SOURCE = [
    cell("base", "STEP = 2", None),
    cell("f", "### BEGIN SOLUTION\ndef f(x):\n    return x + STEP\n### END SOLUTION", solution=True),
    cell("f_test", "assert f(1) == 3, 'f adds two'", 1),
    cell("g", "### BEGIN SOLUTION\ndef g(x):\n    return 10 * f(x)\n### END SOLUTION", solution=True),
    cell("g_test", "assert g(1) == 30 and f(0) == 2", 2),
    cell("t", "### BEGIN SOLUTION\ntable = [g(x) for x in range(4)]\n### END SOLUTION", solution=True),
    cell("t_test", "assert table == [20, 30, 40, 50]", 4),
    cell("again", "### BEGIN SOLUTION\ndef f(x):\n    return 2 * x + STEP\n### END SOLUTION", solution=True),
    cell("again_test", "assert f(3) == 8", 8),
    cell("last", "### BEGIN SOLUTION\ndef h(x):\n    return f(x) + 1\n### END SOLUTION", solution=True),
    cell("last_test", "assert h(3) == 9", 16),
]
RIGHT = {
    "f": "def f(x):\n    return x + 2",
    "g": "def g(x):\n    return 10 * f(x)",
    "t": "table = [g(x) for x in range(4)]",
    "again": "def f(x):\n    return 2 * x + 2",
    "last": "def h(x):\n    return f(x) + 1",
}


def graded(folder: Path, answers: dict[str, str], own: str = "") -> ExamResult:
    """What who answers so gets for the assignment above, with a cell of their *own* behind everything but the tests of the last part."""
    source = folder / "n.ipynb"
    source.write_text(writes(new_notebook(cells=SOURCE)))
    cells = json.loads(writes(new_notebook(cells=SOURCE)))["cells"]
    for one in cells:
        key = grading(one)["grade_id"]
        if key in RIGHT:
            one["source"] = (RIGHT | answers)[key]
    cells.insert(-1, new_code_cell(own))
    made = assemble(source, json.dumps({"cells": cells}).encode())
    return examine(made, owner=Owner("n"), source=folder, carry_errors_forward=True)


def score(result: ExamResult) -> float:
    return sum(one.score for one in result.verdicts.values())


WRONG = {"f": "def f(x):\n    return x + 3", "again": "def f(x):\n    return x"}


@pytest.mark.parametrize(
    ("answers", "points", "says"),
    [
        ({}, 31, {}),
        ({"f": WRONG["f"]}, 30, {"g_test": ("f",), "t_test": ("f",)}),
        ({"g": "def g(x):\n    return 9 * f(x)"}, 29, {"t_test": ("g",)}),
        ({"f": WRONG["f"], "g": "def g(x):\n    return 9 * f(x)"}, 28, {"t_test": ("f", "g")}),
        ({"f": WRONG["f"], "t": "table = [g(x) for x in range(3)]"}, 26, {"g_test": ("f",)}),
        # What a later part asks for again is the student's own from there on: an earlier right answer earns nothing there.
        ({"f": WRONG["f"], "again": WRONG["again"]}, 22, {"g_test": ("f",), "t_test": ("f",), "last_test": ("f",)}),
        ({"f": WRONG["f"], "again": "pass"}, 22, {"g_test": ("f",), "t_test": ("f",), "last_test": ("f",)}),
        ({"f": "raise NotImplementedError", "g": "pass", "t": "table = None"}, 24, {}),
        ({key: "raise NotImplementedError" for key in RIGHT}, 0, {}),
    ],
)  # fmt: skip
def test_each_part_gets_what_it_earns_with_right_functions_before_it(tmp_path, answers, points, says):
    result = graded(tmp_path, answers)
    assert score(result) == points
    assert {key: one.carried for key, one in result.verdicts.items() if one.carried} == says
    for key in says:
        assert "is not right; with a right one in the place of yours" in result.verdicts[key].message or (
            "are not right; with right ones in the place of yours" in result.verdicts[key].message
        )


@pytest.mark.parametrize(
    "thief",
    [
        "def h(x):\n    return 9 if x == 3 and kept and kept(1) == 3 else 0",
        "import inspect\ndef h(x):\n    return len(inspect.getsource(f))",
        "def h(x):\n    return f.__code__.co_consts[1]",
        "def h(x):\n    return f.__wrapped__(x) + 1",
    ],
)
def test_nothing_of_the_solution_but_its_answers_can_be_had(tmp_path, thief):
    """The last part is right only with the right f of the part before it, which the student did not write."""
    kept = "kept = f"
    result = graded(
        tmp_path, {"again": "def f(x):\n    raise ValueError", "g": f"{kept}\n{RIGHT['g']}", "last": thief}
    )
    assert result.verdicts["again_test"].score == 0
    assert result.verdicts["last_test"].score == (16 if thief.startswith("def h(x):\n    return 9") else 0)


@pytest.mark.parametrize(
    "argument", ["10**10**4", "float('nan')", "[[]] * 10**4", "lambda: 0", "print", "'x' * 10**7"]
)
def test_a_right_function_that_is_asked_something_strange_ends_nothing(tmp_path, argument):
    asks = f"def g(x):\n    try:\n        f({argument})\n    except Exception:\n        pass\n    return 10 * f(x)"
    result = graded(tmp_path, {"f": WRONG["f"], "g": asks})
    assert score(result) == 30 and not result.notes
