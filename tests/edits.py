"""Right notebooks that were edited as students do it: cells of their own, moved, copied, split and retyped ones, and what only a notebook can do."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, writes

from autograder.notebook.cells import grading, is_test
from tests.kernel_features import FEATURES, OTHER
from tests.small import cell

__all__ = ["LOCKED", "RIGHT", "TESTS", "edited", "whole"]

STUB = "# YOUR CODE HERE\nraise NotImplementedError()"
RIGHT = {
    "area": "def area(r):\n    return PI * square(r)",
    "volume": "def volume(r, h):\n    return area(r) * h",
    "best": "best = max([3, 1, 2])",
}
HELPER = "def square(x):\n    return x * x"
TESTS = {
    "area_test": "assert area(2) == 4 * PI",
    "volume_test": "total = volume(2, 3)\nassert total == 12 * PI",
    "best_test": "assert best == 3 and volume(1, 1) == PI",
}
LOCKED = {"setup": "PI = 3", **TESTS}
OWN = [
    "",
    "x = 1",
    "print(x)",
    "1 / 0",
    "def area(r):\n    return 0",
    "def volume(r, h):\n    return 0",
    "best = 0",
    "del best",
    "def square(x):\n    return x + x",
    HELPER,
    *RIGHT.values(),
    "shape = area\ndef area(r):\n    return shape(r)",
    "def other():\n    area = best = 0\n    return area",
    "if True:\n    from math import prod as square",
]


def answer(grade_id: str, source: str) -> Any:
    return cell(grade_id, source, solution=True)


def whole() -> list[Any]:
    """The cells of the source: three answers, each with its test, and a written one."""
    written = new_markdown_cell("Because.", id="why")
    written.metadata["nbgrader"] = dict(
        grade_id="why", schema_version=3, grade=True, solution=True, locked=False, task=False, points=1
    )
    return [
        new_markdown_cell("Circles", id="text"),
        cell("setup", LOCKED["setup"]),
        answer("area", f"{HELPER}\n{RIGHT['area']}"),
        cell("area_test", TESTS["area_test"], 1),
        new_markdown_cell("Cylinders", id="text-2"),
        answer("volume", RIGHT["volume"]),
        cell("volume_test", TESTS["volume_test"], 1),
        answer("best", RIGHT["best"]),
        cell("best_test", TESTS["best_test"], 1),
        written,
    ]


EDITS = ("own", "move", "copy", "copy with another text", "delete", "split", "elsewhere", "lost id", "retype")
KERNEL_EDITS = ("feature", "feature", "feature", "other value", "other value", "no metadata", "merge")


@st.composite
def edited(draw: Any, in_a_kernel: bool = False) -> list[dict[str, Any]]:
    """A right notebook that was edited in up to eight ways, with what only works *in_a_kernel* if it is for one."""
    cells: list[dict[str, Any]] = json.loads(writes(new_notebook(cells=whole())))["cells"]
    for one in cells:
        one["source"] = "".join(one["source"])
    for what in draw(st.lists(st.sampled_from(EDITS + KERNEL_EDITS * in_a_kernel), max_size=8)):
        at, to = (draw(st.integers(0, len(cells) - 1)) for _ in range(2))
        one = cells[at]
        text = draw(st.sampled_from(OWN))
        if what == "own":
            cells.insert(to, new_code_cell(text))
        elif what == "move":
            cells.insert(to, cells.pop(at))
        elif what == "copy":
            cells.insert(to, copy.deepcopy(one))
        elif what == "copy with another text":
            cells.insert(to, one | {"source": text})
        elif what == "delete" and len(cells) > 1:
            del cells[at]
        elif what == "split":  # between two definitions; both parts keep the id
            lines = one["source"].split("\ndef ")
            cells[at : at + 1] = [
                one | {"source": lines[0]},
                *(one | {"source": f"def {rest}"} for rest in lines[1:]),
            ]
        elif what == "elsewhere" and not is_test(one):  # the answer in a cell of the student's own
            cells[at] = one | {"source": STUB}
            cells.insert(to, new_code_cell(one["source"]))
        elif what == "lost id" and not is_test(one):
            cells[at] = one | {"metadata": {}}
        # With a copy that still is code, that one counts, where stock takes the last one: it may be a wrong try, kept as text.
        elif what == "retype" and not (
            in_a_kernel and grading(one) and [grading(c) for c in cells].count(grading(one)) > 1
        ):
            cells[at] = one | {"cell_type": draw(st.sampled_from(["code", "markdown", "raw"]))}
        elif what == "feature" and one["cell_type"] == "code" and not is_test(one):
            if not one["source"].startswith(("%%", "from __future__")):
                cells[at] = one | {"source": f"{draw(st.sampled_from(FEATURES))}\n{one['source']}"}
        elif what == "other value" and (key := grading(one).get("grade_id")) in OTHER:
            helper = HELPER + "\n" if key == "area" else ""
            cells[at] = one | {"source": helper + draw(st.sampled_from(OTHER[key]))}
        elif what == "no metadata" and not is_test(one):
            cells[at] = one | {"metadata": {}, "id": f"c{to}"}
        elif what == "merge" and at + 1 < len(cells):
            both = cells[at : at + 2]
            if all(cell["cell_type"] == "code" and not is_test(cell) for cell in both):
                cells[at : at + 2] = [one | {"source": "\n".join(cell["source"] for cell in both)}]
    return cells
