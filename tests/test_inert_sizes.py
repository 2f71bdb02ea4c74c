"""Pictures, spans of cells and lengths in formulas are of sizes that a page can take, or they are not shown."""

from __future__ import annotations

import base64
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from autograder.notebook.display.allowance import TooMuch
from autograder.notebook.display.cleaning import clean
from autograder.notebook.display.elements import MATH, allowed_attributes
from autograder.notebook.display.formgrader import shows
from autograder.notebook.display.places import NOTEBOOK, TEXT
from autograder.notebook.display.typeset import formula_markup
from autograder.notebook.inert import inert_outputs
from tests.display_attacks import PIXEL
from tests.soups import Elements


def sized(width: int, height: int, kind: str) -> str:
    file = io.BytesIO()
    Image.new("1" if kind in ("png", "tiff") else "L", (width, height)).save(file, kind)
    return base64.b64encode(file.getvalue()).decode("ascii")


@pytest.mark.parametrize(
    ("width", "height", "kind", "kept"),
    [
        (5000, 5000, "png", True),
        (5001, 5000, "png", False),
        (20_000, 20_000, "png", False),
        (100, 60_000, "jpeg", True),
        (500, 60_000, "jpeg", False),
        (10, 10, "gif", True),
        (6000, 5000, "gif", False),
        (10, 10, "tiff", False),
        (10, 10, "bmp", False),
    ],
)
def test_a_picture_of_more_points_than_a_browser_can_show_is_not_shown(width, height, kind, kept):
    data = sized(width, height, kind)
    named = kind if kind in ("png", "jpeg", "gif") else "png"
    address = f"data:image/{named};base64,{data}"
    output = {
        "output_type": "display_data",
        "data": {f"image/{named}": data, "text/plain": "a"},
        "metadata": {},
    }
    assert (f"image/{named}" in inert_outputs([output])[0]["data"]) is kept
    for html in (f'<img alt="a" src="{address}">', f"<p><img src='{address}'>"):
        output["data"] = {"text/html": html}
        assert ("src=" in inert_outputs([output])[0]["data"]["text/html"]) is kept
    assert shows(f"![a]({address})", None, ()) is kept


@given(st.binary(max_size=200), st.sampled_from(["png", "jpeg", "gif"]), st.integers(0, 60))
def test_a_broken_picture_breaks_nothing(data, kind, at):
    whole = base64.b64decode(PIXEL)
    for made in (data, whole[:at] + data, whole[:at] + data + whole[at:]):
        text = base64.b64encode(made).decode("ascii")
        output = {
            "output_type": "display_data",
            "data": {f"image/{kind}": text, "text/plain": "a"},
            "metadata": {},
        }
        assert inert_outputs([output])[0]["data"]["text/plain"] == "a"


SPANS = st.lists(st.integers(-5, 12_000), min_size=1, max_size=40)


@given(SPANS, SPANS, st.sampled_from(["td", "th", "mtd"]))
def test_cells_span_no_more_than_a_browser_can_lay_out(across, down, tag):
    columns = "columnspan" if tag == "mtd" else "colspan"
    cells = "".join(f"<{tag} {columns}={a} rowspan={b}>x</{tag}>" for a, b in zip(across, down, strict=False))
    text = f"<math><mtable><mtr>{cells}" if tag == "mtd" else f"<table><tr>{cells}</table>"
    try:
        found = Elements(clean(text, NOTEBOOK)).found
    except TooMuch:
        found = []
    spans = [(int(own.get(columns, 1)), int(own.get("rowspan", 1))) for name, own in found if name == tag]
    assert all(1 <= one <= 99 for pair in spans for one in pair)
    assert sum(a * b for a, b in spans) <= 100_000 + len(spans)
    if max(across) < 50 and max(down) < 50:
        assert len(spans) == min(len(across), len(down))


def test_a_span_that_is_too_long_goes_and_the_cell_stays():
    table = '<table><tr><th rowspan="300">a</th><td colspan="2">b</td></tr></table>'
    assert clean(table, NOTEBOOK).count("span=") == 1
    with pytest.raises(TooMuch):
        clean("<table><tr>" + "<td colspan=99 rowspan=99>" * 11, NOTEBOOK)


LENGTHS = st.one_of(
    st.builds("{}{}{}".format, st.sampled_from(["", "-", "+"]), st.decimals(0, 200, places=2), st.sampled_from(["em", "ex", "px", "pt", "%", ""])),
    st.sampled_from(["-1width", "negativethinmathspace", "-.5em", "+2em"]),
)  # fmt: skip


@given(
    st.sampled_from(sorted(MATH)), st.sampled_from([*sorted(allowed_attributes()["mo"]), "voffset"]), LENGTHS
)
def test_nothing_in_a_formula_moves_over_what_is_beside_it(tag, name, value):
    for found, own in Elements(clean(f'<math><{tag} {name}="{value}">x</{tag}></math>', NOTEBOOK)).found:
        assert found != "mpadded" or not own
        for kept in own.values() if found in MATH - {"math"} else ():
            assert name != "voffset" and "-" not in kept and "negative" not in kept
            if length := re.fullmatch(r"([0-9.]+)(em|ex|px|pt)", kept):
                assert float(length[1]) < (3 if length[2] in ("em", "ex") else 30)


@pytest.mark.parametrize(
    "latex",
    [
        r"\frac{a}{b}\quad\Bigg(x\Bigg)",
        r"\begin{pmatrix}a&b\\c&d\end{pmatrix}",
        r"\text{a }\hat{x}\;\sum_{i=1}^n i",
    ],
)
def test_a_formula_keeps_its_look(latex):
    made = formula_markup(latex, "block")
    shown = Elements(clean(made, TEXT)).found[1:]
    assert [own for _, own in shown][1:] == [own for _, own in Elements(made).found][1:]
