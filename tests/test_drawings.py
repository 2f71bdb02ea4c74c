"""Drawings of students are shown as pictures, unless a browser could not draw them."""

from __future__ import annotations

import base64
import io
import struct
import zlib

import pytest

from autograder.notebook.display.cleaning import clean
from autograder.notebook.display.drawings import ADDRESS, can_be_drawn
from autograder.notebook.display.expendable import ask
from autograder.notebook.display.places import NOTEBOOK
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
        "<g fill='URL(#a{})'/>",
        "<use href='#%61{}'/>",
        "<use href='#a&#10;{}'/>",
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


def drawn(text: str, encoding: str = "utf-8") -> bool:
    return can_be_drawn(ADDRESS + base64.b64encode(text.encode(encoding)).decode("ascii"))


def drawing(inside: str) -> str:
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink'>{inside}</svg>"
    )


def test_paint_counts_for_all_that_is_in_what_it_paints():
    levels = "".join(
        f"<pattern id='p{i}'><g fill='url(#p{i - 1})'>{'<path/>' * 30}</g></pattern>" for i in range(1, 6)
    )
    assert drawn(drawing("<path fill='url(#p1)'/><pattern id='p1'><path/></pattern>" + "<path/>" * 1000))
    assert not drawn(drawing(f"{levels}<path fill='url(#p5)'/>"))


def test_the_first_of_several_with_one_name_counts():
    inside = f"<g id='a'>{'<path/>' * 1000}</g><g id='a'/>" + "<use href='#a'/>" * 200
    assert not drawn(drawing(inside))


def png(width: int, height: int) -> str:
    """The beginning of a picture of that size, which takes no more bytes than any other."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    made = b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(made).decode("ascii")


INNER = base64.b64encode(drawing("<path/>").encode()).decode()
HEAVY = {
    "a drawing in a drawing": f"<image href='{ADDRESS}{INNER}'/>",
    "in the old spelling": f"<image xlink:href=' DATA:image/svg+xml;base64,{INNER}'/>",
    "as text": "<image href='data:image/svg+xml,&lt;svg/>'/>",
    "broken by a line": f"<image href='da&#10;ta:image/svg+xml;base64,{INNER}'/>",
    "of elsewhere": "<use href='data:text/xml,x#a'/>",
    "a huge picture": f"<image href='{png(20_000, 20_000)}'/>",
    "a page": "<foreignObject><img xmlns='http://www.w3.org/1999/xhtml' src='x'/></foreignObject>",
    "moved later": "<use><set attributeName='href' to='#a'/></use>",
    "names": "<g id='a b'/>",
    **{
        f"{name} as {way}": form.format(name)
        for name in ("marker", "marker-start", "marker-mid", "marker-end")
        for way, form in {
            "an attribute": "<path {0}='url(#a)'/>",
            "a style": "<path style='fill: red; {0}:url(#a)'/>",
            "a commented style": "<path style='{0}/**/ : url(#a)'/>",
            "a sheet": "<style>path {{ {0}: context-fill }}</style>",
            "a sheet in capitals": "<style>path {{ MARKER: none x; {0}: URL(#a) }}</style>",
        }.items()
    },
    **{
        f"a sheet with {name}": f"<style>{sheet}</style>"
        for name, sheet in {
            "a reference": "path { fill: url(#a) }",
            "a child": "path <b/>{ fill: url( '#a' ) }",
            "a child around it": "<g>path { mask: URL(#a) }</g>",
            "data": "@font-face { src: 'data:x' }",
        }.items()
    },
    "filters": "<filter id='f'><feTurbulence/></filter>" + "<path filter='url(#f)'/>" * 200,
    "masks": "<mask id='m'><path/></mask>" + "<path mask='url(#m)'/>" * 2000,
    "a short filter": "<path style='filter: blur(9px)'/>",
    "a variable": "<g style='--a: url(#a)'><path style='fill: var(--a)'/></g>",
    "inherited": "<g mask='url(#a)'><path mask='inherit'/></g>",
    "escaped": "<path fill='u\\72l(#a)'/>",
}


@pytest.mark.parametrize("inside", HEAVY.values(), ids=HEAVY)
def test_a_drawing_that_could_be_heavy_in_a_way_that_is_not_counted_is_not_drawn(inside):
    assert drawn(drawing("<path id='a' marker-end='none' style='marker: none'/>"))
    assert not drawn(drawing(inside))


def test_what_the_tree_of_elements_does_not_show_is_refused():
    plain = drawing("<path/>")
    assert drawn(plain) and drawn(f"<?xml version='1.0' encoding='UTF-8'?>{plain}")
    assert not drawn(f"<?xml-stylesheet href='data:text/css,x'?>{plain}")
    assert not drawn(drawing("<?xml-stylesheet href='data:text/css,x'?>"))
    assert not drawn(f"<!DOCTYPE svg [<!ENTITY a 'x'>]>{plain}")
    assert not drawn(f"<!DOCTYPE svg [<!ATTLIST path marker-end CDATA 'url(#a)'>]>{plain}")
    assert not drawn(f"<?xml version='1.0' encoding='utf-16'?>{plain}", "utf-16")
    assert not drawn(f"<?xml version='1.0' encoding='iso-2022-jp'?>{plain}")


def test_the_figures_of_matplotlib_are_drawn():
    import numpy as np
    from matplotlib.figure import Figure

    figure = Figure()
    left, right = figure.subplots(1, 2)
    left.scatter(range(3000), range(3000), marker="x", label="a")
    left.plot(range(9), "o--")
    left.bar([1, 2], [3, 4], hatch="//")
    left.legend()
    figure.colorbar(right.imshow(np.eye(40)))
    file = io.StringIO()
    figure.savefig(file, format="svg")
    text = file.getvalue()
    assert text.startswith("<?xml") and "<!DOCTYPE" in text and "clip-path" in text
    assert drawn(text)
    assert "src=" in ask("drawing", text, "notebook", "")


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
