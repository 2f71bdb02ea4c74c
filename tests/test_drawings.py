"""Drawings of students are shown as pictures, unless a browser could not draw them."""

from __future__ import annotations

import base64

import pytest

from autograder.examiner.display.cleaning import clean
from autograder.examiner.display.expendable import ask
from autograder.examiner.display.places import NOTEBOOK
from tests.soups import Elements


def doubled(refer: str, levels: int) -> str:
    """A drawing each of whose parts refers twice to the one before."""
    parts = "".join(f"<g id='a{i}'>{refer.format(i - 1) * 2}</g>" for i in range(1, levels))
    return f"<svg xmlns='http://www.w3.org/2000/svg' xmlns:x='http://www.w3.org/1999/xlink'><g id='a0'><path/></g>{parts}</svg>"


@pytest.mark.parametrize(
    "refer",
    [
        "<use href='#a{}'/>",
        "<use x:href=' #a{} '/>",
        "<g fill='url(#a{})'/>",
        "<g style='mask:url( \"#a{}\")'/>",
    ],
)
def test_a_drawing_that_uses_itself_again_and_again_is_its_description(refer):
    assert "src=" in ask("drawing", doubled(refer, 10), "text", "a")
    assert ask("drawing", doubled(refer, 25), "text", "a curve") == '<img alt="a curve">'
    assert "src=" not in ask("html", f"<p>x</p>{doubled(refer, 25)}", "output")
    hidden = base64.b64encode(doubled(refer, 25).encode()).decode("ascii")
    assert "src=" not in ask("html", f"<img src='data:image/svg+xml;base64,{hidden}'>", "output")


@pytest.mark.parametrize(
    "inside",
    [
        "<g id='a'><use href='#b'/></g><g id='b'><use href='#a'/></g>",
        "<style>path { fill: url(#a) } @import 'data:text/css,x'</style><path/>",
        "<path style='fill: u\\72l(#a)'/>",
    ],
)
def test_a_drawing_that_hides_how_much_it_is_is_its_description(inside):
    text = f"<svg xmlns='http://www.w3.org/2000/svg'>{inside}</svg>"
    assert ask("drawing", text, "text", "a") == '<img alt="a">'


def test_a_drawing_that_no_browser_can_read_is_its_description():
    assert ask("drawing", "<svg aria-label='a curve'><g></svg>", "text", "") == '<img alt="a curve">'


def test_text_in_a_drawing_stays_in_the_drawing():
    label = base64.b64encode(b"x").decode()
    made = clean(
        f"<p title='<svg aria-label=\"{label}\"></svg>'>x</p><svg aria-label='a \"b\"'><title>c</title></svg>",
        NOTEBOOK,
    )
    assert [tag for tag, _ in Elements(made).found] == ["div", "p", "img"]
    assert Elements(made).found[-1][1]["alt"] == 'a "b"'
