"""The examples of a property test, drawn once for the whole class.

Hypothesis draws from a seed that is the test's own, so every submission that passes is asked the same questions; finding them anew for each
costs some ten times more than asking them. Here they are drawn once in a process and asked directly. Only when an answer is wrong does Hypothesis
run as always, from the same seed: it meets the same example, and shrinks it. As most wrong functions are wrong everywhere, the simplest example of all
is kept too, and tried first: if it fails, there is nothing to shrink.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import functools
import pickle
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Decks", "draw_ahead", "drawn_once", "exchange"]

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
class Deck:
    """What one property test asks.

    Attributes:
        examples: (arguments, keywords) of each, pickled: a test may change what it is given, so each gets a copy.
        simplest: the one that Hypothesis shrinks to when every example fails.
        saved: the same, as Hypothesis's database keeps it.
    """

    examples: list[bytes]
    simplest: bytes = b""
    saved: dict[bytes, set[bytes]] | None = None


Decks = dict[tuple[Any, ...], Deck | None]
SETTINGS = "_hypothesis_internal_use_settings"

_decks: Decks = {}
_ahead = False  # draw, and ask nothing


def exchange(more: Decks | None = None) -> Decks:
    """The examples drawn so far in this process, after adding those that another process has drawn."""
    _decks.update(more or {})
    return dict(_decks)


def draw_ahead(source: str, names: frozenset[str]) -> None:
    """Draw what the test cell *source* will ask for; *names* are the student's in it. What cannot be drawn now is drawn when it is asked for."""
    global _ahead
    _ahead = True
    scope: dict[str, Any] = {"__name__": "exam", **dict.fromkeys(names, lambda *arguments, **keywords: None)}
    try:
        with drawn_once(source, lambda: 0):
            exec(compile(source, "<test>", "exec"), scope)
    except Exception:
        pass  # a plain assertion between the properties: the answers here are none
    finally:
        _ahead = False


@functools.lru_cache(maxsize=512)
def steers_draws(source: str) -> bool:
    """Whether what a test cell draws could depend on what it is told while it runs."""
    for node in ast.walk(ast.parse(source)):
        named = {ast.Name: "id", ast.Attribute: "attr", ast.alias: "name"}.get(type(node))
        if named and getattr(node, named).split(".")[0] in STEERS:
            return True
    return False


@contextlib.contextmanager
def drawn_once(source: str, calls: Callable[[], int]) -> Iterator[None]:
    """While this lasts, ``hypothesis.given`` remembers what it drew for the test cell *source*, which must define its tests itself.

    Args:
        calls: how often the student's functions have been called so far. A test that calls them while it draws is left to Hypothesis.
    """
    import hypothesis

    if steers_draws(source):
        yield
        return
    given = hypothesis.given
    hypothesis.given = functools.partial(_given, given, source, calls)
    try:
        yield
    finally:
        hypothesis.given = given


def _given(given: Any, source: str, calls: Callable[[], int], *strategies: Any, **named: Any) -> Any:
    return lambda test: (
        _Property(given(*strategies, **named), test, (source, repr(strategies), repr(named)), calls).asked
    )


class _Property:
    """One property test: what its name is bound to is :attr:`asked`."""

    def __init__(self, decorate: Any, test: Any, key: tuple[Any, ...], calls: Callable[[], int]) -> None:
        self._test = test
        self._key = (*key, test.__name__)
        self._calls = calls
        self._drawn: list[bytes] | None = None
        self._fails = False  # every example, while the simplest is looked for

        # One function to draw and to ask: the seed depends on its name and signature.
        @functools.wraps(test)
        def probe(*arguments: Any, **keywords: Any) -> Any:
            if self._drawn is None:
                return test(*arguments, **keywords)
            self._drawn.append(pickle.dumps((arguments, keywords)))
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

    def _draw(self) -> Deck | None:
        """The examples, or None for a test whose draws cannot be kept."""
        key = (*self._key, repr(vars(self._run).get(SETTINGS)))
        if key not in _decks:
            before = self._calls()
            self._drawn = []
            try:
                self._run()
                _decks[key] = Deck(self._drawn) if self._calls() == before else None
            except Exception:  # what cannot be copied, or strategies that fail: Hypothesis will say it
                _decks[key] = None
            finally:
                self._drawn = None
        return _decks[key]

    def _run_with_database(self, data: dict[bytes, set[bytes]], *phases: Any) -> None:
        """Run Hypothesis for these *phases* only, with a database that holds *data*, from a seed of its own: with a database it insists on one."""
        from hypothesis import seed, settings
        from hypothesis.database import InMemoryExampleDatabase

        usual = dict(vars(self._run))
        database = InMemoryExampleDatabase()
        database.data = data
        seed(0)(self._run)  # which takes away the database
        vars(self._run)[SETTINGS] = settings(
            usual[SETTINGS], derandomize=False, database=database, phases=phases
        )
        try:
            self._run()
        finally:
            vars(self._run).clear()
            vars(self._run).update(usual)

    def _find_simplest(self, deck: Deck) -> None:
        from hypothesis import Phase

        self._drawn, self._fails, deck.saved = [], True, {}
        try:
            self._run_with_database(deck.saved, Phase.generate, Phase.shrink)
        except AssertionError:
            deck.simplest = self._drawn[-1]
        except Exception:  # strategies that fail on the way: Hypothesis shrinks as always
            deck.saved = {}
        finally:
            self._drawn, self._fails = None, False

    def _explain(self, deck: Deck, number: int) -> None:
        """Have Hypothesis find a wrong answer again, and raise for the simplest example that gets one; *number* is the first that did."""
        from hypothesis import Phase

        by_hand = len(vars(self._run).get("hypothesis_explicit_examples", ()))
        if number >= by_hand:  # those come first, and are reported as they are
            if deck.saved is None:
                self._find_simplest(deck)
            if deck.saved and not self._right(deck.simplest):
                self._run_with_database(copy.deepcopy(deck.saved), Phase.reuse)
        self._run()
        # Hypothesis found every answer right, the one that was wrong a moment ago too.
        from hypothesis.errors import Flaky

        raise Flaky("the same question got different answers")

    def _right(self, example: bytes) -> bool:
        arguments, keywords = pickle.loads(example)
        random.seed(0)
        try:
            self._test(*arguments, **keywords)
        except Exception:
            return False
        return True

    def _ask(self) -> None:
        deck = self._draw()
        if _ahead:
            if deck is not None:
                self._find_simplest(deck)
        elif deck is None:
            self._run()
        else:
            for number, example in enumerate(deck.examples):
                if not self._right(example):
                    self._explain(deck, number)
