"""What is shown of a student's is built from an allow-list, says the same when it is cleaned again, and can be written."""

from __future__ import annotations

import base64
import io
import json
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from autograder.examiner.display.allowance import TooMuch
from autograder.examiner.display.cleaning import UNSEEN, clean
from autograder.examiner.display.elements import MATH, allowed_attributes
from autograder.examiner.display.expendable import ask
from autograder.examiner.display.formgrader import shows
from autograder.examiner.display.places import NOTEBOOK, OUTPUT, TEXT
from autograder.examiner.display.typeset import code_markup, formula_markup, markdown_markup
from autograder.examiner.inert import inert_attachments, inert_markdown, inert_outputs, inert_text, writable
from autograder.examiner.rendering import make_inert
from autograder.markup import code_html, markdown_html, outputs_html
from tests.display_attacks import PIXEL
from tests.hostile_payloads import payloads
from tests.soups import Elements, check_elements, soup, soups

PLACES = [NOTEBOOK, OUTPUT, TEXT]


@given(soups)
def test_what_comes_out_has_only_what_may_be_and_is_the_same_when_it_is_cleaned_again(text):
    for place in PLACES:
        once = clean(text, place)
        check_elements(Elements(once).found)
        assert clean(once, place) == once


def test_every_hostile_payload_comes_out_as_allowed_elements_and_stays_as_it_is():
    for _, text in payloads():
        for place in PLACES:
            for made in (text, markdown_markup(text, 1), formula_markup(text, "block")):
                once = clean(made, place)
                check_elements(Elements(once).found)
                assert clean(once, place) == once


@given(st.one_of(soups, st.text(), st.sampled_from([text for _, text in payloads()])))
def test_highlighted_code_is_spans_around_the_text(text):
    found = Elements(code_markup(text))
    assert [tag for tag, _ in found.found[:2]] == ["pre", "code"]
    assert all(tag == "span" and attributes.keys() <= {"class"} for tag, attributes in found.found[2:])
    assert "".join(found.text.split()) == "".join(text.split())


def test_a_browser_finds_nothing_else_in_it_either(browser):
    texts = [soup(random.Random(seed)) for seed in range(600)] + [text for _, text in payloads()]
    cleaned = [clean(text, place) for text in texts for place in (NOTEBOOK, OUTPUT)]
    with browser.new_context() as context:
        found = context.new_page().evaluate(
            """texts => texts.map(text => [...new DOMParser().parseFromString(text, "text/html").querySelectorAll("body *")].map(
                element => [element.localName, Object.fromEntries([...element.attributes].map(one => [one.name, one.value]))]))""",
            cleaned,
        )
    for text, elements in zip(cleaned, found, strict=True):
        check_elements(elements)
        # What is written means the same to a browser: it needs no repair, which could change what stands where.
        if "<math" not in text:
            assert [tag for tag, _ in elements] == [tag for tag, _ in Elements(text).found], text


HONEST_HTML = {
    "pandas": '<div><table border="1" class="dataframe"><thead><tr style="text-align: right;"><th></th><th>a</th></tr></thead>'
    "<tbody><tr><th>0</th><td>1</td></tr></tbody></table></div>",
    "colours": '<p style="color: #a40000; font-weight: bold; padding: 2px 4px; border: 1px solid rgb(0, 0, 0)">x <b>y</b></p>',
    "link": '<a href="https://example.org/?a=1&amp;b=2">x</a> <a href="mailto:a@b.test">y</a>',
    "details": '<details open=""><summary>s</summary><pre>  a\n\n  b</pre></details>',
    "list": '<ol start="3"><li>a<ul><li>b</li></ul></li></ol><hr><p>x<br>y&nbsp;z</p>',
}


