"""How the containers of the standard library cross: those of ``collections``, named tuples, views of dicts, namespaces, files in memory."""

from __future__ import annotations

import collections
import functools
import io
import keyword
import types
from typing import Any

from autograder.wire.builtin import pairs, read_pairs
from autograder.wire.checks import ITEM, bounded, hashed, raw_bytes
from autograder.wire.errors import WireError
from autograder.wire.plain import Reader, Writer
from autograder.wire.registry import LATE, reads, writes

__all__ = ["named_tuple"]

FACTORIES: dict[str, type] = {one.__name__: one for one in (int, float, str, bool, list, dict, set, tuple)}
MAX_FIELDS = 256
NEW_CLASS = 1000  # what making a class for a named tuple costs


@writes(collections.Counter, mutable=True)
def _write_counter(writer: Writer, value: Any, depth: int) -> list[Any]:
    return ["counter", *pairs(writer, value, depth)]


@reads("counter", mutable=True)
def _read_counter(reader: Reader, rest: list[Any], depth: int) -> Any:
    made: collections.Counter[Any] = collections.Counter()
    dict.update(made, read_pairs(reader, rest, depth))
    return made


@writes(collections.OrderedDict, mutable=True)
def _write_ordered(writer: Writer, value: Any, depth: int) -> list[Any]:
    return ["ordered", *pairs(writer, value, depth, collections.OrderedDict.items)]


@reads("ordered", mutable=True)
def _read_ordered(reader: Reader, rest: list[Any], depth: int) -> Any:
    return collections.OrderedDict(read_pairs(reader, rest, depth))


@writes(collections.defaultdict, mutable=True)
def _write_default(writer: Writer, value: Any, depth: int) -> list[Any]:
    """A factory that is no builtin type stays behind: such a dict gives what it holds, and no more."""
    factory = vars(collections.defaultdict)["default_factory"].__get__(value)
    name = next((name for name, one in FACTORIES.items() if one is factory), None)
    return ["default", name, *pairs(writer, value, depth)]


@reads("default", mutable=True)
def _read_default(reader: Reader, rest: list[Any], depth: int) -> Any:
    name, *items = rest
    factory = None if name is None else FACTORIES[name]
    return collections.defaultdict(factory, read_pairs(reader, items, depth))


@writes(collections.deque, mutable=True)
def _write_deque(writer: Writer, value: Any, depth: int) -> list[Any]:
    longest = collections.deque.maxlen.__get__(value)
    writer.grow(len(value))
    return ["deque", longest, *writer.trees(collections.deque.__iter__(value), depth)]


@reads("deque", mutable=True)
def _read_deque(reader: Reader, rest: list[Any], depth: int) -> Any:
    longest, *items = rest
    if longest is not None and type(longest) is not int:
        raise WireError("not a message: no length")
    reader.grow(len(items) + 1)
    return collections.deque(reader.values(items, depth), longest)


@writes(type({}.keys()), type({}.values()), type({}.items()))
def _write_view(writer: Writer, value: Any, depth: int) -> list[Any]:
    kind = type(value).__name__
    if kind == "dict_values":
        return [kind, *writer.trees(value, depth)]
    writer.spend(ITEM * len(value))
    return [kind, *writer.trees(bounded(value, kind), depth)]


@reads("dict_keys")
def _read_keys(reader: Reader, rest: list[Any], depth: int) -> Any:
    reader.spend(ITEM * len(rest))
    return dict.fromkeys(reader.values(hashed(rest), depth)).keys()


@reads("dict_values")
def _read_values(reader: Reader, rest: list[Any], depth: int) -> Any:
    return dict(enumerate(reader.values(rest, depth))).values()


@reads("dict_items")
def _read_items(reader: Reader, rest: list[Any], depth: int) -> Any:
    reader.spend(ITEM * len(rest))
    items: list[tuple[Any, Any]] = []
    for item in reader.values(hashed(rest), depth):
        if type(item) is not tuple or len(item) != 2:
            raise WireError("not a message: no item of a dict")
        items.append(item)
    return dict(items).items()


