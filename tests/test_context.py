"""A test cell finds what it would find in a kernel: the instructor's names, files and modules from the source, and the student's by proxy."""

from __future__ import annotations

import copy
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.bounds.limits import Limits
from autograder.exam.examine import ExamResult, _exam, examine
from autograder.files.source import data_files
from autograder.instructor.folder import source_folder
from autograder.notebook.assemble import assemble
from autograder.notebook.cells import Notebook, grading
from autograder.tutor.owner import Owner
from tests.idioms import CELL, Idiom

LIMITS = Limits(cell_seconds=10, call_seconds=5, total_seconds=60)
HEAD = "# %% locked\nimport math\n"


def notebook(text: str) -> Notebook:
    """The notebook of cells that begin with ``# %%`` and a kind, see :mod:`tests.idioms`."""
    _, *parts = CELL.split(text)
    cells = [
        (head.strip(), 1.0, source.strip("\n")) for head, source in zip(parts[::2], parts[1::2], strict=True)
    ]
    return Idiom("n", "", "", tuple(cells), (), {}).notebook()


def exam(
    folder: Path,
    source: str,
    answers: list[str] | None = None,
    change: Any = None,
    owner: Owner | None = None,
) -> ExamResult:
    """The outcome of a submission to *source*: its own answers, or these, with the list of cells changed by *change*."""
    folder.mkdir(parents=True, exist_ok=True)
    made = notebook(source)
    (folder / "n.ipynb").write_text(made.dumps(), "utf-8")
    given_answers = iter(answers or [])
    for cell in made.cells:
        if grading(cell).get("solution") and answers is not None:
            cell["source"] = next(given_answers)
    if change is not None:
        change(made.cells)
    notebook_ = assemble(folder / "n.ipynb", made.dumps().encode())
    return examine(notebook_, LIMITS, data_files(folder), owner=owner or Owner("n"), source=folder)


def scores(result: ExamResult) -> list[float]:
    return [verdict.score for verdict in result.verdicts.values()]


def messages(result: ExamResult) -> list[str]:
    return [verdict.message for verdict in result.verdicts.values()]


EVERYTHING = """
# %% plain
%matplotlib inline
import numpy as np
from math import *
# %% locked
tolerance = 1e-9
def close(a, b):
    return np.isclose(a, b, atol=tolerance)
# %% answer
def half(x):
    return x / 2
# %% test
expected = {3: 1.5, floor(8.5): 4.0}
def check(x):
    assert close(half(x), expected[x])
for x in expected:
    check(x)
# %% test
check(8)
assert half(np.float64(1)) == 0.5
"""


def test_imports_helpers_and_names_of_earlier_tests_are_there(tmp_path):
    assert scores(exam(tmp_path, EVERYTHING)) == [1, 1]
    assert scores(exam(tmp_path, EVERYTHING, ["def half(x):\n    return x"])) == [0, 0]


def test_the_instructor_s_names_are_not_the_student_s_to_replace(tmp_path):
    evil = """
def half(x):
    return x
class np:
    float64 = float
    isclose = lambda *a, **k: True
def close(a, b): return True
def check(x): pass
tolerance = 1e9
expected = {}
"""
    assert scores(exam(tmp_path, EVERYTHING, [evil])) == [0, 0]


def test_a_plain_cell_is_run_as_the_source_has_it_and_never_as_the_student_does(tmp_path):
    source = """
# %% plain
scale = 2
# %% answer
def double(x):
    return x * 2
# %% test
assert double(5) == 5 * scale
"""

    def edit(cells):
        cells[0]["source"] = f"scale = 0\nopen({str(tmp_path / 'ran')!r}, 'w')\nraise SystemExit"

    assert scores(exam(tmp_path, source, change=edit)) == [1]
    assert scores(exam(tmp_path, source, ["def double(x): return 0"], edit)) == [0]
    assert not (tmp_path / "ran").exists()


def test_what_a_failing_test_defines_is_there_for_the_next(tmp_path):
    source = """
# %% answer
def f(x):
    return x + 1
# %% answer
def g(x):
    return x + 2
# %% test
assert f(1) == 2, "f adds one"
import math
table = [1, 2]
table.append(3)
def check(function, by):
    assert [function(x) - x for x in table] == [by] * 3
check(f, 1)
# %% test
check(g, 2)
assert math.floor(2.5) == 2
"""
    wrong = ["def f(x):\n    return x", "def g(x):\n    return x + 2"]
    assert scores(exam(tmp_path, source, wrong)) == [0, 1]
    assert scores(exam(tmp_path, source, ["", wrong[1]])) == [0, 1]


