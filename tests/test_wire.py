"""What crosses between the student's process and the examiner's: plain data of bounded size, and nothing that runs."""

from __future__ import annotations

import collections
import concurrent.futures
import contextlib
import datetime
import enum
import math
import socket
import types
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from hypothesis.extra import pandas as hpd

from autograder.bounds.limits import Limits
from autograder.candidate import process
from autograder.candidate.forkserver import Lifeline
from autograder.wire import plain, registry
from autograder.wire.channel import HEADER, Channel, Closed, TooSlow
from autograder.wire.errors import Refused, WireError
from autograder.wire.plain import decode, encode
from mlsysim.units import unit_registry

LIMIT = 1 << 20
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**200), 2**200),
    st.floats(allow_nan=False),
    st.complex_numbers(allow_nan=False),
    st.text(st.characters(), max_size=20),
    st.binary(max_size=20),
)
keys = st.one_of(
    st.integers(-100, 2**70), st.text(max_size=8), st.tuples(st.integers(0, 9), st.text(max_size=3))
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.lists(inner, max_size=5).map(tuple),
        st.dictionaries(keys, inner, max_size=5),
        st.sets(keys, max_size=5),
        st.frozensets(keys, max_size=5),
    ),
    max_leaves=20,
)
arrays = hnp.arrays(
    st.sampled_from(["?", "<i4", ">i8", "u1", "f2", "f4", "<f8", "c16", "U5"]),
    hnp.array_shapes(min_dims=0, min_side=0, max_side=4),
)


def same(a: object, b: object) -> bool:
    """Equal, and of the same types all the way down."""
    if type(a) is not type(b):
        return False
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(map(same, a.values(), b.values()))
    return bool(a == b)


@given(values)
def test_plain_values_arrive_as_they_left(value):
    assert same(decode(encode(value, LIMIT)), value)


@given(arrays)
def test_arrays_and_their_scalars_arrive_with_type_and_shape(array):
    for value in (array, *list(array.flat)[:1]):
        got = decode(encode(value, LIMIT))
        assert type(got) is type(value) and got.dtype == value.dtype and got.shape == np.shape(value)
        assert np.array_equal(got, value, equal_nan=array.dtype.kind in "fc")


