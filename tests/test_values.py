"""What an instructor's test does with a student's functions, classes and values works in the examiner as in a kernel; what could let one win does not."""

from __future__ import annotations

import pytest

from autograder.candidate import special
from autograder.handles import operators
from autograder.handles.raised import StudentError
from tests.sessions import run_test, session

STUDENT = r"""
import random, math, collections, datetime, enum, functools, itertools
import numpy as np
import pandas as pd
from decimal import Decimal


def f(x):
    if x < 0:
        raise ValueError("x must not be negative")
    return x


class TooPoor(ValueError):
    def __init__(self, need):
        super().__init__(f"need {need}")
        self.need = need


class Worse(TooPoor):
    pass


def pay(n):
    raise TooPoor(n)


def worse(n):
    raise Worse(n)


def lookup(d, k):
    return d[k]


def opens():
    open("/nonexistent/x")


def decode(b):
    return b.decode("ascii")


def sort_in_place(x):
    for i in range(len(x)):
        for j in range(len(x) - 1):
            if x[j] > x[j + 1]:
                x[j], x[j + 1] = x[j + 1], x[j]


def add_key(d):
    d["new"] = [1]
    d["inner"].append(2)


def same(x):
    return x


def first(x):
    return x[0]


def grid(n):
    return [[0] * n] * n


def scale(a):
    a *= 2


def addcol(df):
    df["c"] = df["a"] * 2


def greet():
    print("hello")
    print("bye")


def ask():
    return int(input("n? ")) + 1


def roll():
    return random.randint(1, 6)


def nroll(n):
    return np.random.rand(n)


def with_rng(rng):
    return rng.integers(0, 100)


def integrate(g, a, b, n=100):
    h = (b - a) / n
    return sum(g(a + (i + 0.5) * h) for i in range(n)) * h


def apply_twice(g, x):
    return g(g(x))


def sorted_by(xs, key):
    return sorted(xs, key=key)


def compose(*fs):
    def c(x):
        for one in reversed(fs):
            x = one(x)
        return x

    return c


def double(x):
    "Twice."
    return 2 * x


def make_adder(n):
    return lambda x: x + n


def count_calls(g):
    @functools.wraps(g)
    def w(*a, **k):
        w.calls += 1
        return g(*a, **k)

    w.calls = 0
    return w


def squares(n):
    for i in range(n):
        yield i * i


def evens():
    n = 0
    while True:
        yield n
        n += 2


def total(it):
    return sum(it)


class Stack:
    '''A stack.'''

    kind = "lifo"

    def __init__(self, items=()):
        self.items = list(items)

    def push(self, x):
        self.items.append(x)

    def pop(self):
        if not self.items:
            raise IndexError("empty")
        return self.items.pop()

    def __len__(self):
        return len(self.items)

    def __contains__(self, x):
        return x in self.items

    def __iter__(self):
        return iter(self.items)

    def __repr__(self):
        return f"Stack({self.items})"

    def __getitem__(self, i):
        return self.items[i]

    @property
    def top(self):
        return self.items[-1]

    @classmethod
    def of(cls, *xs):
        return cls(xs)


class Vector:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __add__(self, o):
        return Vector(self.x + o.x, self.y + o.y)

    def __mul__(self, k):
        return Vector(self.x * k, self.y * k)

    __rmul__ = __mul__

    def __eq__(self, o):
        return True

    def __abs__(self):
        return math.hypot(self.x, self.y)

    def __lt__(self, o):
        return abs(self) < abs(o)

    def __str__(self):
        return f"<{self.x}, {self.y}>"


class Echo:
    pass


def echoing(name):
    return lambda self, *other: [name, *other]


for word in ["add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor", "lshift", "rshift"]:
    for prefix in ["", "r", "i"]:
        setattr(Echo, f"__{prefix}{word}__", echoing(f"{prefix}{word}"))
for word in ["lt", "le", "gt", "ge", "neg", "pos", "abs", "invert"]:
    setattr(Echo, f"__{word}__", echoing(word))


class Shape:
    def area(self):
        raise NotImplementedError


class Square(Shape):
    def __init__(self, s):
        self.s = s

    def area(self):
        return self.s**2


def make_square(s):
    return Square(s)


class Node:
    def __init__(self, v, next=None):
        self.v, self.next = v, next


def build(xs):
    head = None
    for x in reversed(xs):
        head = Node(x, head)
    return head


class Color(enum.Enum):
    RED = 1
    BLUE = 2


def favourite():
    return Color.RED


Point = collections.namedtuple("Point", "x y")


def origin():
    return Point(0, 0)


def hist(s):
    return collections.Counter(s)


def frame():
    return pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})


def mean_by(df):
    return df.groupby("k").v.mean()


def when():
    return datetime.datetime(2024, 1, 2, 3)


def price():
    return Decimal("1.10")


class Bus:
    def __init__(self):
        self.subs = []

    def subscribe(self, g):
        self.subs.append(g)

    def publish(self, e):
        for g in self.subs:
            g(e)


class Lying:
    def __sub__(self, o):
        return 0.0

    def __abs__(self):
        return 0.0

    def equals(self, o):
        return True

    def __eq__(self, o):
        return True


def lie(x):
    return Lying()


def vec_lie(x):
    return Vector(1, 1)


async def coro():
    return 1


class Ctx:
    def __enter__(self):
        return 5

    def __exit__(self, *a):
        return False


class Countdown:
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return self

    def __next__(self):
        if self.n <= 0:
            raise StopIteration
        self.n -= 1
        return self.n + 1


def stops():
    raise StopIteration


def stop_in_cb(it):
    return [next(it), next(it)]


def annotated(a: int, b: float = 2.0, *, c="x") -> str:
    return str(a)


import matplotlib.pyplot as plt
import numpy as np
import dataclasses, functools, collections


def plot():
    fig, ax = plt.subplots()
    ax.plot([1, 2], [3, 4], label="a")
    ax.set_xlabel("x")
    ax.set_title("T")
    ax.legend()
    return fig, ax


def plot2():
    ax = plt.figure().add_subplot()
    ax.bar([1, 2], [3, 4])
    return ax


@dataclasses.dataclass
class P:
    x: int
    y: int = 2


class MyList(list):
    def peek(self):
        return self[-1]


class MyDict(dict):
    def total(self):
        return sum(self.values())


@functools.lru_cache
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


import abc


class A(abc.ABC):
    @abc.abstractmethod
    def go(self): ...


class B(A):
    def go(self):
        return 1


class Temp:
    def __init__(self, c):
        self._c = c

    @property
    def c(self):
        return self._c

    @c.setter
    def c(self, v):
        if v < -273:
            raise ValueError("cold")
        self._c = v

    @staticmethod
    def conv(f):
        return (f - 32) / 1.8


class Account:
    count = 0

    def __init__(self, owner, balance=0):
        self.owner = owner
        self.balance = balance
        Account.count += 1

    def __str__(self):
        return f"{self.owner}: {self.balance}"

    def deposit(self, n):
        if n <= 0:
            raise ValueError("positive")
        self.balance += n
        return self


import warnings


def warns():
    warnings.warn("old", DeprecationWarning)
    return 1


def logs():
    import logging

    logging.getLogger("x").warning("hi")
    return 1


def retry(n):
    def deco(f):
        @functools.wraps(f)
        def w(*a):
            for _ in range(n):
                try:
                    return f(*a)
                except ValueError:
                    pass
            raise RuntimeError("gave up")

        return w

    return deco


def two():
    return P(1), P(2)


def groups(xs):
    return [P(x) for x in xs]


import typing


class P3(typing.NamedTuple):
    x: int
    y: int = 5


Number = float


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Suit(str, enum.Enum):
    H = "h"


def level():
    return Level.HIGH


def summed(v):
    return sum(v)


def deep(n):
    return 0 if n == 0 else n + deep(n - 1)


def ratio(a, b):
    return a / b


def shout():
    print("hi")
"""

