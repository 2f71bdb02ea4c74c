"""The engine holds no word of any assignment, and grades one that shares nothing with those of this repository."""

from __future__ import annotations

import builtins
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from autograder.notebook.cells import read_notebook
from tests.assignments import ASSIGNMENTS, kit_of, source_of
from tests.casebooks import cases_of
from tests.small import HALF, KIT, write_small, written

SUFFIXES = {".py", ".toml", ".md", ".j2", ".css", ".txt", ".in"}


def words_of(assignment: str) -> set[str]:
    """Names by which one could tell that a text was written with this assignment in mind."""
    source, kit = source_of(assignment), kit_of(assignment)
    words = {assignment, *(path.stem for path in source.glob("*.ipynb"))}
    assert kit.tutor is not None
    grade_ids = {key for path in source.glob("*.ipynb") for key in read_notebook(path).by_grade_id()}
    functions = set(kit.tutor.lesson.functions)
    arguments = {name for function in functions for name in kit.tutor.lesson.parameters(function)}
    keys = {key for path in source.glob("*.ipynb") for key in cases_of(assignment).case(path.stem)}
    # What reads like English (regime, plan, area) is no proof; two words joined are.
    names = functions | arguments | keys | grade_ids | set(kit.tutor.bank)
    joined = {name for name in names if "_" in name.strip("_")}
    return (words | joined | set(kit.warm.libraries)) - set(dir(builtins))


def files_of_the_engine(root: Path) -> list[Path]:
    return [path for path in sorted((root / "autograder").rglob("*")) if path.suffix in SUFFIXES]


def found_in(path: Path, words: set[str]) -> list[str]:
    """``file:line: word`` for each of *words* in the file."""
    pattern = re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, sorted(words)))})(?![\w-])")
    lines = path.read_text("utf-8").splitlines()
    return [f"{path}:{i}: {word}" for i, line in enumerate(lines, 1) for word in pattern.findall(line)]


def test_no_file_of_the_engine_has_a_word_of_an_assignment(root):
    words = set().union(*map(words_of, ASSIGNMENTS))
    assert {"mlsysim", "quantization", "0_self_check", "ridge_upside_down", "crossover_batch"} <= words
    assert len(words) > 150 and len(files_of_the_engine(root)) > 90
    found = [line for path in files_of_the_engine(root) for line in found_in(path, words)]
    assert not found, "\n".join(found)


def test_the_search_finds_a_word_wherever_it_stands(tmp_path):
    path = tmp_path / "module.py"
    path.write_text("import mlsysim.units\nNAMES = ['1_predict']\n# quantization\nmy_quantization = 1\n")
    found = found_in(path, {"mlsysim", "1_predict", "quantization"})
    assert [line.removeprefix(f"{path}:") for line in found] == [
        "1: mlsysim",
        "2: 1_predict",
        "3: quantization",
    ]


GRADE = """
import sys
for name in {libraries!r}:
    sys.modules[name] = None  # to import it is then a ModuleNotFoundError
import importlib, json, pkgutil
from pathlib import Path
import autograder
modules = [found.name for found in pkgutil.walk_packages(autograder.__path__, "autograder.")]
for name in modules:
    importlib.import_module(name)
from autograder.exam.examine import examine
from autograder.files.source import data_files
from autograder.kit import load_kit
from autograder.notebook.assemble import assemble
from autograder.tutor.owner import Owner
source, *paths = map(Path, sys.argv[1:])
marks = []
for path in paths:
    made = assemble(source / path.name, path)
    told = examine(made, files=data_files(source), owner=Owner(path.stem), kit=load_kit(source), source=source)
    marks.append({{key: [verdict.score, verdict.message] for key, verdict in told.verdicts.items()}})
print(json.dumps([len(modules), marks]))
"""


@pytest.mark.parametrize("kit", [(), tuple(KIT)], ids=["no kit", "a whole kit"])
def test_the_engine_is_imported_and_grades_where_no_library_of_an_assignment_is(root, tmp_path, kit):
    source = write_small(tmp_path / "source", kit)
    submissions = [written(tmp_path / "right"), written(tmp_path / "half", area=HALF)]
    libraries = sorted({name for assignment in ASSIGNMENTS for name in kit_of(assignment).warm.libraries})
    assert libraries
    done = subprocess.run(
        [sys.executable, "-c", GRADE.format(libraries=libraries), source, *submissions],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    count, (right, half) = json.loads(done.stdout)
    assert count > 60
    assert {key: mark for key, (mark, _) in right.items()} == {
        "area_test": 2,
        "longest_test": 1,
        "table_test": 1,
    }
    assert {key: mark for key, (mark, _) in half.items()} == {
        "area_test": 0,
        "longest_test": 1,
        "table_test": 0,
    }
    assert ("the radius is not squared" in half["area_test"][1]) == bool(kit)


def test_the_engine_s_own_distribution_names_no_library_of_an_assignment(root):
    project = tomllib.loads((root / "autograder" / "pyproject.toml").read_text("utf-8"))["project"]
    needs = [
        *project["dependencies"],
        *(n for names in project["optional-dependencies"].values() for n in names),
    ]
    assert not [need for need in needs if need.startswith(("mlsysim", "pint"))]