@writes(types.MappingProxyType)
def _write_proxy(writer: Writer, value: Any, depth: int) -> Any:
    return writer.tree(dict(value), depth)


@writes(types.SimpleNamespace, mutable=True)
def _write_namespace(writer: Writer, value: Any, depth: int) -> list[Any]:
    return ["namespace", *pairs(writer, vars(value), depth)]


@reads("namespace", mutable=True)
def _read_namespace(reader: Reader, rest: list[Any], depth: int) -> Any:
    attributes = read_pairs(reader, rest, depth)
    if any(type(name) is not str or name.startswith("__") for name in attributes):
        raise WireError("not a message: no attributes")
    return types.SimpleNamespace(**attributes)


@writes(io.StringIO, mutable=True)
def _write_text_file(writer: Writer, value: Any, depth: int) -> list[Any]:
    text = value.getvalue()
    writer.grow(len(text) // 16)
    return ["textfile", writer.tree(text, depth), value.tell()]


@reads("textfile", mutable=True)
def _read_text_file(reader: Reader, rest: list[Any], depth: int) -> Any:
    text, place = rest
    text = reader.value(text, depth)
    if type(text) is not str or type(place) is not int or not 0 <= place <= len(text):
        raise WireError("not a message: no file")
    reader.grow(len(text) // 16 + 1)
    made = io.StringIO(newline="")
    made.write(text)
    made.seek(place)
    return made


@writes(io.BytesIO, mutable=True)
def _write_file(writer: Writer, value: Any, depth: int) -> list[Any]:
    raw = value.getvalue()
    writer.grow(len(raw) // 16)
    return ["file", raw, value.tell()]


@reads("file", mutable=True)
def _read_file(reader: Reader, rest: list[Any], depth: int) -> Any:
    raw, place = rest
    if type(place) is not int or not 0 <= place <= len(raw_bytes([raw])):
        raise WireError("not a message: no file")
    reader.grow(len(raw) // 16 + 1)
    made = io.BytesIO(raw)
    made.seek(place)
    return made


def _write_tuple(writer: Writer, value: Any, depth: int) -> Any:
    """A kind of tuple: a named one by the names of its fields, any other as a tuple."""
    items = tuple.__getitem__(value, slice(None))
    fields = getattr(type(value), "_fields", None)
    if type(fields) is not tuple or len(fields) != len(items) or not all(map(_is_field, fields)):
        return writer.tree(items, depth)
    writer.spend(ITEM * len(items))
    writer.grow(len(items))
    return ["named", _title(value), list(fields), *writer.trees(items, depth)]


def _title(value: Any) -> str:
    name = str(type(value).__name__)
    return name if _is_field(name) else "Row"


def _is_field(name: Any) -> bool:
    return (
        type(name) is str
        and name.isascii()
        and name.isidentifier()
        and len(name) < 64
        and not name.startswith("_")
        and not keyword.iskeyword(name)
    )


@functools.lru_cache(maxsize=256)
def _named(name: str, fields: tuple[str, ...]) -> Any:
    return collections.namedtuple(name, fields)


def named_tuple(name: Any, fields: Any) -> Any:
    """The class that named tuples of this name and these fields arrive as.

    Raises:
        WireError: these are no names.
    """
    if not _is_field(name) or type(fields) is not list or len(fields) > MAX_FIELDS:
        raise WireError("not a message: no named tuple")
    if not all(map(_is_field, fields)):
        raise WireError("not a message: no fields of a named tuple")
    return _named(name, tuple(fields))


@reads("named")
def _read_named(reader: Reader, rest: list[Any], depth: int) -> Any:
    name, fields, *items = rest
    kind = named_tuple(name, fields)
    if len(fields) != len(items):
        raise WireError("not a message: no fields of a named tuple")
    of = (name, *fields)
    if of not in reader.classes:
        reader.spend(NEW_CLASS)
        reader.classes.add(of)
    reader.spend(ITEM * len(items))
    reader.grow(len(items))
    return kind(*reader.values(items, depth))


LATE.append(lambda kind: _write_tuple if issubclass(kind, tuple) else None)
