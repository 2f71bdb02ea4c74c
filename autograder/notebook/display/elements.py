"""The allow-list: every element, attribute, class and style that a student's text may have where it is shown."""

from __future__ import annotations

import re

from pygments.token import STANDARD_TYPES

__all__ = ["CLASSES", "HTML", "MATH", "STYLES", "WRAPPERS", "allowed_attributes", "kept"]

HTML = frozenset(
    "a abbr b blockquote br caption code col colgroup dd del details div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark "  # noqa: SIM905
    "ol p pre q s samp small span strong sub summary sup table tbody td tfoot th thead tr u ul var".split()
)
MATH = frozenset(
    "math menclose mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow ms mspace msqrt mstyle msub msubsup msup "  # noqa: SIM905
    "mtable mtd mtext mtr munder munderover".split()
)
COLOUR = r"#[0-9a-fA-F]{3,8}|[a-zA-Z]{1,24}|(?:rgb|hsl)a?\([0-9., %/]{1,40}\)"
# Long enough for every honest use, too short to push anything over the page; nothing may be negative.
LENGTH = r"\d{1,3}(?:\.\d{1,4})?(?:px|%)?|\d{1,2}(?:\.\d{1,4})?(?:em|ex|ch|rem|pt)"
WORDS = r"[a-zA-Z -]{1,60}"
STYLES = {
    "color": COLOUR,
    "background-color": COLOUR,
    "font-weight": r"[a-z]{1,10}|\d{3}",
    "font-style": WORDS,
    "font-family": r"[a-zA-Z, -]{1,80}",
    "font-size": LENGTH,
    "text-align": WORDS,
    "text-decoration": WORDS,
    "vertical-align": WORDS,
    "white-space": WORDS,
    "border": rf"(?:(?:{LENGTH}|{COLOUR}) ?){{1,3}}",
    "border-collapse": WORDS,
    "padding": rf"(?:(?:{LENGTH}) ?){{1,4}}",
    "width": LENGTH,
    "max-width": LENGTH,
}
_STYLES = {name: re.compile(pattern) for name, pattern in STYLES.items()}
# Formulas space and scale by small amounts, and nothing in them moves back over what stands before it.
_MATH_VALUE = re.compile(
    r"#[0-9a-fA-F]{3,8}|(?!negative)[a-zA-Z][a-zA-Z -]{0,60}|\d{0,2}(?:\.\d{1,4})?%?|[0-2]?(?:\.\d{1,4})?(?:em|ex)|[0-2]?\d(?:\.\d{1,4})?(?:px|pt|mu)"
)
_MATH_ATTRIBUTES = frozenset(
    "accent accentunder columnalign columnlines columnspacing columnspan depth display displaystyle fence form height linethickness lspace "  # noqa: SIM905
    "mathbackground mathcolor mathsize mathvariant maxsize minsize notation rowlines rowspacing rowspan rspace scriptlevel separator stretchy "
    "symmetric width xmlns".split()
)
_PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/\s]+=*")
_ADDRESS = re.compile(r"(?:https?://|mailto:)[^\s\x00-\x1f]{1,2000}", re.IGNORECASE)
_NUMBER = re.compile(r"\d{1,4}%?")
# A table has as many places as its spans say, however few cells it has.
_SPAN = re.compile(r"[1-9]\d?")
_WORD = re.compile(r"[a-zA-Z-]{1,20}")
_ANY = re.compile(r".{0,4000}", re.DOTALL)
_ATTRIBUTES: dict[str, dict[str, re.Pattern[str]]] = {
    "a": {"href": _ADDRESS},
    "img": {"src": _PICTURE, "alt": _ANY, "width": _NUMBER, "height": _NUMBER},
    "td": {"colspan": _SPAN, "rowspan": _SPAN, "align": _WORD},
    "th": {"colspan": _SPAN, "rowspan": _SPAN, "align": _WORD, "scope": _WORD},
    "col": {"span": _SPAN},
    "details": {"open": re.compile("")},
    "ol": {"start": _NUMBER},
}
# Elements that are put around others when a page is written. They are taken out first, so that cleaning twice is cleaning once.
WRAPPERS = frozenset({"tex2jax_ignore", "shown", "scroll", "formula"})
CLASSES = {
    "table": frozenset({"dataframe"}),  # how pandas' tables are told from others
    "div": WRAPPERS,
    "pre": frozenset({"code"}),
    "span": frozenset(STANDARD_TYPES.values()) - {""},
}


def allowed_attributes() -> dict[str, set[str]]:
    """Names of attributes by tag; which values they may have, :func:`kept` says."""
    names = {tag: set(own) | {"title", "lang", "style"} for tag, own in _ATTRIBUTES.items()}
    names |= {tag: {"title", "lang", "style"} for tag in HTML - names.keys()}
    return names | {tag: set(_MATH_ATTRIBUTES) for tag in MATH}


def kept(tag: str, name: str, value: str, styles: frozenset[str]) -> str | None:
    """The *value* of an attribute as it may stand where these *styles* may be, or None if the attribute may not."""
    if name == "class":
        return " ".join(token for token in value.split() if token in CLASSES.get(tag, ())) or None
    if tag == "mpadded":  # all that it can do is to move what is in it to where nothing was left for it
        return None
    if name in ("rowspan", "columnspan") and tag in MATH:
        return value if _SPAN.fullmatch(value) else None
    if tag in MATH:
        fits = name in _MATH_ATTRIBUTES and (
            _MATH_VALUE.fullmatch(value)
            or (tag, name, value) == ("math", "xmlns", "http://www.w3.org/1998/Math/MathML")
        )
        return value if fits else None
    if name == "style":
        return _style(value, styles) or None
    if name in ("title", "lang"):
        return value[:4000]
    pattern = _ATTRIBUTES.get(tag, {}).get(name)
    return value if pattern is not None and pattern.fullmatch(value) else None


def _style(value: str, styles: frozenset[str]) -> str:
    made = []
    for declaration in value.split(";"):
        name, _, text = (part.strip() for part in declaration.partition(":"))
        if name in styles and _STYLES[name].fullmatch(text):
            made.append(f"{name}: {text}")
    return "; ".join(made)
