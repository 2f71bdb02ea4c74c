"""HTML of students as a tree of allowed elements: parsed and cleaned by nh3, and then written anew, element by element."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from html import escape
from html.parser import HTMLParser
from urllib.parse import unquote

import nh3

from autograder.notebook.display.allowance import TooMuch
from autograder.notebook.display.budgets import MAX_DEPTH, MAX_HTML, MAX_SPANNED
from autograder.notebook.display.drawings import ADDRESS, can_be_drawn, with_pictures
from autograder.notebook.display.elements import CLASSES, WRAPPERS, allowed_attributes, kept
from autograder.notebook.display.pictures import small_enough
from autograder.notebook.display.places import Place

__all__ = ["UNSEEN", "clean"]

UNSEEN = "A figure without a description"
ATTACHMENT = "attachment:"
VOID = frozenset({"br", "col", "hr", "img"})
# Their text is no text to show.
NO_TEXT = frozenset(
    "embed iframe noembed noframes noscript object script select style template textarea title xmp".split()  # noqa: SIM905
)
GROUP = '<div class="{}" role="group" aria-label="{}" tabindex="0">'


def clean(html: str, place: Place, attached: Mapping[str, str] | None = None) -> str:
    """*html* with nothing in it that runs, loads, submits or looks like a part of the page around it.

    Args:
        attached: pictures as ``data:`` addresses, by the name that an ``attachment:`` address has; each is shown once, where it is first named.

    Raises:
        TooMuch: it is too long or nested too deeply.
    """
    if len(html) > MAX_HTML:
        raise TooMuch(f"{len(html)} characters")
    writer = _Writer(place, 3 * len(html) + MAX_HTML // 10, attached or {})
    writer.feed(_cleaner(place).clean(with_pictures(html)))
    writer.close()
    return writer.result()


@functools.cache
def _cleaner(place: Place) -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=set(place.tags),
        clean_content_tags=set(NO_TEXT),
        attributes={tag: names for tag, names in allowed_attributes().items() if tag in place.tags},
        allowed_classes={tag: set(names) for tag, names in CLASSES.items()},
        filter_style_properties=set(place.styles),
        url_schemes={"http", "https", "mailto", "data", ATTACHMENT.rstrip(":")},
        url_relative="deny",
        link_rel=None,
    )


def _is_small(address: str) -> bool:
    return small_enough(address.partition(",")[2])


class _Writer(HTMLParser):
    """Writes what nh3 made: only allowed elements and attributes, every character of text escaped, every element closed."""

    def __init__(self, place: Place, limit: int, attached: Mapping[str, str]) -> None:
        super().__init__(convert_charrefs=True)
        self._attached = dict(attached)
        self._place = place
        self._limit = limit
        self._made: list[str] = []
        self._size = 0
        self._spanned = 0
        self._open: list[tuple[str, str]] = []  # each tag, and what closes it
        self._after_pre = False
        if place.around:
            self._write(f'<div class="{place.around}">')

    def result(self) -> str:
        """What was written."""
        while self._open:
            self._write(self._open.pop()[1])
        if self._place.around:
            self._write("</div>")
        return "".join(self._made)

    def _write(self, text: str) -> None:
        self._made.append(text)
        self._size += len(text)
        if self._size > self._limit:
            raise TooMuch("a text that grows")

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._after_pre = tag == "pre"
        if tag not in self._place.tags:
            return
        found: dict[str, str] = {}
        for name, value in attributes:
            value = self._resolved(value or "") if (tag, name) == ("img", "src") else value or ""
            text = kept(tag, name, value, self._place.styles)
            if text is not None:
                found.setdefault(name, text)
        self._span(found)
        before, after = "", "" if tag in VOID else f"</{tag}>"
        if tag == "a":
            found["rel"] = "noopener noreferrer"
        elif tag == "img":
            found["alt"] = found.get("alt", "").strip() or UNSEEN
            source = found.get("src", "")
            shows = can_be_drawn if source.startswith(ADDRESS) else _is_small
            if source and not shows(source):
                del found["src"]
        elif tag == "div" and WRAPPERS & {*found.get("class", "").split()}:
            self._enter(tag, "")
            return
        elif self._place.scrolls and tag == "table":
            before, after = GROUP.format("scroll", "Table"), "</table></div>"
        elif self._place.scrolls and tag == "math" and found.get("display") == "block":
            before, after = GROUP.format("formula", "Formula"), "</math></div>"
        if tag == "math":
            found["xmlns"] = "http://www.w3.org/1998/Math/MathML"
        self._write(
            before + "<" + tag + "".join(f' {key}="{escape(text)}"' for key, text in found.items()) + ">"
        )
        if tag not in VOID:
            self._enter(tag, after)

    def _resolved(self, address: str) -> str:
        """The picture that an *address* names among those that are attached; a second time it is not there, so that no text becomes larger than its cell."""
        if not address.startswith(ATTACHMENT):
            return address
        picture = self._attached.pop(unquote(address.removeprefix(ATTACHMENT)), "")
        self._limit += len(picture)
        return picture

    def _span(self, found: dict[str, str]) -> None:
        places = 1
        for name in ("colspan", "rowspan", "columnspan", "span"):
            places *= int(found.get(name, "1"))
        self._spanned += places if places > 1 else 0
        if self._spanned > MAX_SPANNED:
            raise TooMuch("cells that span too much")

    def _enter(self, tag: str, after: str) -> None:
        self._open.append((tag, after))
        if len(self._open) > MAX_DEPTH:
            raise TooMuch("elements nested too deeply")

    def handle_endtag(self, tag: str) -> None:
        self._after_pre = False
        if any(tag == one for one, _ in self._open):
            last = ""
            while last != tag:
                last, after = self._open.pop()
                self._write(after)

    def handle_data(self, text: str) -> None:
        # The parser of a browser drops a line feed at the start of a pre.
        self._write(("\n" if self._after_pre and text.startswith("\n") else "") + escape(text, quote=False))
        self._after_pre = False
