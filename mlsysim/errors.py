"""What bad input raises: errors that name the thing, its value and what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable

__all__ = ["InputError", "UnknownNameError", "check_name", "check_names", "shown", "unknown_name"]

LISTED = 40  # names in a message, where none is near
SHOWN = 60  # characters of a value in a message


class InputError(ValueError):
    """An argument is of the wrong type or outside its range."""


class UnknownNameError(InputError, AttributeError):
    """A name is in none of the registries; an ``AttributeError`` too, so that ``hasattr`` works."""


def shown(value: object) -> str:
    """*value* as a message shows it: on one line, cut after 60 characters.

    >>> len(shown(10**400))
    60
    """
    text = " ".join(repr(value).split())
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."


def _folded(name: str) -> str:
    return name.casefold().replace("-", "").replace("_", "").replace(" ", "")


def unknown_name(kind: str, name: object, known: Collection[str]) -> UnknownNameError:
    """The error for an unknown *kind* (model, device, precision …), naming the nearest known ones."""
    names = sorted(known)
    near: list[str] = []
    if isinstance(name, str):
        folded, wanted = {_folded(k): k for k in names}, _folded(name)
        near = [folded[k] for k in difflib.get_close_matches(wanted, folded, n=3, cutoff=0.5)]
        near += [k for f, k in folded.items() if wanted and wanted in f and k not in near][: 3 - len(near)]
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    hint = f"nearest known: {', '.join(near)}" if near else f"known: {', '.join(names[:LISTED])}{more}"
    return UnknownNameError(f"unknown {kind} {shown(name)}; {hint}")


def check_name(kind: str, name: object, known: Collection[str]) -> str:
    """Return *name* if it is one of *known*.

    Raises:
        UnknownNameError: it is not, or no text at all.
    """
    if isinstance(name, str) and name in known:
        return name
    raise unknown_name(kind, name, known)


def check_names(argument: str, names: object) -> list[str]:
    """Return *names* as a list if they are a list, or another collection, of texts.

    Raises:
        InputError: they are one text, or something else.
    """
    one = isinstance(names, (str, bytes)) or getattr(names, "ndim", 1) == 0  # a 0-d array says it is iterable
    listed = list(names) if isinstance(names, Iterable) and not one else [None]
    if not all(isinstance(name, str) for name in listed):
        raise InputError(f"{argument} = {shown(names)} is not allowed: give a list of names")
    return [str(name) for name in listed]
