"""The cases of an assignment: what each of its notebooks asks about, published and drawn for a student.

An assignment keeps three files beside its notebooks. ``cases.toml`` has a table for each notebook, with the published
case. ``personal_cases.toml`` says what a student's own case is drawn from. ``cases.py`` makes the book of both::

    from mlsysim import CaseBook

    BOOK = CaseBook(__file__, {"1_predict": draw_predict}, models=["small", "large"])
    case = BOOK.case

A case is drawn with SHA-256 of the notebook, the student's id and the number of the try, so it depends on nothing else:
not on the machine, the process or the version of Python. It is no secret.
"""

from __future__ import annotations

import copy
import hashlib
import math
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from mlsysim.data.entries import parse_entries
from mlsysim.errors import InputError, shown, unknown_name
from mlsysim.specs import Hardware, Models, TransformerModel, find_model, find_runtime

__all__ = ["CaseBook", "Draw", "Maker", "clean_id"]

T = TypeVar("T")
Row = dict[str, Any]
TRIES = 10_000  # draws before a book gives up


def clean_id(student: object) -> str:
    """*student* as it is drawn with: without surrounding space, in lower case; empty for none.

    Raises:
        InputError: it is no text and no whole number, or it is longer than 200 characters.

    >>> clean_id(" S01 ")
    's01'
    """
    if student is None:
        return ""
    if isinstance(student, bool) or not isinstance(student, (str, int)) or len(str(student)) > 200:
        raise InputError(
            f'student = {repr(student)[:60]} is not allowed: give your id as a text, such as "s01"'
        )
    return str(student).strip().casefold()


class Draw:
    """The choices of one try, each by a name of its own: the same name gives the same choice again.

    >>> draw = Draw("1_predict", "s01", 0)
    >>> draw.one("bits", [4, 8]) == draw.one("bits", [4, 8])
    True
    """

    def __init__(self, notebook: str, student: str, number: int) -> None:
        self._seed = f"{notebook}\n{student}\n{number}\n"

    def whole(self, name: str, low: int, high: int) -> int:
        """A whole number from *low* to *high*, both possible."""
        digest = hashlib.sha256((self._seed + name).encode("utf-8", "surrogatepass")).digest()
        return low + int.from_bytes(digest[:8], "big") % (high - low + 1)

    def one(self, name: str, options: Sequence[T]) -> T:
        """One of the *options*."""
        return options[self.whole(name, 0, len(options) - 1)]


#: Makes entries of a case from a draw, the notebook's table in ``personal_cases.toml`` and its published case; None if
#: what was drawn is not fair, and then it is asked again with the next draw.
Maker = Callable[[Draw, Row, Row], Row | None]


def _one_of_each(draw: Draw, choices: Row, published: Row) -> Row:
    """What a notebook without a maker draws: one option of each list, whatever the others are."""
    return {name: draw.one(name, options) for name, options in choices.items()}