def test_a_cell_that_fails_because_of_the_student_costs_only_what_needs_its_names(tmp_path):
    source = """
# %% answer
def f(x):
    return x + 1
# %% locked
import math
shown = f(20)
halves = [1, 0.5]
# %% test
assert shown == 21
# %% test
assert sum(halves) == math.ceil(1.2) - 0.5
"""
    result = exam(tmp_path, source, ["def f(x):\n    raise ValueError('too large')"])
    assert scores(result) == [0, 1]
    assert "f" in messages(result)[0] and "too large" in messages(result)[0]


def test_a_cell_that_no_test_needs_is_not_run(tmp_path):
    source = """
# %% answer
def f(x):
    return x + 1
# %% locked
import time
time.sleep(f(8) - 1)
# %% locked
for x in range(3):
    print(f(x))
# %% test
assert f(1) == 2
"""
    began = time.monotonic()
    assert scores(
        exam(tmp_path, source, ["def f(x):\n    if x > 7: raise ValueError\n    return x + 1"])
    ) == [1]
    assert time.monotonic() - began < 7


def test_a_change_that_a_cell_makes_counts_once(tmp_path):
    source = """
# %% answer
x = 5
# %% locked
x = x + 1
# %% plain
x += 10
# %% test
assert x == 16
# %% answer
x = 7
# %% test
assert x == 7
x = 8
# %% test
assert x == 8
"""
    assert scores(exam(tmp_path, source)) == [1, 1, 1]
    assert scores(exam(tmp_path, source, ["x = 4", "x = 7"])) == [0, 1, 1]


def test_cells_that_the_student_moved_find_the_instructor_s_names_all_the_same(tmp_path):
    def reverse(cells):
        cells[:] = cells[::-1]

    def setup_last(cells):
        cells[:] = [*cells[2:], *cells[:2]]

    for change in (reverse, setup_last):
        assert scores(exam(tmp_path, EVERYTHING, change=change)) == [1, 1]
        assert scores(exam(tmp_path, EVERYTHING, ["def half(x):\n    return x"], change)) == [0, 0]


@pytest.mark.parametrize(
    ("import_", "score"), [("import numpy as np", 1), ("import math as np", 1), ("", 0), ("np = 3", 0)]
)
def test_a_module_that_the_solution_imports_is_there_if_the_student_has_one_by_that_name(
    import_, score, tmp_path
):
    source = """
# %% answer
import numpy as np
def f(x):
    return np.sqrt(x)
# %% test
assert np.isclose(f(4), 2)
"""
    assert scores(exam(tmp_path, source, [f"{import_}\ndef f(x):\n    return x ** 0.5"])) == [score]


def test_a_function_that_the_solution_imports_is_the_student_s(tmp_path):
    source = "\n# %% answer\nfrom statistics import mean\n# %% test\nassert mean([1, 2, 6]) == 3\n"
    assert scores(exam(tmp_path, source)) == [1]
    assert scores(exam(tmp_path, source, ["def mean(x):\n    return 2"])) == [0]


CLASSES = """
# %% plain
from decimal import Decimal
# %% answer
from collections import OrderedDict
from decimal import Decimal
def f(x):
    return OrderedDict(x=Decimal(x))
# %% test
assert f("1.5")["x"] == Decimal("1.5") and isinstance(f("1")["x"], Decimal)
# %% test
assert isinstance(f("1"), OrderedDict)
assert f("1") == OrderedDict([("x", 1)])
"""
LIAR = "class Always(type):\n    def __instancecheck__(cls, one):\n        return True\n"


