"""Honest work never loses: right answers in every form and state that students hand them in get full marks."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from autograder.notebook.assemble import assemble
from autograder.notebook.cells import grading, read_notebook
from tests.assignments import RIGHT, examined, hand_in, notebooks_of
from tests.attack_cases import LIMITS, RELEASE, SOURCE, answers, examined_at
from tests.display_attacks import PIXEL

Change = Callable[[list[dict[str, Any]], dict[str, dict[str, Any]]], None]

# What students write besides or in place of the model answers, by the cell that it replaces.
ANSWERS: dict[str, dict[str, str]] = {
    "a_warning_on_stderr": {
        "regime": "import warnings\ndef regime(ai, ridge):\n    warnings.warn('close to the ridge')\n"
        "    return 'memory-bound' if ai < ridge else 'compute-bound'"
    },
    "prints_at_every_call": {
        "ridge_point": "def ridge_point(peak_flops, bandwidth):\n    print('ridge', peak_flops / bandwidth)\n    return peak_flops / bandwidth"
    },
    "a_progress_bar": {
        "sweep": "import sys\nintensities = np.logspace(-1, 4, 101)\nrates, gains = [], []\npeak, bandwidth = case['device']['peak_flops'], case['device']['bandwidth']\n"
        "for n, ai in enumerate(intensities):\n    print(f'\\r{n}/101', end='', file=sys.stderr)\n    rates.append(attainable(ai, peak, bandwidth))\n"
        "    gains.append(speedup_limit(ai, ridge_point(peak, bandwidth), case['shrink']))"
    },
    "numpy_scalars": {
        "attainable": "def attainable(ai, peak_flops, bandwidth):\n    return np.minimum(np.float64(peak_flops), ai * bandwidth)"
    },
    "zero_dimensional_arrays": {
        "attainable": "def attainable(ai, peak_flops, bandwidth):\n    return np.asarray(min(peak_flops, ai * bandwidth))"
    },
    "differences_of_one_in_a_billion": {
        "speedup_limit": "def speedup_limit(ai, ridge, k):\n    return max(1, ridge / ai) / max(1, ridge / (ai * k)) * (1 + 1e-9)"
    },
    "recursion": {
        "regime": "def count(n):\n    return 0 if n == 0 else 1 + count(n - 1)\ndef regime(ai, ridge):\n    count(500)\n"
        "    return 'memory-bound' if ai < ridge else 'compute-bound'"
    },
    "a_class_with_methods": {
        "ridge_point": "class Device:\n    def __init__(self, peak, bandwidth):\n        self.ridge = peak / bandwidth\ndef ridge_point(peak_flops, bandwidth):\n    return Device(peak_flops, bandwidth).ridge"
    },
    "a_lambda": {"ridge_point": "ridge_point = lambda peak_flops, bandwidth: peak_flops / bandwidth"},
    "a_partial_function": {
        "ridge_point": "import functools, operator\nridge_point = functools.partial(operator.truediv)"
    },
    "a_cached_function": {
        "ridge_point": "import functools\n@functools.cache\ndef ridge_point(peak_flops, bandwidth):\n    return peak_flops / bandwidth"
    },
    "global_state_between_cells": {
        "ridge_point": "seen = []\ndef ridge_point(peak_flops, bandwidth):\n    seen.append(peak_flops)\n    return peak_flops / bandwidth",
        "regime": "assert isinstance(seen, list)\nword = ('memory', 'compute')\ndef regime(ai, ridge):\n    return word[ai >= ridge] + '-bound'",
    },
    "renamed_helpers": {
        "speedup_limit": "def t(intensity, edge):\n    return max(1.0, edge / intensity)\ndef speedup_limit(ai, ridge, k):\n    return t(ai, ridge) / t(ai * k, ridge)"
    },
    "magics": {
        "ridge_point": "%matplotlib inline\n%time x = 1\ndef ridge_point(peak_flops, bandwidth):\n    return peak_flops / bandwidth"
    },
    "a_cell_magic": {
        "ridge_point": "%%time\ndef ridge_point(peak_flops, bandwidth):\n    return peak_flops / bandwidth"
    },
    "a_shell_command": {
        "ridge_point": "!echo hello\nfiles = !ls\ndef ridge_point(peak_flops, bandwidth):\n    return peak_flops / bandwidth"
    },
    "top_level_await": {
        "ridge_point": "import asyncio\nawait asyncio.sleep(0)\ndef ridge_point(peak_flops, bandwidth):\n    return peak_flops / bandwidth"
    },
    "displayed_values_and_figures": {
        "ridge_point": "def ridge_point(peak_flops, bandwidth):\n    return peak_flops / bandwidth\nplt.plot([1, 2])\nplt.show()\ndisplay({'a': 1})\nridge_point(1, 2)"
    },
    "threads_that_end": {
        "ridge_point": "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(4) as pool:\n    squares = list(pool.map(lambda x: x * x, range(10)))\n"
        "def ridge_point(peak_flops, bandwidth):\n    return peak_flops / bandwidth"
    },
    "processes_that_end": {
        "ridge_point": "import multiprocessing\nwith multiprocessing.get_context('fork').Pool(2) as pool:\n    squares = pool.map(abs, [-1, 2])\n"
        "def ridge_point(peak_flops, bandwidth):\n    return peak_flops / bandwidth"
    },
    "a_file_of_one_s_own": {
        "ridge_point": "open('notes.txt', 'w').write('1')\nassert open('notes.txt').read() == '1'\ndef ridge_point(peak_flops, bandwidth):\n    return peak_flops / bandwidth"
    },
    "tuples_and_arrays_for_lists": {
        "sweep": "intensities = np.logspace(-1, 4, 101)\npeak, bandwidth = case['device']['peak_flops'], case['device']['bandwidth']\n"
        "rates = np.minimum(peak, intensities * bandwidth)\n"
        "gains = tuple(speedup_limit(ai, ridge_point(peak, bandwidth), case['shrink']) for ai in intensities)"
    },
    "one_for_true": {
        "answer": "answer_regime, answer_helps, answer_speedup = 'memory-bound', np.True_, np.int64(4)"
    },
}


def delete_the_set_up(cells, by_id):
    """A locked cell is deleted."""
    cells.remove(by_id["setup"])


def empty_the_set_up(cells, by_id):
    """A locked cell is emptied."""
    by_id["setup"]["source"] = ""


def an_answer(cells):
    """The first cell that defines a function of the student's."""
    return next(
        cell for cell in cells if grading(cell).get("solution") and cell["source"].lstrip().startswith("def ")
    )


