"""What is shown of a student's is built from an allow-list, says the same when it is cleaned again, and costs no more than it may."""

from __future__ import annotations

import base64
import json
import random
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

from autograder.examiner import rendering
from autograder.examiner.display import budgets
from autograder.examiner.display.budgets import TOO_MUCH, TooMuch, one_notebook
from autograder.examiner.display.cleaning import UNSEEN, clean
from autograder.examiner.display.elements import NOTEBOOK, OUTPUT, TEXT
from autograder.examiner.display.expendable import ask
from autograder.examiner.display.formgrader import shows
from autograder.examiner.display.typeset import code_markup, formula_markup, markdown_markup
from autograder.examiner.inert import inert_attachments, inert_markdown, inert_outputs, inert_text, writable
from autograder.examiner.rendering import make_inert, showable_code, showable_markdown
from autograder.markup import code_html, markdown_html, outputs_html
from autograder.notebooks import read_notebook
from tests import pace
from tests.attack_cases import SOURCE
from tests.hostile_payloads import LATEX, MARKDOWN, payloads

PLACES = [NOTEBOOK, OUTPUT, TEXT]
# The allow-list once more, by hand: a mistake in the kit's own must not hide in its test.
MAY_BE = set(
    "a abbr b blockquote br caption code col colgroup dd del details div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p "  # noqa: SIM905
    "pre q s samp small span strong sub summary sup table tbody td tfoot th thead tr u ul var math menclose mfrac mi mmultiscripts mn mo mover "
    "mpadded mphantom mprescripts mroot mrow ms mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder munderover".split()
)
NEVER = (
    "on",
    "id",
    "name",
    "data-",
    "srcset",
    "srcdoc",
    "action",
    "form",
    "ping",
    "target",
    "xlink",
    "poster",
    "background",
)
WORDS = [
    *"b i p a div span td tr table svg math mtext mi style script template title xmp textarea noscript select option form details img br pre".split(),  # noqa: SIM905
    "annotation-xml",
    "foreignObject",
    "mglyph",
]
ATTRIBUTES = [
    "href",
    "src",
    "title",
    "style",
    "onload",
    "class",
    "id",
    "xlink:href",
    "alt",
    "name",
    "width",
    "display",
]
VALUES = [
    "javascript:alert(1)",
    "https://a.test/?b=1&c",
    "#x",
    "//a.test",
    "dataframe k btn",
    "color: red; margin: 9px",
    "<svg></svg>",
    '"><img src=x>',
    "x' y",
]


def soup(draw: random.Random) -> str:
    """Tags, ends of tags, comments, entities and quotation marks in any order."""
    pieces = []
    for _ in range(draw.randrange(1, 30)):
        tag, name, value = draw.choice(WORDS), draw.choice(ATTRIBUTES), draw.choice(VALUES)
        quote = draw.choice(["'", '"', "", "`"])
        pieces.append(
            draw.choice(
                [
                    f"<{tag}>", f"</{tag}>", f"<{tag} {name}={quote}{value}{quote}>", f"<{tag}/{name}={value}", f"<{tag.upper()} \n>", "<!--", "-->",
                    "<![CDATA[", "]]>", "&lt;img src=x&gt;", "&#60;b&#62;", "\x00", "text", "\n", "<", ">", "'", '"', f"<{tag} {name}>", "<?x?>", "</",
                ]
            )
        )  # fmt: skip
    return "".join(pieces)


soups = st.integers(0, 2**32).map(lambda seed: soup(random.Random(seed)))


class Elements(HTMLParser):
    """What another parser finds."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        assert len(attrs) == len(dict(attrs))
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data):
        self.text += data

    def unknown_decl(self, data):
        raise AssertionError(data)

    handle_comment = handle_decl = handle_pi = unknown_decl


def check_elements(found: list[tuple[str, dict[str, str]]]) -> None:
    for tag, attributes in found:
        assert tag in MAY_BE, tag
        for name, value in attributes.items():
            assert not name.startswith(NEVER), (tag, name)
            if name == "href":
                assert tag == "a" and value.startswith(("http://", "https://", "mailto:"))
            if name == "src":
                assert tag == "img" and value.startswith("data:image/")
            if name == "style":
                assert not {"margin", "position", "url(", "expression", "\\"} & {
                    part for part in ("margin", "position", "url(", "expression", "\\") if part in value
                }
        assert tag != "img" or attributes["alt"]


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
    assert f'alt="{UNSEEN}"' in clean('<img src="data:image/png;base64,AAAA">', NOTEBOOK)


# --- Markdown cells, which stay what they are ------------------------------------------------------------------------------

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
    attached = inert_attachments({"x.png": {"image/png": "AAAA", "text/html": "<b>"}})
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


# --- characters ------------------------------------------------------------------------------------------------------------

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
            "data": {"image/png": "AAAA"},
            "metadata": {"image/png": {"alt": text, "width": text}},
        },
    ]
    make_inert(cells, {2: outputs})
    attached = inert_attachments({text: {"image/png": "AAAA"}, "x.png": {"image/png": text}})
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
        "data": {"image/png": "AAAA"},
        "metadata": {"image/png": {"width": width, "height": 7.5}},
    }
    assert inert_outputs([output])[0]["metadata"] == {"image/png": {"height": 7}}


# --- budgets ---------------------------------------------------------------------------------------------------------------

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
    monkeypatch.setattr(budgets, "NOTEBOOK_SECONDS", 1.0)
    began = time.monotonic()
    with one_notebook():
        for number in range(200):
            with pytest.raises(TooMuch):
                ask("html", f"{number}" + "<div>" * 100_000, "notebook")
    assert time.monotonic() - began < pace.seconds(8)
    assert ask("html", "<b>after</b>", "notebook") == '<div class="tex2jax_ignore"><b>after</b></div>'


def test_text_in_a_drawing_stays_in_the_drawing():
    label = base64.b64encode(b"x").decode()
    made = clean(
        f"<p title='<svg aria-label=\"{label}\"></svg>'>x</p><svg aria-label='a \"b\"'><title>c</title></svg>",
        NOTEBOOK,
    )
    assert [tag for tag, _ in Elements(made).found] == ["div", "p", "img"]
    assert Elements(made).found[-1][1]["alt"] == 'a "b"'