@pytest.mark.parametrize(
    ("work", "marks"),
    [
        (
            "import collections, decimal\ndef f(x): return collections.OrderedDict(x=decimal.Decimal(x))",
            [1, 0],
        ),
        ("from collections import OrderedDict\ndef f(x): return OrderedDict(x=float(x))", [0, 1]),
        ("from decimal import Decimal\ndef f(x): return {'x': Decimal(x)}", [1, 0]),
        (
            f"{LIAR}class OrderedDict(dict, metaclass=Always): pass\ndef f(x): return {{'x': int(float(x))}}",
            [0, 0],
        ),
        (f"{LIAR}class Decimal(float, metaclass=Always): pass\ndef f(x): return {{'x': float(x)}}", [0, 0]),
    ],
)
def test_a_class_that_the_solution_imports_is_the_library_s(work, marks, tmp_path):
    assert scores(exam(tmp_path, CLASSES)) == [1, 1]
    assert scores(exam(tmp_path, CLASSES, [work])) == marks


def test_imports_outside_the_solution_are_the_instructor_s(tmp_path):
    source = """
# %% answer
import numpy as np
### BEGIN SOLUTION
def f(x):
    return np.abs(x)
### END SOLUTION
# %% test
assert np.all(f(np.array([1, -1])) == 1)
"""

    def unmark(cells):  # the builder puts marks around all of an answer
        cells[0]["source"] = "np = 3\ndef f(x):\n    return abs(x)"

    made = notebook(source)
    made.cells[0]["source"] = (
        made.cells[0]["source"].removeprefix("### BEGIN SOLUTION\n").removesuffix("\n### END SOLUTION")
    )
    (tmp_path / "n.ipynb").write_text(made.dumps(), "utf-8")
    unmark(made.cells)
    assembled = assemble(tmp_path / "n.ipynb", made.dumps().encode())
    assert scores(examine(assembled, LIMITS, owner=Owner("n"), source=tmp_path)) == [1]


def test_a_builtin_that_the_solution_defines_anew_is_the_student_s(tmp_path):
    source = "\n# %% answer\ndef max(a, b):\n    return a if a > b else b\n# %% test\nassert max(1, 2) == 2\n"
    assert scores(exam(tmp_path, source)) == [1]
    assert scores(exam(tmp_path, source, ["def max(a, b):\n    return a"])) == [0]
    assert scores(exam(tmp_path, source, [""])) == [1]  # as in a kernel, where Python's own is found


MAGICS = """
# %% plain
%load_ext autoreload
%autoreload 2
%matplotlib inline
%config InlineBackend.figure_format = "svg"
import math?
# %% locked
%%time
limit = 3
# %% answer
def f(x):
    return x + 1
# %% test
%%capture said
print(f(1))
%time y = f(2)
display(y)
assert get_ipython() is not None
# %% test
assert y == limit and said.stdout.startswith("2")
# %% locked
!ls
%cd /
after = 1
# %% test
assert after == f(0)
# %% test
!ls
"""


def test_magics_that_change_what_is_shown_do_nothing_and_others_are_errors(tmp_path):
    result = exam(tmp_path, MAGICS)
    assert scores(result) == [1, 1, 1, 0]
    assert "shell command 'ls'" in list(result.verdicts.values())[-1].detail


UNITTEST = """
# %% answer
def f(x):
    return x + 1
# %% test
import unittest
class TestF(unittest.TestCase):
    def test_one(self):
        self.assertEqual(f(1), 2)
    def test_two(self):
        with self.assertRaises(TypeError):
            f(None)
unittest.main(argv=["x"], exit=False)
# %% test
unittest.main(argv=["x"])
# %% test
import io
suite = unittest.defaultTestLoader.loadTestsFromTestCase(TestF)
done = unittest.TextTestRunner(stream=io.StringIO()).run(suite)
(done.testsRun - len(done.failures) - len(done.errors)) / 2
"""


def test_a_run_of_unittest_that_fails_is_a_test_that_fails(tmp_path):
    assert scores(exam(tmp_path, UNITTEST)) == [1, 1, 1]
    half = exam(tmp_path, UNITTEST, ["def f(x):\n    return x + 2"])
    assert scores(half) == [0, 0, 0.5]
    assert "`f` gave" in messages(half)[0]


def test_a_test_that_leaves_is_a_test_that_fails(tmp_path):
    source = "\n# %% answer\ndef f(x):\n    return x\n# %% test\nimport sys\nif f(1) != 1:\n    sys.exit()\n"
    assert scores(exam(tmp_path, source)) == [1]
    assert scores(exam(tmp_path, source, ["def f(x):\n    return 0"])) == [0]


