"""An unfinished notebook runs to its end, as Run All does in JupyterLab, and says what is not written yet."""

from __future__ import annotations

import re
import shutil

import nbformat
import pytest
from nbclient import NotebookClient

from autograder.notebook.cells import STUB, grading, is_test, read_notebook, strip_solution_marks
from mlsysim.unfinished import missing_part
from tests.assignments import every_notebook, release_of, source_of, sources
from tests.pace import HANG

SENTENCE = re.compile(
    r"(This cell is|`\w+` is) not written yet\.|`\w+` is not there: the cell that sets it is not written yet .*"
)


def run_all(assignment, notebook, folder, answers=()):
    """The notebook after Run All with some *answers* in place of the stubs; an error in a cell without the tag that lets it go on is raised."""
    shutil.copytree(release_of(assignment), folder, dirs_exist_ok=True)
    made = read_notebook(folder / f"{notebook}.ipynb")
    for key, text in dict(answers).items():
        made.by_grade_id()[key]["source"] = text
    content = nbformat.reads(made.dumps(), as_version=4)
    NotebookClient(content, timeout=HANG, resources={"metadata": {"path": str(folder)}}).execute()
    return content


def errors(cell):
    return ["\n".join(o["traceback"]) for o in cell.get("outputs", ()) if o["output_type"] == "error"]


@every_notebook
def test_run_all_reaches_the_end_of_an_untouched_notebook_and_names_what_is_missing(
    assignment, notebook, tmp_path
):
    content = run_all(assignment, notebook, tmp_path)
    code = [cell for cell in content.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    for cell in code:
        assert all(SENTENCE.fullmatch(said) for said in errors(cell)), cell["source"]
        if (
            is_test(cell) and "assert" in cell["source"]
        ):  # those that students see fail, so that Validate says so
            assert errors(cell), cell["source"]


@every_notebook
def test_a_finished_notebook_puts_the_predictions_beside_the_answers(assignment, notebook, tmp_path):
    content = run_all(assignment, notebook, tmp_path, strip_solution_marks(sources(assignment, notebook)))
    assert not any(errors(cell) for cell in content.cells if cell.cell_type == "code")
    (compared,) = [cell for cell in content.cells if grading(cell).get("grade_id") == "compare"]
    (said,) = [output["text"] for output in compared["outputs"]]
    assert "you said" in said and "it is" in said and len(said.splitlines()) >= 4


@every_notebook
def test_only_what_may_be_unfinished_may_fail_without_ending_run_all(assignment, notebook):
    for folder in (source_of(assignment), release_of(assignment)):
        for cell in read_notebook(folder / f"{notebook}.ipynb").cells:
            allowed = "raises-exception" in cell["metadata"].get("tags", [])
            needed = cell["cell_type"] == "code" and grading(cell)["grade_id"] not in ("student", "setup")
            assert allowed == needed, grading(cell)


def raised(text):
    scope: dict = {}
    try:
        exec(compile(text, "<cell>", "exec"), scope)
    except Exception as error:
        error.__traceback__ = error.__traceback__.tb_next
        return error
    raise AssertionError(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (STUB["code"], "This cell is not written yet."),
        (f"def f(x):\n    {STUB['code'].splitlines()[-1]}\nassert f(1) == 2", "`f` is not written yet."),
        (f"def f(x):\n    {STUB['code'].splitlines()[-1]}\ndef g(x):\n    return f(x)\ng(1)", "`f` is not written yet."),
        ("max(rates)", "`rates` is not there: "),
        ("[x for x in rates]", "`rates` is not there: "),
        ("[rates for x in (1, 2)]", "`rates` is not there: "),
        ("def f(x):\n    return y\nf(1)", None),
        ("def f(x):\n    y += 1\nf(1)", None),
        ("raise NotImplementedError('of my own')", None),
        ("raise NameError('of my own')", None),
        ("1 / 0", None),
    ],
)  # fmt: skip
def test_what_is_missing_is_said_in_one_sentence_and_other_errors_keep_their_traceback(text, said):
    found = missing_part(raised(text))
    assert found == said if said is None or said.endswith(".") else found.startswith(said)