class CaseBook:
    """The cases of one assignment, read once, when the book is made.

    Args:
        beside: the folder that holds ``cases.toml`` (and ``personal_cases.toml``, if students have cases of their
            own), or a file in that folder, such as ``__file__``.
        makers: by notebook, what draws a student's case; a notebook in ``personal_cases.toml`` that has no maker takes
            one option of each of its lists.
        devices, models, runtimes: the entries that name one. A case has the name as ``KEY_name`` and the numbers, a
            plain dict in SI units, as ``KEY``. A device may also be a table with a ``name`` and numbers of its own.
        sizes: the entries that name a model of which a case tells the name, ``KEY_name``, and the number of
            parameters, ``KEY_params``.

    Raises:
        InputError: a file is missing or no TOML, or it names something that is not there; the message says which.
    """

    def __init__(
        self,
        beside: str | os.PathLike[str],
        makers: Mapping[str, Maker] | None = None,
        *,
        devices: Collection[str] = ("device",),
        models: Collection[str] = ("model",),
        runtimes: Collection[str] = ("runtime",),
        sizes: Collection[str] = (),
    ) -> None:
        folder = Path(beside) if Path(beside).is_dir() else Path(beside).parent
        self._published = _tables(folder / "cases.toml")
        personal = folder / "personal_cases.toml"
        self._choices = _tables(personal) if personal.exists() else {}
        self._makers = dict.fromkeys(self._choices, _one_of_each) | dict(makers or {})
        self._facts: dict[str, Callable[[str, str], Row]] = {
            **dict.fromkeys(devices, _device),
            **dict.fromkeys(models, _model),
            **dict.fromkeys(runtimes, _runtime),
            **dict.fromkeys(sizes, _size),
        }
        for notebook in self._makers:
            if notebook not in self._published:
                raise unknown_name("notebook with personal cases", notebook, self._published)
        # A wrong name is found here, and what the registries read is read, before a student's code runs.
        for file, tables in (("cases.toml", self._published), (personal.name, self._choices)):
            for notebook, row in tables.items():
                self._check(f"{file}, [{notebook}]", row)

    def _check(self, where: str, row: Row) -> None:
        for key in self._facts.keys() & row.keys():
            for name in row[key] if isinstance(row[key], list) else [row[key]]:
                try:
                    self._facts[key](key, name)
                except InputError as error:
                    raise InputError(f"{where}: {key}: {error}") from None

    def case(self, notebook: str, student: object = None) -> dict[str, Any]:
        """What *notebook* asks about: plain numbers, names and dicts, for the caller to keep or change.

        Args:
            notebook: such as ``"2_crossover"``.
            student: an id, which gives a case of its own; without one, the published case.

        Raises:
            UnknownNameError: there is no such notebook; the message says which there are.
            InputError: the id is no text, or ``personal_cases.toml`` leaves no fair case.
        """
        if not isinstance(notebook, str) or notebook not in self._published:
            raise unknown_name("notebook", notebook, self._published)
        row = self._published[notebook]
        if (name := clean_id(student)) and notebook in self._makers:
            row = row | self._personal(notebook, name)
        made: dict[str, Any] = {}
        for key, value in row.items():
            made |= self._facts[key](key, value) if key in self._facts else {key: copy.deepcopy(value)}
        return made

    def _personal(self, notebook: str, student: str) -> Row:
        """The first fair draw for *student* (cleaned, not empty) that is not the published case."""
        make, published = self._makers[notebook], self._published[notebook]
        for number in range(TRIES):
            row = make(Draw(notebook, student, number), self._choices.get(notebook, {}), published)
            if row is not None and any(value != published.get(key) for key, value in row.items()):
                return row
        raise InputError(
            f"no case for student {shown(student)} in {notebook} after {TRIES} draws: "
            "give more choices in personal_cases.toml"
        )


def _tables(path: Path) -> dict[str, Row]:
    """The tables of a TOML file by notebook."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read ({error}): put it beside the notebooks") from None
    return parse_entries(text, path.name)


def _device(key: str, name: str | Row) -> Row:
    if not isinstance(name, dict):
        return {f"{key}_name": name, key: Hardware[name].plain()}
    numbers = {rate: value for rate, value in name.items() if rate != "name"}
    for rate in ("name", "peak_flops", "bandwidth"):
        if rate not in name:
            raise InputError(
                f"{shown(name)} has no {rate}: a device of its own has name, peak_flops and bandwidth"
            )
    for rate, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
            raise InputError(f"{rate} = {shown(value)} is not allowed: give a number above 0")
    return {f"{key}_name": str(name["name"]), key: numbers}


def _model(key: str, name: str) -> Row:
    model: TransformerModel = find_model(name, TransformerModel, "a case")
    return {f"{key}_name": name, key: model.plain()}


def _size(key: str, name: str) -> Row:
    return {f"{key}_name": name, f"{key}_params": Models[name].parameters}


def _runtime(key: str, name: str) -> Row:
    return {f"{key}_name": name, key: find_runtime(name).plain()}
