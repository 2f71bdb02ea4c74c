"""Names of students' folders and files as text that can be shown and stored: a file system allows any bytes, a terminal and a gradebook do not."""

from __future__ import annotations

import re

__all__ = ["original_name", "shown_name"]

LOOKS_ESCAPED = re.compile(r"\\(?:\\|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})")
MARKUP = frozenset('<>"$')  # Formgrader's pages put an id into HTML as it is, and MathJax typesets it
BYTES = 0xDC00  # Python keeps a byte that is not UTF-8 as this plus the byte


def shown_name(name: str) -> str:
    r"""*name* as it is shown; different names are shown differently, and :func:`original_name` leads back.

    An ordinary name is itself. One with bytes that are not UTF-8, with control characters, with what opens a tag or closes an attribute, or
    with what looks like an escape, is escaped.

    >>> shown_name("ann"), shown_name("C:\\temp"), shown_name("Jos\udce9"), shown_name("two\nlines"), shown_name("<b>")
    ('ann', 'C:\\temp', 'Jos\\xe9', 'two\\x0alines', '\\x3cb\\x3e')
    """
    if name.isprintable() and not LOOKS_ESCAPED.search(name) and MARKUP.isdisjoint(name):
        return name
    return "".join(map(_escaped, name))


def _escaped(character: str) -> str:
    code = ord(character)
    if character == "\\":
        return r"\\"
    if character.isprintable() and character not in MARKUP:
        return character
    if BYTES + 0x80 <= code <= BYTES + 0xFF:
        return f"\\x{code - BYTES:02x}"
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def original_name(shown: str) -> str:
    """The name that :func:`shown_name` shows as *shown*."""
    return LOOKS_ESCAPED.sub(lambda found: _character(found[0]), shown)


def _character(escape: str) -> str:
    if escape == r"\\":
        return "\\"
    code = int(escape[2:], 16)
    if escape[1] == "x" and code >= 0x80:
        code += BYTES
    return chr(code) if code <= 0x10FFFF else escape