IDIOMS = {
    "a builtin exception is caught by its type": r"""
try:
    f(-1)
    assert False
except ValueError as e:
    assert "negative" in str(e)
    assert e.args == ("x must not be negative",)
""",
    "pytest.raises matches its text": r"""
import pytest

with pytest.raises(ValueError, match="must not"):
    f(-1)
""",
    "unittest.assertRaises knows it": r"""
import unittest

unittest.TestCase().assertRaises(ValueError, f, -1)
""",
    "a class of the student's own is caught by name and by base": r"""
import pytest

with pytest.raises(TooPoor) as i:
    pay(3)
assert i.value.need == 3 and str(i.value) == "need 3"
with pytest.raises(TooPoor):
    worse(1)
with pytest.raises(ValueError):
    worse(1)
assert issubclass(TooPoor, ValueError)
""",
    "arguments and attributes of exceptions": r"""
import pytest

with pytest.raises(KeyError) as i:
    lookup({}, "a")
assert str(i.value) == "'a'" and i.value.args == ("a",)
with pytest.raises(FileNotFoundError) as i:
    opens()
assert i.value.errno == 2
assert i.value.filename == "/nonexistent/x"
with pytest.raises(UnicodeDecodeError) as i:
    decode(b"\xff")
assert i.value.start == 0
""",
    "lists, dicts and arrays are changed in place": r"""
x = [3, 1, 2]
sort_in_place(x)
assert x == [1, 2, 3]
d = {"inner": [1]}
y = d["inner"]
add_key(d)
assert d == {"inner": [1, 2], "new": [1]}
assert d["inner"] is y
assert same(x) is x
assert same(d) is d
assert first([x, 1]) is x
g = grid(2)
g[0][0] = 1
assert g[1][0] == 1
import numpy as np

a = np.arange(3)
scale(a)
assert a.tolist() == [0, 2, 4]
b = bytearray(b"ab")
""",
    "tables of pandas": r"""
import pandas as pd

df = pd.DataFrame({"a": [1, 2]})
addcol(df)
assert list(df.c) == [2, 4]
assert frame().equals(pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}))
pd.testing.assert_frame_equal(frame(), pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}))
r = mean_by(pd.DataFrame({"k": ["a", "a", "b"], "v": [1, 2, 3]}))
pd.testing.assert_series_equal(
    r, pd.DataFrame({"k": ["a", "a", "b"], "v": [1, 2, 3]}).groupby("k").v.mean()
)
""",
    "prints, input and print are captured and replaced": r"""
import io, contextlib

b = io.StringIO()
with contextlib.redirect_stdout(b):
    greet()
assert b.getvalue() == "hello\nbye\n"
from unittest import mock

with mock.patch("sys.stdout", new_callable=io.StringIO) as o:
    greet()
assert o.getvalue() == "hello\nbye\n"
with mock.patch("builtins.input", side_effect=["4"]):
    assert ask() == 5
with mock.patch("builtins.print") as p:
    greet()
p.assert_called_with("bye")
""",
    "seeds and generators of the test apply": r"""
import random, numpy as np

random.seed(5)
a = [roll() for _ in range(5)]
random.seed(5)
b = [roll() for _ in range(5)]
assert a == b
random.seed(5)
assert a == [random.randint(1, 6) for _ in range(5)]
random.seed(5)
x = [roll(), random.randint(1, 6), roll(), random.randint(1, 6), roll()]
assert a == x, (a, x)
np.random.seed(3)
u = nroll(3)
np.random.seed(3)
assert np.array_equal(u, np.random.rand(3))
np.random.seed(3)
v = [nroll(1)[0], np.random.rand(), nroll(1)[0]]
assert v == u.tolist()
r = np.random.default_rng(1)
q = [with_rng(r), r.integers(0, 100), with_rng(r)]
r = np.random.default_rng(1)
assert q == [r.integers(0, 100) for _ in range(3)], q
""",
    "functions of the test are called back": r"""
import math

assert abs(integrate(lambda x: x**2, 0, 1) - 1 / 3) < 0.001
assert apply_twice(math.sqrt, 16) == 2
assert sorted_by(["bb", "a"], key=len) == ["a", "bb"]
assert sorted_by(["b", "A"], key=str.lower) == ["A", "b"]
assert compose(double, double)(3) == 12
assert compose(double, lambda x: x + 1)(3) == 8
assert make_adder(3)(4) == 7 and callable(make_adder(1))


def g(x):
    return x


w = count_calls(g)
w(1)
w(2)
assert w.calls == 2


@count_calls
def h(x):
    return x * 2


assert h(4) == 8 and h.__name__ == "h", h.__name__
""",
    "generators are lazy": r"""
import itertools, types

assert list(squares(4)) == [0, 1, 4, 9]
assert isinstance(squares(2), types.GeneratorType)
assert list(itertools.islice(evens(), 3)) == [0, 2, 4]
g = squares(2)
assert next(g) == 0
assert next(g) == 1
assert next(g, None) is None
assert total((x for x in [1, 2])) == 3
assert total(iter([1, 2])) == 3
assert total({1: 2}.values()) == 2
""",
    "instances are used as in a kernel": r"""
s = Stack()
s.push(1)
s.push([2])
assert len(s) == 2
assert s.pop() == [2]
assert 1 in s
assert list(s) == [1]
assert s.top == 1
assert repr(s) == "Stack([1])"
assert s[0] == 1
assert isinstance(s, Stack)
assert s.items == [1]
assert Stack.kind == "lifo"
assert Stack.of(1, 2).pop() == 2
assert isinstance(Stack.of(1), Stack)
s.name = "x"
assert s.name == "x"
assert hasattr(s, "push")
assert not hasattr(s, "nope")
assert Stack.__doc__ == "A stack."
try:
    Stack().pop()
    assert False
except IndexError:
    pass
assert not Stack() and Stack([1])
assert s == s and s != Stack()
""",
    "operators of instances": r"""
v = Vector(1, 2) + Vector(3, 4)
assert (v.x, v.y) == (4, 6)
assert abs(Vector(3, 4)) == 5
assert (Vector(1, 2) * 3).x == 3
assert (2 * Vector(1, 2)).y == 4
assert str(v) == "<4, 6>"
assert Vector(1, 1) < Vector(2, 2)
""",
    "every operator of an instance": r"""
import operator

for word in ["add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor", "lshift", "rshift"]:
    binary = getattr(operator, word + "_" if word in ("and", "or") else word)
    assert binary(Echo(), 3) == [word, 3]
    assert binary(3, Echo()) == ["r" + word, 3]
    assert getattr(operator, "i" + word)(Echo(), 3) == ["i" + word, 3]
for word in ["lt", "le", "gt", "ge"]:
    assert getattr(operator, word)(Echo(), 3) == [word, 3]
for word in ["neg", "pos", "abs", "invert"]:
    assert getattr(operator, word)(Echo()) == [word]
""",
    "classes derived from one another": r"""
assert issubclass(Square, Shape)
assert isinstance(Square(2), Shape)
assert Square(3).area() == 9
assert isinstance(make_square(2), Square)
try:
    Shape().area()
    assert False
except NotImplementedError:
    pass
""",
    "linked nodes": r"""
n = build([1, 2, 3])
out = []
assert isinstance(n, Node)
while n:
    out.append(n.v)
    n = n.next
assert out == [1, 2, 3]
n = Node(1)
n.next = Node(2)
assert n.next.v == 2
""",
    "an enumeration": r"""
assert favourite() is Color.RED
assert favourite() == Color.RED
assert Color.RED.value == 1
assert [c.name for c in Color] == ["RED", "BLUE"]
assert len(Color) == 2
assert Color(1) is Color.RED
assert Color["RED"] is Color.RED
""",
    "named tuples, counters, dates, decimals": r"""
assert origin() == (0, 0) and origin().x == 0
import collections

assert hist("aab") == collections.Counter("aab")
assert hist("aab").most_common(1) == [("a", 2)]
import datetime, decimal

assert when() == datetime.datetime(2024, 1, 2, 3)
assert price() == decimal.Decimal("1.10")
""",
    "observers": r"""
got = []
b = Bus()
b.subscribe(got.append)
b.subscribe(lambda e: got.append(e + 1))
b.publish(1)
assert got == [1, 2]
""",
    "context managers and iterators of a class": r"""
with Ctx() as c:
    assert c == 5
assert list(Countdown(3)) == [3, 2, 1]
""",
    "signatures and documentation": r"""
import inspect

assert str(inspect.signature(annotated)) == "(a: int, b: float = 2.0, *, c='x') -> str", (
    inspect.signature(annotated)
)
assert annotated.__defaults__ == (2.0,)
assert double.__doc__ == "Twice."
assert double.__name__ == "double"
assert annotated.__annotations__["a"] is int
assert inspect.isfunction(double)
assert callable(double)
assert list(inspect.signature(Stack).parameters) == ["items"]
""",
    "a class of named tuples": r"""
p = Point(1, 2)
assert p == (1, 2) and p.x == 1
""",
    "callbacks that raise and iterators that end": r"""
def cb(x):
    raise KeyError("k")


try:
    apply_twice(cb, 1)
    assert False
except KeyError as e:
    assert e.args == ("k",)
assert stop_in_cb(iter([1, 2])) == [1, 2]
""",
    "a dataclass": r"""
p = P(1)
assert p.x == 1 and p.y == 2 and (repr(p) == "P(x=1, y=2)")
p.x = 5
assert p.x == 5
""",
    "instances in a list": r"""
assert [q.x for q in groups([1, 2])] == [1, 2] and P
""",
    "a list of the student's own kind": r"""
m = MyList([1, 2])
m.append(3)
assert m.peek() == 3
assert len(m) == 3
assert m[0] == 1
assert list(m) == [1, 2, 3]
""",
    "comparing a list of the student's own kind": r"""
m = MyList([1, 2])
assert m == [1, 2]
""",
    "a dict of the student's own kind": r"""
d = MyDict(a=1)
assert d["a"] == 1 and d.total() == 1
""",
    "a cache": r"""
fib.cache_clear()
assert fib(20) == 6765 and fib.cache_info().hits > 0
""",
    "abstract classes": r"""
import pytest

with pytest.raises(TypeError):
    A()
assert B().go() == 1 and isinstance(B(), A)
""",
    "properties and static methods": r"""
t = Temp(3)
t.c = 5
assert t.c == 5 and Temp.conv(212) == 100
try:
    t.c = -300
    assert False
except ValueError:
    pass
""",
    "an account": r"""
a = Account("x")
assert a.deposit(3) is a
assert str(a) == "x: 3"
assert Account.count == 1
b = Account("y")
assert Account.count == 2
assert f"{a}" == "x: 3"
assert vars(b) == {"owner": "y", "balance": 0}
""",
    "a decorator with an argument": r"""
calls = []


@retry(3)
def g(x):
    calls.append(x)
    if len(calls) < 3:
        raise ValueError
    return "ok"


assert g(1) == "ok" and calls == [1, 1, 1]
""",
    "warnings are recorded": r"""
import warnings

with warnings.catch_warnings(record=True) as w:
    warnings.simplefilter("always")
    warns()
assert len(w) == 1 and w[0].category is DeprecationWarning
""",
    "pytest.warns knows them": r"""
import pytest

with pytest.warns(DeprecationWarning, match="old"):
    warns()
""",
    "a figure and its axes": r"""
fig, ax = plot()
assert ax.get_xlabel() == "x"
assert ax.get_title() == "T"
assert len(ax.lines) == 1
assert list(ax.lines[0].get_ydata()) == [3, 4]
assert [t.get_text() for t in ax.get_legend().get_texts()] == ["a"]
""",
    "bars": r"""
ax = plot2()
assert len(ax.patches) == 2
assert ax.patches[0].get_height() == 3
""",
    "copies of instances": r"""
import copy

a = Account("q")
b = copy.deepcopy(a)
b.deposit(1)
assert a.balance == 0 and b.balance == 1
""",
    "attributes and types of instances": r"""
a = Account("x")
assert hasattr(a, "owner")
assert getattr(a, "nope", 3) == 3
assert type(a).__name__ == "Account"
assert type(a) is Account
assert a.__class__ is Account
""",
    "looking into a class": r"""
import inspect

assert inspect.isclass(Account)
assert "deposit" in dir(Account)
assert hasattr(Account, "deposit")
assert callable(Account.deposit)
""",
    "instances in a tuple": r"""
assert isinstance(two(), tuple) and isinstance(two()[0], P)
""",
    "sorting by a key of the test's": r"""
from unittest import mock

with mock.patch("time.sleep"):
    pass
assert sorted(groups([3, 1]), key=lambda p: p.x)[0].x == 1
assert P
""",
    "instances in a set": r"""
d = {P(1): 2} if False else {}
s = {Account("a"), Account("b")}
assert len(s) == 2
""",
    "instances of a named tuple": r"""
assert isinstance(origin(), Point)
assert Point(1, 2).x == 1
assert origin() == Point(0, 0)
assert Point._fields == ("x", "y")
""",
    "a named tuple with a default": r"""
assert P3(1).y == 5 and P3(1, 2) == (1, 2)
""",
    "a builtin type by another name": r"""
assert isinstance(1.5, Number)
""",
    "enumerations of numbers and texts": r"""
assert Level.LOW == 1
assert level() == 2
assert level() is Level.HIGH
assert level().name == "HIGH"
assert Level.LOW < Level.HIGH
assert Suit.H == "h"
assert Suit.H.value == "h"
""",
    "a member of an enumeration in place of its number": r"""
assert level() == 2
""",
    "a builtin is forbidden": r"""
from unittest.mock import patch
import pytest

with patch("builtins.sum", side_effect=AssertionError("no")):
    with pytest.raises(AssertionError):
        summed([1])
assert summed([1, 2]) == 3
""",
    "the recursion limit is lowered": r"""
import sys, pytest

k = sys.getrecursionlimit()
sys.setrecursionlimit(400)
try:
    with pytest.raises(RecursionError):
        deep(700)
finally:
    sys.setrecursionlimit(k)
assert deep(700) == 245350
""",
    "floating-point errors are raised": r"""
import numpy as np, pytest

with np.errstate(all="raise"):
    with pytest.raises(FloatingPointError):
        ratio(np.ones(1), np.zeros(1))
ratio(np.ones(1), np.zeros(1))
""",
    "two builtins are replaced": r"""
from unittest import mock

with mock.patch("builtins.print") as p, mock.patch("builtins.sum", return_value=7):
    shout()
    assert summed([1]) == 7
p.assert_called_with("hi")
""",
}


