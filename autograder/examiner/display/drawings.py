"""Drawings as pictures: in an ``img`` no script of an SVG runs and none of its links loads anything."""

from __future__ import annotations

import base64
import re
from html import escape, unescape
from xml.etree import ElementTree

from autograder.examiner.display.allowance import TooMuch

__all__ = ["ADDRESS", "can_be_drawn", "drawing_html", "with_pictures"]

ADDRESS = "data:image/svg+xml;base64,"

MAX_LABEL = 2000
# As drawn: a scatter plot has one for each of its points. Drawings that use themselves can have billions, and stop a browser.
MAX_ELEMENTS = 100_000
_EDGE = re.compile(r"<(/?)svg(?=[\s/>])", re.IGNORECASE)
_LABEL = re.compile(
    r"""\baria-label\s*=\s*(?:"([^"]*)"|'([^']*)')|<title[^<>]*>([^<]*)</title>""", re.IGNORECASE
)
_REFERENCE = re.compile(r"url\(\s*['\"]?\s*#([^'\")\s]+)|^\s*#(\S+)\s*$")
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
        root = ElementTree.fromstring(base64.b64decode(address.removeprefix(ADDRESS)))
    except (ElementTree.ParseError, ValueError):
        return False
    named = {name: element for element in root.iter() if (name := element.get("id"))}
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
    sheet = (element.text or "") if element.tag.endswith("style") else ""
    if any("\\" in text or "@import" in text for text in (element.get("style", ""), sheet)):
        raise TooMuch("a drawing whose styles could hide what it refers to")
    texts = (*element.attrib.values(), sheet)
    names = [one or other for text in texts for one, other in _REFERENCE.findall(text)]
    parts = (*element, *(named[name] for name in names if name in named))
    counts[element] = 1 + sum(_count(part, named, counts) for part in parts)
    return counts[element]


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
