"""Plain data between the examiner and a candidate: MessagePack frames that cannot execute anything.

A value is sent as a tree. None, booleans, 64-bit integers, floats and strings stand for themselves; everything else is a list
whose first item, its tag, says what it is. :mod:`autograder.wire.registry` says how each type is written and
each tag is read. Types are matched exactly. A subclass of a plain type is written as the plain type,
by the methods of the plain type: its own could lie.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from autograder.wire.checks import INT64, LARGE_INT, MAX_INT_BITS
from autograder.wire.errors import Overspent, Refused, WireError
from autograder.wire.registry import MUTABLE, PLAIN_BASES, READERS, WRITERS, late_writer

__all__ = ["Content", "Reader", "Writer", "decode", "encode"]

# Sets, and not the names in the code: in the student's process a name of Python's own means what the student says.
AS_IS = frozenset({type(None), bool, float})
READ_AS_IS = AS_IS | {int, str}
MAX_DEPTH = 64
MAX_SPENT = 100_000  # in one message, in the units of `Message.spend`
# An object that stands in several places is sent once; this bounds what a message would be without that.
MAX_SIZE = 8_000_000


class Content:
    """Stands in a message for an object that can be changed, as it is now, also where the message could refer to it."""

    def __init__(self, value: Any) -> None:
        self.value = value


Refer = Callable[[Any], "list[Any] | None"]
Resolve = Callable[[str, "list[Any]"], Any]


class Message:
    """What both directions count, and the objects that can be changed, in the order in which they were complete.

    Attributes:
        objects: those of this message, after those of the message that it answers.
        sizes: how large each of them is, for :data:`MAX_SIZE`.
        size: of this message so far.
    """

    def __init__(self, before: Message | None = None) -> None:
        self.objects: list[Any] = list(before.objects) if before else []
        self.sizes: list[int] = list(before.sizes) if before else []
        self.size = 0
        self._spent = 0

    def spend(self, cost: int) -> None:
        """Count what could cost the other side time when it is hashed: an item of a tuple or of a frozen set is 1."""
        self._spent += cost
        if self._spent > MAX_SPENT:
            raise Overspent

    def grow(self, count: int) -> None:
        """Count what this message would hold if nothing in it were shared."""
        self.size += count
        if self.size > MAX_SIZE:
            raise Overspent

    def keep(self, value: Any, size_before: int) -> Any:
        """Remember an object that can be changed, now that it is complete."""
        self.objects.append(value)
        self.sizes.append(self.size - size_before)
        return value


class Writer(Message):
    """One message on its way out.

    Args:
        refer: the tree of something that is no plain data but can be referred to, or None.
        before: the message that this one answers, whose objects can be referred to.
    """

    def __init__(self, refer: Refer | None = None, before: Message | None = None) -> None:
        super().__init__(before)
        self._refer = refer
        self._places = {id(value): place for place, value in enumerate(self.objects)}

    def tree(self, value: Any, depth: int = 0) -> Any:
        """*value* as what MessagePack can hold."""
        kind = type(value)
        if kind in AS_IS:
            return value
        if kind is str:
            return value if value.isascii() else ["s", value.encode("utf-8", "surrogatepass")]
        if kind is int:
            return value if value in INT64 else self._large(value)
        if depth >= MAX_DEPTH:
            raise Refused("something nested too deeply")
        if self._places and (place := self._places.get(id(value))) is not None:
            self.grow(self.sizes[place])
            return ["=", place]
        write = WRITERS.get(kind)
        if write is None:
            return self._other(value, kind, depth)
        if kind not in MUTABLE:
            return write(self, value, depth + 1)
        return self._shared(write, value, value, depth)

    def trees(self, values: Iterable[Any], depth: int) -> list[Any]:
        """The trees of *values*."""
        return [self.tree(value, depth) for value in values]

    def place(self, value: Any) -> int | None:
        """The place of an object that stands in the message already, or in the one that it answers."""
        return self._places.get(id(value))

    def content(self, value: Any) -> Any:
        """The tree of an object that can be changed as it is now, also where the message could refer to it."""
        write = WRITERS.get(type(value)) or late_writer(type(value))
        if write is None:
            raise Refused(_called(value))
        return self._shared(write, value, object(), 0)

    def _shared(self, write: Any, value: Any, original: Any, depth: int) -> Any:
        before = self.size
        self.size += 1  # whether that is too much is asked for each object's items
        tree = write(self, value, depth + 1)
        self._places[id(original)] = len(self.objects)
        self.keep(original, before)
        return tree

    def _large(self, value: int) -> list[Any]:
        if value.bit_length() > MAX_INT_BITS:
            raise Refused(f"an integer of {value.bit_length()} bits")
        self.spend(LARGE_INT)
        return ["i", format(value, "x")]

    def _other(self, value: Any, kind: type, depth: int) -> Any:
        if self._refer is not None and (tree := self._refer(value)) is not None:
            return tree
        if (write := late_writer(kind)) is not None:
            shared = kind in MUTABLE
            return self._shared(write, value, value, depth) if shared else write(self, value, depth + 1)
        mro = type.__dict__["__mro__"].__get__(kind)
        base = next((one for one in mro if one in PLAIN_BASES), None)
        if base is None:
            raise Refused(_called(value))
        plain = PLAIN_BASES[base](value)
        if type(plain) is kind:  # someone has changed what the types are called
            raise Refused(_called(value))
        if base not in MUTABLE:
            return self.tree(plain, depth)
        return self._shared(WRITERS[base], plain, value, depth)


class Reader(Message):
    """One message on its way in.

    Args:
        resolve: what a tag that refers to something stands for; raises WireError if to nothing.
        before: the message that this one answers, whose objects it may refer to.

    Attributes:
        raw: the message as it came.
    """

    raw: Any = None

    def __init__(self, resolve: Resolve | None = None, before: Message | None = None) -> None:
        super().__init__(before)
        self._resolve = resolve
        self.classes: set[Any] = set()  # that named tuples of this message need

    def value(self, tree: Any, depth: int = 0) -> Any:
        """The value that a tree stands for."""
        kind = type(tree)
        if kind in READ_AS_IS:
            return tree
        if kind is not list:
            raise WireError("not a message: a bare value of another kind")
        if depth > MAX_DEPTH + 1 or not tree or type(tree[0]) is not str:
            raise WireError("not a message: no tag, or too deep")
        tag, *rest = tree
        if tag == "=":
            return self._same(rest)
        read = READERS.get(tag)
        if read is not None:
            return read(self, rest, depth + 1)
        if self._resolve is None:
            raise WireError(f"not a message: unknown tag {tag[:8]!r}")
        return self._resolve(tag, rest)

    def values(self, trees: Iterable[Any], depth: int) -> Iterator[Any]:
        """The values of *trees*."""
        return (self.value(tree, depth) for tree in trees)

    def text(self, tree: Any, longest: int = 200) -> str:
        """A short text, which is not "anything with text in it"."""
        value = self.value(tree)
        if type(value) is not str or len(value) > longest:
            raise WireError("not a message: no text")
        return value

    def _same(self, rest: list[Any]) -> Any:
        (place,) = rest
        if type(place) is not int or not 0 <= place < len(self.objects):
            raise WireError("not a message: no such object")
        self.grow(self.sizes[place])
        return self.objects[place]


def encode(value: Any, limit: int, writer: Writer | None = None) -> bytes:
    """*value* as bytes.

    Raises:
        Refused: it is not plain data, nested too deeply, or more than *limit* bytes.
    """
    try:
        data = msgspec.msgpack.encode((writer or Writer()).tree(value))
    except Overspent:
        raise Refused("something with too many tuples, complex numbers or large integers") from None
    except RecursionError:
        raise Refused("something nested too deeply") from None
    if len(data) > limit:
        raise Refused(f"{len(data) // 1024} KB of data, more than the {limit // 1024} KB allowed")
    return data


def decode(data: bytes, reader: Reader | None = None) -> Any:
    """The value of a message.

    Raises:
        WireError: the bytes are no message.
        Refused: it needs a library that is not installed.
    """
    reader = reader or Reader()
    try:
        reader.raw = msgspec.msgpack.decode(data)
        return reader.value(reader.raw)
    except (WireError, Refused):
        raise
    except Exception as error:  # of any kind: libraries raise many for what is no value of theirs
        raise WireError(f"not a message: {str(error)[:200]}") from None


def _called(value: Any) -> str:
    """What a value is, in words for whoever made it."""
    name = type(value).__name__[:80]
    if name in ("function", "builtin_function_or_method", "method", "type"):
        return "a function" if name != "type" else "a class"
    if name in ("generator", "coroutine", "async_generator"):
        return f"a {name.replace('_', ' ')}"
    return f"a {name}"