@pytest.fixture(scope="module")
def student():
    with session(STUDENT) as made:
        yield made


@pytest.mark.parametrize("name", IDIOMS)
def test_an_idiom_works_as_in_a_kernel(student, name):
    exec(compile(STUDENT + IDIOMS[name], name, "exec", dont_inherit=True), {"__name__": "kernel"})
    run_test(student, IDIOMS[name])


# A test that would pass if it were believed what a student's objects say of themselves, or that a refusal is an exception.
REFUSED = {
    "a value that computes as it likes": ("assert abs(lie(1) - 5) < 1e-9", "returned a Lying"),
    "an object that is true": ("assert lie(1)", "returned a Lying"),
    "a table that equals everything": ("assert lie(1).equals(3)", "returned a Lying"),
    "a refusal where any exception will do": (
        "import pytest\nwith pytest.raises(Exception):\n    lie(1)",
        "returned a Lying",
    ),
    "a refusal that is swallowed": ("try:\n    lie(1)\nexcept Exception:\n    pass", "returned a Lying"),
    "an instance that says what it equals": (
        "assert Vector(1, 2) == Vector(3, 4)",
        "Compare their attributes",
    ),
    "an instance that says what it does not equal": ("assert Vector(1, 2) != 5", "Compare their attributes"),
    "an instance in place of a number": ("Sly\nassert sly(1) - 5 < 1e-9", "not plain data"),
    "an instance that holds everything": ("Sly\nassert 5 in sly(1)", "not plain data"),
    "a part that compares as it likes": ("assert Keeper().inner == 3", "Compare their attributes"),
    "a part that computes as it likes": ("assert abs(Keeper().inner - 5) < 1e-9", "not plain data"),
    "a part that equals everything": ("assert Keeper().inner.equals(3)", "cannot be given anything"),
    "a part that an iteration gives": ("assert next(iter(Keeper())).equals(3)", "cannot be given anything"),
    "a part whose class is called": ("assert type(Keeper().inner)(3)", "cannot be called"),
    "a function that is true": ("assert make_adder(1)", "is a function, where a value was expected"),
    "a method on a function that was returned": ("assert with_method().equals(1)", "no plain value"),
    "the end of an iteration that is none": (
        "assert all(map(lambda x: stops(), [1, 2]))",
        "raised StopIteration",
    ),
    "the end of an iteration that is caught": (
        "try:\n    stops()\nexcept StopIteration:\n    pass",
        "raised StopIteration",
    ),
    "a test that is skipped": (
        "import unittest\ntry:\n    skips()\nexcept unittest.SkipTest:\n    pass",
        "raised SkipTest",
    ),
    "the end of the program": ("try:\n    exits()\nexcept SystemExit:\n    pass", "raised SystemExit"),
    "a class of the test's below the student's": ("class Mine(Stack):\n    pass", "in another process"),
    "a drawing that is true": ("assert plot2()", "is a drawing"),
    "a drawing that equals everything": ("assert sly_drawing().equals(1)", "cannot be asked for here"),
    "a coroutine in place of a value": ("assert coro()", "returned a coroutine"),
}
MORE = """
import unittest
def skips(): raise unittest.SkipTest("no")
def exits(): raise SystemExit(0)
class Sly(Lying):
    def __contains__(self, value): return True
def sly(x): return Sly()
class Keeper:
    def __init__(self): self.inner = Lying()
    def __iter__(self): yield self.inner
class Drawn:
    __module__ = "matplotlib.axes"
    def equals(self, other): return True
def sly_drawing(): return Drawn()
def with_method():
    def inner(): pass
    inner.equals = lambda other: True
    return inner
"""


@pytest.fixture(scope="module")
def stranger():
    with session(STUDENT + MORE) as made:
        yield made


@pytest.mark.parametrize("name", REFUSED)
def test_what_could_say_anything_of_itself_is_refused_also_where_the_test_catches_it(stranger, name):
    test, says = REFUSED[name]
    with pytest.raises(StudentError) as error:
        run_test(stranger, test)
    assert says in error.value.sentence


BESIDE = """
import os, pathlib, string
_ = pathlib.Path("nodes.py").write_text("class Node:\\n    value = 3\\n")
import nodes
os.mkdir("elsewhere")
os.chdir("elsewhere")
class Keeper:
    def __init__(self): self.node, self.template = nodes.Node(), string.Template("x")
"""


def test_a_part_may_be_of_a_module_beside_the_notebook_but_of_no_library():
    with session(BESIDE) as made:
        run_test(made, "assert Keeper().node.value == 3")
        with pytest.raises(StudentError, match="a Template"):
            run_test(made, "assert Keeper().template.template == 'x'")


def test_what_may_be_asked_of_an_instance_is_what_stands_for_it():
    assert operators.SPECIAL.keys() == special.SPECIAL