def test_classes_of_a_test_belong_to_the_main_module(tmp_path):
    source = """
# %% locked
from dataclasses import dataclass
@dataclass
class Point:
    x: "int"
# %% answer
def f(x):
    return x + 1
# %% test
import pickle, sys
assert __name__ == "__main__" and sys.modules["__main__"].Point is Point
assert pickle.loads(pickle.dumps(Point(1))).x + 1 == f(1)
"""
    assert scores(exam(tmp_path, source)) == [1]
    assert "Point" not in vars(sys.modules["__main__"])


CASES = """
# %% locked
from cases import case
import math
here = case(student_id)
# %% answer
def f(x):
    return x + 1
# %% answer
found = here + 1
# %% test
assert math.ceil(0.5) == f(0)
# %% test
assert found == here + 1
"""
ID_CELL = {
    "cell_type": "code",
    "metadata": {"tags": ["student-id"]},
    "outputs": [],
    "execution_count": None,
    "id": "a",
}


def with_id(folder: Path, owner: Owner, written: str) -> ExamResult:
    folder.mkdir(exist_ok=True)
    (folder / "cases.py").write_text(
        "def case(name):\n    return {'': 0, 'ann': 10, 'bob': 20}[name]\n", "utf-8"
    )
    made = notebook(CASES)
    made.cells.insert(0, {**ID_CELL, "source": 'student_id = ""'})
    (folder / "n.ipynb").write_text(made.dumps(), "utf-8")
    made.cells[0]["source"] = written
    assembled = assemble(folder / "n.ipynb", made.dumps().encode())
    return examine(assembled, LIMITS, data_files(folder), owner=owner, source=folder)


def test_the_instructor_s_cells_are_about_the_owner_s_case(tmp_path):
    assert scores(with_id(tmp_path, Owner("n", "ann"), 'student_id = "ann"')) == [1, 1]
    assert scores(with_id(tmp_path, Owner("n", "ann"), 'student_id = ""')) == [1, 1]
    other = with_id(tmp_path, Owner("n", "ann"), 'student_id = "bob"')
    assert scores(other) == [1, 0] and "'bob'" in messages(other)[1]
    missing = with_id(tmp_path, Owner("n", "ann", personal=True), 'student_id = ""')
    assert scores(missing) == [1, 0] and 'student_id = "ann"' in messages(missing)[1]
    assert scores(with_id(tmp_path, Owner("n", "ann"), "student_id = object()"))[1] == 0


BESIDE = """
# %% locked
import json
import helper
from lib.more import more
# %% answer
def f(x):
    return x + 1
# %% test
with open("data/table.json") as file:
    table = json.load(file)
assert [f(x) for x in table] == helper.expected
# %% test
assert f(1) == more()
"""


def write_beside(folder: Path, expected: list[int]) -> None:
    (folder / "data").mkdir(parents=True, exist_ok=True)
    (folder / "lib").mkdir(exist_ok=True)
    (folder / "data" / "table.json").write_text("[1, 2]", "utf-8")
    (folder / "helper.py").write_text(f"name = 'helper'\nexpected = {expected}\n", "utf-8")
    (folder / "lib" / "more.py").write_text(
        "from helper import expected\ndef more():\n    return expected[0]\n", "utf-8"
    )


