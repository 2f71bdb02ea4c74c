"""``%check`` and ``%hint`` as somebody has them who works alone: in JupyterLab and in Notebook 7, with a real server and a real browser."""

from __future__ import annotations

import json

import pytest

from autograder.notebook.cells import read_notebook
from autograder.selfstudy.exams import write_exam
from tests.assignments import hand_in, kinds_of, release_of, source_of
from tests.pace import HANG
from tests.servers import TOKEN, jupyter_lab
from tests.test_jupyterlab import READY

NOTEBOOK = "0_self_check.ipynb"
CELLS = ["%load_ext autograder", "%check", "%hint"]
FRONT_ENDS = {"JupyterLab": "lab/tree", "Notebook 7": "notebooks"}


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A folder of somebody whose ridge point is upside down, with an exam, and the address of a server over it."""
    base = tmp_path_factory.mktemp("alone")
    folder = hand_in("quantization", kinds_of("quantization")["s15"], base / "work")
    write_exam(source_of("quantization"), release_of("quantization"), folder / "quantization.exam")
    notebook = read_notebook(folder / NOTEBOOK)
    own = {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": []}
    # At the top: a kernel stops at the first test that fails.
    notebook.cells[:0] = [own | {"id": f"own{at}", "source": source} for at, source in enumerate(CELLS)]
    (folder / NOTEBOOK).write_text(notebook.dumps(), "utf-8")
    with jupyter_lab(folder, base) as address:
        yield folder, address


@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_check_saves_what_was_written_and_shows_what_the_tests_say_of_it(work, browser, front_end):
    folder, address = work
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        page.set_default_timeout(1000 * HANG / 6)  # what is not there holds the suite up for as long
        page.goto(f"{address}{FRONT_ENDS[front_end]}/{NOTEBOOK}?token={TOKEN}")
        page.evaluate(READY)
        answer = page.locator(".jp-CodeCell", has_text="def ridge_point").first.locator(".cm-content")
        answer.scroll_into_view_if_needed()

        def run_with(value: str) -> list[str]:
            """What the checks show when the answer is *value*, which nobody saves but they."""
            answer.fill(f"def ridge_point(peak_flops, bandwidth):\n    return {value}  # in {front_end}")
            page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
            return [shown.inner_text() for shown in page.locator(".autograder-check").all()]

        check, hint = run_with("bandwidth / peak_flops")
        assert f"return bandwidth / peak_flops  # in {front_end}" in (folder / NOTEBOOK).read_text("utf-8")
        assert "0_self_check: 10 of 13 points from tests" in check
        assert "ridge_point gave 0.00666667 FLOP/byte at peak_flops=300 TFLOP/s, bandwidth=2 TB/s." in check
        assert "This is what you get when the ridge point is turned upside down." in check
        assert "0_self_check.ipynb as it was saved at" in check
        assert "Hint" in hint and "ridge_point: " in hint
        check, hint = run_with("peak_flops / bandwidth")
        assert "13 of 13 points from tests: public and hidden checks passed" in check
        assert "Since the last check:" in check and "ridge_point_hidden 1/1, was 0/1." in check
        assert "Nothing fails here: no hint is needed." in hint
        assert not page.locator(".jp-OutputArea-output:has-text('ing 0_self_check.ipynb …')").count()
    kept = json.loads((folder / "autograder-progress.json").read_text())["notebooks"]["0_self_check"]
    assert kept["best"]["ridge_point_hidden"] == 1
