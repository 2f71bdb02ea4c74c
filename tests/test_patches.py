"""What a test patches is so for the student's code during its calls, however it is patched, and as it was before and after; and nothing else is."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import pytest

from autograder.candidate.patches import Patches as Applied
from autograder.handles.patches import mocks_attribute, runs_here
from autograder.handles.raised import StudentError
from autograder.instructor.statements import read_cell
from tests.sessions import run_test, session
from tests.test_context import exam, messages, scores

IMPORTS = """
# %% plain
import os, math, time, random, textwrap, collections, string, calendar
import pytest
from unittest import mock
"""
# A function, what it gives, and what stands for it: as an expression of the test.
TARGETS = {
    "math.floor": "math.floor(2.5)",
    "os.getcwd": "os.getcwd()",
    "textwrap.shorten": "textwrap.shorten('a b c', 5)",
    "time.monotonic_ns": "time.monotonic_ns() > 0",
    "random.choice": "random.choice([4])",
    "string.digits": "string.digits",
    "calendar.Calendar.getfirstweekday": "calendar.Calendar().getfirstweekday()",
    "collections.deque": "len(collections.deque([1]))",
}
HOWS = {
    "assigned": "kept = {path}\n{path} = {new}\n{check}\n{path} = kept",
    "deleted": "kept = {path}\ndel {path}\n{check}\n{path} = kept",
    "by text": "with mock.patch({path!r}, {new}):\n    {check}",
    "of an object": "with mock.patch.object({owner}, {name!r}, {new}):\n    {check}",
    "several": "with mock.patch.multiple({owner}, {name}={new}):\n    {check}",
    "by setattr": "kept = {path}\nsetattr({owner}, {name!r}, {new})\n{check}\nsetattr({owner}, {name!r}, kept)",
    "by pytest": "with pytest.MonkeyPatch.context() as patch:\n    patch.setattr({owner}, {name!r}, {new})\n    {check}",
    "by a name in a loop": "for one in [{name!r}]:\n    kept = getattr({owner}, one)\n    setattr({owner}, one, {new})\n"
    "    {check}\n    setattr({owner}, one, kept)",
    "by a decorator": "@mock.patch({path!r}, {new})\ndef check():\n    {check}\ncheck()",
}
ANSWER = """
# %% answer
import os, math, time, random, textwrap, collections, string, calendar
def f():
    try:
        return {use}
    except AttributeError:
        return "gone"
"""
WRONG = "def f():\n    return {value!r}"


NEW = {
    "string.digits": ("'patched'", "patched"),
    "time.monotonic_ns": ("lambda: -1", False),
    "calendar.Calendar.getfirstweekday": ("mock.Mock(return_value='patched')", "patched"),
    "collections.deque": ("lambda x: 'abcde'", 5),
}


def cells_of(target: str) -> str:
    owner, _, name = target.rpartition(".")
    new, seen = NEW.get(target, ("lambda *a: 'patched'", "patched"))
    tests = []
    for how, text in HOWS.items():
        expected = "gone" if how == "deleted" else seen
        made = text.format(path=target, owner=owner, name=name, new=new, check=f"assert f() == {expected!r}")
        tests.append(f"# %% test\nbefore = f()\n{made}\nassert f() == before != {expected!r}\n")
    return IMPORTS + ANSWER.format(use=TARGETS[target]) + "\n".join(tests)


@pytest.mark.parametrize("target", TARGETS)
def test_however_it_is_patched_it_is_so_during_the_calls_and_only_then(target, tmp_path):
    source = cells_of(target)
    result = exam(tmp_path / "right", source)
    assert scores(result) == [1.0] * len(HOWS), messages(result)
    for value in ("patched", "gone"):
        assert 1.0 not in scores(exam(tmp_path / str(value), source, [WRONG.format(value=value)]))


OTHERS = """
# %% plain
import decimal, os, random, urllib.request
from unittest import mock
# %% answer
import decimal, os, random, urllib.request
rate = 1
def variable():
    return os.environ.get("COURSE_HOME")
def third():
    return str(decimal.Decimal(1) / 3)