def test_files_and_modules_beside_the_notebook_are_those_of_its_own_assignment(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    write_beside(one, [2, 3])
    write_beside(two, [3, 4])
    for _ in range(2):
        assert scores(exam(one, BESIDE)) == [1, 1]
        assert scores(exam(two, BESIDE)) == [0, 0]
        assert scores(exam(two, BESIDE, ["def f(x):\n    return x + 2"])) == [1, 1]
    write_beside(two, [2, 3, 4][:2])
    assert scores(exam(two, BESIDE)) == [1, 1]  # changed since
    assert not [path for path in tmp_path.rglob("*") if path.suffix == ".pyc" or path.name == "__pycache__"]
    assert "helper" not in sys.modules and "lib.more" not in sys.modules


LEAKY = """
# %% locked
import helper, os, random, warnings, math
import numpy as np
seen = []
# %% answer
def f(x):
    return x + 1
# %% test
assert seen == [] and helper.expected == [2, 3] and helper.name == "helper"
assert not os.path.exists("written") and "LEAK" not in os.environ and math.pi > 3
first = random.random(), np.random.rand()
assert abs(first[0] - 0.8444) < 1e-3 and abs(first[1] - 0.5488) < 1e-3
seen.append(1)
helper.expected.append(4)
helper.name = "other"
open("written", "w").write("x")
open("helper.py", "a").write("name = 'third'")
os.environ["LEAK"] = "1"
os.chdir("..")
math.pi = 3
np.isclose = lambda *a: True
random.seed(99)
np.random.seed(99)
warnings.simplefilter("error")
# %% test
assert seen == [1] and os.environ["LEAK"] == "1" and math.pi == 3 and f(1) == 2
assert (random.random(), np.random.rand()) == first
assert not os.path.exists("helper.py")
"""


def test_nothing_that_a_test_sets_reaches_the_next_submission_or_this_process(tmp_path):
    write_beside(tmp_path, [2, 3])
    before = (
        os.getcwd(),
        sys.path[:],
        dict(os.environ),
        random.getstate(),
        np.isclose,
        (tmp_path / "helper.py").read_bytes(),
    )
    state = np.random.get_state()[1].tolist()
    for _ in range(2):
        assert scores(exam(tmp_path, LEAKY)) == [1, 1]
        after = (
            os.getcwd(),
            sys.path[:],
            dict(os.environ),
            random.getstate(),
            np.isclose,
            (tmp_path / "helper.py").read_bytes(),
        )
        assert after == before and np.random.get_state()[1].tolist() == state
    assert not (tmp_path / "written").exists()


def test_strategies_of_other_cells_are_drawn_from_as_they_are_there(tmp_path):
    source = """
# %% locked
from hypothesis import given, settings, strategies as st
@st.composite
def values(draw):
    return draw(st.integers(LOW, HIGH))
# %% answer
def f(x):
    return x
# %% test
@settings(max_examples=30)
@given(values())
def check(x):
    assert f(x) == x
check()
"""
    low = source.replace("LOW", "0").replace("HIGH", "9")
    high = source.replace("LOW", "100").replace("HIGH", "109")
    wrong_above = "def f(x):\n    return x if x < 50 else 0"
    for _ in range(2):
        assert scores(exam(tmp_path / "low", low, [wrong_above])) == [1]
        assert scores(exam(tmp_path / "high", high, [wrong_above])) == [0]
        assert scores(exam(tmp_path / "high", high)) == [1]


class Process:
    """A student's process, in this one."""

    def __init__(self) -> None:
        self.namespace: dict[str, Any] = {"__name__": "student"}
        self.called: list[Any] = []

    def watch(self, scope, found, patches):
        """Its cells and the instructor's share their names anyway."""

    def names(self, wanted):
        found = {name: self.namespace[name] for name in wanted if name in self.namespace}
        return {name: value if callable(value) else copy.deepcopy(value) for name, value in found.items()}


# No function of the student's looks at a name that the instructor binds later in the same cell: over there it is bound when the cell is done.
NAMES = st.sampled_from("abcdef")
VALUES = (
    st.integers(0, 9).map(str) | NAMES | st.tuples(NAMES, st.integers(1, 3)).map(lambda p: f"{p[0]} + {p[1]}")
)
STATEMENTS = st.one_of(
    st.tuples(NAMES, VALUES).map(lambda p: f"{p[0]} = {p[1]}"),
    st.tuples(NAMES, VALUES).map(lambda p: f"{p[0]} += {p[1]}"),
    st.tuples(NAMES, VALUES).map(lambda p: f"def {p[0]}_of(x=1, by={p[1]}):\n    return x + by"),
    st.tuples(NAMES, NAMES).map(lambda p: f"{p[0]} = {p[1]}_of(2)"),
    st.tuples(NAMES, NAMES).map(lambda p: f"def {p[0]}_set():\n    global {p[0]}\n    {p[0]} = {p[1]}"),
    NAMES.map(lambda n: f"{n}_set()"),
    st.tuples(NAMES, NAMES).map(lambda p: f"for {p[0]} in range(3):\n    {p[1]} = {p[0]} * 2"),
    st.tuples(NAMES, NAMES).map(
        lambda p: f"{p[0]} = sum([{p[0]} for {p[0]} in [1, 2] if (last_{p[1]} := {p[0]})])"
    ),
    st.tuples(NAMES, NAMES).map(
        lambda p: f"try:\n    {p[0]} = last_{p[1]}\nexcept NameError:\n    {p[1]} = 4"
    ),
    NAMES.map(lambda n: f"if {n} > 4:\n    del {n}"),
    NAMES.map(lambda n: f"class {n.upper()}:\n    {n} = {n}\n    def get(self, x={n}):\n        return x"),
    NAMES.map(lambda n: f"{n} = {n.upper()}().get() + {n.upper()}.{n}"),
    NAMES.map(lambda n: f"table_{n} = [1]"),
    st.tuples(NAMES, VALUES).map(lambda p: f"table_{p[0]}.append({p[1]})"),
    NAMES.map(lambda n: f"{n} = len(table_{n})"),
    NAMES.map(lambda n: f"from math import floor as {n}_of"),
)
KINDS = st.sampled_from(["locked", "plain", "answer", "test"])
CELLS = st.lists(
    st.tuples(KINDS, st.lists(STATEMENTS, min_size=1, max_size=3).map("\n".join)), min_size=2, max_size=7
)


LOOK = "seen = {0}, {0}_of(3), len(table_{0}), {1}().get()"


def everything(names: str) -> str:
    """A cell that binds all that is generated for these *names*."""
    parts = [
        f"{n} = {i}\ntable_{n} = []\ndef {n}_of(x):\n    return x\ndef {n}_set(): pass\nlast_{n} = 1"
        f"\nclass {n.upper()}:\n    {n} = 1\n    def get(self, x={n}):\n        return x"
        for i, n in enumerate(names)
    ]
    return "\n".join(parts)


@settings(max_examples=300, deadline=None)
@given(CELLS, NAMES)
def test_right_work_finds_in_every_test_what_a_kernel_has(cells, asked):
    # The student's process never hears what a test changes: these only look.
    look = LOOK.format(asked, asked.upper())
    cells = [(kind, look if kind == "test" else text) for kind, text in cells]
    finds_what_a_kernel_has(
        [("locked", everything("abc")), ("answer", everything("def")), *cells, ("test", look)]
    )


def finds_what_a_kernel_has(cells: list[tuple[str, str]]) -> None:
    """In each test cell, of (kind, text) cells, ``seen`` is what it is in a kernel."""
    from autograder.instructor.scope import Scope
    from autograder.instructor.source import read_source
    from autograder.instructor.source_cells import instructors_cells

    source = notebook("".join(f"\n# %% {kind}\n{text}\n" for kind, text in cells))
    read = read_source(instructors_cells(source, source), frozenset(), frozenset(), "")
    kernel: dict[str, Any] = {"__name__": "kernel"}
    folder, student = source_folder(None), Process()
    with folder.examination():
        scope = Scope(read, folder, student, Owner())
        for place, (cell, (kind, _)) in enumerate(zip(source.cells, cells, strict=True)):
            text = cell["source"]
            expected = outcome(lambda text=text: exec(text, kernel))
            if kind == "test":
                scope.reach(place)
                scope.look_up(place)
                found = outcome(lambda place=place: scope.run_test(place))
                if expected is None:
                    assert found is None and scope.names["seen"] == kernel["seen"]
                kernel.pop("seen", None)
            elif kind != "answer" and expected is not None:
                return  # the instructor's own cells do not fail on right work
            else:
                scope.reach(place + 1)
                outcome(lambda text=text: exec(text, student.namespace))


# Names of lists of lists of numbers: the first kind makes what one name holds a part of another, the second changes it.
SHARES = (
    *(
        "{0} = {1}",
        "{0} = list({1})",
        "{0} = sorted({1})",
        "{0} = {1}[:]",
        "{0} = [*{2}, {1}[0]]",
        "{0}[0] = {1}[0]",
    ),
    *(
        "{0}.append({1}[-1])",
        "{0}.extend({1})",
        "{0} += {1}[:1]",
        "{0} = max({1}, {2})",
        "{0} = {{4: {1}}}[4]",
    ),
    *("{0} = [row for row in {1} if row]", "{0} = list(filter(None, {1}))", "{0} = next(iter([{1}]))"),
    *(
        "{0} = (lambda rows: rows)({1})",
        "def {0}_get():\n    return {1}",
        "{0} = {1}_get()",
        "{0} = {1} or {2}",
    ),
    *("{0}, *_ = {1}, {2}", "for {0} in [{1}]: pass", "if ({0} := {1}): pass", "{0} = {1} if {2} else {0}"),
    *(
        "for row in {1}:\n    {0} = [row]",
        "with nullcontext({1}) as {0}: pass",
        "{0} = [*zip(*[{1}])][0][:] or {1}",
    ),
    *("match [{1}]:\n    case [{0}]: pass", "{0} = {1} + {2}", "{0}_box = Box({1})", "{0} = {1}_box.rows"),
    *(
        "{0}_add = {1}[0].append",
        "def {0}_get(rows={1}):\n    return rows",
        "{0} = [list(row) for row in {1}]",
    ),
)
CHANGES = (
    *("{0}[0].append(5)", "for row in {0}: row.append(5)", "for row in zip({1}, {0}): row[1].append(5)"),
    *("sorted({0})[0].append(5)", "next(iter({0}))[0] = 7", "any(row.append(1) for row in {0})"),
    *(
        "for row in {0}: row += [4]",
        "{0}[0] += [4]",
        "[row.insert(0, 6) for row in {0}]",
        "{1} = {0}[0].pop()\n{1} = [[1]]",
    ),
    *(
        "list(map(lambda row: row.append(1), {0}))",
        "(lambda row: row.append(1))({0}[0])",
        "copy({0})[0].append(5)",
        "getattr({0}[0], 'append')(1)",
        "({0} or {1})[-1].append(3)",
        "min({0}).extend([2])",
        "bump({0}[0])",
    ),
    *(
        "for number, row in enumerate({0}): row[0] = number",
        "for _, rows in {{4: {0}}}.items(): rows[0].append(8)",
    ),
    *(
        "{1} = [[bump({0}[-1])]]",
        "if (row := {0}[0]): row.append(2)",
        "match {0}:\n    case [row, *_]: row.append(9)",
    ),
    *(
        "row, *_ = {0}\nrow.append(3)",
        "heappush({0}[0], 0)",
        "list.append({0}[0], 2)",
        "{0}_add(6)",
        "Box({0}).grow(4)",
    ),
    *(
        "{0}_box.grow(2)",
        "{0}_box.rows[0].append(1)",
        "while len({0}[0]) < 9: {0}[0].append(1)",
        "{0}.sort(key=bump)",
    ),
    *(
        "try:\n    {0}[0].clear()\nfinally:\n    {0}[0].append(1)",
        "def {0}_go():\n    {0}[-1].append(3)",
        "{0}_go()",
    ),
    *(
        "list(map(bump, {0}))",
        "def {0}_go(rows={1}):\n    for row in rows: bump(row)",
        "{0}_box += 5",
        "twice(bump, {0})",
    ),
    *(
        "for left, right in zip({0}, {1}):\n    left[0], right[0] = right[0], left[0]",
        "{0}_get()[0].append(4)",
    ),
)
GIVEN = """
from contextlib import nullcontext
from copy import copy
from heapq import heappush
class Box:
    def __init__(self, rows):
        self.rows = rows
    def grow(self, by):
        for row in self.rows: row.append(by)
    def __iadd__(self, by):
        self.rows[-1].append(by)
        return self
def bump(row):
    row.append(10)
    return 1
def twice(function, rows):
    function(rows[0]), function(rows[-1])
"""
ROWS = st.permutations("pqrs").map(lambda names: names[:3])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([*SHARES, *CHANGES]), ROWS), min_size=1, max_size=6), ROWS)
def test_what_is_changed_through_another_name_is_found_changed(statements, asked):
    rows = "\n".join(
        f"{n} = [[{i}, 3], [{i}, 2]]\n{n}_box = Box({n})\n{n}_add = {n}[0].append"
        f"\ndef {n}_get():\n    return {n}\ndef {n}_go(): pass"
        for i, n in enumerate("pqrs")
    )
    cells = [("locked", form.format(*names)) for form, names in statements]
    finds_what_a_kernel_has([("locked", GIVEN), ("locked", rows), *cells, ("test", f"seen = {asked[0]}")])


