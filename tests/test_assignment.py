"""The source notebooks of each assignment, their release, and the class made from them."""

from __future__ import annotations

import ast
import re

import pytest

from autograder.files.source import LEFT_BEHIND
from autograder.nbgrader_compat.course import Course
from autograder.notebook.assemble import assemble
from autograder.notebook.cells import grading, is_test, read_notebook
from autograder.simulate.kinds import expected_marks
from tests.assignments import (
    RIGHT,
    every_notebook,
    functions_of,
    hand_in,
    kinds_of,
    kit_of,
    notebooks_of,
    release_of,
    source_of,
    sources,
    wrong_in,
)
from tests.leaks import HIDDEN, SOLUTION


@pytest.fixture(scope="module")
def fresh(root, assignment, tmp_path_factory) -> Course:
    course = Course.copy_of(root, tmp_path_factory.mktemp("fresh") / "course", assignment)
    course.generate_assignment()
    return course


def test_the_committed_release_equals_a_fresh_one_byte_for_byte(assignment, fresh):
    committed = release_of(assignment)
    names = sorted(p.name for p in committed.iterdir() if not p.name.startswith(LEFT_BEHIND))
    assert names == sorted(p.name for p in fresh.release.iterdir())
    for path in fresh.release.iterdir():
        assert path.read_bytes() == (committed / path.name).read_bytes(), (
            f"run 'make release': {path.name} differs"
        )


def test_nothing_of_the_kit_is_released(assignment, fresh):
    assert not list(fresh.release.rglob("kit")) and not list(fresh.release.rglob("*.exam"))


@every_notebook
def test_the_release_holds_no_solution_and_no_hidden_test(assignment, notebook):
    released = read_notebook(release_of(assignment) / f"{notebook}.ipynb")
    lines = {line.strip() for cell in released.cells for line in cell["source"].splitlines()}
    assert not any("SOLUTION" in line or "HIDDEN TESTS" in line for line in lines)
    for cell in sources(assignment, notebook).cells:
        for region in SOLUTION.findall(cell["source"]) + HIDDEN.findall(cell["source"]):
            secret = {line.strip() for line in region.splitlines() if len(line.strip()) > 24}
            shared = {line for line in secret & lines if not line.startswith(("import ", "from "))}
            assert not shared


@every_notebook
def test_source_cells_have_explicit_ids_and_no_outputs(assignment, notebook):
    cells = sources(assignment, notebook).cells
    assert len({cell["id"] for cell in cells}) == len(cells)
    assert all(not cell.get("outputs") for cell in cells)


@every_notebook
def test_every_function_has_visible_hidden_and_property_tests(assignment, notebook):
    tests = {grading(c)["grade_id"]: c["source"] for c in sources(assignment, notebook).cells if is_test(c)}
    assert len(functions_of(assignment, notebook)) >= 2
    for function in functions_of(assignment, notebook):
        called = [text for text in tests.values() if re.search(rf"\b{function}\(", text)]
        assert any("HIDDEN" not in text for text in called), function
        assert any("HIDDEN" in text and "@given" in text for text in called), function


@every_notebook
def test_every_test_cell_imports_what_it_uses(assignment, notebook):
    """So that it means the same wherever it runs; what it does not define is the student's."""
    cells = sources(assignment, notebook).cells
    set_up = next(ast.parse(c["source"]) for c in cells if grading(c).get("grade_id") == "setup")
    known = bound_by_imports(set_up)
    assert "cases" in known
    for cell in filter(is_test, cells):
        tree = ast.parse(cell["source"])
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert not (names & known) - bound_by_imports(tree), grading(cell)["grade_id"]


def bound_by_imports(tree: ast.Module) -> set[str]:
    imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    return {alias.asname or alias.name.split(".")[0] for node in imports for alias in node.names}


@every_notebook
def test_the_case_of_a_notebook_comes_from_one_cell_and_every_test_asks_about_the_same(assignment, notebook):
    calls = [
        (is_test(cell), call)
        for cell in sources(assignment, notebook).cells
        for call in re.findall(r"cases\.case\([^)]*\)", cell["source"])
    ]
    assert [test for test, _ in calls].count(False) == 1
    assert {call for _, call in calls} == {f'cases.case("{notebook}", student_id)'}


@every_notebook
@pytest.mark.parametrize("folder_of", [source_of, release_of])
def test_the_id_has_a_cell_that_students_may_edit_and_that_runs_as_released(assignment, notebook, folder_of):
    cells = read_notebook(folder_of(assignment) / f"{notebook}.ipynb").cells
    (where,) = [i for i, cell in enumerate(cells) if grading(cell).get("grade_id") == "student"]
    scope: dict = {}
    exec(cells[where]["source"], scope)
    assert scope["student_id"] == "" and cells[where]["metadata"].get("editable", True)
    assert grading(cells[where + 1])["grade_id"] == "setup"
    assert "student_id)" in cells[where + 1]["source"]


def test_the_kit_has_a_title_and_at_least_sixteen_kinds_of_which_every_loss_names_a_real_test_cell(
    assignment,
):
    assert kit_of(assignment).title
    kinds = kinds_of(assignment)
    assert len(kinds) >= 16
    for kind in kinds.values():
        for stock in (False, True):
            marks = expected_marks(kind, source_of(assignment), stock=stock)
            assert all(mark is None or mark >= 0 for cells in marks.values() for mark in cells.values())


def test_the_class_has_wrong_answers_to_each_notebook(assignment):
    assert list(wrong_in(assignment)) == notebooks_of(assignment)


def test_a_right_submission_holds_the_answers_and_no_solution_marks(assignment, tmp_path):
    hand_in(assignment, RIGHT, tmp_path)
    for name in notebooks_of(assignment):
        text = (tmp_path / f"{name}.ipynb").read_text("utf-8")
        assert "NotImplementedError" not in text and "SOLUTION" not in text


def submission(assignment, tmp_path, change):
    """The cells of the first notebook as they are examined after a *change* to the released ones, and the ids' cells."""
    name = f"{notebooks_of(assignment)[0]}.ipynb"
    notebook = read_notebook(release_of(assignment) / name)
    change(notebook.cells)
    (tmp_path / name).write_text(notebook.dumps(), "utf-8")
    cells = assemble(source_of(assignment) / name, tmp_path / name).cells
    return [cell["source"] for cell in cells if grading(cell).get("grade_id") == "student"], cells


def at(cells):
    return next(i for i, cell in enumerate(cells) if grading(cell).get("grade_id") == "student")


def test_a_student_s_id_is_kept_and_a_deleted_id_cell_comes_back_empty_before_the_case(assignment, tmp_path):
    def write(cells):
        cells[at(cells)]["source"] = 'student_id = "s01"'

    found, _ = submission(assignment, tmp_path, write)
    assert found == ['student_id = "s01"']
    found, cells = submission(assignment, tmp_path, lambda cells: cells.pop(at(cells)))
    assert len(found) == 1 and found[0].endswith('student_id = ""')
    assert at(cells) < next(i for i, cell in enumerate(cells) if "cases.case(" in cell["source"])


@pytest.mark.parametrize("tags", [3, "student-id", None, [["student-id"]], {"student-id": 1}])
def test_tags_of_any_form_are_read(assignment, tmp_path, tags):
    _, cells = submission(assignment, tmp_path, lambda cells: cells[at(cells)]["metadata"].update(tags=tags))
    assert sum("student_id = " in cell["source"] for cell in cells) >= 1
