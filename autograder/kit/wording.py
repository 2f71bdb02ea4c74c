"""A function's inputs and what it gave, in the words and units of its assignment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from autograder.kit.values import MANY, MOST, plain, rounded, shown, with_unit

__all__ = ["Wording"]

Words = Mapping[str, Callable[[Any], str]]
LONGEST = 240  # characters of a value
INPUTS = 320  # characters of inputs


def _no_parameters(function: str) -> Sequence[str]:
    return ()


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _cut(text: str, longest: int = LONGEST) -> str:
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


@dataclass(frozen=True)
class Wording:
    """How an assignment says what a function was given and what it returned. Without any of these, values are shown as they are.

    Attributes:
        arguments: words for a parameter's value, by the parameter's name.
        returns: words for what a function returns, by its name.
        argument_units: unit of a parameter.
        return_units: unit of each value that a function returns.
        parameters: names of a function's parameters, as far as they are known.
        choices: all that is allowed of an answer, or of what a function returns, by its name.
    """

    arguments: Words = field(default_factory=dict)
    returns: Words = field(default_factory=dict)
    argument_units: Mapping[str, str] = field(default_factory=dict)
    return_units: Mapping[str, Sequence[str]] = field(default_factory=dict)
    parameters: Callable[[str], Sequence[str]] = _no_parameters
    choices: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def inputs(self, function: str, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> str:
        """The arguments by the names of their parameters, as far as those are known; numbers first, then what takes words.

        Numbers are exact, and lists are whole where there is room for them, so that whoever calls the function with these inputs sees the same.
        """
        whole = self._inputs(function, arguments, keywords, MANY)
        return (
            whole if len(whole) <= INPUTS else _cut(self._inputs(function, arguments, keywords, MOST), INPUTS)
        )

    def _inputs(self, function: str, arguments: Sequence[Any], keywords: Mapping[str, Any], most: int) -> str:
        names = self.parameters(function)[: len(arguments)]
        if len(names) < len(arguments):
            told = [shown(value, most) for value in arguments]
            return ", ".join([*told, *(f"{key}={shown(value, most)}" for key, value in keywords.items())])
        given = dict(zip(names, arguments, strict=True)) | dict(keywords)
        told = [self._argument(key, value, most) for key, value in given.items()]
        words = [text for key, text in zip(given, told, strict=True) if not text.startswith(f"{key}=")]
        numbers = [text for text in told if text not in words]
        return "; ".join(filter(None, [", ".join(numbers), *words]))

    def _argument(self, name: str, value: Any, most: int) -> str:
        if name in self.arguments:
            try:
                return str(self.arguments[name](value))
            except Exception:  # a value of any other form
                return f"{name}={shown(value, most)}"
        value = plain(value)
        if name in self.argument_units and _is_number(value):
            return f"{name}={with_unit(value, self.argument_units[name])}"
        return f"{name}={shown(value, most)}"

    def returned(self, function: str, value: Any) -> str:
        """What *function* returned, to six digits; see :func:`autograder.kit.values.rounded`."""
        value = rounded(value)
        if function in self.returns:
            try:
                return _cut(str(self.returns[function](value)))
            except Exception:  # a value of any other form
                return _cut(shown(value))
        units = self.return_units.get(function, ())
        items = list(value) if len(units) > 1 and isinstance(value, (list, tuple)) else [value]
        items = [plain(item) for item in items]
        if units and len(items) == len(units) and all(map(_is_number, items)):
            return _cut(" and ".join(with_unit(item, unit) for item, unit in zip(items, units, strict=True)))
        return _cut(shown(value))
