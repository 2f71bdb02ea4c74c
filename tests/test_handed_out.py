"""Nothing that is handed out can be pasted or imported as an answer: neither by students, nor, without unpacking it, by those who work alone."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

from autograder.selfstudy.bundle import AUDIENCES, write_bundle
from autograder.selfstudy.check import check_notebook
from autograder.selfstudy.installed import installed_exam
from autograder.tutor.misconceptions import PACKED
from tests.handed_out import asked_names, definitions, imports, modules, pasted, readable, whole_files

NOTEBOOKS = ["0_self_check.ipynb", "1_predict.ipynb", "2_crossover.ipynb", "3_frontier.ipynb"]
EXAM = installed_exam("quantization")
UNANSWERED = "raise NotImplementedError"


@pytest.fixture(scope="module")
def release(root) -> Path:
    return root / "assignments" / "quantization"


@pytest.fixture(scope="module")
def bundles(release, tmp_path_factory) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("bundles")
    for audience in AUDIENCES:
        write_bundle(audience, release, base / audience)
    return {audience: base / audience for audience in AUDIENCES}


def attempts(texts: dict[str, str], name: str, *, library: bool) -> list[dict[str, str]]:
    """What somebody could paste into the answer cells of the notebook *name*, by grade_id.

    First every definition of every name that is asked for, one of each at a time; then whole files, and modules of the library.
    """
    asked = asked_names(EXAM, name)
    found: list[dict[str, str]] = []
    for grade_id, names in asked.items():
        for one in sorted(names):
            candidates = set().union(*(definitions(text, one) for text in texts.values()))
            candidates |= imports(one) if library else set()
            for i, source in enumerate(sorted(c for c in candidates if UNANSWERED not in c)):
                found += [{}] if i == len(found) else []
                found[i][grade_id] = f"{found[i].get(grade_id, '')}\n\n{source}".lstrip()
    wanted = set().union(*asked.values())
    for text in whole_files(texts, wanted).values():
        found.append({grade_id: text for grade_id, names in asked.items() if any(n in text for n in names)})
    if library:
        found += [dict.fromkeys(asked, f"from {module.__name__} import *") for module in modules()]
    return found


def earning(release: Path, name: str, tried: list[dict[str, str]], folder: Path) -> dict[str, float]:
    """Those of *tried* that earn points in the untouched notebook *name*, with their points."""
    found = {}
    for answers in tried:
        pasted(release, name, answers, folder)
        if score := check_notebook(folder / name, EXAM).score:
            found["\n\n".join(answers.values())] = score
    return found


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_an_untouched_notebook_has_no_points(release, tmp_path, name):
    assert earning(release, name, [{}], tmp_path) == {}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_nothing_that_students_get_earns_a_point_pasted_or_imported(bundles, release, tmp_path, name):
    texts, opaque = readable(bundles["students"])
    assert not opaque and len(texts) > 50
    tried = attempts(texts, name, library=True)
    assert len(tried) > 40
    assert earning(release, name, tried, tmp_path) == {}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_text_that_self_learners_get_earns_a_point_pasted(bundles, release, tmp_path, name):
    texts, opaque = readable(bundles["self-learners"])
    assert len(texts) > 120
    assert opaque == {f"autograder/data/{packed}.gz" for packed in PACKED}
    assert earning(release, name, attempts(texts, name, library=False), tmp_path) == {}


def test_no_module_that_self_learners_can_import_has_a_name_that_a_notebook_asks_for(bundles, tmp_path):
    """Those of the library are tried above, under every name."""
    wanted = set().union(*(names for name in NOTEBOOKS for names in asked_names(EXAM, name).values()))
    with zipfile.ZipFile(next(bundles["self-learners"].glob("*.whl"))) as wheel:
        wheel.extractall(tmp_path)
    look = """
import importlib, json, pkgutil, sys
import autograder
assert autograder.__file__.startswith(sys.argv[1])
found = {}
for module in pkgutil.walk_packages(autograder.__path__, "autograder."):
    found[module.name] = sorted(vars(importlib.import_module(module.name)))
