"""The right functions of an assignment, as text: they are called as they are, or with a line or two changed.

No mark depends on them: marks come from the tests of the source notebooks. Wrong answers are compared with them to be explained.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

__all__ = ["Case", "Change", "Lesson", "LessonError"]

Change = tuple[str, str, str]  # function, old text, new text
Case = Callable[[str, str], Mapping[str, Any]]  # of a notebook and an id


class LessonError(Exception):
    """The lesson cannot be read; the message says why."""


class Lesson:
    """The functions of a file.

    Args:
        text: the file. What stands above the first function is run before all of them.
        case: what a notebook asks about, by notebook and id. ``answers_NOTEBOOK(case)`` of the lesson gives the answers for it.

    Raises:
        LessonError: *text* is not Python, or defines no function.
    """

    def __init__(self, text: str, case: Case | None = None) -> None:
        try:
            nodes = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
        except SyntaxError as error:
            raise LessonError(f"it is not Python: {error.msg} (line {error.lineno})") from None
        if not nodes:
            raise LessonError("it defines no function")
        lines = text.splitlines(keepends=True)
        self._head = "".join(lines[: nodes[0].lineno - 1])
        self._texts = {node.name: "".join(lines[node.lineno - 1 : node.end_lineno]) for node in nodes}
        self._nodes = {node.name: node for node in nodes}
        self._case = case
        # Remembered for each lesson, and given up with it.
        self.builds_on = functools.cache(self._builds_on)
        self.known_answers = functools.lru_cache(maxsize=2048)(self.answers)
        self._compiled = functools.lru_cache(maxsize=1024)(_compiled)

    @property
    def functions(self) -> list[str]:
        """Their names, in the order of the file."""
        return list(self._texts)

    def __contains__(self, function: str) -> bool:
        return function in self._texts

    def parameters(self, function: str) -> tuple[str, ...]:
        """The names of *function*'s parameters; empty if it is none of the lesson's."""
        node = self._nodes.get(function)
        return tuple(argument.arg for argument in node.args.args) if node else ()

    def _builds_on(self, function: str) -> frozenset[str]:
        """The functions that *function* calls, directly or through others, itself not counted."""
        names = {node.id for node in ast.walk(self._nodes[function]) if isinstance(node, ast.Name)}
        direct = (names & set(self._texts)) - {function}
        return frozenset(direct.union(*(self.builds_on(name) for name in direct)))

    def fits(self, change: Change) -> bool:
        """Whether the old text stands just once in the function that *change* is about."""
        function, old, _ = change
        return self._texts.get(function, "").count(old) == 1

    def model(
        self, changes: Iterable[Change] = (), functions: Mapping[str, Any] | None = None
    ) -> dict[str, Any] | None:
        """The functions with *changes*, by name; *functions* take the place of those of the same name.

        None if the changes do not fit together: one of them is about a line that another has changed.
        """
        changed: dict[str, str] = {}
        for function, old, new in changes:
            text = changed.get(function, self._texts[function])
            if text.count(old) != 1:
                return None
            changed[function] = text.replace(old, new)
        namespace: dict[str, Any] = {"__name__": "lesson"}
        exec(self._whole, namespace)
        for text in changed.values():
            exec(self._compiled(text), namespace)
        namespace |= functions or {}
        return namespace

    @functools.cached_property
    def _whole(self) -> Any:
        return compile(self._head + "\n\n".join(self._texts.values()), "<lesson>", "exec")

    def right(self) -> dict[str, Any]:
        """The functions as they are, by name."""
        namespace = self.model()
        assert namespace is not None
        return namespace

    def answers_of(self, notebook: str) -> str:
        """The function that gives the answers of *notebook*; empty if there is none."""
        name = f"answers_{notebook}"
        return name if name in self._texts and self._case is not None else ""

    def answers(
        self,
        notebook: str,
        case_id: str,
        changes: tuple[Change, ...] = (),
        functions: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The answers to *notebook*'s questions about the case of *case_id*, by name; see :meth:`model`."""
        namespace = self.model(changes, functions)
        assert namespace is not None and self._case is not None
        found: dict[str, Any] = namespace[self.answers_of(notebook)](self._case(notebook, case_id))
        return found


def _compiled(source: str) -> Any:
    return compile("from __future__ import annotations\n" + source, "<wrong model>", "exec")
