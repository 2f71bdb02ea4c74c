"""A Markdown cell stays what its author wrote wherever that can do nothing on Formgrader's page; else its text is shown as it was typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.notebook import rendering
from autograder.notebook.display.formgrader import shows
from autograder.notebook.inert import inert_attachments, inert_markdown
from autograder.notebook.rendering import make_inert, showable_markdown
from tests.display_attacks import PIXEL
from tests.hostile_payloads import LATEX, MARKDOWN
from tests.soups import soups

HONEST_MARKDOWN = {
    "prose": "The large model gains more: 2.7x against 1.9x, *because* its overhead (10 µs) is amortised - see `itl`.\n\n1. a\n2. b",
    "untouched": "YOUR ANSWER HERE",
    "headings": "# Why\n\n## The cache grows\n\nSee [the paper](https://arxiv.org/abs/2210.17323).",
    "formulas": "$t = \\frac{W}{B} + \\max(a, b)$ and\n\n$$\\begin{align} x &= \\sum_{i=1}^n \\alpha_i \\\\ y &\\leq \\left( 2 \\right) \\end{align}$$",
    "code": "```python\nif a < b and c > d:\n    print('$x$ \\\\href')\n```\n\n    indented\n",
    "table": "| batch | gain |\n|---|:-:|\n| 1 | 1.9x |\n\n> a quotation\n\n- [ ] open\n- [x] done\n\n~~no~~ https://example.org/a?b=1",
    "comparison": "a < b, so 3 < 4 and x<3; costs 5 $ & more",
}


@pytest.mark.parametrize("text", HONEST_MARKDOWN.values(), ids=HONEST_MARKDOWN)
def test_an_honest_markdown_cell_stays_as_it_was_written(text):
    assert showable_markdown(inert_markdown(text), None, ("predict",)) == text


def test_a_picture_that_is_attached_is_shown():
    attached = inert_attachments({"x.png": {"image/png": PIXEL, "text/html": "<b>"}})
    assert showable_markdown("![x](attachment:x.png)", attached) == "![x](attachment:x.png)"
    assert showable_markdown("![x](attachment:y.png)", attached) == "    ![x](attachment:y.png)"


@pytest.mark.parametrize(
    "heading", ["# predict", "predict\n---", "## predict-comment ##", "statusmessage\n===", "> ### notebook"]
)
def test_a_heading_never_takes_an_id_that_formgrader_s_scripts_look_for(heading):
    cells = [
        {"cell_type": "markdown", "source": f"{heading}\n\ntext", "metadata": {}},
        {
            "cell_type": "code",
            "source": "",
            "metadata": {"nbgrader": {"grade_id": "predict", "solution": True}},
        },
    ]
    make_inert(cells, {})
    taken = ("predict", "predict-comment", "statusmessage", "notebook")
    assert shows(cells[0]["source"], None, taken) and cells[0]["source"].replace("\u200b", "").endswith(
        f"{heading}\n\ntext".splitlines()[-1]
    )
    assert not shows(f"{heading}\n\ntext", None, taken)


STRUCTURED = {
    "lists": "".join("  " * level + "- a\n" for level in range(60)),
    "lists in a line": "- 1. " * 700,
    "definitions": "a\n: " * 1000,
    "emphasis": "*a _b " * 190,
    "stars": "*" * 200 + "a" + "_" * 200,
    "a table": "|a" * 99 + "|\n" + "|-" * 99 + "|\n",
    "backquotes": " `" * 200,
    "dollars": "$$a\n\n" * 100,
    "not quite links": "http:/ www.a.test a@b.test " * 100,
}


@pytest.mark.parametrize("text", STRUCTURED.values(), ids=STRUCTURED)
def test_structured_prose_that_is_not_looked_at_is_what_formgrader_can_show(text):
    assert rendering._is_prose(text) and shows(text, None, ())


@given(st.text(st.sampled_from("ab1 .,:;()-+*_`'\"|!?/=%$^{}@\n\t")), st.text())
def test_prose_that_is_not_looked_at_is_what_formgrader_can_show(text, more):
    for source in (text, more):
        if rendering._is_prose(inert_markdown(source)):
            assert shows(inert_markdown(source), None, ())


@given(
    st.one_of(
        st.text(),
        soups,
        st.sampled_from([template.format(x="x", n=1, e="e") for template in (*MARKDOWN, *LATEX)]),
    )
)
def test_what_is_shown_as_code_is_code_whatever_it_says(text):
    made = rendering._as_code(inert_markdown(text))
    assert shows(made, None, ())


def test_raw_cells_become_blocks_of_code():
    cell = {"cell_type": "raw", "source": "$\\href{javascript:x}{y}$ a\n  b", "metadata": {}}
    make_inert([cell], {})
    assert (cell["cell_type"], cell["source"]) == ("markdown", "    $\\href{javascript:x}{y}$ a\n      b")