def copy_an_answer(cells, by_id):
    """An answer is copied and pasted, with its id."""
    cells.insert(cells.index(an_answer(cells)) + 1, copy.deepcopy(an_answer(cells)))


def copy_every_cell(cells, by_id):
    """Everything stands in the notebook twice."""
    cells += copy.deepcopy(cells)


def delete_the_tests(cells, by_id):
    """All test cells are deleted."""
    cells[:] = [c for c in cells if not (grading(c).get("grade") and not grading(c)["solution"])]


def copy_the_tests(cells, by_id):
    """All test cells are pasted a second time at the end."""
    cells += [copy.deepcopy(c) for c in cells if grading(c).get("grade") and not grading(c)["solution"]]


def lose_an_id(cells, by_id):
    """An answer was moved to a new cell, which nbgrader does not know."""
    an_answer(cells)["metadata"] = {}


def add_cells(cells, by_id):
    """Cells of the student's own, one of which fails."""
    own = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    name = an_answer(cells)["source"].split("(")[0].removeprefix("def ")
    cells.insert(3, {**own, "source": f"draft = {name}(1, 2)"})
    cells.insert(9, {**own, "source": "1 / 0"})
    cells.append({**own, "source": "print('done')"})


def run_out_of_order(cells, by_id):
    """The saved file says that cells were run in another order, with outputs."""
    for n, cell in enumerate(cells):
        if cell["cell_type"] == "code":
            cell["execution_count"] = 97 - n
            cell["outputs"] = [{"output_type": "stream", "name": "stderr", "text": ["old\n"]}]


def drop_cell_ids(cells, by_id):
    """nbformat 4.4 has no cell ids."""
    for cell in cells:
        del cell["id"]


