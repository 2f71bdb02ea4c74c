"""A small source notebook with a question of each sort that people mark."""

from __future__ import annotations

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

__all__ = ["SCHEME", "essay"]

BOXES = "Explain $x$.\n\n- [ ] It names the **unit**.\n- [x] It gives `f(2)`.\n* [ ] It says why."
MODEL = "### BEGIN SOLUTION\n# Because\n\nA metre, $x^2$, is *a unit*.\n### END SOLUTION"
SCHEME = "Draw a line.\n\n- [ ] It is straight.\n\n=== BEGIN MARK SCHEME ===\nA ruler was used.\n=== END MARK SCHEME ==="


def graded(made: NotebookNode, key: str, points: float = 0, **grade: bool) -> NotebookNode:
    """The cell as one that nbgrader knows."""
    usual = dict.fromkeys(("grade", "solution", "task", "locked"), False)
    about = {"grade_id": key, "schema_version": 3, "points": points}
    made.metadata["nbgrader"] = usual | about | grade
    made.id = key
    return made


def essay(model: str = MODEL, asks: str = BOXES, points: float = 3) -> NotebookNode:
    """The notebook."""
    answer = {"grade": True, "solution": True}
    return new_notebook(
        cells=[
            graded(new_markdown_cell(asks), "asks", locked=True),
            graded(new_markdown_cell(model), "why", points, **answer),
            graded(new_markdown_cell("Write `f`."), "asks-code", locked=True),
            graded(
                new_code_cell("### BEGIN SOLUTION\ndef f(x):\n    return '<b>'\n### END SOLUTION"),
                "code",
                2,
                **answer,
            ),
            graded(new_markdown_cell(SCHEME), "task", 1, task=True, locked=True),
            graded(new_markdown_cell("YOUR ANSWER HERE"), "bare", 1, **answer),
        ]
    )