print(json.dumps(found))
"""
    done = subprocess.run(
        [sys.executable, "-c", look, str(tmp_path)], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found) > 50
    assert {module: wanted & set(names) for module, names in found.items() if wanted & set(names)} == {}


def test_what_is_packed_is_what_the_repository_has_and_the_page_and_the_help_say_so(
    root, bundles, capsys, monkeypatch
):
    from autograder.cli.arguments import build_parser

    with zipfile.ZipFile(next(bundles["self-learners"].glob("*.whl"))) as wheel:
        for name in PACKED:
            plain = (root / "autograder" / "data" / name).read_bytes()
            assert gzip.decompress(wheel.read(f"autograder/data/{name}.gz")) == plain
            assert f"autograder/data/{name}" not in wheel.namelist()
    page = " ".join((bundles["self-learners"] / "README.md").read_text("utf-8").split())
    for name in PACKED:
        assert f"`{name}.gz`" in page
    assert "whoever unpacks them sees right functions" in page
    monkeypatch.setenv("COLUMNS", "400")
    with pytest.raises(SystemExit):
        build_parser(root).parse_args(["bundle", "--help"])
    assert "nobody gets" not in (said := capsys.readouterr().out)
    assert "compressed, the right functions" in said


def test_a_notebook_that_is_checked_cannot_have_the_program_unpack_them(release, tmp_path):
    call = "from autograder.tutor.misconceptions import model\n\nglobals().update(model())"
    asked = asked_names(EXAM, "0_self_check.ipynb")
    pasted(release, "0_self_check.ipynb", dict.fromkeys(asked, call), tmp_path)
    card = check_notebook(tmp_path / "0_self_check.ipynb", EXAM)
    if card.result.sandbox == "limits":
        pytest.skip("this machine hides no files from a notebook's code, as docs/self-learners.md says")
    assert card.score == 0


def indented(text: str) -> str:
    return textwrap.indent(text, "    ")


def as_doctest(text: str) -> str:
    first, *rest = text.strip().splitlines()
    return "\n".join([f">>> {first}", *(f"... {line}" for line in rest)])


# Where an answer could lie. If one of these is not found, the tests above say nothing.
PLACES = {
    "a module": ("answers.py", lambda text: text),
    "a file of another name": ("notes.txt", lambda text: text),
    "a page's code": ("page.md", lambda text: f"# Page\n\nSome *words*.\n\n```python\n{text}```\n"),
    "a function's body": ("module.py", lambda text: f"def outer():\n{indented(text)}\n    return 1\n"),
    "a docstring": ("module.py", lambda text: f'"""Words.\n\n{as_doctest(text)}\n"""\n'),
    "a cell": (
        "other.ipynb",
        lambda text: json.dumps({"cells": [{"source": text.splitlines(keepends=True)}]}),
    ),
    "a table": ("data.toml", lambda text: f"[answers]\nanswer = '''\n{text}'''\n"),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("notebook", "function"),
    [("0_self_check.ipynb", "speedup_limit"), ("3_frontier.ipynb", "best_under")],
)
def test_the_search_finds_an_answer_wherever_it_lies(root, release, tmp_path, place, notebook, function):
    lesson = (root / "autograder" / "data" / "lesson.py").read_text("utf-8")
    (answer,) = definitions(lesson, function)
    name, put = PLACES[place]
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / name).write_text(put(f"{answer}\n"), "utf-8")
    texts, _ = readable(tmp_path / "bundle")
    assert earning(release, notebook, attempts(texts, notebook, library=False), tmp_path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("data.toml", "answer_regime = 'memory-bound'\nanswer_helps = true\nanswer_speedup = 4.0\n"),
        ("data.json", '[{"answer_regime": "memory-bound", "answer_helps": true, "answer_speedup": 4.0}]'),
    ],
)
def test_the_search_finds_values_in_data(release, tmp_path, name, text):
    (tmp_path / name).write_text(text, "utf-8")
    texts, _ = readable(tmp_path)
    tried = attempts(texts, "0_self_check.ipynb", library=False)
    assert earning(release, "0_self_check.ipynb", tried, tmp_path)


def test_the_search_finds_what_the_library_could_be_imported_as(release, tmp_path, monkeypatch):
    """A function of another name counts as well: here one that divides."""
    import mlsysim.units

    def share(part, whole):
        return part / whole

    share.__module__ = "mlsysim.units"
    monkeypatch.setattr(mlsysim.units, "share", share, raising=False)
    assert "import mlsysim.units\n\nridge_point = mlsysim.units.share" in imports("ridge_point")
