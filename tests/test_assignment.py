"""The source notebooks, their release, and the class made from them."""

from __future__ import annotations

import ast
import re

import pytest

import mlsysim
from autograder.nbgrader_compat.course import Course
from autograder.notebook.assemble import assemble
from autograder.notebook.cells import grading, read_notebook
from autograder.simulate.kinds import expected_marks, write_submission
from mlsysim.compression import CompressionModel
from tests.assignments import kinds_of
from tests.courses import ASSIGNMENT

from .casebooks import cases_of

case_of = cases_of("quantization").case
NOTEBOOKS = ["0_self_check", "1_predict", "2_crossover", "3_frontier"]
FUNCTIONS = {
    "0_self_check": ["ridge_point", "attainable", "regime", "speedup_limit"],
    "1_predict": ["step_bytes", "step_flops", "itl", "speedup"],
    "2_crossover": ["speedup_at", "crossover_batch"],
    "3_frontier": ["compression_table", "pareto_front", "best_under"],
}


@pytest.fixture(scope="module")
def fresh(root, tmp_path_factory) -> Course:
    course = Course.copy_of(root, tmp_path_factory.mktemp("fresh") / "course", ASSIGNMENT)
    course.generate_assignment()
    return course


def sources(root, name):
    return read_notebook(root / "solutions" / "quantization" / f"{name}.ipynb")


def test_the_committed_release_equals_a_fresh_one_byte_for_byte(root, fresh):
    committed = root / "assignments" / "quantization"
    left = (".", "autograder-progress", "__pycache__")  # by someone who works there
    names = sorted(p.name for p in committed.iterdir() if not p.name.startswith(left))
    assert names == sorted(p.name for p in fresh.release.iterdir())
    for path in fresh.release.iterdir():
        assert path.read_bytes() == (committed / path.name).read_bytes(), (
            f"run 'make release': {path.name} differs"
        )


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_release_holds_no_solution_and_no_hidden_test(root, name):
    released = read_notebook(root / "assignments" / "quantization" / f"{name}.ipynb")
    lines = {line.strip() for cell in released.cells for line in cell["source"].splitlines()}
    assert not any("SOLUTION" in line or "HIDDEN TESTS" in line for line in lines)
    for cell in sources(root, name).cells:
        for region in re.findall(
            r"### BEGIN (?:SOLUTION|HIDDEN TESTS)\n(.*?)\s*### END", cell["source"], re.DOTALL
        ):
            secret = {line.strip() for line in region.splitlines() if len(line.strip()) > 24}
            shared = {line for line in secret & lines if not line.startswith(("import ", "from "))}
            assert not shared


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_source_cells_have_explicit_ids_and_no_outputs(root, name):
    cells = sources(root, name).cells
    assert len({cell["id"] for cell in cells}) == len(cells)
    assert all(not cell.get("outputs") for cell in cells)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_function_has_visible_hidden_and_property_tests(root, name):
    cells = sources(root, name).by_grade_id()
    tests = {
        key: cell["source"]
        for key, cell in cells.items()
        if grading(cell)["grade"] and not grading(cell)["solution"]
    }
    for function in FUNCTIONS[name]:
        called = [key for key, text in tests.items() if re.search(rf"\b{function}\(", text)]
        visible = [key for key in called if "HIDDEN" not in tests[key]]
        hidden = [key for key in called if "HIDDEN" in tests[key] and "@given" in tests[key]]
        assert visible and hidden, function


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_test_cell_imports_what_it_uses(root, name):
    """So that it means the same wherever it runs; what it does not define is the student's."""
    notebook = sources(root, name)
    students = set(["math", "plt", "np", "display", "mlsysim", "cases"])
    for cell in notebook.cells:
        if grading(cell).get("grade") and not grading(cell)["solution"]:
            names = {node.id for node in ast.walk(ast.parse(cell["source"])) if isinstance(node, ast.Name)}
            bound = {
                a.asname or a.name
                for n in ast.walk(ast.parse(cell["source"]))
                if isinstance(n, ast.Import)
                for a in n.names
            }
            assert not (names & students) - bound, grading(cell)["grade_id"]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_case_of_a_notebook_comes_from_one_cell(root, name):
    texts = [
        c["source"]
        for c in sources(root, name).cells
        if c["cell_type"] == "code" and not grading(c).get("grade")
    ]
    assert sum("cases.case(" in text for text in texts) == 1


