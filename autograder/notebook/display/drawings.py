"""Drawings as pictures: in an ``img`` no script of an SVG runs and none of its links loads anything."""

from __future__ import annotations

import base64
import re
from html import escape, unescape
from urllib.parse import unquote
from xml.etree import ElementTree

from autograder.notebook.display.allowance import TooMuch
from autograder.notebook.display.pictures import PICTURE_DATA, small_enough

__all__ = ["ADDRESS", "can_be_drawn", "drawing_html", "with_pictures"]

ADDRESS = "data:image/svg+xml;base64,"

MAX_LABEL = 2000
# As drawn: a scatter plot has one for each of its points. Drawings that use themselves can have billions, and stop a browser.
MAX_ELEMENTS = 100_000
_EDGE = re.compile(r"<(/?)svg(?=[\s/>])", re.IGNORECASE)
_LABEL = re.compile(
    r"""\baria-label\s*=\s*(?:"([^"]*)"|'([^']*)')|<title[^<>]*>([^<]*)</title>""", re.IGNORECASE
)
_REFERENCE = re.compile(r"url\(\s*['\"]?\s*#([^'\")\s]+)|^\s*#(\S+)\s*$", re.IGNORECASE)
# Others could be written in one way and found by browsers in another.
_NAME = re.compile(r"[^\s'\"()%#]+")
_DECLARATION = re.compile(
    r"""\s*<\?xml version=["']1\.[01]["'](?: encoding=["']utf-8["'])?(?: standalone=["'](?:yes|no)["'])?\s*\?>""",
    re.IGNORECASE,
)
# Style sheets of elsewhere, and document types that define entities or attributes: the tree of elements does not show them.
_UNSEEN = re.compile(r"<\?|<!(?!--|\[CDATA\[|DOCTYPE\s+svg\b[^\[>]*>)")
# By all of these a style says something about elements that do not say it themselves, hides what it says, or filters without an element that counts.
_SPREADS = re.compile(
    r"\\|@import|data:|url\(\s*['\"]?\s*(?!['\"#\s])|var\(|inherit|blur\(|shadow\(", re.IGNORECASE
)
# A marker is drawn at each point of a line, of which one element can have a million.
_NO_MARKER = re.compile(r"marker[a-z-]*\s*:\s*none\b", re.IGNORECASE)
# They move what refers to what, or hold another kind of document.
_REFUSED = frozenset("animate animateMotion animateTransform discard foreignObject set".split())  # noqa: SIM905
_NAMESPACE = ' xmlns="http://www.w3.org/2000/svg"'


def drawing_html(svg: str, alt: str = "") -> str:
    """An ``img`` of the SVG, which is still to be cleaned; its own label describes it if *alt* does not."""
    begins = _EDGE.search(svg)
    svg = svg[begins.start() :] if begins else svg  # what comes before, such as a document type, is not shown
    found = _LABEL.search(svg)
    label = alt or (unescape(next(filter(None, found.groups()), "")) if found else "") or "drawing"
    if "xmlns=" not in svg.split(">", 1)[0]:
        svg = svg[:4] + _NAMESPACE + svg[4:]
    encoded = base64.b64encode(svg.encode()).decode("ascii")
    return f'<img alt="{escape(label[:MAX_LABEL])}" src="{ADDRESS}{encoded}">'


def can_be_drawn(address: str) -> bool:
    """Whether the drawing in an ``img``'s *address* is a document that browsers show, and of a size that they can.

    An element that others refer to counts as often as it is drawn.
    """
    try:
        text = _DECLARATION.sub("", base64.b64decode(address.removeprefix(ADDRESS)).decode("utf-8"), count=1)
        if _UNSEEN.search(text):
            return False
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError):
        return False
    # The first of several with one name is the one that is meant.
    named = {name: element for element in reversed([*root.iter()]) if (name := element.get("id"))}
    if not all(map(_NAME.fullmatch, named)):
        return False
    try:
        return _count(root, named, {}) <= MAX_ELEMENTS
    except TooMuch:
        return False


def _count(
    element: ElementTree.Element,
    named: dict[str, ElementTree.Element],
    counts: dict[ElementTree.Element, int],
) -> int:
    if element in counts:
        if not counts[element]:
            raise TooMuch("a drawing that contains itself")
        return counts[element]
    counts[element] = 0
    tag = element.tag.rpartition("}")[2]
    # What is inside a sheet counts too, for browsers read all of its text.
    sheet = "".join(element.itertext()) if tag == "style" else ""
    _check(tag, element, sheet)
    beside, over = 0, 1
    for key, value in element.attrib.items():
        # Browsers drop line feeds and tabs in an address.
        found = _REFERENCE.findall(re.sub(r"[\t\n\r]", "", unquote(value)))
        parts = [named[name] for one, other in found if (name := one or other) in named]
        size = sum(_count(part, named, counts) for part in parts)
        if key in ("fill", "stroke", "style"):  # holds for all that is in the element
            over += size
        else:
            beside += size
    inside = sum(_count(part, named, counts) for part in element)
    counts[element] = (_cost(tag) + inside + beside) * over
    return counts[element]


def _cost(tag: str) -> int:
    """One for a shape; a browser draws masks and patterns into pictures of their own, and filters work on each of their points."""
    if tag.startswith("fe"):
        return 1000
    return 100 if tag in ("mask", "pattern") else 1


def _check(tag: str, element: ElementTree.Element, sheet: str) -> None:
    if tag in _REFUSED:
        raise TooMuch(f"a drawing with {tag}")
    if "url(" in sheet.lower():  # holds for elements that are not known here
        raise TooMuch("a drawing whose sheet of styles refers to its elements")
    for key, value in (*element.attrib.items(), ("style", sheet)) if sheet else element.attrib.items():
        name = key.rpartition("}")[2]
        if name in ("href", "src", "srcset"):
            _check_address(value)
        elif _marks(name, value):
            raise TooMuch("a drawing with markers")
        elif not name.startswith(("aria-", "data-")) and _SPREADS.search(value):
            raise TooMuch("a drawing whose styles could hide what it refers to")


def _marks(name: str, value: str) -> bool:
    if name == "style":
        return "marker" in _NO_MARKER.sub("", value).lower()
    return name.split("-")[0] == "marker" and value.strip() != "none"


def _check_address(address: str) -> None:
    address = re.sub(r"\s", "", address)
    if address.lower().startswith(PICTURE_DATA):
        kind, _, encoded = address.partition(",")
        if not kind.lower().endswith(";base64") or not small_enough(unquote(encoded)):
            raise TooMuch("a drawing with a picture that is too large")
    elif not address.lower().startswith(("#", "http://", "https://", "mailto:")) and address:
        raise TooMuch("a drawing in a drawing")


def with_pictures(html: str) -> str:
    """HTML, still to be cleaned, with each complete ``svg`` in it as a picture; one pass, whatever the HTML is.

    What looks like a drawing may stand in an attribute or in a comment. The picture then stands there too, and is cleaned as what it is there.
    """
    made: list[str] = []
    done = began = depth = 0
    for edge in _EDGE.finditer(html):
        if not edge[1]:
            if depth == 0:
                began = edge.start()
            depth += 1
        elif depth:
            depth -= 1
            if depth == 0:
                end = html.find(">", edge.end())
                if end < 0:
                    break
                made += [html[done:began], drawing_html(html[began : end + 1])]
                done = end + 1
    return "".join(made) + html[done:]
