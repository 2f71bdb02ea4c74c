"""A process that does not keep to the rules: what it claims of arguments, callbacks, handles and random numbers is no answer, or changes nothing."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest

from autograder.handles.raised import StudentError
from autograder.wire import generators, plain
from autograder.wire.errors import WireError
from autograder.wire.inplace import fill
from tests.sessions import run_test, session

# Takes the server's place in its own process: `forge` makes the message that is sent in place of an answer.
CELL = """
import sys
import msgspec
from autograder.wire.channel import HEADER

calls = sys.modules["autograder.candidate.calls"]
honest = calls._Server._send


def send(server, message, writer=None):
    if message[1] in ("value", "raised") and forge:
        data = msgspec.msgpack.encode(forge(message[0]))
        server._channel._socket.sendall(HEADER.pack(len(data)) + data)
    else:
        honest(server, message, writer)


calls._Server._send = send
forge = None


def f(*arguments):
    global forge
    forge = FORGE
    return 1


class Stack:
    pass
"""
FORGED = {
    "a change of nothing": 'lambda n: ["l", n, "value", 1, ["l", ["l"], ["l", ["l", 10**6, ["l"]]], ["l"]]]',
    "a change before the first": 'lambda n: ["l", n, "value", 1, ["l", ["l"], ["l", ["l", -1, ["l"]]], ["l"]]]',
    "a change at a text": 'lambda n: ["l", n, "value", 1, ["l", ["l"], ["l", ["l", "0", ["l"]]], ["l"]]]',
    "a list that became a dict": 'lambda n: ["l", n, "value", 1, ["l", ["l"], ["l", ["l", 0, ["d"]]], ["l"]]]',
    "a list that became a number": 'lambda n: ["l", n, "value", 1, ["l", ["l"], ["l", ["l", 0, 5]], ["l"]]]',
    "a print of a number": 'lambda n: ["l", n, "value", 1, ["l", ["l", ["l", "stdout", 5]], ["l"], ["l"]]]',
    "a print to a file": 'lambda n: ["l", n, "value", 1, ["l", ["l", ["l", "/etc/passwd", "x"]], ["l"], ["l"]]]',
    "random numbers of a third kind": 'lambda n: ["l", n, "value", 1, ["l", ["l"], ["l"], ["l", ["l", 7, ["l"]]]]]',
    "a state that is none": 'lambda n: ["l", n, "value", 1, ["l", ["l"], ["l"], ["l", ["l", 0, ["l", 1, 2, 3]]]]]',
    "an instance of a class that nobody named": 'lambda n: ["l", n, "value", ["instance", 0, "Other", "Other", [], False], None]',
    "an instance before the first": 'lambda n: ["l", n, "value", ["instance", -1, "Stack", "Stack", [], False], None]',
    "an instance that was a function": 'lambda n: ["l", n, "value", ["l", ["function", 0, "g", None], ["instance", 0, "Stack", "Stack", [], False]], None]',
    "a function of the test that it did not pass": 'lambda n: ["l", n, "value", ["callback", 0, "g"], None]',
    "a stand-in of the test that it did not pass": 'lambda n: ["l", n, "value", ["mock", 0, "g", 1], None]',
    "a function of a library": 'lambda n: ["l", n, "value", ["known", "os", "system"], None]',
    "a call of a function that was not passed": 'lambda n: ["l", n, "callback", 5, b"\\x93\\xa1l\\x91\\xa1t\\x91\\xa1d", ["l"]]',
    "a call without arguments": 'lambda n: ["l", n, "callback", 0, b"\\x01", ["l"]]',
    "an answer to another question": 'lambda n: ["l", n + 1, "value", 1, None]',
    "an exception without facts": 'lambda n: ["l", n, "raised", "E", "t", ["l"], 5, None]',
}


@pytest.mark.parametrize("name", FORGED)
def test_what_a_stranger_claims_is_no_answer_and_changes_nothing(name):
    with session(CELL.replace("FORGE", FORGED[name])) as made:
        given = [3, 1, 2]
        with pytest.raises(StudentError, match="sent something that is no answer"):
            run_test(made, "Stack, f").get("f")(given)
        assert given == [3, 1, 2]


def test_the_same_claim_in_the_right_form_is_believed():
    """So it is the claims that are no answer above, and not how they are sent."""
    honest = 'lambda n: ["l", n, "value", 7, ["l", ["l"], ["l", ["l", 0, ["l", 9]]], ["l"]]]'
    with session(CELL.replace("FORGE", honest)) as made:
        given = [3, 1, 2]
        assert run_test(made, "Stack, f")["f"](given) == 7
        assert given == [9]


def test_a_claim_of_a_library_s_exception_is_believed_as_far_as_its_builtin_type_goes():
    forged = 'lambda n: ["l", n, "raised", "E", "t", ["l"], ["l", "{base}", None, ["t"], ["d"], ["l", ["t", "json.decoder", "JSONDecodeError"]]], None]'
    for base, kind in (("ValueError", json.JSONDecodeError), ("KeyError", KeyError)):
        with session(CELL.replace("FORGE", forged.replace("{base}", base))) as made:
            with pytest.raises(StudentError) as error:
                run_test(made, "f")["f"](1)
            assert isinstance(error.value, kind)
            assert isinstance(error.value, json.JSONDecodeError) == (base == "ValueError")


def test_an_exception_of_any_kind_is_one_that_fails_the_test():
    forged = 'lambda n: ["l", n, "raised", "ValueError", "t", ["l"], ["l", "{base}", None, ["t"], ["d"], CLASSES], None]'
    claims = (
        ["unittest.case", "SkipTest"],
        ["__main__", "SystemExit"],
        ["asyncio", "CancelledError"],
        [5, None],
        [],
    )
    forged = forged.replace("CLASSES", str(["l", *(["t", *claim] for claim in claims)]))
    for base in ("SystemExit", "KeyboardInterrupt", "StopIteration", "GeneratorExit", "eval", "TimeIsUp"):
        with session(CELL.replace("FORGE", forged.replace("{base}", base))) as made:
            with pytest.raises(StudentError) as error:
                run_test(made, "f")["f"](1)
            assert not isinstance(error.value, (StopIteration, ValueError))


HOSTILE = """
class Nasty(ValueError):
    def __str__(self):
        raise SystemExit
    args = property(lambda self: 1 / 0)
    __cause__ = property(lambda self: 1 / 0)
