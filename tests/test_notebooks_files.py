"""What cells write, import and read beside the notebook: as in a kernel, and in nobody's way."""

from __future__ import annotations

import random
import sys
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.bounds.limits import Limits
from autograder.candidate.start import start_candidate
from autograder.files.beside import OwnFiles, in_nobodys_way, own_files_in
from autograder.files.source import data_files
from autograder.lint.kernel import stock_outcomes
from tests.inside import PLACES, in_candidates
from tests.test_context import exam, notebook

GIVEN = {
    "helper.py": "def value():\n    return 1\n",
    "parts/__init__.py": "from . import one\n",
    "parts/one.py": "ONE = 1\n",
    "spaces/two.py": "TWO = 2\n",  # a package without __init__.py
    "data/numbers.csv": "a,b\n1,2\n",
    "data/deep/er/words.txt": "some words",
}
MODULES = ["helper", "parts.one", "spaces.two", "own", "made.inner", "json", "colorsys"]
PATHS = ["data/numbers.csv", "data/deep/er/words.txt", "new.txt", "out/a/b.txt", "data/other/c.txt"]


def program(seed: int) -> list[str]:
    """Cells that write modules and files, write over them, import, reload, run and read them, in any order; ``log`` is what they saw."""
    draw = random.Random(seed)
    cells = ["import importlib, os, sys\nfrom pathlib import Path\nimport numpy as np\nlog = []"]
    for step in range(14):
        module, path = draw.choice(MODULES), draw.choice(PATHS)
        file = f"{module.replace('.', '/')}.py"
        text = f"def value():\n    return {draw.choice([step, step % 10])}\n"
        see = "log.append(repr(error).split('(')[0])"
        flags = draw.choice(["", "-a "])
        kinds = {
            "magic": f"%%writefile {flags}{file}\n{text}",
            "folders": f"os.makedirs(os.path.dirname({file!r}) or '.', exist_ok=True)",
            "package": f"Path({module.split('.')[0]!r}).mkdir(exist_ok=True)\nPath({module.split('.')[0]!r}, '__init__.py').touch()",
            "write": f"try:\n    Path({file!r}).write_text({text!r})\nexcept OSError as error:\n    {see}",
            "import": f"try:\n    import {module}\n    log.append({module}.value())\nexcept Exception as error:\n    {see}",
            "from": f"try:\n    from {module} import value\n    log.append(value())\nexcept Exception as error:\n    {see}",
            "reload": f"try:\n    importlib.reload(sys.modules[{module!r}])\n    log.append(sys.modules[{module!r}].value())\nexcept Exception as error:\n    {see}",
            "run": f"value = None\n%run {file}\nlog.append(value and value())",
            "data": f"try:\n    with open({path!r}, {draw.choice(['a', 'w', 'r+', 'x'])!r}) as file:\n        file.write('{step}')\nexcept OSError as error:\n    {see}",
            "read": f"log.append(Path({path!r}).read_text() if Path({path!r}).exists() else None)",
            "array": f"np.save('a{step % 3}.npy', np.arange({step}.0))\nlog.append(float(np.load('a{step % 3}.npy').sum()))",
            "list": "log.append(sorted(p.as_posix() for p in Path('.').rglob('*') if '__pycache__' not in p.parts and not p.name.startswith('.')))",
            "shell": f"!mkdir -p made spaces && echo 'SHELL = {step}' >> {draw.choice(['own.py', 'made/__init__.py'])}",
            "remove": f"Path({path!r}).unlink(missing_ok=True)",
            "cd": "%cd -q data",
            "back": "if os.path.basename(os.getcwd()) == 'data':\n    os.chdir('..')\nlog.append(sorted(os.listdir('.'))[:2])",
        }
        cells.append(kinds[draw.choice(list(kinds))])
    return cells


