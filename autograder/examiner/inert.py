"""Makes what a student's notebook shows harmless on the pages that show it.

Formgrader and feedback pages render outputs and Markdown as HTML, in the browser of someone who may change marks: a script in them could.
Text, tables and pictures stay; nothing that runs, loads or submits does.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable
from html import escape, unescape
from typing import Any

from autograder.examiner.rendering import showable_markdown

__all__ = [
    "TAGS",
    "clean_html",
    "drawing_html",
    "inert_attachments",
    "inert_markdown",
    "inert_outputs",
    "with_drawings",
]

PICTURES = ("image/png", "image/jpeg", "image/gif")
TAGS = frozenset(
    "a abbr b blockquote br caption code col colgroup dd del details div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark "  # noqa: SIM905
    "ol p pre q s samp small span strong sub summary sup table tbody td tfoot th thead tr u ul var".split()
)
ATTRIBUTES = {
    "*": ["class", "style", "title", "lang", "role", "aria-label"],
    "a": ["href"],
    "img": ["src", "alt", "width", "height"],
    "td": ["colspan", "rowspan", "align"],
    "th": ["colspan", "rowspan", "align", "scope"],
    "col": ["span"],
    "details": ["open"],
}
STYLES = [
    "color",
    "background-color",
    "font-weight",
    "font-style",
    "font-family",
    "font-size",
    "text-align",
    "text-decoration",
    "vertical-align",
    "white-space",
    "border",
    "border-collapse",
    "border-spacing",
    "padding",
    "margin",
    "width",
    "max-width",
]
INLINE_PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=\s]+")
SVG = re.compile(r"<svg\b.*?</svg\s*>", re.DOTALL | re.IGNORECASE)
LABEL = re.compile(
    r"""\baria-label\s*=\s*(?:"([^"]*)"|'([^']*)')|<title[^>]*>([^<]*)</title>""", re.IGNORECASE
)
HELD = re.compile(
    "\ue000(\\d+)\ue001"
)  # private-use characters keep the place of what is put in after cleaning
TAG_OPENS = re.compile(r"<(?=[A-Za-z/!?])")
FILE_NAME = re.compile(r"[\w. -]{1,100}")


def inert_markdown(text: str) -> str:
    """*text* without HTML: a zero-width space after each ``<`` that would open a tag, so that it reads the same and is none."""
    return TAG_OPENS.sub("<\u200b", text)


def inert_attachments(attachments: Any) -> dict[str, dict[str, str]]:
    """The pictures among a Markdown cell's attachments."""
    kept: dict[str, dict[str, str]] = {}
    for name, bundle in attachments.items() if isinstance(attachments, dict) else ():
        if FILE_NAME.fullmatch(str(name)) and isinstance(bundle, dict):
            pictures = {kind: data for kind in PICTURES if (data := _picture(bundle.get(kind)))}
            if pictures:
                kept[name] = pictures
    return kept


def drawing_html(svg: str, alt: str = "") -> str:
    """An SVG as a picture: in an ``img`` none of its scripts runs and its links load nothing. Its own label describes it."""
    found = LABEL.search(svg)
    label = alt or (unescape(next(filter(None, found.groups()), "")) if found else "") or "drawing"
    if "xmlns=" not in svg.split(">", 1)[0]:
        svg = svg.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    encoded = base64.b64encode(svg.encode()).decode("ascii")
    return f'<img alt="{escape(label[:2000])}" src="data:image/svg+xml;base64,{encoded}">'


def with_drawings(text: str, clean: Callable[[str], str]) -> str:
    """HTML after *clean*, with each drawing in it as a picture in its place."""
    held: list[str] = []

    def hold(found: re.Match[str]) -> str:
        held.append(drawing_html(found.group()))
        return f"\ue000{len(held) - 1}\ue001"

    cleaned = clean(SVG.sub(hold, re.sub("[\ue000\ue001]", "", text)))
    return HELD.sub(lambda found: held[int(found.group(1))], cleaned)


def inert_outputs(outputs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Outputs in nbformat's form with the pictures, HTML and text that are safe to show."""
    made = []
    for output in outputs:
        if isinstance(output.get("data"), dict):
            data, metadata = _bundle(output["data"], output.get("metadata") or {})
            output = {**output, "data": data, "metadata": metadata}
        made.append(output)
    return made


def _bundle(data: dict[str, Any], metadata: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    kept: dict[str, Any] = {kind: picture for kind in PICTURES if (picture := _picture(data.get(kind)))}
    described = {kind: _facts(metadata.get(kind)) for kind in kept}
    drawing = data.get("image/svg+xml")
    if isinstance(drawing, str) and not kept:
        about = metadata.get("image/svg+xml")
        alt = about.get("alt") if isinstance(about, dict) else ""
        kept["text/html"] = drawing_html(drawing, alt if isinstance(alt, str) else "")
    elif isinstance(data.get("text/html"), str):
        kept["text/html"] = with_drawings(data["text/html"], clean_html)
    if isinstance(data.get("text/markdown"), str):
        kept["text/markdown"] = showable_markdown(inert_markdown(data["text/markdown"]))
    for kind in ("text/latex", "text/plain"):  # the pages show them as text
        if isinstance(data.get(kind), str):
            kept[kind] = data[kind]
    return kept, {kind: facts for kind, facts in described.items() if facts}


def _picture(text: Any) -> str:
    """Base64 text as it should be, or nothing: other text could close the attribute that it stands in."""
    if not isinstance(text, str):
        return ""
    try:
        return base64.b64encode(base64.b64decode("".join(text.split()), validate=True)).decode("ascii")
    except (binascii.Error, ValueError):
        return ""


def _facts(facts: Any) -> dict[str, Any]:
    if not isinstance(facts, dict):
        return {}
    kept: dict[str, Any] = {
        key: facts[key] for key in ("width", "height") if type(facts.get(key)) in (int, float)
    }
    if isinstance(facts.get("alt"), str):
        kept["alt"] = facts["alt"][:2000]
    return kept


def clean_html(
    html: str,
    tags: Iterable[str] = TAGS,
    attributes: Callable[[str, str, str], bool] | None = None,
    styles: Iterable[str] = STYLES,
) -> str:
    """*html* with nothing in it that runs, loads or submits.

    Args:
        tags: of :data:`TAGS`, those that stay.
        attributes: whether an attribute (of a tag, with a name and a value) stays, of those that may.
        styles: properties that may stand in a ``style``.
    """
    from bleach.css_sanitizer import CSSSanitizer
    from bleach.sanitizer import Cleaner

    cleaner = Cleaner(
        tags=TAGS & frozenset(tags),
        attributes=lambda *what: _allowed(*what) and (attributes is None or attributes(*what)),
        protocols=["http", "https", "mailto", "data"],
        strip=True,
        css_sanitizer=CSSSanitizer(allowed_css_properties=list(styles)),
    )
    # The text of a style sheet or a script is no text to show.
    return str(cleaner.clean(re.sub(r"(?is)<(style|script)\b.*?</\1\s*>", "", html)))


def _allowed(tag: str, name: str, value: str) -> bool:
    if name not in ATTRIBUTES["*"] and name not in ATTRIBUTES.get(tag, ()):
        return False
    if name == "src":
        return INLINE_PICTURE.fullmatch(value) is not None
    if name == "href":
        return value.startswith(("http://", "https://", "mailto:", "#"))
    return True
