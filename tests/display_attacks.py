"""Attacks with what a notebook shows: texts that are slow to render, grow, nest, or cannot be written. The marks are those of the answers.

They register themselves with the attacks on files (:mod:`tests.file_attacks`).
"""

from __future__ import annotations

from typing import Any

from tests.file_attacks import by_id, on_content

__all__ = ["add_cell", "shows"]

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def add_cell(content: dict[str, Any], kind: str, source: str, **more: Any) -> None:
    """Add a cell of the student's own."""
    cell = {"cell_type": kind, "metadata": {}, "source": source, **more}
    content["cells"].append(cell | ({"outputs": [], "execution_count": None} if kind == "code" else {}))


def shows(content: dict[str, Any], *expressions: str) -> None:
    """Add a code cell for each of the *expressions*, which shows its value."""
    for expression in expressions:
        names = "HTML, SVG, Latex, Markdown, Math, display"
        add_cell(content, "code", f"from IPython.display import {names}\ndisplay({expression})")


@on_content(1)
def html_that_is_slow_to_parse(content):
    shows(content, 'HTML("<svg " * 200_000)', 'HTML("<div>" * 20_000)', 'HTML("<div>" * 200_000)')


@on_content(1)
def markdown_that_is_slow_to_parse(content):
    text = "\\begin{a}" * 4_000
    shows(content, f"Markdown({text!r})", 'Markdown("[" * 50_000)', 'Markdown(">" * 50_000)')
    for source in (text, "[" * 50_000, ">" * 50_000, "*a **b " * 10_000):
        add_cell(content, "markdown", source)


@on_content(1)
def html_that_grows(content):
    opened = '"<p>" + "".join(f"<b title={i}>" for i in range(1600)) + "</p>" + "<p>x</p>" * 1600'
    shows(content, f"HTML({opened})", f"HTML({opened.replace('1600', '6000')})", f"Markdown({opened})")


@on_content(1)
def surrogates_in_print_and_error(content):
    add_cell(content, "code", 'import sys\nprint("\\ud800 \\x00")\nprint("\\udfff", file=sys.stderr)')
    add_cell(content, "code", 'raise ValueError("\\ud83d \\x00")')
    add_cell(content, "code", 'class A(Exception): pass\nA.__name__ = "\\ud83d"\nraise A("\\ud800")')


@on_content(1)
def surrogates_in_what_is_displayed(content):
    text = '"<b title=\\ud800>\\udfff \\x00</b>"'
    shows(content, *(f"{kind}({text})" for kind in ("HTML", "Markdown", "Latex", "Math")), text)
    raw = f'{{"image/png": {PIXEL!r}, "text/plain": "\\ud800", "\\ud800": "x"}}, raw=True'
    shows(content, f'{raw}, metadata={{"image/png": {{"alt": "\\ud800\\x00"}}, "\\ud800": "\\ud800"}}')
    shows(content, '{"image/svg+xml": "<svg><title>\\ud800</title></svg>"}, raw=True')


@on_content(1)
def surrogates_in_cells_and_attachments(content):
    strange = "\ud800 x \udfff \x00"
    attached = {"x.png": {"image/png": PIXEL}, strange: {"image/png": PIXEL}}
    add_cell(content, "markdown", f"# {strange}\n\n![{strange}](attachment:x.png)", attachments=attached)
    add_cell(content, "raw", strange)
    add_cell(content, "code", f"# {strange}\nprint(1)")
    by_id(content)["predict"]["metadata"][strange] = strange


@on_content(13, base="right")
def surrogates_beside_right_answers(content):
    add_cell(content, "code", 'print("\\ud800")')
    add_cell(content, "markdown", "\ud800")
    by_id(content)["ridge_point"]["source"] += "\n# \ud800 in a comment"


@on_content(1)
def nested_deeply(content):
    deep = ("blockquote", "ul><li", "table><tr><td", "details", "b", "math><mrow")
    shows(content, *(f'HTML("<{tag}>" * 3_000 + "x")' for tag in deep))
    shows(
        content,
        'Markdown("".join("  " * i + "- a\\n" for i in range(500)))',
        'Latex("$" + "{" * 20_000 + "$")',
    )
    add_cell(content, "markdown", "".join("  " * i + "- a\n" for i in range(500)))
    add_cell(content, "markdown", "> " * 3_000 + "x")


@on_content(1)
def giant_metadata_of_pictures(content):
    for value in (
        '"x" * 900_000',
        "10 ** 400",
        'float("nan")',
        '["x"] * 100_000',
        '{"a": {"b": "x" * 500_000}}',
    ):
        about = f'{{"image/png": {{"alt": {value}, "width": {value}, "height": {value}}}}}'
        shows(content, f'{{"image/png": {PIXEL!r}}}, raw=True, metadata={about}')


@on_content(1)
def a_megabyte_of_latex(content):
    shows(content, 'Latex("$" + "x^2 + " * 170_000 + "$")', 'Math("\\\\frac{" * 50_000)')
    macros = "\\def\\a{xx}" + "".join(
        f"\\def\\{chr(98 + i)}{{\\{chr(97 + i)}\\{chr(97 + i)}}}" for i in range(22)
    )
    shows(content, f"Math({macros + chr(92) + 'w'!r})", 'Markdown("$" + "{" * 90_000 + "$")')
    add_cell(content, "markdown", "$$" + "x^2 + " * 100_000 + "$$")
    add_cell(content, "markdown", "$" + "{" * 5_000 + "}" * 5_000 + "$")


@on_content(1)
def colours_that_are_slow_to_show(content):
    add_cell(content, "code", 'print("\\x1b[1m\\x1b[31mx" * 60_000)')
    add_cell(content, "code", 'print("\\x1b[" + "1;" * 400_000 + "m")')
    add_cell(content, "code", 'raise ValueError("\\x1b[0;31m" * 60_000)')


@on_content(1)
def code_that_is_slow_to_highlight(content):
    for source in (
        "#" + "'" * 300_000,
        "x = (" + "(" * 50_000,
        '"""' * 30_000,
        "f'{" * 40_000,
        "\\\n" * 100_000,
        " \n" * 5_000,
        "a." * 5_000,
    ):
        add_cell(content, "code", source)


@on_content(1)
def thousands_of_outputs_and_cells(content):
    add_cell(
        content, "code", "from IPython.display import display\nfor _ in range(20_000): display({}, raw=True)"
    )
    shows(content, *(f'HTML("<i>{number}</i>" + "<div>" * 40_000)' for number in range(20)))
    for number in range(150):
        add_cell(content, "markdown", f"# {number}\n\n" + "\\begin{a}" * 3_000)


@on_content(1)
def pictures_that_are_none(content):
    for data in (
        '"x" * 900_000',
        '"A" * 900_001',
        '"=" * 900_000',
        "b'\\x00' * 600_000",
        '"\\ud800"',
        "7",
        "None",
        '["AAAA"]',
    ):
        shows(content, f'{{"image/png": {data}, "image/svg+xml": {data}, "text/html": {data}}}, raw=True')


@on_content(1)
def markup_that_breaks_out_of_an_attribute(content):
    drawing = '<svg aria-label=" onerror=window.pwned=true x="></svg>'
    picture = f"<img src='data:image/png;base64,AAAA' title='{drawing}'>"
    shows(content, f"HTML({picture!r})", f"HTML({'<details open ontoggle=window.pwned=true>' + picture!r})")
    shows(content, f"Markdown({picture!r})", f"SVG({drawing!r})")
    add_cell(content, "markdown", picture)
    add_cell(content, "raw", picture)