def opened():
    with open("some.txt") as file:
        return [line.strip() for line in file]
def fetched(url):
    with urllib.request.urlopen(url) as answer:
        return answer.status, answer.read().decode()
def helper():
    return rate
def outer():
    return helper() + 1
# %% test
with mock.patch.dict(os.environ, {"COURSE_HOME": "here"}):
    assert variable() == "here"
assert variable() is None
os.environ["COURSE_HOME"] = "there"
assert variable() == "there"
del os.environ["COURSE_HOME"]
assert variable() is None
# %% test
with decimal.localcontext() as context:
    context.prec, context.rounding = 3, decimal.ROUND_UP
    assert third() == "0.334"
    context.traps[decimal.Inexact] = True
    try:
        third()
    except decimal.Inexact:
        pass
    else:
        assert False
assert third() == "0." + 28 * "3"
# %% test
with mock.patch("__main__.open", mock.mock_open(read_data="a\\nb\\n"), create=True) as stand_in:
    assert opened() == ["a", "b"]
stand_in.assert_called_once_with("some.txt")
# %% test
with mock.patch("urllib.request.urlopen") as urlopen:
    answer = urlopen.return_value.__enter__.return_value
    answer.status = 200
    answer.read.return_value = b"text"
    assert fetched("http://one") == (200, "text")
urlopen.assert_called_once_with("http://one")
answer.read.assert_called_once_with()
# %% test
with mock.patch("__main__.helper", return_value=7) as spy:
    assert outer() == 8
assert spy.call_count == 1
with mock.patch.dict(globals(), {"helper": lambda: 5}):
    assert outer() == 6
