"""Drawings as pictures: in an ``img`` no script of an SVG runs and none of its links loads anything."""

from __future__ import annotations

import base64
import re
from html import escape, unescape

__all__ = ["drawing_html", "with_pictures"]

MAX_LABEL = 2000
_EDGE = re.compile(r"<(/?)svg(?=[\s/>])", re.IGNORECASE)
_LABEL = re.compile(
    r"""\baria-label\s*=\s*(?:"([^"]*)"|'([^']*)')|<title[^<>]*>([^<]*)</title>""", re.IGNORECASE
)
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
    return f'<img alt="{escape(label[:MAX_LABEL])}" src="data:image/svg+xml;base64,{encoded}">'


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