class Endless(Exception):
    def __getattribute__(self, name):
        while True: pass
def nasty(): raise Nasty
def quiet(): raise type("StudentError", (ValueError,), {"sentence": "full marks"})("x")
def later(function):
    global kept
    kept = function
def now(): return kept(1)
def in_a_thread(function):
    import threading
    got = []
    workers = [threading.Thread(target=lambda: got.append(function(1))) for _ in range(5)]
    [w.start() for w in workers]
    [w.join() for w in workers]
    return got
def many(function):
    while True: function(1)
def endless():
    while True: yield 1
def never():
    while True: pass
    yield
def lambda_of(items): return sum(1 for _ in items)
def grow(x): x.append(x)
"""


@pytest.fixture(scope="module")
def hostile():
    with session(HOSTILE, call_seconds=2) as made:
        yield made


def test_an_exception_whose_methods_lie_is_an_exception(hostile):
    with pytest.raises(StudentError):
        run_test(hostile, "nasty()")
    with pytest.raises(StudentError) as error:
        run_test(hostile, "quiet()")
    assert "raised StudentError: x" in error.value.sentence and isinstance(error.value, ValueError)


def test_a_function_of_the_test_can_be_called_later_in_the_test_and_from_threads(hostile):
    run_test(hostile, "later(lambda x: x + 1)\nassert now() == 2\nassert in_a_thread(lambda x: x) == [1] * 5")


def test_of_many_functions_of_earlier_tests_none_is_called_in_place_of_another(hostile):
    run_test(hostile, "for n in range(1200):\n    later(lambda x, n=n: n)\nassert now() == 1199")
    run_test(hostile, "import pytest\nwith pytest.raises(RuntimeError, match='an earlier test'):\n    now()")


def test_calling_back_without_end_ends_with_the_time_of_the_call():
    with (
        session(HOSTILE, call_seconds=1) as made,
        pytest.raises(StudentError, match="took longer than the 1 s"),
    ):
        run_test(made, "many(lambda x: x)")


def test_an_iterator_without_end_is_asked_only_as_far_as_the_test_asks_and_one_that_gives_nothing_in_time():
    with session(HOSTILE, call_seconds=1) as made:
        run_test(made, "import itertools\nassert sum(itertools.islice(endless(), 50)) == 50")
        with pytest.raises(StudentError, match="took longer than the 1 s"):
            run_test(made, "next(never())")


def test_an_argument_that_contains_itself_can_be_told_but_crosses_no_more(hostile):
    with pytest.raises(StudentError, match="nested too deeply"):
        run_test(hostile, "x = []\ngrow(x)\nassert x[0] is x\ngrow(x)")


def test_a_handle_of_a_process_that_has_ended_is_refused():
    with session("import os\nclass Box: pass\ndef dies(): os._exit(0)", call_seconds=2) as made:
        box = run_test(made, "box = Box()")["box"]
        with pytest.raises(StudentError):
            run_test(made, "dies()")
        with pytest.raises(StudentError, match="a process that has ended"):
            run_test(made, "Box")["Box"]
            _ = box.anything


@pytest.mark.parametrize("make", [random.Random, np.random.RandomState, np.random.default_rng])
def test_a_generator_goes_only_where_drawing_leads_it(make):
    target, there = make(1), make(1)
    draw = (
        (lambda one: one.random()) if make is not np.random.RandomState else (lambda one: one.random_sample())
    )
    [draw(there) for _ in range(1500)]
    generators.follow(target, there)
    assert draw(target) == draw(there)
    kept = plain.encode(target, 1 << 20)
    generators.follow(target, make(2))
    assert plain.encode(target, 1 << 20) == kept


def test_what_is_filled_in_is_of_the_same_kind_or_nothing_is_changed():
    first, second = [1], {"a": 1}
    with pytest.raises(WireError):
        fill([(first, [2]), (second, [2])])
    assert (first, second) == ([1], {"a": 1})
    for target in ((1,), "a", 1, None, len, frozenset()):
        with pytest.raises(WireError):
            fill([(target, target)])
    frozen = np.arange(3)
    frozen.flags.writeable = False
    fill([(frozen, np.zeros(3, int))])
    assert frozen.tolist() == [0, 1, 2]