assert outer() == 2
# %% test
assert outer() == 2
rate = 4
assert outer() == 5
"""


def test_the_rest_of_what_a_test_patches(tmp_path):
    result = exam(tmp_path, OTHERS)
    assert scores(result) == [1] * 6, messages(result)


def test_a_name_of_the_student_s_may_be_something_else_in_a_test(tmp_path):
    """In a kernel too, functions that have used the name go on as long as nobody calls them."""
    source = "# %% answer\nn = 3\ndef f(x):\n    return x * (n if x else 1)\n# %% test\nn = object()\nassert f(0) == 0\n"
    source += "# %% test\nfrom hypothesis import given, strategies as st\nn = st.integers()\n@given(n)\ndef t(x):\n    assert f(0) == 0\nt()\n"
    assert scores(exam(tmp_path, source)) == [1, 1]


def test_a_test_that_patches_nothing_watches_nothing(monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr("autograder.instructor.scope.Patches", lambda paths, names: seen.append(paths))
    source = "# %% plain\nimport numpy as np\nnp.random.seed(1)\n# %% answer\nx = 1\ndef f(): return x\n# %% test\n"
    assert scores(exam(tmp_path, f"{source}y = np.arange(f())\nassert y.sum() == 0\n")) == [1]
    assert not seen


def test_what_a_text_may_patch_is_known_from_it():
    (one,) = read_cell("def t():\n    with patch('a.b'), patch.object(m.c, 'd'):\n        del m.e").statements
    assert set(one.texts) == {("a", "b")} and set(one.sets) == {("m", "c", "d"), ("m", "e")}
    (one,) = read_cell("patch('a')('b.c')").statements
    assert not one.sets and ("a",) not in one.texts


@pytest.mark.parametrize(
    "stand_in",
    [
        mock.Mock(wraps=open),
        mock.MagicMock(side_effect=eval),
        mock.Mock(wraps=mock.Mock(side_effect=exec)),
        mock.create_autospec(os.system, side_effect=os.system),
        mock.Mock(wraps=subprocess.run),
        mock.Mock(wraps=getattr),
        mock.Mock(wraps=mock.patch),
        mock.Mock(wraps=random.SystemRandom().__getattribute__),
    ],
    ids=range(8),
)
def test_a_stand_in_never_calls_here_what_a_student_could_misuse(stand_in, tmp_path):
    with session("def f(g):\n    return g('print(1)')") as made:
        function = made.names({"f"})["f"]
        with pytest.raises(StudentError, match="which would run in the test's process"):
            function(stand_in)
        with pytest.raises(StudentError, match="which would run in the test's process"):
            function([lambda: 1, {"a": stand_in}])
    assert not stand_in.called


def test_what_a_stand_in_wraps_is_not_asked_for(tmp_path):
    target = tmp_path / "made"
    with session(f"def f(g):\n    return g.mkdir({str(target)!r})") as made, pytest.raises(StudentError):
        made.names({"f"})["f"](mock.Mock(wraps=os))
    assert not target.exists()


@pytest.mark.parametrize(
    "stand_in", [mock.Mock(wraps=random.randint), mock.Mock(side_effect=[3]), mock.Mock(wraps=len)]
)
def test_other_stand_ins_call_what_they_like(stand_in):
    assert runs_here(stand_in) is None


CONTROLS = [
    "call_count",
    "called",
    "call_args",
    "mock_calls",
    "return_value",
    "side_effect",
    "reset_mock",
    "configure_mock",
]
CONTROLS += [
    "assert_called",
    "attach_mock",
    "method_calls",
    "_mock_parent",
    "__class__",
    "__dict__",
    "mock",
    5,
    None,
]


@pytest.mark.parametrize("name", CONTROLS)
def test_a_student_cannot_look_at_a_stand_in_or_set_it_up(name):
    stand_in = mock.MagicMock()
    with pytest.raises(AttributeError):
        mocks_attribute(stand_in, name)
    assert mocks_attribute(stand_in, "json") is stand_in.json


CHEATS = {
    "patched back": "import random\nkept = random.randint\ndef f():\n    random.randint = kept\n    return 4",
    "patched for ever": "import random\nrandom.randint = lambda a, b: 4\ndef f():\n    return 4",
    "counted by hand": "import random\ndef f():\n    random.randint.call_count = 1\n    return 4",
    "deleted": "import random\ndef f():\n    del random.randint\n    return 4",
    "told to give something": "import random\ndef f():\n    random.randint.return_value = 4\n    return 4",
    "reset": "import random\ndef f():\n    random.randint.reset_mock()\n    return 4",
}


@pytest.mark.parametrize("name", CHEATS)
def test_a_student_who_changes_what_is_patched_gains_nothing(name, tmp_path):
    source = "# %% plain\nimport random\nfrom unittest import mock\n# %% answer\nimport random\ndef f():\n    return random.randint(1, 6)\n"
    source += "# %% test\nwith mock.patch('random.randint', return_value=4) as one:\n    assert f() == 4\none.assert_called_once_with(1, 6)\n"
    source += "# %% test\nassert random.randint(3, 3) == 3\n"
    before = random.randint
    assert scores(exam(tmp_path / "right", source)) == [1, 1]
    assert scores(exam(tmp_path, source, [CHEATS[name]])) == [0, 1]
    assert random.randint is before


def test_patches_go_off_and_on_and_leave_everything_as_it_was():
    before = dict(os.environ), random.randint, "new_name" in vars(random)
    patches = Applied(
        [
            ("random", [], "randint", [5]),
            ("random", [], "new_name", [6]),
            ("nowhere", [], "x", [1]),
            ("random", [], "choice", []),
        ],
        {"AUTOGRADER_A": "1", "HOME": None},
    )
    for _ in range(2):
        with patches.applied():
            assert (random.randint, random.new_name, os.environ["AUTOGRADER_A"]) == (5, 6, "1")
            assert "HOME" not in os.environ and not hasattr(random, "choice")
            patches.off()
            assert (dict(os.environ), random.randint, "new_name" in vars(random)) == before
            patches.on()
        assert (dict(os.environ), random.randint, "new_name" in vars(random)) == before


def test_a_function_of_the_test_is_called_with_patches_off_over_there(tmp_path):
    """Else what takes a function's place would be what sends its arguments."""
    source = "# %% plain\nimport time\nfrom unittest import mock\n# %% answer\nimport time\ndef f(g):\n    return [g(k) for k in range(3)], time.time()\n"
    test = "# %% test\nwith mock.patch('time.time', lambda: 5), mock.patch('builtins.sorted', lambda x: 1):\n    assert f(lambda k: k) == ([0, 1, 2], 5)\n"
    assert scores(exam(tmp_path, source + test)) == [1]