@pytest.mark.parametrize("seed", [8, 14, 21, 31])  # in these each fault that has been there shows
def test_cells_that_write_and_import_see_what_they_see_in_a_kernel(seed, tmp_path, monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    for name, text in GIVEN.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    cells = ["%config InteractiveShell.xmode = 'Plain'", *program(seed)]
    candidate = start_candidate(Limits(), data_files(tmp_path))
    try:
        for cell in cells:
            candidate.run(cell)
        word, log = candidate.get("log")
        assert word == "value" and log
        # A kernel has what was compiled: each cell begins a second later for it.
        later = "import sys; sys.dont_write_bytecode = True; import importlib; importlib.invalidate_caches()"
        text = "".join(f"# %% plain\n{cell}\n# %% plain\n{later}\n" for cell in cells)
        made = notebook(f"{text}# %% test\nassert log == {log!r}, log\n")
        (outcome,) = stock_outcomes(made, tmp_path, 60).values()
        assert outcome.score == 1, (seed, log, outcome)
    finally:
        candidate.close()


NAMES = ["a", "b", "json", "numpy", "data", "helper", "statistics", "B"]
FILES = st.lists(
    st.builds(
        lambda folders, last: "/".join([*folders, last]),
        st.lists(st.sampled_from(NAMES), max_size=2),
        st.sampled_from([*(f"{name}.py" for name in NAMES), "__init__.py", "data", "a", "t.csv"]),
    ),
    max_size=6,
    unique_by=str.casefold,
)


def fits(names: list[str]) -> list[str]:
    """Those of *names* that can lie in one folder: none is a folder of another."""
    return [
        name
        for name in names
        if not any(other.casefold().startswith(f"{name.casefold()}/") for other in names)
    ]


def found_as(module: str, folder: Path) -> str | None:
    """The file that *module* is imported from where the folder comes first, as Python's own finder sees it."""
    place, spec = str(folder), None
    for part in module.split("."):
        spec = FileFinder(place, (SourceFileLoader, SOURCE_SUFFIXES)).find_spec(part) if place else None
        if spec is None:
            return None
        (place,) = spec.submodule_search_locations or [""]
    return spec.origin if spec is not None and spec.loader is not None else None


@settings(max_examples=150, deadline=None)
@given(FILES.map(fits), FILES.map(fits))
def test_own_files_stand_for_no_file_and_no_module_of_the_assignment_or_of_a_library(
    tmp_path_factory, given_names, own_names
):
    course = {name: b"given" for name in given_names}
    own = in_nobodys_way(OwnFiles({name: b"own" for name in own_names}), course).content
    assert not own.keys() & course.keys() and own.keys() <= set(own_names)
    alone, both = tmp_path_factory.mktemp("alone"), tmp_path_factory.mktemp("both")
    for folder, files in ((alone, course), (both, {**own, **course})):
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
    for name in course:
        assert (both / name).read_bytes() == b"given"
        module = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        if name.endswith(".py") and name != "__init__.py" and (before := found_as(module, alone)):
            assert found_as(module, both) == before.replace(str(alone), str(both))
    for library in ("json", "numpy", "statistics"):
        theirs = found_as(library, both)
        assert theirs is None or theirs == (found_as(library, alone) or "").replace(str(alone), str(both))


@pytest.mark.parametrize(
    "name",
    ["helper.py", "a/b/c.py", "pkg/__init__.py", "test.py", "table.csv", "json/data.txt", "numpy data.txt"],
)
def test_what_has_no_other_s_name_is_found(name):
    assert in_nobodys_way(OwnFiles({name: b"x"}), {"cases.py": b"", "data/t.csv": b""}).content == {
        name: b"x"
    }


@pytest.mark.parametrize(
    "name",
    [
        *sorted(sys.stdlib_module_names & {"random", "csv", "__main__", "sys"}),
        "numpy",
        "autograder",
        "hypothesis",
    ],
)
def test_an_installed_module_keeps_its_name_and_a_note_says_so(name):
    assert find_spec("numpy")
    for file in (f"{name}.py", f"{name}/__init__.py"):
        made = in_nobodys_way(OwnFiles({file: b"x"}), {})
        assert not made.content
        assert made.notes == (f"{file} is not there for the cells: an installed module has that name",)


def test_files_that_are_too_large_together_are_told_in_one_sentence(tmp_path):
    for number in range(5):
        (tmp_path / f"{number}.bin").write_bytes(bytes(400_000))
    (tmp_path / "x.ipynb").write_text("{}")
    (tmp_path / ".hidden").write_text("x")
    found = own_files_in(tmp_path, Limits(own_mb=1))
    assert list(found.content) == ["0.bin", "1.bin"]
    assert found.notes == (
        "2.bin and 2 more are not there for the cells: a student's own files may have 1 MB together",
    )


@pytest.mark.parametrize("level, user", PLACES)
def test_at_each_level_what_is_given_may_be_written_over_and_a_new_module_is_found(level, user):
    cell = """
import os
with open("data/deep/table.csv", "a") as file:
    file.write(",3")
with open("own.py", "w") as file:
    file.write("x = 1")

def look():
    import own
    os.remove("data.txt")
    os.makedirs("data/deep/new/folder")
    return [open("data/deep/table.csv").read(), own.x, sorted(os.listdir("data/deep"))]
"""
    assert in_candidates(level, cell, ["look"], user=user) == [["value", ["1,2,3", 1, ["new", "table.csv"]]]]


LOCKED = """
# %% locked
name = "made"
# %% locked
%%writefile {name}.py
def twice(x):
    return FACTOR * x
# %% locked
with open("numbers.txt", "w") as file:
    file.write("1 2 FACTOR")
# %% locked
%%writefile -a "made.py"

LIMIT = FACTOR
# %% locked
from made import LIMIT, twice
# %% answer
### BEGIN SOLUTION
def total(path):
    return sum(twice(int(word)) for word in open(path).read().split())
### END SOLUTION
# %% test
assert LIMIT == FACTOR == twice(1)
assert total("numbers.txt") == sum(twice(int(word)) for word in open("numbers.txt").read().split())
"""


def test_a_module_and_a_file_that_locked_cells_write_are_there_for_the_tests_and_forgotten_afterwards(
    tmp_path,
):
    for factor in (2, 3, 5):
        text = LOCKED.replace("FACTOR", str(factor))
        (verdict,) = exam(tmp_path, text).verdicts.values()
        assert verdict.score == 1, verdict.message
        (wrong,) = exam(tmp_path, text, ["def total(path):\n    return 0"]).verdicts.values()
        assert wrong.score == 0
        assert "made" not in sys.modules


@pytest.mark.parametrize("line", ["", "a.txt b.txt", "-a"])
def test_a_line_that_names_no_file_is_no_reason_for_other_cells_to_be_lost(line, tmp_path):
    text = f"# %% locked\n%%writefile {line}\nx\n# %% answer\ny = 2\n# %% test\nassert y == 2\n"
    (verdict,) = exam(tmp_path, text).verdicts.values()
    assert verdict.score == 1
