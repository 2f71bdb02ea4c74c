"""What stands in a test for the student's functions and classes, and for the exceptions that they raise."""

from __future__ import annotations

from typing import Any

from autograder.handles.functions import StudentFunction
from autograder.handles.handle import Asks, Held
from autograder.handles.peer import TestPeer
from autograder.handles.raised import EndOfIteration, StudentError, class_below, class_of, raised
from autograder.handles.signatures import describe
from autograder.wire.containers import named_tuple

__all__ = ["Proxies"]


class Proxies:
    """Those of one test at a time: in it, one class stands for a class of the student's.

    Args:
        asks: calls something over there.
        peer: knows the classes that are no exceptions.
    """

    def __init__(self, asks: Asks, peer: TestPeer) -> None:
        self._asks = asks
        self._peer = peer
        self._exceptions: dict[str, type[StudentError]] = {}

    def begin_test(self) -> None:
        """Another test begins."""
        self._exceptions.clear()

    def proxy(self, name: str, told: dict[str, Any]) -> Any:
        """What stands for a function, a class or an exception; None for a value and for a name that is missing.

        Args:
            told: by name, what :meth:`autograder.candidate.process.Candidate.kinds` tells of the names of this test.
        """
        what = told[name]
        if type(what) is not dict:
            return None
        titles = [one for one in what.get("above") or () if type(one) is str and one != name and one in told]
        match what.get("kind"):
            case "exception":
                if name not in self._exceptions:
                    base = class_of(str(what.get("base")))
                    self._exceptions[name] = base  # for one that says it is above itself
                    above = [self.proxy(one, told) for one in titles][:1]
                    below = tuple(one for one in above if type(one) is type and issubclass(one, base))
                    self._exceptions[name] = type(name, below or (base,), {"__module__": "__main__"})
                return self._exceptions[name]
            case "named tuple":
                return named_tuple(what.get("title"), what.get("fields"))
            case "class":
                classes = self._peer.classes
                if name not in classes:
                    above = [self.proxy(one, told) for one in titles]
                    self._peer.class_of(name, what, [one for one in above if isinstance(one, type)][:1])
                return classes[name]
        return describe(StudentFunction(Held(self._asks, ["name", name], name, named=True), name), what)

    def exception(self, sentence: str, text: str, facts: list[Any]) -> StudentError:
        """What a student's function raised, as the exception that a test can catch.

        Args:
            sentence: for the student.
            text: the exception's own.
            facts: the name of its builtin class, the student's name for its class, its arguments and attributes, and its other classes.
        """
        match facts:
            case [str(base), str() | None as named, arguments, attributes, list(classes)]:
                if base == "StopIteration":
                    end = EndOfIteration(sentence)
                    end.args = (sentence, *(arguments if type(arguments) is tuple else ())[:1])
                    return end
                of = self._exceptions.get(named or "")
                if of is None:
                    known = self._peer.exception_of(classes, base)
                    of = class_of(base) if known is None else class_below(known)  # type: ignore[arg-type]
                return raised(of, sentence, text, arguments, attributes)
        return StudentError(sentence)