@pytest.mark.parametrize("form", CHANGES)
def test_each_form_of_change_is_found(form):
    """Not all of these are drawn together with what they need."""
    test_what_is_changed_through_another_name_is_found_changed.hypothesis.inner_test([(form, "pqr")], "p")


LOOKS = """
# %% locked
import matplotlib.pyplot as plt
from helper import draw
table = {"a": [1, 2], "b": [3, 4]}
# %% answer
def f(x):
    return x
# %% locked
fig, axes = plt.subplots(2)
LOOK
# %% test
assert f(table["a"]) == [1, 2]
"""


@pytest.mark.parametrize(
    "look",
    [
        "for ax, (name, row) in zip(axes, table.items()):\n    ax.plot(row, label=name)",
        "for ax, name in zip(axes.flat, sorted(table)):\n    ax.bar(range(2), table[name])",
        "for number, (name, row) in enumerate(table.items()):\n    plt.plot(row)\n    axes[number].set_title(name)",
        "shown = draw(table)\nshown.set_title('x')\nfig.savefig",
        "best = max(table.values())\nbest = best[0]\nbest += 1\nprint(f'{best} of {len(table)}')",
        "lines = []\nfor name, row in table.items():\n    lines.append(f'{name}: {sum(row)}')\nprint(*lines)",
        "both = sorted(table.values())\nboth.append([5])\nboth.sort()",
    ],
)
def test_a_cell_that_shows_what_there_is_is_not_run_for_a_test(look, tmp_path):
    (tmp_path / "helper.py").write_text("def draw(table):\n    raise RuntimeError\n", "utf-8")
    source = notebook(LOOKS.replace("LOOK", look))
    (tmp_path / "n.ipynb").write_text(source.dumps(), "utf-8")
    with _exam(source, tmp_path, Owner("n")) as (found, _):
        assert found.needed == {0}


