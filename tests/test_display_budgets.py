"""A text is shown in time or not at all, whatever it is; so are all the texts of a notebook together."""

from __future__ import annotations

import time

import pytest
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

from autograder.notebook import rendering
from autograder.notebook.cells import read_notebook
from autograder.notebook.display import allowance, budgets
from autograder.notebook.display.allowance import TOO_MUCH, TooMuch, one_notebook
from autograder.notebook.display.cleaning import clean
from autograder.notebook.display.expendable import ask
from autograder.notebook.display.places import OUTPUT
from autograder.notebook.inert import inert_outputs
from autograder.notebook.rendering import make_inert, showable_code, showable_markdown
from autograder.pages.markup import outputs_html
from tests import pace
from tests.attack_cases import SOURCE

N = 20_000
SLOW = {
    "svg": ("html", "<svg " * 10 * N),
    "svg with ends": ("html", "<svg></svg" * N),
    "nested": ("html", "<div>" * N),
    "nested far": ("html", "<div>" * 10 * N),
    "formatting": ("html", "<p>" + "".join(f"<b title={i}>" for i in range(1600)) + "</p>" + "<p>x</p>" * 1600),
    "links": ("html", "<a href='https://a.test'>" * N),
    "tables": ("html", "<table><tr><td>" * N),
    "comments": ("html", "<!--" * N),
    "attributes": ("html", "<p " + " ".join(f"a{i}=1" for i in range(N)) + ">"),
    "environments": ("markdown", "\\begin{a}" * 4000),
    "emphasis": ("markdown", "*a **b " * 4000),
    "brackets": ("markdown", "[" * N),
    "links of links": ("markdown", "[a](" * N),
    "backquotes": ("markdown", " ".join("`" * i for i in range(1, 200))),
    "quotations": ("markdown", ">" * N),
    "lists": ("markdown", "".join(" " * i + "- a\n" for i in range(300))),
    "references": ("markdown", "[a]: <" * N),
    "dollars": ("markdown", "$a" * N),
    "braces": ("latex", "{" * N),
    "fractions": ("latex", "\\frac{" * N),
    "long formula": ("latex", "x^2+" * 24_000),
    "macros": ("latex", "\\def\\a{xx}" + "".join(f"\\def\\{chr(98 + i)}{{\\{chr(97 + i)}\\{chr(97 + i)}}}" for i in range(20)) + "\\u"),
    "strings": ("code", "'" * N + '"""' * N),
    "f-strings": ("code", "f'{" * N),
    "parentheses": ("code", "(" * N),
    "lines": ("code", "\\\n" * N),
    "too long": ("html", "x" * 3_000_000),
}  # fmt: skip
MORE = {"html": ("notebook",), "markdown": ("notebook", 0), "latex": ("notebook",), "code": ()}


@pytest.mark.parametrize("name", SLOW)
def test_a_text_is_shown_in_time_or_not_at_all(name, monkeypatch):
    monkeypatch.setattr(budgets, "SECONDS", 0.7)
    kind, text = SLOW[name]
    began = time.monotonic()
    try:
        made = ask(kind, text, *MORE[kind])
        assert len(made) <= 3 * len(text) + budgets.MAX_HTML
    except TooMuch:
        pass
    if kind == "markdown":
        assert showable_markdown(text).strip()
    # The process that fails is replaced by the next, which takes a while to start.
    assert time.monotonic() - began < pace.seconds(10)


CODE = {
    "spaces and lines": " \n" * 5000,
    "dots": "a." * 5000,
    "names": "'" + "\\N{" * 3000,
    "lines": ("x = 1" + " " * 150 + "\n") * 60,
    "quotation marks": "'\"" * 5000,
    "long": "x = 1\n" * 100_000,
    "parentheses": "(" * 10_000,
    "magics": "%a ?! " * 1600,
}


@pytest.mark.parametrize("text", CODE.values(), ids=CODE)
def test_code_that_is_shown_is_highlighted_in_time(text):
    shown = showable_code(text)
    began = time.process_time()
    highlight(shown, get_lexer_by_name("ipython3"), HtmlFormatter())
    assert time.process_time() - began < 2 * budgets.SECONDS
    assert shown == text or TOO_MUCH in shown


def test_ordinary_code_is_shown_as_it_is_without_being_looked_at(monkeypatch):
    monkeypatch.setattr(rendering, "ask", lambda *_: pytest.fail("it was looked at"))
    for cell in read_notebook(SOURCE).cells:
        assert showable_code(cell["source"]) == cell["source"]


