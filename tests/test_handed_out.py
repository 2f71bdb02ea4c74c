"""Nothing that is handed out can be pasted or imported as an answer: neither by students, nor, without unpacking it, by those who work alone."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

from autograder.selfstudy.check import check_notebook
from tests.assignments import every_notebook, functions_of, notebooks_of, release_of, source_of
from tests.handed_out import asked_names, definitions, imports, modules, pasted, readable, whole_files
from tests.models import tutor_of

UNANSWERED = "raise NotImplementedError"


def attempts(texts: dict[str, str], assignment: str, notebook: str, *, library: bool) -> list[dict[str, str]]:
    """What somebody could paste into the answer cells of a notebook, by grade_id.

    First every definition of every name that is asked for, one of each at a time; then whole files, and modules of the library.
    """
    asked = asked_names(source_of(assignment), f"{notebook}.ipynb")
    tutor = tutor_of(assignment)
    found: list[dict[str, str]] = []
    for grade_id, names in asked.items():
        for one in sorted(names):
            candidates = set().union(*(definitions(text, one) for text in texts.values()))
            candidates |= imports(one, tutor) if library else set()
            for i, source in enumerate(sorted(c for c in candidates if UNANSWERED not in c)):
                found += [{}] if i == len(found) else []
                found[i][grade_id] = f"{found[i].get(grade_id, '')}\n\n{source}".lstrip()
    wanted = set().union(*asked.values())
    for text in whole_files(texts, wanted).values():
        found.append({grade_id: text for grade_id, names in asked.items() if any(n in text for n in names)})
    if library:
        with_names = [module for module in modules() if wanted & set(vars(module))]
        found += [dict.fromkeys(asked, f"from {module.__name__} import *") for module in with_names]
    return found


@pytest.fixture(scope="module")
def earning(exam_of, tmp_path_factory):
    """Those answers, of many, that earn points in an otherwise untouched notebook, with their points."""

    folder = tmp_path_factory.mktemp("tried")

    @functools.cache  # much is handed out to both audiences
    def score(assignment: str, notebook: str, answers: tuple[tuple[str, str], ...]) -> float:
        name = f"{notebook}.ipynb"
        pasted(release_of(assignment), name, dict(answers), folder)
        return check_notebook(folder / name, exam_of(assignment)).score

    def earn(assignment: str, notebook: str, tried: list[dict[str, str]]) -> dict[str, float]:
        scores = {
            "\n\n".join(answers.values()): score(assignment, notebook, tuple(answers.items()))
            for answers in tried
        }
        return {answers: score for answers, score in scores.items() if score}

    return earn


@every_notebook
def test_an_untouched_notebook_has_no_points(earning, assignment, notebook):
    assert earning(assignment, notebook, [{}]) == {}


@every_notebook
def test_nothing_that_students_get_earns_a_point_pasted_or_imported(bundle_of, earning, assignment, notebook):
    texts, opaque = readable(bundle_of(assignment, "students"))
    assert not opaque and len(texts) > 50
    tried = attempts(texts, assignment, notebook, library=True)
    assert len(tried) > 10
    assert earning(assignment, notebook, tried) == {}


@every_notebook
def test_no_text_that_self_learners_get_earns_a_point_pasted(bundle_of, earning, assignment, notebook):
    texts, opaque = readable(bundle_of(assignment, "self-learners"))
    assert len(texts) > 120
    assert opaque == {f"{assignment}.exam"}
    assert earning(assignment, notebook, attempts(texts, assignment, notebook, library=False)) == {}


def test_no_module_that_self_learners_can_import_has_a_name_that_a_notebook_asks_for(
    bundle_of, assignment, tmp_path
):
    """Those of the library are tried above, under every name."""
    exam = source_of(assignment)
    wanted = {
        name
        for notebook in notebooks_of(assignment)
        for names in asked_names(exam, f"{notebook}.ipynb").values()
        for name in names
    }
    for path in bundle_of(assignment, "self-learners").glob("*.whl"):
        with zipfile.ZipFile(path) as wheel:
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


def test_a_notebook_that_is_checked_cannot_unpack_the_exam_that_lies_beside_it(
    bundle_of, exam_of, assignment, tmp_path
):
    notebook = notebooks_of(assignment)[0]
    exam = bundle_of(assignment, "self-learners") / assignment / f"{assignment}.exam"
    (tmp_path / exam.name).write_bytes(exam.read_bytes())
    call = f"""
import gzip, io, pathlib, zipfile
for place in (".", {str(tmp_path)!r}, {str(exam_of(assignment))!r}):
    for path in pathlib.Path(place).rglob("*.exam"):
        with zipfile.ZipFile(io.BytesIO(gzip.decompress(path.read_bytes()))) as archive:
            exec(archive.read("kit/lesson.py").decode(), globals())
    for path in pathlib.Path(place).rglob("lesson.py"):
        exec(path.read_text(), globals())
"""
    asked = asked_names(source_of(assignment), f"{notebook}.ipynb")
    pasted(release_of(assignment), f"{notebook}.ipynb", dict.fromkeys(asked, call), tmp_path)
    card = check_notebook(tmp_path / f"{notebook}.ipynb", exam_of(assignment))
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
def test_the_search_finds_an_answer_wherever_it_lies(earning, assignment, tmp_path, place):
    lesson = tutor_of(assignment).lesson
    text = (source_of(assignment) / "kit" / "lesson.py").read_text("utf-8")
    notebook = notebooks_of(assignment)[0]
    function = next(name for name in functions_of(assignment, notebook) if not lesson.builds_on(name))
    (answer,) = definitions(text, function)
    name, put = PLACES[place]
    (tmp_path / name).write_text(put(f"{answer}\n"), "utf-8")
    texts, _ = readable(tmp_path)
    assert earning(assignment, notebook, attempts(texts, assignment, notebook, library=False))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("data.toml", "answer_regime = 'memory-bound'\nanswer_helps = true\nanswer_speedup = 4.0\n"),
        ("data.json", '[{"answer_regime": "memory-bound", "answer_helps": true, "answer_speedup": 4.0}]'),
    ],
)
def test_the_search_finds_values_in_data(earning, tmp_path, name, text):
    (tmp_path / name).write_text(text, "utf-8")
    texts, _ = readable(tmp_path)
    tried = attempts(texts, "quantization", "0_self_check", library=False)
    assert earning("quantization", "0_self_check", tried)


def test_the_search_finds_what_the_library_could_be_imported_as(monkeypatch):
    """A function of another name counts as well: here one that divides."""
    import mlsysim.units

    def share(part, whole):
        return part / whole

    share.__module__ = "mlsysim.units"
    monkeypatch.setattr(mlsysim.units, "share", share, raising=False)
    found = imports("ridge_point", tutor_of("quantization"))
    assert "import mlsysim.units\n\nridge_point = mlsysim.units.share" in found


def test_the_search_finds_a_module_with_a_name_that_is_asked_for(monkeypatch):
    import mlsysim.units

    monkeypatch.setattr(mlsysim.units, "ridge_point", None, raising=False)
    tried = attempts({}, "quantization", "0_self_check", library=True)
    assert "from mlsysim.units import *" in {text for answers in tried for text in answers.values()}


def test_the_page_of_self_learners_says_that_the_exam_holds_right_functions(bundle_of, assignment):
    page = " ".join((bundle_of(assignment, "self-learners") / "README.md").read_text("utf-8").split())
    assert f"`{assignment}/{assignment}.exam`" in page and "It also holds right functions" in page
    assert not Path(bundle_of(assignment, "self-learners"), assignment, "kit").exists()
