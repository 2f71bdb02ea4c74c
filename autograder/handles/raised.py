"""What a student's function raises, as an exception that a test can catch by its builtin type, and that never counts as anything but a failure."""

from __future__ import annotations

import builtins
import contextlib
import functools
from typing import Any

__all__ = ["EndOfIteration", "StudentError", "class_below", "class_of", "raised"]

# Left out are those that Python itself or a test runner takes for a signal: the end of an iteration, of a generator, of the program.
# Of MemoryError no other class can be made.
CROSSING = {
    name: kind
    for name, kind in vars(builtins).items()
    if isinstance(kind, type)
    and issubclass(kind, Exception)
    and not issubclass(kind, (StopIteration, StopAsyncIteration, BaseExceptionGroup, MemoryError))
}


class StudentError(Exception):
    """The student's function did not give a value that can be judged.

    Attributes:
        sentence: for the student. As text, the exception is what it is for a test: the message that the student's function gave it.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class EndOfIteration(StudentError):
    """StopIteration, which means something only where an iterator was asked for its next item."""


class _Raised(StudentError):
    text = ""

    def __init__(self, *arguments: Any) -> None:
        """Only its class is looked for in tests; what they raise themselves is theirs."""
        Exception.__init__(self, *arguments)
        self.sentence = self.text = " ".join(map(str, arguments))

    def __str__(self) -> str:
        return self.text


@functools.lru_cache(maxsize=256)
def class_of(base: str) -> type[StudentError]:
    """What a builtin exception of this name becomes: a StudentError that is one of these too."""
    kind = CROSSING.get(base)
    if kind is None:
        return StudentError
    return type(base, (_Raised, kind), {"__module__": "builtins"})


@functools.lru_cache(maxsize=256)
def class_below(known: type[Exception]) -> type[StudentError]:
    """What an exception of a *known* class, of a library's or of the instructor's, becomes: a StudentError that is one of these too."""
    try:
        return type(known.__name__, (_Raised, known), {"__module__": known.__module__})
    except TypeError:  # it says what may be derived from it
        return StudentError


def raised(
    kind: type[StudentError], sentence: str, text: str, arguments: Any, attributes: Any
) -> StudentError:
    """An exception of a class of :func:`class_of`, or of one derived from it, as the student's function raised it."""
    if not issubclass(kind, _Raised):
        return StudentError(sentence)
    error = kind.__new__(kind)
    if isinstance(error, OSError) and type(arguments) is tuple and len(arguments) >= 2:
        error.errno, error.strerror = arguments[:2]
    if isinstance(error, UnicodeError) and type(arguments) is tuple and len(arguments) == 5:
        for name, value in zip(("encoding", "object", "start", "end", "reason"), arguments, strict=True):
            _set(error, name, value)
    error.args = arguments if type(arguments) is tuple else (text,)
    for name, value in attributes.items() if type(attributes) is dict else ():
        if (
            type(name) is str
            and not name.startswith("_")
            and name not in ("args", "sentence", "text", "add_note", "with_traceback")
        ):
            _set(error, name, value)
    error.sentence, error.text = sentence, text
    return error


def _set(error: Exception, name: str, value: Any) -> None:
    with contextlib.suppress(AttributeError, TypeError):  # its class has something else by this name
        setattr(error, name, value)