EXCEPTIONS = """
# %% plain
import json
import numpy as np
import pytest
# %% locked
class Empty(LookupError):
    pass
class Full(Empty):
    pass
# %% answer
import json
import numpy as np
def empty():
    raise Empty("nothing", 3)
def full():
    raise Full
def singular():
    return np.linalg.inv(np.zeros((2, 2)))
def no_json():
    return json.loads("{")
# %% test
with pytest.raises(Empty, match="nothing") as info:
    empty()
assert info.value.args == ("nothing", 3)
# %% test
try:
    full()
except Empty as error:
    assert type(error).__name__ == "Full"
else:
    assert False
# %% test
with pytest.raises(np.linalg.LinAlgError):
    singular()
# %% test
with pytest.raises(json.JSONDecodeError):
    no_json()
"""
IMPOSTORS = """
import builtins, json
def empty():
    class Empty(LookupError): pass
    raise Empty("nothing", 3)
def full():
    raise type("Full", (Exception,), {"__module__": "__main__"})
def singular():
    raise type("LinAlgError", (ValueError,), {"__module__": "numpy.linalg"})
def no_json():
    raise type("JSONDecodeError", (ValueError,), {"__module__": "json.decoder"})("x")
"""


def test_exceptions_of_the_instructor_and_of_libraries_are_what_they_are(tmp_path):
    result = exam(tmp_path / "right", EXCEPTIONS)
    assert scores(result) == [1, 1, 1, 1], messages(result)
    assert scores(exam(tmp_path, EXCEPTIONS, [IMPOSTORS])) == [0, 0, 0, 0]


def test_a_skipped_test_is_one_that_fails(tmp_path):
    source = """
# %% plain
import unittest
# %% answer
def f():
    return 1
# %% test
class Tests(unittest.TestCase):
    def test_f(self):
        self.assertEqual(f(), 1)
unittest.main(argv=[""], exit=False)
"""
    assert scores(exam(tmp_path / "right", source)) == [1]
    for skip in (
        "import unittest\ndef f(): raise unittest.SkipTest('x')",
        "import unittest.case as c\ndef f(): raise c._ShouldStop",
    ):
        assert scores(exam(tmp_path, source, [skip])) == [0]


COROUTINES = """
import asyncio, inspect

assert asyncio.run(later(2)) == 3
async def both():
    return await asyncio.gather(later(1), later(2))
assert asyncio.run(both()) == [2, 3]
assert inspect.iscoroutinefunction(later) and not inspect.iscoroutinefunction(now)
assert inspect.isgeneratorfunction(some) and not inspect.isgeneratorfunction(later)
try:
    asyncio.run(fails())
except ValueError as error:
    assert str(error) == "no"
else:
    assert False
"""


def test_coroutines_run_where_they_are_from_when_they_are_awaited(tmp_path):
    cell = "async def later(x): return x + 1\ndef now(): return 1\ndef some(): yield 1\nasync def fails(): raise ValueError('no')\n"
    source = f"# %% answer\n{cell}# %% test\n{COROUTINES}# %% test\nassert await later(1) == 2\n# %% test\nassert later(1)\n"
    with ThreadPoolExecutor(
        1
    ) as thread:  # in the main one an event loop is running if a browser was started before
        result = thread.submit(exam, tmp_path, source).result()
    assert scores(result) == [1, 1, 0], messages(result)
    assert "returned a coroutine" in messages(result)[2]
    with session(cell) as made, pytest.raises(AttributeError):  # not 0, which a test could take for an answer
        run_test(made, "later.__code__.co_argcount")


@pytest.mark.parametrize(
    ("flags", "text"), itertools.product(["re.I", "re.M | re.X", "0"], ["a+b", "^x$", ""])
)
def test_a_compiled_expression_is_one(flags, text):
    with session(f"import re\np = re.compile({text!r}, {flags})\ndef same(x): return x") as made:
        run_test(made, f"import re\nassert p == re.compile({text!r}, {flags})\nassert same(p) == p")