def repeat_cell_ids(cells, by_id):
    """Two cells have the same nbformat id."""
    for cell in cells:
        cell["id"] = "same"


def sources_as_lists(cells, by_id):
    """Sources are stored line by line, with the line ends of Windows."""
    for cell in cells:
        cell["source"] = [line + "\r\n" for line in cell["source"].split("\n")]


def change_all_metadata(cells, by_id):
    """An editor added metadata of its own and dropped nbgrader's checksums."""
    for cell in cells:
        cell["metadata"] |= {"collapsed": False, "tags": ["x"], "editable": True}
        grading(cell).pop("checksum", None)


CHANGES: list[Change] = [
    delete_the_set_up,
    empty_the_set_up,
    copy_an_answer,
    copy_every_cell,
    delete_the_tests,
    copy_the_tests,
    lose_an_id,
    add_cells,
    run_out_of_order,
    drop_cell_ids,
    repeat_cell_ids,
    sources_as_lists,
    change_all_metadata,
]


def right_notebook(replaced: dict[str, str] | None = None) -> dict[str, Any]:
    notebook = read_notebook(RELEASE)
    for grade_id, text in (answers("right") | (replaced or {})).items():
        notebook.by_grade_id()[grade_id]["source"] = text
    return notebook.content


def troubles(content: dict[str, Any], path) -> dict[str, str]:
    """What a submission lost points for."""
    path.write_text(json.dumps(content), "utf-8")
    result = examined_at(path, LIMITS)
    assert result.verdicts and not result.notes
    return {
        key: verdict.message for key, verdict in result.verdicts.items() if verdict.score < verdict.maximum
    }


@pytest.mark.parametrize("name", ANSWERS)
def test_a_right_answer_in_another_form_has_full_marks(name, tmp_path):
    assert troubles(right_notebook(ANSWERS[name]), tmp_path / "n.ipynb") == {}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_notebook_in_another_state_has_full_marks(assignment, change, tmp_path):
    path = hand_in(assignment, RIGHT, tmp_path) / f"{notebooks_of(assignment)[0]}.ipynb"
    content = read_notebook(path).content
    change(content["cells"], {grading(c)["grade_id"]: c for c in content["cells"] if grading(c)})
    path.write_text(json.dumps(content), "utf-8")
    result = examined(assignment, path, limits=LIMITS)
    assert result.verdicts and not result.notes
    assert {key: v.message for key, v in result.verdicts.items() if v.score < v.maximum} == {}


@pytest.mark.parametrize("minor", [0, 2, 4, 5])
def test_another_minor_version_of_the_format_has_full_marks(minor, tmp_path):
    content = right_notebook() | {"nbformat_minor": minor}
    assert troubles(content, tmp_path / "n.ipynb") == {}


def test_worksheets_of_the_old_format_have_full_marks(tmp_path):
    cells = right_notebook()["cells"]
    for cell in cells:
        if cell["cell_type"] == "code":
            cell["input"] = cell.pop("source")
    content = {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": cells}]}
    assert troubles(content, tmp_path / "n.ipynb") == {}


def test_a_byte_order_mark_and_another_kernel_change_nothing(tmp_path):
    content = right_notebook()
    content["metadata"] = {"kernelspec": {"name": "julia-1.9", "language": "julia", "display_name": "Julia"}}
    path = tmp_path / "n.ipynb"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(content).encode())
    assert all(v.score == v.maximum for v in examined_at(path, LIMITS).verdicts.values())


def test_a_crash_in_one_cell_costs_that_cell_alone(tmp_path):
    lost = troubles(right_notebook({"regime": "1 / 0"}), tmp_path / "n.ipynb")
    assert set(lost) == {"regime_visible", "regime_hidden", "test_answer"}


def test_a_picture_in_an_answer_is_kept(tmp_path):
    content = right_notebook()
    png = PIXEL
    own = {"cell_type": "markdown", "metadata": {}, "source": "![sketch](attachment:sketch.png)"}
    content["cells"].append(own | {"attachments": {"sketch.png": {"image/png": png}}})
    path = tmp_path / "n.ipynb"
    path.write_text(json.dumps(content))
    assert assemble(SOURCE, path).cells[-1]["attachments"] == {"sketch.png": {"image/png": png}}