def test_a_notebook_of_more_than_can_be_shown_is_cut_short(monkeypatch):
    monkeypatch.setattr(rendering, "MAX_NOTEBOOK", 5000)
    cells = [{"cell_type": "code", "source": "x = 1\n" * 300, "metadata": {}} for _ in range(9)]
    stream = {"output_type": "stream", "name": "stdout", "text": "y" * 2000}
    make_inert(cells, {index: [stream] for index in range(9)})
    assert [len(cell["source"]) for cell in cells] == [1800, 1800, *[1000] * 7]
    assert [cell["outputs"][0]["text"] for cell in cells] == ["y" * 2000] * 2 + [TOO_MUCH] * 7


HEAVY = {
    "html": "<i>x</i>" * 60_000,
    "table": "<table>" + "<tr><td>" * 51_000,
    "markdown": "*a* " * 60_000,
    "latex": "x^2+" * 60_000,
}


@pytest.mark.parametrize("kind", HEAVY)
def test_outputs_of_one_notebook_share_what_its_page_can_take_in_markup(kind, monkeypatch):
    asked = []
    monkeypatch.setattr("autograder.notebook.inert.ask", lambda *about: asked.append(about[1]) or "<p>x</p>")
    mime = {"table": "text/html"}.get(kind, f"text/{kind}")

    def output(text, kind="text/html"):
        return {"output_type": "display_data", "data": {kind: text, "text/plain": "plain"}, "metadata": {}}

    cells = [{"cell_type": "code", "source": "", "metadata": {}} for _ in range(6)]
    make_inert(cells, {0: [output(HEAVY[kind], mime)], 1: [output("<b>a</b>")], 2: [output("<i>" * 60_000)], 3: [output("<s>" * 60_000)], 4: [output("<b>b</b>")]})  # fmt: skip
    shown = [cell["outputs"][0]["data"] if cell["outputs"] else {} for cell in cells]
    assert asked == ["<b>a</b>", "<i>" * 60_000, "<b>b</b>"]
    assert shown[0] == shown[3] == {"text/plain": f"plain\n{TOO_MUCH}"}
    assert not any(TOO_MUCH in str(shown[at]) for at in (1, 2, 4))


def test_marks_in_markdown_cells_are_shown_as_typed_beyond_what_a_page_can_take():
    cells = [{"cell_type": "markdown", "source": "*a* " * 12_000, "metadata": {}} for _ in range(12)]
    cells.append({"cell_type": "markdown", "source": "It is *not* 1.9x.", "metadata": {}})
    make_inert(cells, {})
    assert [cell["source"].startswith("    ") for cell in cells] == [False] * 4 + [True] * 8 + [False]


def test_a_long_table_with_styles_is_shown():
    row = "".join(f'<td id="T_{i}" class="data">{i}.5</td>' for i in range(10))
    table = "<table>" + f"<tr><th>1</th>{row}</tr>" * 1000 + "</table>"
    cell = {"cell_type": "code", "source": "", "metadata": {}}
    make_inert([cell], {0: [{"output_type": "execute_result", "data": {"text/html": table}, "metadata": {}}]})
    assert cell["outputs"][0]["data"]["text/html"].count("<td>") == 10_000


def test_honest_texts_grow_linearly():
    def seconds(rows: int) -> float:
        table = (
            "<table class='dataframe'>"
            + "<tr><th>1</th><td style='color: red'>x &lt; y</td></tr>" * rows
            + "</table>"
        )
        began = time.process_time()
        assert clean(table, OUTPUT).count("<tr>") == rows
        return time.process_time() - began

    seconds(100)
    assert seconds(8000) < 16 * max(min(seconds(1000) for _ in range(3)), 0.01)


def test_what_is_too_much_says_so_and_keeps_the_text_beside_it():
    deep = {"text/html": "<div>" * 1000, "text/plain": "a table"}
    (shown,) = inert_outputs([{"output_type": "display_data", "data": deep, "metadata": {}}])
    assert shown["data"] == {"text/plain": f"a table\n{TOO_MUCH}"}
    page = outputs_html([{"output_type": "display_data", "data": deep, "metadata": {}}])
    assert TOO_MUCH in page and "<div><div>" not in page
    assert showable_code("x" * 200_000).endswith(f"\n# {TOO_MUCH}")
    assert len(inert_outputs([{"output_type": "stream", "name": "stdout", "text": "x"}] * 1000)) == 501


def test_a_notebook_of_slow_texts_costs_no_more_than_a_few_of_them(monkeypatch):
    monkeypatch.setattr(budgets, "SECONDS", 0.3)
    monkeypatch.setattr(allowance, "NOTEBOOK_SECONDS", 1.0)
    began = time.monotonic()
    with one_notebook():
        for number in range(200):
            with pytest.raises(TooMuch):
                ask("html", f"{number}" + "<div>" * 100_000, "notebook")
    assert time.monotonic() - began < pace.seconds(8)
    assert ask("html", "<b>after</b>", "notebook") == '<div class="tex2jax_ignore"><b>after</b></div>'
