"""The bank of wrong models in ``data/misconceptions.toml``, as functions that can be called.

A wrong model is the lesson with one or a few lines changed, so several can be held at once, and what is wrong in one function shows in those
that build on it.
"""

from __future__ import annotations

import ast
import functools
import gzip
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

__all__ = [
    "PACKED",
    "Change",
    "Misconception",
    "builds_on",
    "load_misconceptions",
    "model",
    "parameters",
    "variants",
]

# Files of data/ that hold lines of right answers: where self-learners get them they are compressed, so that nobody reads them by accident.
PACKED = ("lesson.py", "misconceptions.toml")

Change = tuple[str, str, str]  # function, old text, new text
Namespace = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Misconception:
    """One wrong model.

    Attributes:
        name: its key in the bank.
        says: ends "This is what you get when …".
        hint: what to think about next.
        seen: where it was published.
        changes: to the lesson: one tuple of changes for each way to put the same idea.
    """

    name: str
    says: str
    hint: str
    seen: str
    changes: tuple[tuple[Change, ...], ...]

    @property
    def functions(self) -> frozenset[str]:
        """The functions that it changes."""
        return frozenset(change[0] for way in self.changes for change in way)


def _data(name: str) -> str:
    folder = resources.files("autograder").joinpath("data")
    plain = folder.joinpath(name)
    if plain.is_file():
        return plain.read_text("utf-8")
    return gzip.decompress(folder.joinpath(f"{name}.gz").read_bytes()).decode("utf-8")


@functools.cache
def load_misconceptions() -> dict[str, Misconception]:
    """The bank by name, in the order of the file."""
    made = {}
    for name, row in tomllib.loads(_data("misconceptions.toml")).items():
        ways = (row["change"], *row.get("also", ()))
        changes = tuple(tuple((f, old, new) for f, old, new in way) for way in ways)
        made[name] = Misconception(name, row["says"], row["hint"], row["seen"], changes)
    return made


@functools.cache
def _sources() -> tuple[str, dict[str, str]]:
    """What stands above the lesson's functions, and the text of each function."""
    text = _data("lesson.py")
    nodes = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    lines = text.splitlines(keepends=True)
    functions = {node.name: "".join(lines[node.lineno - 1 : node.end_lineno]) for node in nodes}
    return "".join(lines[: nodes[0].lineno - 1]), functions


@functools.cache
def builds_on(function: str) -> frozenset[str]:
    """The lesson's functions that *function* calls, directly or through others, itself not counted."""
    known = _sources()[1]
    names = {node.id for node in ast.walk(ast.parse(known[function])) if isinstance(node, ast.Name)}
    direct = (names & set(known)) - {function}
    return frozenset(direct.union(*(builds_on(name) for name in direct)))


@functools.cache
def parameters(function: str) -> tuple[str, ...]:
    """The names of *function*'s parameters; empty if it is none of the lesson's."""
    known = _sources()[1]
    if function not in known:
        return ()
    node = ast.parse(known[function]).body[0]
    assert isinstance(node, ast.FunctionDef)
    return tuple(argument.arg for argument in node.args.args)


@functools.cache
def _lesson() -> Any:
    head, functions = _sources()
    return compile(head + "\n\n".join(functions.values()), "<lesson>", "exec")


@functools.lru_cache(maxsize=1024)
def _compiled(source: str) -> Any:
    return compile("from __future__ import annotations\n" + source, "<wrong model>", "exec")


def model(changes: Iterable[Change] = (), functions: Namespace | None = None) -> dict[str, Any] | None:
    """The lesson's functions with *changes*, by name; *functions* take the place of those of the same name.

    None if the changes do not fit together: one of them is about a line that another has changed.
    """
    texts = _sources()[1]
    changed: dict[str, str] = {}
    for function, old, new in changes:
        text = changed.get(function, texts[function])
        if text.count(old) != 1:
            return None
        changed[function] = text.replace(old, new)
    namespace: dict[str, Any] = {"__name__": "lesson"}
    exec(_lesson(), namespace)
    for text in changed.values():
        exec(_compiled(text), namespace)
    namespace |= functions or {}
    return namespace


def variants(
    function: str, held: int = 1, only: Callable[[Misconception], bool] = lambda one: True
) -> Iterable[tuple[tuple[Misconception, ...], tuple[Change, ...]]]:
    """Every way to hold one (or, with ``held=2``, two) misconceptions that can show in *function*, with its changes."""
    reach = builds_on(function) | {function}
    bank = [m for m in load_misconceptions().values() if m.functions <= reach and only(m)]
    if held == 1:
        for one in bank:
            for way in one.changes:
                yield (one,), way
        return
    for i, one in enumerate(bank):
        for other in bank[i + 1 :]:
            yield (one, other), one.changes[0] + other.changes[0]
