"""Why a wrong answer is wrong: which wrong model of the bank gives just that, and in which function it first shows.

Nothing here changes a mark. A student's functions are called on the probes of the assignment; a wrong model is named only if it agrees on
all of them, differs from the right one on several, and hardly another wrong model does the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autograder.tutor.answers import TOLERANCE, copied_from, is_telling, of_another_form
from autograder.tutor.compare import has_fractions, same
from autograder.tutor.lesson import Change
from autograder.tutor.misconceptions import Misconception, variants
from autograder.tutor.trial import TELLING, Unanswered, differences, gives, outputs, quickest_first, tried
from autograder.tutor.tutor import Tutor

__all__ = ["Diagnosis", "Finding"]

FORMS = 200  # characters about answers of another form
ALTERNATIVES = (
    2  # that are told of a function; of a few numbers, which show less of what was computed, one more
)

Call = tuple[str, tuple[Any, ...], dict[str, Any], Any]
Match = tuple[Misconception, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """What is known about one function or a group of answers.

    Attributes:
        right: whether it gives what the lesson gives.
        matches: what is held, if it is known: each entry explains all of it alone, and holds one misconception or two together.
        root: the function to look at first, if it is another one.
        other: that it is of another form, or the answer for another case: a sentence, or empty.
    """

    right: bool = False
    matches: tuple[Match, ...] = ()
    root: str = ""
    other: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the misconceptions, if they are known for certain."""
        return tuple(one.name for one in self.matches[0]) if len(self.matches) == 1 else ()

    def sentence(self) -> str:
        """For the student; empty if nothing is known."""
        if self.other:
            return self.other
        said = ", or when ".join(" and ".join(one.says for one in match) for match in self.matches)
        if self.root and said:
            return f"Look at `{self.root}` first: what it gives is what you get when {said}."
        if self.root:
            return f"Look at `{self.root}` first: it is not right yet."
        return f"This is what you get when {said}." if said else ""

    def hint(self) -> str:
        """The hint of the misconception, if there is just one."""
        return self.matches[0][0].hint if len(self.matches) == 1 and len(self.matches[0]) == 1 else ""