@pytest.mark.parametrize("student", ["", "s01", "s02", "s03"])
def test_the_reference_inside_the_tests_agrees_with_the_library(root, student, monkeypatch):
    """The tests carry their own arithmetic so that nothing in the library can be called instead of deriving."""
    monkeypatch.syspath_prepend(root / "solutions" / "quantization")
    scope: dict = {"student_id": student}
    text = sources(root, "2_crossover").by_grade_id()["test_find"]["source"]
    exec(text.split("### BEGIN HIDDEN TESTS")[1].split("expected = ")[0], scope)
    case = case_of("2_crossover", student)
    for context in (case["context_short"], case["context_long"]):
        for threshold in case["thresholds"]:
            want = mlsysim.crossover_batch(
                case["model_name"], case["device_name"], threshold, seq_len=context, runtime="compiled"
            )
            assert scope["crossover"](context, threshold) == want.batch


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_id_has_a_cell_that_students_may_edit_and_that_runs_as_released(root, name):
    for folder in ("solutions", "assignments"):
        cells = read_notebook(root / folder / "quantization" / f"{name}.ipynb").cells
        (at,) = [i for i, cell in enumerate(cells) if grading(cell).get("grade_id") == "student"]
        scope: dict = {}
        exec(cells[at]["source"], scope)
        assert scope["student_id"] == "" and cells[at]["metadata"].get("editable", True)
        assert grading(cells[at + 1])["grade_id"] == "setup" and "student_id)" in cells[at + 1]["source"]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_hidden_truth_is_the_case_of_the_same_id(root, name):
    for cell in sources(root, name).cells:
        for call in re.findall(r"cases\.case\([^)]*\)", cell["source"]):
            assert call == f'cases.case("{name}", student_id)'


def test_the_storage_costs_that_are_taught_are_the_library_s():
    solve = CompressionModel().solve
    for option in case_of("3_frontier")["options"]:
        result = solve("Llama3_8B", "H100", option["method"], option["bits"], option["sparsity"])
        if option["method"] == "quantization":
            bits = option["bits"] + (16 / 128 if option["bits"] < 8 else 0)
        else:
            bits = 16 * (1 - option["sparsity"]) + 1
        assert result.storage_ratio == pytest.approx(16 / bits)


def test_a_class_has_at_least_sixteen_kinds_and_every_loss_names_a_real_test_cell(root):
    kinds = kinds_of("quantization")
    assert len(kinds) >= 16
    for kind in kinds.values():
        for stock in (False, True):
            marks = expected_marks(kind, root / "solutions" / "quantization", stock=stock)
            assert all(mark is None or mark >= 0 for cells in marks.values() for mark in cells.values())


def test_a_right_submission_holds_the_answers_and_no_solution_marks(root, tmp_path):
    solutions, release = root / "solutions" / "quantization", root / "assignments" / "quantization"
    write_submission(kinds_of("quantization")["s01"], solutions, release, tmp_path)
    for name in NOTEBOOKS:
        text = (tmp_path / f"{name}.ipynb").read_text("utf-8")
        assert "NotImplementedError" not in text and "SOLUTION" not in text


def submission(root, tmp_path, change):
    notebook = read_notebook(root / "assignments" / "quantization" / "0_self_check.ipynb")
    change(notebook.cells)
    path = tmp_path / "0_self_check.ipynb"
    path.write_text(notebook.dumps(), "utf-8")
    cells = assemble(root / "solutions" / "quantization" / path.name, path).cells
    return [cell["source"] for cell in cells if grading(cell).get("grade_id") == "student"], cells


def at(cells):
    return next(i for i, cell in enumerate(cells) if grading(cell).get("grade_id") == "student")


def test_a_student_s_id_is_kept_and_a_deleted_id_cell_comes_back_empty_before_the_case(root, tmp_path):
    def write(cells):
        cells[at(cells)]["source"] = 'student_id = "s01"'

    found, _ = submission(root, tmp_path, write)
    assert found == ['student_id = "s01"']
    found, cells = submission(root, tmp_path, lambda cells: cells.pop(at(cells)))
    assert len(found) == 1 and found[0].endswith('student_id = ""')
    assert at(cells) < next(i for i, cell in enumerate(cells) if "cases.case(" in cell["source"])


@pytest.mark.parametrize("tags", [3, "student-id", None, [["student-id"]], {"student-id": 1}])
def test_tags_of_any_form_are_read(root, tmp_path, tags):
    _, cells = submission(root, tmp_path, lambda cells: cells[at(cells)]["metadata"].update(tags=tags))
    assert sum("student_id = " in cell["source"] for cell in cells) >= 1