# What the standard library and pandas have beyond the plain types, by how hypothesis draws it.
Point = collections.namedtuple("Point", "x y")
numbers = st.one_of(
    st.decimals(allow_nan=False, places=3, min_value=-(10**9), max_value=10**9),
    st.fractions(max_denominator=10**6),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False),
)
zones = st.sampled_from(
    [datetime.UTC, ZoneInfo("Europe/Berlin"), datetime.timezone(datetime.timedelta(hours=-3))]
)
times = st.one_of(
    st.dates(),
    st.datetimes(timezones=st.none() | zones),
    st.times(timezones=st.none() | st.just(datetime.UTC)),
    st.timedeltas(),
)
hashable = st.deferred(
    lambda: st.one_of(
        numbers, times, st.text(max_size=5), st.builds(Point, st.integers(0, 9), st.text(max_size=3))
    )
)
richer = st.recursive(
    st.one_of(
        scalars,
        hashable,
        st.binary(max_size=9).map(bytearray),
        st.sampled_from([int, ValueError, ..., slice(1, 2)]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(collections.deque),
        st.tuples(inner, inner).map(lambda pair: Point(*pair)),
        st.dictionaries(hashable, inner, max_size=4),
        st.dictionaries(hashable, inner, max_size=4).map(collections.OrderedDict),
        st.dictionaries(hashable, inner, max_size=4).map(lambda made: collections.defaultdict(list, made)),
        st.lists(st.text(max_size=3), max_size=9).map(collections.Counter),
        st.dictionaries(st.from_regex("[a-z]{1,5}", fullmatch=True), inner, max_size=3).map(
            lambda made: types.SimpleNamespace(**made)
        ),
        st.sets(hashable, max_size=4),
    ),
    max_leaves=15,
)


@given(richer)
def test_values_with_a_meaning_arrive_as_they_left(value):
    got = decode(encode(value, LIMIT))
    assert got == value and type(got).__name__ == type(value).__name__
    assert encode(got, LIMIT) == encode(value, LIMIT)


class Sly(float):
    def __eq__(self, other):
        return True

    __hash__ = float.__hash__


class Word(str):
    def __str__(self):
        return "another word"

    __repr__ = __str__


class Count(int):
    def __int__(self):
        return 10**6

    __index__ = __int__


class Items(list):
    def __iter__(self):
        return iter("abc")

    def __getitem__(self, place):
        return "x"


class Table(dict):
    def items(self):
        return [("k", "v")]

    def __iter__(self):
        return iter("k")


class Suit(enum.StrEnum):
    HEARTS = "hearts"


class Level(enum.IntEnum):
    LOW = 1


@pytest.mark.parametrize(
    ("value", "plain_value"),
    [
        (Word("word"), "word"),
        (Count(5), 5),
        (Sly(1.5), 1.5),
        (Items([1, 2]), [1, 2]),
        (Table(a=1), {"a": 1}),
        (Suit.HEARTS, "hearts"),
        (Level.LOW, 1),
        (np.ones(2).view(np.recarray), np.ones(2)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_subclass_arrives_as_the_plain_type_whatever_its_methods_say(value, plain_value):
    got = decode(encode(value, LIMIT))
    assert type(got) is type(plain_value) and np.array_equal(got, plain_value)


columns = [
    hpd.column("a", dtype=int),
    hpd.column("b", elements=st.floats(allow_nan=True)),
    hpd.column("c", elements=st.text(max_size=4), dtype=object),
    hpd.column("d", dtype=bool),
    hpd.column("e", dtype="datetime64[ns]"),
    hpd.column("f", elements=st.sampled_from(["u", "v"]), dtype=object),
]


@settings(max_examples=60)
@given(st.data())
def test_tables_arrive_with_columns_types_and_index(data):
    some = data.draw(
        st.lists(st.sampled_from(columns), min_size=1, max_size=4, unique_by=lambda column: column.name)
    )
    frame = data.draw(hpd.data_frames(some, index=hpd.range_indexes(max_size=5)))
    if "f" in frame:
        frame["f"] = frame["f"].astype("category")
    if data.draw(st.booleans()):
        frame.index = pd.MultiIndex.from_product([[frame.index.name or "k"], frame.index], names=["p", "q"])
    pd.testing.assert_frame_equal(decode(encode(frame, LIMIT)), frame)
    for name in frame:
        pd.testing.assert_series_equal(decode(encode(frame[name], LIMIT)), frame[name])


def test_an_object_that_stands_twice_is_one_object_on_the_other_side():
    row = [1]
    first, second, table = decode(encode([row, row, {"row": row}], LIMIT))
    assert first is second is table["row"]


def test_a_view_of_an_array_is_one_on_the_other_side():
    base = np.arange(12.0).reshape(3, 4).copy()
    for view in (base[:, 1], base[::2], base.T, base[1:, ::-1]):
        got, looks = decode(encode([base, view], LIMIT))
        assert np.array_equal(looks, view) and np.shares_memory(got, looks)
        got[...] = 7
        assert (looks == 7).all()


def test_sharing_an_object_many_times_over_is_not_believed():
    """Each level of this doubles what it would be without sharing: comparing it would take for ever."""
    tree: list = []
    for _ in range(60):
        tree = [tree, tree]
    with pytest.raises(Refused):
        encode(tree, LIMIT)
    forged: list = ["l"]
    for place in range(50):
        forged = ["l", forged, ["=", place]]
    with pytest.raises(WireError):
        decode(msgspec.msgpack.encode(forged))


@pytest.mark.parametrize("unit", ["ms", "byte / second", "second ** 0.5", "dimensionless", "degC"])
def test_quantities_arrive_with_magnitude_and_unit(unit):
    value = unit_registry().Quantity(2.5, unit)
    got = decode(encode(value, LIMIT))
    assert got.magnitude == 2.5 and got.units == value.units


def test_not_a_number_infinities_and_signed_zero_arrive():
    nan, up, down, zero = decode(encode([math.nan, math.inf, -math.inf, -0.0], LIMIT))
    assert math.isnan(nan) and (up, down) == (math.inf, -math.inf) and math.copysign(1, zero) == -1


class Zone(datetime.tzinfo):
    def utcoffset(self, at):
        return None


REFUSED = {
    "a object": object(),
    "a object ": np.array([object()]),
    "a function": len,
    "a class": Sly,
    "a generator": (n for n in ()),
    "a masked array": np.ma.array([1], mask=[1]),
    "a NumPy array of records": np.zeros(1, [("a", object)]),
    "a Decimal with too many digits": Decimal("1" * 2000),
    "a time in a zone that is a Zone": datetime.datetime(2026, 1, 1, tzinfo=Zone()),
    "a table with a PeriodIndex": pd.Series([1], index=pd.period_range("2026", periods=1, freq="D")),
    "an integer of 5001 bits": 1 << 5000,
    "a dict of 10,001 items": dict.fromkeys(range(10_001)),
    "a range of 1,000,001 numbers": range(1_000_001),
    "1024 KB of data": b"x" * LIMIT,
}


@pytest.mark.parametrize("says", REFUSED)
def test_what_may_not_cross_is_refused_in_words_for_the_student(says):
    for value in (REFUSED[says], [REFUSED[says]], {"a": (REFUSED[says],)}):
        with pytest.raises(Refused) as refusal:
            encode(value, LIMIT)
        assert str(refusal.value).startswith(says.strip())


def test_nesting_is_bounded_also_where_it_has_no_end():
    endless: list = []
    endless.append(endless)
    with pytest.raises(Refused, match="nested too deeply"):
        encode(endless, LIMIT)


# Messages that an attacker could write; each would cost memory or time, or make an object, if it were believed.
FORGED = {
    "memory by a number for bytes": ["b", 10**15],
    "memory by a shape": ["a", "<f8", [10**9, 10**9], b""],
    "a negative shape": ["a", "<f8", [-1], b"12345678"],
    "an array of objects": ["a", "O", [1], b"12345678"],
    "an array of records": ["a", "i4,O", [1], b"12345678"],
    "an array of records of objects": ["a", [["a", "O"]], [1], b"12345678"],
    "an array of nested records": ["a", [["a", [["b", "<i4"]]]], [1], b"1234"],
    "an array of objects of another shape": ["objects", [10**9], 1],
    "an array of objects that are none": ["objects", [1], [1]],
    "a date that is none": ["date", 2026, 13, 1],
    "a date of text": ["date", "2026", 1, 1],
    "a zone that is a file": ["zone", "../../../etc/passwd"],
    "a zone of more than a day": ["zone", 1e9],
    "a decimal that computes": ["decimal", "1+1"],
    "a decimal of ten thousand digits": ["decimal", "1" * 10_000],
    "a decimal with a large exponent": ["decimal", "1E+999999"],
    "a fraction of text": ["fraction", "1", 2],
    "a fraction by zero": ["fraction", 1, 0],
    "a class that is none of Python's": ["type", "eval"],
    "a class by its path": ["type", "os.system"],
    "a factory that runs": ["default", "eval"],
    "a queue that is no length": ["deque", "x"],
    "a queue of negative length": ["deque", -1],
    "attributes of an object itself": ["namespace", ["__class__", 1]],
    "a named tuple whose name runs": ["named", "x; import os", ["a"], 1],
    "a named tuple whose field runs": ["named", "P", ["a=1)\nimport os"], 1],
    "a named tuple with a keyword": ["named", "P", ["class"], 1],
    "a named tuple without a value": ["named", "P", ["a", "b"], 1],
    "a named tuple with a field twice": ["named", "P", ["a", "a"], 1, 2],
    "a position outside of a file": ["textfile", "abc", 4],
    "a file of a number": ["file", 10**12, 0],
    "an object that is not there": ["=", 0],
    "an object before the first": ["l", ["l"], ["=", -1]],
    "a state of too few words": ["random", b"1234", 0, None],
    "a position outside of a state": ["RandomState", bytes(2496), 10**6, None],
    "a generator with an even step": ["Generator", "1", "2", 0, 0],
    "a generator with a large state": ["Generator", "f" * 33, "1", 0, 0],
    "a table of no columns": ["frame", ["range", [None], 0, 1, 1], ["range", [None], 0, 1, 1]],
    "a table with a row too few": [
        "frame",
        ["range", [None], 0, 2, 1],
        ["range", [None], 0, 1, 1],
        ["plain", ["<i8", [1], bytes(8)]],
    ],
    "a category that is not there": [
        "series",
        None,
        ["category", ["text", "str", "a"], ["<i8", [1], b"\x07" + bytes(7)], False],
        ["range", [None], 0, 1, 1],
    ],
    "memory by an index": ["pandas.index", ["range", [None], 0, 10**18, 1]],
    "a column of another kind": ["series", None, ["pickle", b""], ["range", [None], 0, 1, 1]],
    "a view into nothing": ["view", 0, 0, [1], [8]],
    "a view out of its base": ["l", ["a", "<f8", [2], bytes(16)], ["view", 0, 8, [2], [8]]],
    "a view before its base": ["l", ["a", "<f8", [2], bytes(16)], ["view", 0, -8, [1], [8]]],
    "a view that steps back out": ["l", ["a", "<f8", [2], bytes(16)], ["view", 0, 0, [2], [-8]]],
    "a view of more than there is": ["l", ["a", "<f8", [2], bytes(16)], ["view", 0, 0, [10**12], [0]]],
    "a handle where there is nobody": ["held", 0],
    "a function of a library, on the examiner's side": ["known", "os", "system"],
    "time by a unit's text": ["q", 1.0, ["9**9**9", 1.0]],
    "time by a unit's power": ["q", 1.0, ["meter", 1e300]],
    "time by a range": ["r", 0, 10**18, 1],
    "a range without a step": ["r", 0, 1, 0],
    "time by digits": ["i", "f" * 10**6],
    "a number that is none": ["i", "import os"],
    "an unknown kind": ["x", 1],
    "no kind": [],
    "a kind that is no text": [1, 2],
    "a map": {"__reduce__": "os.system"},
    "keys that cannot be keys": ["d", [["l"], 1]],
    "half a pair": ["d", ["a"]],
    "members that cannot be members": ["e", ["l"]],
    "an extension type": msgspec.msgpack.Ext(1, b"x"),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_message_is_no_message(name):
    with pytest.raises(WireError):
        decode(msgspec.msgpack.encode(FORGED[name]))


def test_a_message_nested_deeper_than_any_that_is_sent_is_no_message():
    with pytest.raises(WireError):
        decode(b"\x92\xa1l" * 100_000 + b"\x00")


@settings(max_examples=400)
@given(st.binary(max_size=200))
def test_random_bytes_are_a_value_or_no_message(data):
    with contextlib.suppress(WireError):
        decode(data)


# What MessagePack can hold, tags and all.
parts = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(),
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.binary(max_size=20),
    st.sampled_from(["=", *registry.READERS]),
)
trees = st.recursive(parts, lambda inner: st.lists(inner, max_size=5), max_leaves=30)


@settings(max_examples=400)
@given(trees)
def test_random_messages_are_a_plain_value_or_no_message(tree):
    try:
        value = decode(msgspec.msgpack.encode(tree))
    except WireError:
        return
    encode(value, LIMIT)  # what was believed is plain: it could be sent back


@settings(max_examples=400)
@given(values | richer, st.data())
def test_a_message_with_changed_bytes_is_a_value_or_no_message(value, data):
    message = bytearray(encode(value, LIMIT))
    for _ in range(data.draw(st.integers(1, 4))):
        message[data.draw(st.integers(0, len(message) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(WireError):
        decode(bytes(message))


SMALL = [-1, -2]  # have one hash
COLLIDING = {
    "tuples": lambda count: [tuple(SMALL[i >> bit & 1] for bit in range(20)) for i in range(count)],
    "frozen sets": lambda count: [
        frozenset((bit, SMALL[i >> bit & 1]) for bit in range(20)) for i in range(count)
    ],
    "large integers": lambda count: [i * (2**61 - 1) for i in range(10, count + 10)],
    "complex numbers": lambda count: [complex(i * 1000003, -i) for i in range(count)],
}


@pytest.mark.parametrize("kind", COLLIDING)
def test_values_that_could_all_have_one_hash_are_few_in_a_message(kind):
    """They cross in a list, and a test may make a set of them: its time would grow with the square."""
    few, many = COLLIDING[kind](500), COLLIDING[kind](20_000)
    assert decode(encode(few, 1 << 24)) == few
    with pytest.raises(Refused, match="too many tuples, complex numbers or large integers"):
        encode(many, 1 << 24)
    with pytest.MonkeyPatch.context() as patch:  # one who does not keep to the rules
        patch.setattr(plain, "MAX_SPENT", 10**9)
        data = encode(many, 1 << 24)
    with pytest.raises(WireError):
        decode(data)


@pytest.mark.parametrize(
    "tree",
    [
        ["q", 1.0, ["k" * 1_000_000, 1.0]],
        ["q", 1.0, ["a__", 1.0]],
        ["q", 1.0, ["_units", 1.0]],
        ["q", "9**9", ["meter", 1.0]],
        ["q", True, ["meter", 1.0]],
        ["a", "<U1", [1], b"\xff\xff\xff\xff"],
        ["n", ">U2", [], b"\0\0\0a\x7f\0\0\0"],
        ["a", "<f8", [2**40], b""],
    ],
)
def test_what_looks_like_a_value_and_is_none_is_no_message(tree):
    with pytest.raises(WireError):
        decode(msgspec.msgpack.encode(tree))


@pytest.mark.parametrize("text", ["", "a", "\ud800", "\U0010ffff"])
def test_arrays_of_text_cross_in_either_byte_order(text):
    for array in (np.array([text, "b"]), np.array([text], dtype=">U3"), np.array(text)):
        assert decode(encode(array, LIMIT)).tolist() == array.tolist()


def channel() -> tuple[Channel, socket.socket]:
    ours, theirs = socket.socketpair()
    return Channel(ours, LIMIT), theirs


def test_a_frame_may_come_in_pieces_and_two_may_come_at_once():
    receiver, sender = channel()
    frames = b"".join(HEADER.pack(len(d)) + d for d in (encode([1, "a"], LIMIT), encode({"b": 2}, LIMIT)))
    for byte in frames:
        sender.send(bytes([byte]))
    assert receiver.receive(5) == [1, "a"]
    assert receiver.receive(5) == {"b": 2}


def test_a_frame_larger_than_allowed_is_not_read():
    receiver, sender = channel()
    sender.send(HEADER.pack(2**32 - 1))
    with pytest.raises(WireError, match="4294967295 bytes"):
        receiver.receive(5)


def test_half_a_frame_is_too_slow_or_the_end():
    receiver, sender = channel()
    sender.send(HEADER.pack(100) + b"x")
    with pytest.raises(TooSlow):
        receiver.receive(0.01)
    sender.close()
    with pytest.raises(Closed):
        receiver.receive(5)


def test_a_message_that_nobody_takes_is_too_slow_however_much_of_it_was_taken():
    sender, receiver = channel()
    with pytest.raises(TooSlow):
        sender.send(bytes(LIMIT - 100), 0.05)
    taken = 0
    with contextlib.suppress(BlockingIOError):
        while chunk := receiver.recv(1 << 16, socket.MSG_DONTWAIT):
            taken += len(chunk)
    assert 0 < taken < LIMIT


@given(st.integers(0, LIMIT - 100))
def test_a_message_of_any_size_arrives_whole_where_it_is_taken_slowly(size):
    sender, receiver = channel()
    other = Channel(receiver, LIMIT)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        sent = pool.submit(sender.send, bytes(size), 600)
        assert other.receive(600) == bytes(size)
        sent.result()


# Some have the number and a word of a real answer, and then anything.
answers = st.tuples(
    st.just("l"),
    st.integers(1, 4),
    st.sampled_from(["done", "value", "refused", "raised"]),
    trees,
    trees,
).flatmap(lambda parts: st.sampled_from([list(parts), list(parts[:4])]))
replies = st.one_of(
    answers.map(msgspec.msgpack.encode), trees.map(msgspec.msgpack.encode), st.binary(max_size=50)
)


@settings(max_examples=100, deadline=None)
@given(first=replies, later=st.lists(replies, max_size=3))
def test_whatever_a_candidate_sends_the_examiner_gets_plain_data_or_knows_that_it_is_gone(first, later):
    ours, theirs = socket.socketpair()
    lifeline, warden = socket.socketpair()
    theirs.sendall(HEADER.pack(len(ready := encode(["ready"], LIMIT))) + ready)
    candidate = process.Candidate(
        ours, Lifeline(lifeline), Limits(call_seconds=0.2, cell_seconds=0.2), "limits"
    )
    for data in (first, *later):
        theirs.sendall(HEADER.pack(len(data)) + data)
    try:
        for ask in (
            lambda: candidate.run("1"),
            lambda: list(candidate.kinds(["a"]).values()),
            lambda: candidate.get("a"),
            lambda: candidate.call("a", (), {}, 0.2),
        ):
            try:
                encode(ask(), 1 << 24)
            except process.Died:
                assert candidate.gone
    finally:
        candidate.close()
        theirs.close()
        warden.close()