def outcome(work: Any) -> type | None:
    try:
        work()
    except Exception as error:
        return type(error)
    return None


class Asked(dict):
    """Global names that remember which of them were missing."""

    def __init__(self) -> None:
        super().__init__()
        self.missing: set[str] = set()

    def __missing__(self, name: str) -> Any:
        self.missing.add(name)
        raise KeyError(name)


@settings(max_examples=300)
@given(st.lists(STATEMENTS, min_size=1, max_size=6))
def test_every_name_that_a_cell_asks_for_or_binds_is_known_before_it_runs(statements):
    from autograder.instructor.statements import read_cell

    text = "\n".join(statements)
    cell, names = read_cell(text), Asked()
    outcome(lambda: exec(text, names))
    assert names.missing <= cell.free | cell.maybe
    assert set(names) - {"__builtins__"} <= cell.binds


def test_a_version_of_hypothesis_without_what_is_used_of_it_is_named():
    script = "import hypothesis; del hypothesis.settings.get_current_profile_name; import autograder.exam.hypothesis_compat"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    said = f"the installed hypothesis {hypothesis.__version__} has no settings.get_current_profile_name"
    assert done.returncode == 1 and said in done.stderr


FIRST = "# %% answer\ndef f(n):\n    return n\n"


@pytest.mark.parametrize(
    ("shared", "test"),
    [
        ("globals()['k'] = 3", "assert f(3) == k"),
        ("vars()['k'] = 3", "assert f(3) == globals()['k']"),
        ("list = [1]\n# %% locked\nlist.append(5)", "assert list == [f(1), 5]"),
        ("max = min\n# %% locked\nmost = max(1, 2)", "assert f(1) == most == max(1, 9)"),
    ],
)
def test_what_builtins_give_may_be_changed_and_is_found_changed(tmp_path, shared, test):
    outcome = exam(tmp_path, f"{HEAD}{FIRST}# %% locked\n{shared}\n# %% test\n{test}\n")
    assert scores(outcome) == [1], messages(outcome)


@pytest.mark.parametrize(
    "call", ["log.extend(*zip(best))", "log.append(*sorted(best)[:1])", "log.insert(0, *map(str, [best]))"]
)
def test_giving_away_what_a_builtin_gives_ties_no_other_cell_to_it(tmp_path, call):
    """The property tests of the other cell would otherwise depend on `best`, and be drawn anew for each student."""
    source = notebook(
        f"{HEAD}{FIRST}# %% answer\nbest = [3, 1]\n# %% locked\nlog = []\n{call}\n"
        "# %% test\nassert f(2) == 2 and list(zip([1])) and sorted([2]) and list(map(str, [1]))\n"
    )
    (tmp_path / "n.ipynb").write_text(source.dumps(), "utf-8")
    with _exam(source, tmp_path, Owner("n")) as (found, _):
        place = found.place("test-4", "")
        assert found.asks_for(place) | found.depends_on(place) == {"f"}
