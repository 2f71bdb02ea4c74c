"""The examples of a property test, drawn once for the whole class.

Hypothesis draws from a seed that is the test's own, so every submission that passes is asked the same questions; finding them anew for each
costs some ten times more than asking them. Here they are drawn once in a process and asked directly. Only when an answer is wrong does Hypothesis
run as always, from the same seed: it meets the same example, and shrinks it. As most wrong functions are wrong everywhere, the simplest example of all
is kept too, and tried first: if it fails, there is nothing to shrink.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import pickle
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from autograder.instructor.ipython_syntax import python_of

__all__ = ["Drawn", "asked_directly", "drawing_ahead", "drawn_once", "exchange"]

# A test that uses one of these decides about its draws while it runs; it is left to Hypothesis.
STEERS = {
    "assume",
    "data",
    "event",
    "find",
    "note",
    "random",
    "register_random",
    "reject",
    "reproduce_failure",
    "seed",
    "target",
}


@dataclass(slots=True)
class Examples:
    """What one property test asks.

    Attributes:
        asked: (arguments, keywords) of each, pickled: a test may change what it is given, so each gets a copy.
        simplest: the one that Hypothesis shrinks to when every example fails; None before it is looked for, empty if there is none.
        notes: what Hypothesis then says of it.
    """

    asked: list[bytes]
    simplest: bytes | None = None
    notes: list[str] = field(default_factory=list)


Drawn = dict[tuple[Any, ...], Examples | None]

_drawn: Drawn = {}
_ahead = False  # draw, and ask nothing
_cell: tuple[str, Callable[[], int]] | None = None  # the test cell whose draws are kept


def exchange(more: Drawn | None = None) -> Drawn:
    """The examples drawn so far in this process, after adding those that another process has drawn."""
    _drawn.update(more or {})
    return dict(_drawn)


@contextlib.contextmanager
def drawing_ahead() -> Iterator[None]:
    """While this lasts, property tests draw their examples and ask nothing."""
    global _ahead
    _ahead = True
    try:
        yield
    finally:
        _ahead = False


@functools.lru_cache(maxsize=1024)
def steers_draws(text: str) -> bool:
    """Whether what the tests of a cell draw could depend on what they are told while they run."""
    try:
        tree, _ = python_of(text)
    except SyntaxError:
        return True
    for node in ast.walk(tree):
        named = {ast.Name: "id", ast.Attribute: "attr", ast.alias: "name"}.get(type(node))
        if named and getattr(node, named).split(".")[0] in STEERS:
            return True
    return False


@contextlib.contextmanager
def asked_directly() -> Iterator[None]:
    """While this lasts, what imports ``hypothesis.given`` gets one that keeps draws for the cell of :func:`drawn_once`, if there is one."""
    import hypothesis

    given = hypothesis.given
    hypothesis.given = functools.partial(_given, given)
    try:
        yield
    finally:
        hypothesis.given = given


@contextlib.contextmanager
def drawn_once(key: str, texts: Iterable[str], calls: Callable[[], int]) -> Iterator[None]:
    """While this lasts, property tests that are defined remember what they drew.

    Args:
        key: of the test cell and everything that its draws depend on.
        texts: of the cells that they are made of; where one of them decides about draws, the cell is left to Hypothesis.
        calls: how often the student's functions have been called so far. A test that calls them while it draws is left to Hypothesis.
    """
    global _cell
    _cell = None if any(map(steers_draws, texts)) else (key, calls)
    try:
        yield
    finally:
        _cell = None


def _given(given: Any, *strategies: Any, **named: Any) -> Any:
    if _cell is None:
        return given(*strategies, **named)
    key, calls = _cell
    return lambda test: (
        _Property(given(*strategies, **named), test, (key, repr(strategies), repr(named)), calls).asked
    )


class _Property:
    """One property test: what its name is bound to is :attr:`asked`."""

    def __init__(self, decorate: Any, test: Any, key: tuple[Any, ...], calls: Callable[[], int]) -> None:
        self._test = test
        self._key = (*key, test.__name__)
        self._calls = calls
        self._kept: list[bytes] | None = None
        self._fails = False  # every example, while the simplest is looked for

        # One function to draw and to ask: the seed depends on its name and signature.
        @functools.wraps(test)
        def probe(*arguments: Any, **keywords: Any) -> Any:
            if self._kept is None:
                return test(*arguments, **keywords)
            self._kept.append(pickle.dumps((arguments, keywords)))
            assert not self._fails
            return None

        self._run = decorate(probe)

        @functools.wraps(self._run)
        def asked(*arguments: Any, **keywords: Any) -> None:
            # @settings above @given leaves its settings on the outermost function.
            self._run.__dict__.update({k: v for k, v in vars(asked).items() if k != "__wrapped__"})
            if arguments or keywords:
                self._run(*arguments, **keywords)
            else:
                self._ask()

        self.asked = asked

    def _draw(self) -> Examples | None:
        """The examples, or None for a test whose draws cannot be kept."""
        from autograder.exam.hypothesis_compat import settings_of

        key = (*self._key, repr(settings_of(self._run)))
        if key not in _drawn:
            before = self._calls()
            self._kept = []
            try:
                self._run()
                _drawn[key] = Examples(self._kept) if self._calls() == before else None
            except Exception:  # what cannot be copied, or strategies that fail: Hypothesis will say it
                _drawn[key] = None
            finally:
                self._kept = None
        return _drawn[key]

    def _find_simplest(self, drawn: Examples) -> None:
        from hypothesis import Phase

        from autograder.exam.hypothesis_compat import run_phases

        self._kept, self._fails, drawn.simplest = [], True, b""
        try:
            run_phases(self._run, Phase.generate, Phase.shrink)
        except AssertionError as error:
            drawn.simplest, drawn.notes = self._kept[-1], list(getattr(error, "__notes__", ()))
        except Exception:  # strategies that fail on the way: Hypothesis shrinks as always
            pass
        finally:
            self._kept, self._fails = None, False

    def _explain(self, drawn: Examples, number: int) -> None:
        """Raise what Hypothesis would raise, for the simplest example that gets a wrong answer; *number* is the first that did."""
        from autograder.exam.hypothesis_compat import explicit_examples

        by_hand = explicit_examples(self._run)
        if number >= by_hand:  # those come first, and are reported as they are
            if drawn.simplest is None:
                self._find_simplest(drawn)
            if drawn.simplest and (error := self._wrong(drawn.simplest)) is not None:
                for note in drawn.notes:
                    error.add_note(note)
                raise error
        self._run()
        # Hypothesis found every answer right, the one that was wrong a moment ago too.
        from hypothesis.errors import Flaky

        raise Flaky("the same question got different answers")

    def _wrong(self, example: bytes) -> Exception | None:
        """What the test raises for the *example*, if anything."""
        arguments, keywords = pickle.loads(example)
        random.seed(0)
        try:
            self._test(*arguments, **keywords)
        except Exception as error:
            return error
        return None

    def _ask(self) -> None:
        drawn = self._draw()
        if _ahead:
            if drawn is not None:
                self._find_simplest(drawn)
        elif drawn is None:
            self._run()
        else:
            for number, example in enumerate(drawn.asked):
                if self._wrong(example) is not None:
                    self._explain(drawn, number)
