"""Answers that are not of the form that was asked for: which one, what was given, and what is allowed.

What is allowed is told only where the kit says it in ``[choices]``, all of it at once, so that nothing tells which choice is right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import CodeType, FrameType
from typing import Any

from autograder.instructor.statements import FILENAME
from autograder.kit.values import rounded, shown
from autograder.tutor.compare import folded, form_of, plain

__all__ = ["form_given", "misfit", "used_names"]

Choices = Mapping[str, Sequence[Any]]
MOST = 1000  # texts of a test that are looked at
DEEP = 3  # levels of lists and tuples in which texts are looked for


def misfit(name: str, value: Any, choices: Choices, error: BaseException) -> str:
    """What is wrong with the form of *value*, to go on from what was given for *name*: "which is …"; empty if nothing is known to be.

    Args:
        choices: what is allowed, by the names of answers and functions.
        error: what the test failed with; the texts that it used there are what a text may be compared with.
    """
    given = [*_items(value)]
    if name in choices:
        allowed = list(choices[name])
        wrong = [item for item in given if not any(_is(item, one) for one in allowed)]
        listed = _listed(allowed)
        if not wrong:
            return ""
        if _only_spelled(wrong[0], [str(one) for one in allowed]):
            if type(plain(wrong[0])) is str and not any(type(one) is str for one in allowed):
                return f"which is a text: write {listed}, without quotes"
            return f"which is not spelled as it is asked for: write {listed}"
        return f"which is none of what is allowed: write {listed}"
    texts = [item for item in given if isinstance(item, str)]
    mine = set(map(id, texts))  # a test may give a name of its own to what it got
    known = {
        text for frame in _frames(error) if texts for text in _texts(frame, name) if id(text) not in mine
    }
    if any(text not in known and _only_spelled(text, known) for text in texts):
        return "which differs from what is asked for only in its spelling: capital letters, spaces or hyphens"
    return ""


def form_given(values: Mapping[str, Any], names: Sequence[str]) -> str:
    """What the answers of these *names* are, each with its form; empty if there is none or there are many."""
    told = [
        f"`{name}` is {shown(rounded(values[name]))}, {form_of(values[name])}"
        if values[name] is not None
        else f"`{name}` is None"
        for name in names
    ]
    return "; ".join(told) if 0 < len(told) <= 2 else ""


def used_names(error: BaseException, values: Mapping[str, Any]) -> list[str]:
    """Which of the answers *values* the statement uses that failed with *error*, in the order in which it does."""
    used = [name for frame in _frames(error) for name in _names(frame.f_code)]
    return list(dict.fromkeys(name for name in used if name in values and not callable(values[name])))


def _is(item: Any, allowed: Any) -> bool:
    item = plain(item)
    known = isinstance(item, (str, bool, int, float)) and isinstance(item, str) == isinstance(allowed, str)
    return bool(known and item == allowed)


def _only_spelled(item: Any, known: Any) -> bool:
    return isinstance(item, str) and bool(folded(item)) and folded(item) in set(map(folded, known))


def _listed(allowed: Sequence[Any]) -> str:
    told = [shown(one) for one in allowed]
    return " or ".join(filter(None, [", ".join(told[:-1]), told[-1]]))


def _items(value: Any, level: int = 0) -> Iterator[Any]:
    value = plain(value)
    if isinstance(value, (list, set, frozenset)) and level < DEEP:
        for item in list(value)[:MOST]:
            yield from _items(item, level + 1)
    else:
        yield value


def _frames(error: BaseException) -> list[FrameType]:
    """The frames of the test's own code that *error* came through, the innermost first."""
    found, traceback = list[FrameType](), error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == FILENAME:
            found.append(traceback.tb_frame)
        traceback = traceback.tb_next
    return found[::-1]


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)


def _texts(frame: FrameType, but: str) -> Iterator[str]:
    """The texts in the code of a frame and in the plain values of the names that it uses, *but* one."""
    names = set(_names(frame.f_code)) - {but}
    here = frame.f_locals if frame.f_locals is not frame.f_globals else {}
    around = [value for name, value in frame.f_globals.items() if name in names]
    for value in (*_constants(frame.f_code), *here.values(), *around):
        if isinstance(value, (str, list, tuple, set, frozenset)):
            yield from (item for item in _items(value) if isinstance(item, str))


def _constants(code: CodeType) -> Iterator[Any]:
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield from _constants(one)
        else:
            yield one
