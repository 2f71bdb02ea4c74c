"""Reads a file of the kit into the form that it must have: what does not fit is named, with what is allowed."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

import msgspec

__all__ = ["HintEntry", "KitError", "MisconceptionEntry", "Settings", "in_form", "read_table"]

Form = TypeVar("Form")


class KitError(Exception):
    """A file of the kit cannot be used; the message names it and says why."""


class Warming(msgspec.Struct):
    """``[warm]`` in ``kit.toml``."""

    modules: list[str] | None = None
    cell: str = ""


class Simulating(msgspec.Struct):
    """``[simulate]`` in ``kit.toml``."""

    slow: list[str] = []
    one_id: list[str] = []


class HintEntry(msgspec.Struct):
    """An answer in ``hints.toml``."""

    question: str
    lesson: str
    shape: str
    tests: list[str]
    see: str


class MisconceptionEntry(msgspec.Struct):
    """A wrong model in ``misconceptions.toml``."""

    says: str
    hint: str
    seen: str
    change: list[tuple[str, str, str]]
    also: list[list[tuple[str, str, str]]] = []


class Settings(msgspec.Struct):
    """``kit.toml``."""

    title: str = ""
    case: str = ""
    units: str = ""
    libraries: list[str] = []
    warm: Warming = msgspec.field(default_factory=Warming)
    arguments: dict[str, str] = {}
    returns: dict[str, list[str]] = {}
    choices: dict[str, Annotated[list[str | bool | int], msgspec.Meta(min_length=1)]] = {}
    simulate: Simulating = msgspec.field(default_factory=Simulating)


def read_table(path: Path) -> dict[str, Any]:
    """The TOML file *path*; empty if there is none.

    Raises:
        KitError: it cannot be read.
    """
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise KitError(f"{path} cannot be read: {error}") from None


def in_form(path: Path, table: Any, form: type[Form], where: str = "") -> Form:
    """*table*, which stands in the file *path* under *where*, as *form*: a msgspec structure or a dataclass.

    Raises:
        KitError: an entry is not known, is missing or is of another type.
    """
    place = f"{path}: [{where}] " if where else f"{path}: "
    types = get_type_hints(form)
    if not isinstance(table, dict):
        raise KitError(f"{place}it must be a table with entries such as {', '.join(types)}")
    for name, value in table.items():
        if name not in types:
            raise KitError(f"{place}{name!r} is not known; known: {', '.join(types)}")
        if types[name] in (Warming, Simulating):
            in_form(path, value, types[name], name)
    try:
        return msgspec.convert(table, form)
    except msgspec.ValidationError as error:
        raise KitError(f"{place}{str(error)[0].lower()}{str(error)[1:]}") from None