class Diagnosis:
    """Of one notebook.

    Args:
        tutor: of its assignment.
        functions: the lesson's functions that the notebook asks for.
        ask: calls a student's function; raises :class:`Unanswered`.
    """

    def __init__(
        self, tutor: Tutor, functions: Iterable[str], ask: Callable[[str, tuple[Any, ...]], Any]
    ) -> None:
        self._tutor, self._lesson = tutor, tutor.lesson
        self._functions = sorted(functions, key=self._lesson.functions.index)
        self._ask = ask
        self._answers: dict[tuple[str, str], Any] = {}
        self._found: dict[str, Finding] = {}

    def _asked(self, name: str, arguments: tuple[Any, ...]) -> Any:
        key = name, repr(arguments)
        if key not in self._answers:
            self._answers[key] = self._ask(name, arguments)
        return self._answers[key]

    def _students(self, names: Iterable[str]) -> dict[str, Callable[..., Any]]:
        """The student's functions, to stand in the place of the lesson's."""

        def proxy(name: str) -> Callable[..., Any]:
            return lambda *arguments: self._asked(name, arguments)

        return {name: proxy(name) for name in names if name in self._functions}

    def of_function(self, name: str, called: Sequence[Call] = ()) -> Finding:
        """What is wrong with the student's function *name*, given also some calls of it that were made."""
        if name not in self._found:
            try:
                self._found[name] = self._look(name)
            except Unanswered:
                self._found[name] = Finding()
        found = self._found[name]
        if found.matches and not found.root:
            kept = tuple(match for match in found.matches if self._agrees(match, name, called))
            return Finding(matches=kept)
        return found

    def _look(self, name: str) -> Finding:
        inputs = self._tutor.probes(name)
        got = [self._asked(name, arguments) for arguments in inputs]
        right = outputs(self._lesson.right(), name, inputs)
        if all(map(same, got, right)):
            return Finding(right=True)
        if inputs and all(a is None and b is not None for a, b in zip(got, right, strict=True)):
            return Finding(other=f"`{name}` gives None on every input that was tried: it lacks a `return`.")
        inputs, got, right = quickest_first(inputs, got, right)
        forms = {of_another_form(*pair) for pair in zip(got, right, strict=True)}
        if len(forms) == 1 and (form := forms.pop()):
            return Finding(other=f"`{name}` gives {form}.")
        helpers = [other for other in self._functions if other in self._lesson.builds_on(name)]
        students = self._students(helpers)
        broken = next((other for other in helpers if not self.of_function(other).right), "")
        if broken and gives(self._lesson.model((), students), name, inputs, got):
            return Finding(matches=self.of_function(broken).matches, root=self._root(broken))

        def matches(functions: Mapping[str, Any], own: bool) -> list[Match]:
            alike = (
                match
                for match, changes in self._variants(name, 1, lambda one: own == self._is_own(one, helpers))
                if gives(self._lesson.model(changes, functions), name, inputs, got, right)
            )
            return list({match[0].name: match for match in alike}.values())  # whichever way it is put

        found = matches({}, True)
        if not found and broken:
            found = matches(students, True)
        found = found or matches({}, False) or self._pairs(name, helpers, inputs, got, right)
        if len(found) > ALTERNATIVES:  # what is about the function itself is the better guess
            found = [match for match in found if all(name in one.functions for one in match)]
        return Finding(matches=tuple(found) if len(found) <= ALTERNATIVES else ())

    def _pairs(
        self,
        name: str,
        helpers: Sequence[str],
        inputs: Sequence[tuple[Any, ...]],
        got: list[Any],
        right: list[Any],
    ) -> list[Match]:
        """The one way to hold two that gives the student's values: both about *name* itself, or else about anything it uses."""
        for only in (lambda one: self._is_own(one, helpers), lambda one: True):
            found = [
                match
                for match, changes in self._variants(name, 2, only)
                if gives(self._lesson.model(changes), name, inputs, got, right)
                and all(self._is_more_than(one, name, inputs, got) for one in match)
            ]
            if found:
                return found if len(found) == 1 else []
        return []

    def _is_more_than(
        self, one: Misconception, name: str, inputs: Sequence[tuple[Any, ...]], got: list[Any]
    ) -> bool:
        """Whether the student's values tell that *one* is not all that is held: else another single slip may give them as well."""
        alone = self._lesson.model(one.changes[0])
        return differences(tried(alone, name, inputs), got) >= TELLING

    @staticmethod
    def _is_own(one: Misconception, helpers: Sequence[str]) -> bool:
        """Whether it is not about one of *helpers*, functions that the notebook asks for before."""
        return not one.functions & set(helpers)

    def _root(self, name: str) -> str:
        return self.of_function(name).root or name

    def of_answers(
        self, notebook: str, case_id: str, values: Mapping[str, Any], others: Sequence[str] = ()
    ) -> Finding:
        """What is wrong with the answers *values* (by name) about the case of *case_id*; *others* may have theirs in it."""
        right = self._lesson.known_answers(notebook, case_id)
        values = {name: value for name, value in values.items() if name in right}
        wrong = [name for name, value in values.items() if not same(value, right[name], TOLERANCE)]
        if not wrong:
            return Finding(right=True)
        forms = [(name, of_another_form(values[name], right[name])) for name in wrong]
        if told := ", and ".join(f"`{name}` is {form}" for name, form in forms if form):
            return Finding(other=f"{told[:FORMS]}.")
        broken = next((name for name in self._functions if not self.of_function(name).right), "")
        function = f"answers_{notebook}"
        if broken:
            try:
                theirs = self._lesson.answers(notebook, case_id, functions=self._students(self._functions))
            except Exception:  # whatever a wrong function makes of the lesson's code
                theirs = {}
            if theirs and all(same(values[name], theirs[name]) for name in values):
                return Finding(matches=self.of_function(broken).matches, root=self._root(broken))
        correct = [name for name in self._functions if self.of_function(name).right]
        fine = {part for name in correct for part in (name, *self._lesson.builds_on(name))}
        # What is about a function that is right was not computed with it, and is the second guess.
        for only in (lambda one: not one.functions & fine, lambda one: bool(one.functions & fine)):
            found = [
                match
                for match, changes in self._variants(function, 1, only)
                if self._answers_are(values, notebook, case_id, changes) and is_telling(values, right)
            ]
            if found:
                return Finding(matches=tuple(found) if len(found) <= ALTERNATIVES + 1 else ())
        sentences = (copied_from(self._lesson, other, notebook, case_id, values) for other in ("", *others))
        return Finding(other=next(filter(None, sentences), ""))

    def _agrees(self, match: Match, name: str, called: Sequence[Call]) -> bool:
        """Whether one misconception also gives what was seen in *called*; only fractions are compared, for they have no ties to break."""
        if len(match) != 1:
            return True
        names = self._lesson.parameters(name)
        for way in match[0].changes:
            namespace = self._lesson.model(way)
            assert namespace is not None
            try:
                if all(
                    same(namespace[name](**dict(zip(names, arguments, strict=False)), **keywords), value)
                    for function, arguments, keywords, value in called
                    if function == name and has_fractions(value)
                ):
                    return True
            except Exception:
                continue
        return False

    def _answers_are(
        self, values: Mapping[str, Any], notebook: str, case_id: str, changes: Iterable[Change]
    ) -> bool:
        try:
            theirs = self._lesson.known_answers(notebook, case_id, tuple(changes))
        except Exception:  # a wrong model may divide by zero, or find no crossing
            return False
        return all(same(value, theirs[name]) for name, value in values.items())

    def _variants(
        self, name: str, held: int, only: Callable[[Misconception], bool]
    ) -> Iterable[tuple[Match, tuple[Change, ...]]]:
        return variants(self._lesson, self._tutor.bank, name, held, only)
