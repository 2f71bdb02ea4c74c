"""What is shown of a student's is built from an allow-list, says the same when it is cleaned again, and can be written."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.notebook.display.cleaning import UNSEEN, clean
from autograder.notebook.display.expendable import ask
from autograder.notebook.display.places import NOTEBOOK, OUTPUT, TEXT
from autograder.notebook.display.typeset import code_markup, formula_markup, markdown_markup
from autograder.notebook.inert import inert_attachments, inert_markdown, inert_outputs, inert_text, writable
from autograder.notebook.rendering import make_inert
from autograder.pages.markup import code_html, markdown_html, outputs_html
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
    from mlsysim.plots.figure import Plot, new_axes

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

    monkeypatch.setattr("autograder.notebook.inert.ask", never)
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