@pytest.mark.parametrize("text", HONEST_HTML.values(), ids=HONEST_HTML)
def test_honest_html_keeps_its_look(text):
    shown = inert_outputs([{"output_type": "display_data", "data": {"text/html": text}, "metadata": {}}])[0][
        "data"
    ]["text/html"]
    expected = (
        text.replace(' border="1"', "")
        .replace('right;"', 'right"')
        .replace("&nbsp;", "\xa0")
        .replace('">x</a>', '" rel="noopener noreferrer">x</a>')
        .replace('">y</a>', '" rel="noopener noreferrer">y</a>')
    )
    assert shown == f'<div class="tex2jax_ignore">{expected}</div>'


def test_the_library_s_own_tables_and_figures_keep_their_look_and_their_description(monkeypatch):
    from mlsysim import Hardware
    from mlsysim.drawing import Plot, new_axes

    table = Hardware.Cloud._repr_html_()
    made = ask("html", table, "notebook")
    assert [tag for tag, _ in Elements(made).found][1:] == [tag for tag, _ in Elements(table).found]
    page = outputs_html([{"output_type": "display_data", "data": {"text/html": table}, "metadata": {}}])
    assert '<div class="scroll" role="group" aria-label="Table" tabindex="0"><table>' in page
    figure = Plot(new_axes("t", "x", "y").figure, "batch 1: 1.9x < 2x & 'more' \"")
    data, metadata = figure._repr_mimebundle_()
    slow = ask("html", data["text/html"], "notebook")

    def never(*_):
        raise AssertionError("a figure needs no cleaning")

    monkeypatch.setattr("autograder.examiner.inert.ask", never)
    shown = inert_outputs([{"output_type": "execute_result", "data": data, "metadata": metadata}])[0]
    assert shown["data"] == {**data, "text/html": slow}
    assert shown["metadata"] == metadata


def test_a_figure_without_a_description_says_so():
    assert f'alt="{UNSEEN}"' in clean('<img src="data:image/png;base64,' + PIXEL + '">', NOTEBOOK)


ANYTHING = st.text(st.characters(codec=None, exclude_categories=()))


@given(ANYTHING)
def test_everything_that_is_stored_or_shown_can_be_written(text):
    cells = [
        {"cell_type": kind, "source": inert_markdown(text), "metadata": {}}
        for kind in ("markdown", "raw", "code")
    ]
    outputs = [
        {"output_type": "stream", "name": text, "text": text},
        {"output_type": "error", "ename": text, "evalue": text, "traceback": [text]},
        *(
            {"output_type": "display_data", "data": {kind: text}, "metadata": {kind: {"alt": text}}}
            for kind in (
                "text/html",
                "text/markdown",
                "text/latex",
                "text/plain",
                "image/svg+xml",
                "image/png",
            )
        ),
        {
            "output_type": "display_data",
            "data": {"image/png": PIXEL},
            "metadata": {"image/png": {"alt": text, "width": text}},
        },
    ]
    make_inert(cells, {2: outputs})
    attached = inert_attachments({text: {"image/png": PIXEL}, "x.png": {"image/png": text}})
    for made in (
        json.dumps([cells, attached], ensure_ascii=False),
        outputs_html(outputs),
        markdown_html(text),
        code_html(text),
    ):
        assert "\x00" not in made.encode("utf-8").decode("utf-8")


def test_a_mark_stands_for_what_cannot_be_written():
    assert writable("a\ud83d\x00b\U0001f600") == "a\ufffd\ufffdb\U0001f600"


def test_colours_stay_and_other_commands_for_a_terminal_go():
    assert inert_text("\x1b[31mred\x1b[0m\x1b[2J\x1b]0;title\x07") == "\x1b[31mred\x1b[0m]0;title\x07"
    assert "\x1b" not in inert_text("\x1b[1mx" * 100_000)


@pytest.mark.parametrize("width", [float("nan"), float("inf"), -1, 10**400, "1 onload=x", True, [1]])
def test_a_picture_s_size_is_a_size(width):
    output = {
        "output_type": "display_data",
        "data": {"image/png": PIXEL},
        "metadata": {"image/png": {"width": width, "height": 7.5}},
    }
    assert inert_outputs([output])[0]["metadata"] == {"image/png": {"height": 7}}


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
