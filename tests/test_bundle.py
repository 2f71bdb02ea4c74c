"""What students are given: all that they need, nothing else, and the same bytes every time."""

from __future__ import annotations

import re
import shutil
import subprocess
import zipfile
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from autograder.cli import main
from autograder.nbgrader_compat.course import Course
from autograder.selfstudy.bundle import AUDIENCES, BundleError, write_bundle
from tests.environments import fresh_environment

NOTEBOOKS = ["0_self_check", "1_predict", "2_crossover", "3_frontier"]
PIN = re.compile(r"^([a-z0-9._-]+)==(\S+)(?: ; (.*?))? \\$", re.MULTILINE)


@pytest.fixture(scope="module")
def release(root) -> Path:
    return root / "assignments" / "quantization"


@pytest.fixture(scope="module")
def bundle(release, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("bundle") / "students"
    write_bundle("students", release, folder)
    return folder


def pins(path: Path) -> dict[str, set[str]]:
    """Versions by name: another Python may need another one."""
    found: dict[str, set[str]] = {}
    for name, version, _ in PIN.findall(path.read_text()):
        found.setdefault(name, set()).add(version)
    return found


def test_students_get_notebooks_library_requirements_and_a_page_and_nothing_else(bundle, release):
    found = sorted(path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file())
    notebooks = [f"quantization/{name}.ipynb" for name in NOTEBOOKS]
    assert found == ["README.md", "mlsysim-1.0.0-py3-none-any.whl", *notebooks, "requirements.txt"]
    for name in NOTEBOOKS:
        assert (bundle / "quantization" / f"{name}.ipynb").read_bytes() == (
            release / f"{name}.ipynb"
        ).read_bytes()


def test_what_someone_left_who_tried_the_release_is_not_handed_out(release, tmp_path):
    shutil.copytree(
        release, tmp_path / "release", ignore=shutil.ignore_patterns("autograder-progress*", ".*")
    )
    for name in ("autograder-progress.json", ".hidden"):
        (tmp_path / "release" / name).write_text("{}")
    written = write_bundle("students", tmp_path / "release", tmp_path / "students")
    assert sorted(Path(name).name for name in written if "/" in name) == [
        f"{name}.ipynb" for name in NOTEBOOKS
    ]


def test_the_students_wheel_holds_the_library_and_no_examiner(bundle):
    with zipfile.ZipFile(next(bundle.glob("*.whl"))) as wheel:
        tops = {name.split("/")[0] for name in wheel.namelist()}
    assert tops == {"mlsysim", "mlsysim-1.0.0.dist-info"}


def test_the_same_content_gives_the_same_bytes(release, tmp_path):
    for name in ("one", "two"):
        write_bundle("students", release, tmp_path / name / "students.zip")
    first, second = ((tmp_path / name / "students.zip").read_bytes() for name in ("one", "two"))
    assert first == second


@pytest.mark.parametrize("audience", AUDIENCES)
def test_every_requirement_is_pinned_with_hashes_to_the_version_that_is_tested_and_names_no_address(
    root, audience
):
    path = root / "autograder" / "data" / "bundle" / f"{audience}.txt"
    tested = pins(root / "requirements.txt")
    elsewhere = {
        name
        for name, _, system in PIN.findall(path.read_text())
        if "win32" in system or "nt" in system or "darwin" in system
    }
    found = pins(path)
    assert {name for name, versions in found.items() if not versions <= tested.get(name, set())} <= elsewhere
    entries = re.split(r"\n(?=\S)", path.read_text().strip())
    assert len(entries) == sum(map(len, found.values())) and all(
        "--hash=sha256:" in entry for entry in entries
    )
    assert "://" not in path.read_text()


@pytest.mark.parametrize("audience", AUDIENCES)
def test_the_requirements_hold_everything_that_is_needed_in_turn(root, audience):
    folder = root / "autograder" / "data" / "bundle"
    pinned = pins(folder / f"{audience}.txt")
    todo = {line for line in (folder / f"{audience}.in").read_text().splitlines() if not line.startswith("#")}
    seen: set[str] = set()
    while todo:
        name = todo.pop()
        seen.add(name)
        assert name in pinned, name
        for text in requires(name) or ():
            need = Requirement(text)
            if need.marker is None or need.marker.evaluate({"extra": ""}):
                todo |= {re.sub(r"[._-]+", "-", need.name).lower()} - seen
    # What pip would otherwise have to find by itself: nothing that the tested environment does not have.
    assert {"jupyterlab", "nbgrader", "matplotlib", "numpy", "pint"} <= seen


def test_the_kit_s_own_dependencies_are_those_that_self_learners_get(root):
    import tomllib

    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    needed = {Requirement(text).name for text in project["dependencies"]}
    given = (root / "autograder" / "data" / "bundle" / "self-learners.in").read_text().splitlines()
    assert needed == {line for line in given if not line.startswith("#")}


def test_in_a_fresh_environment_the_wheel_sets_every_notebook_up_and_there_is_no_examiner(bundle, tmp_path):
    python = fresh_environment(tmp_path / "env", next(bundle.glob("*.whl")))
    run = """
import json, sys
for path in sys.argv[1:]:
    cells = [c for c in json.load(open(path))["cells"] if c["cell_type"] == "code"]
    setup = next(c for c in cells if "import mlsysim" in "".join(c["source"]))
    scope = {"student_id": ""}
    exec("".join(setup["source"]), scope)
    assert scope["case"], path
try:
    import autograder
except ImportError:
    print("no examiner")
import mlsysim
print(mlsysim.__file__)
"""
    notebooks = [str(bundle / "quantization" / f"{name}.ipynb") for name in NOTEBOOKS]
    done = subprocess.run([python, "-c", run, *notebooks], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "no examiner" in done.stdout and str(tmp_path / "env") in done.stdout


def test_the_first_page_names_files_that_are_there_and_commands_that_the_requirements_bring(bundle):
    text = (bundle / "README.md").read_text("utf-8")
    wheel = next(bundle.glob("*.whl")).name
    assert f"pip install --no-deps {wheel}" in text and "WHEEL" not in text
    assert "-r requirements.txt" in text and "jupyter lab quantization" in text
    assert {"jupyterlab", "nbgrader"} <= pins(bundle / "requirements.txt").keys()
    assert len(text.splitlines()) < 40


def test_self_learners_get_the_examiner_with_its_exam_and_no_solved_notebook(release, tmp_path):
    write_bundle("self-learners", release, tmp_path / "alone")
    with zipfile.ZipFile(next((tmp_path / "alone").glob("*.whl"))) as wheel:
        names = wheel.namelist()
    assert "autograder/data/exam/quantization/0_self_check.ipynb" in names
    assert not [name for name in names if "solutions" in name or name.endswith("kinds.toml")]


def test_source_notebooks_are_never_handed_out(root, tmp_path):
    with pytest.raises(BundleError, match="is no student version: it holds '### BEGIN SOLUTION'"):
        write_bundle("students", root / "solutions" / "quantization", tmp_path / "students")
    assert not (tmp_path / "students").exists()


def test_what_is_in_the_way_is_not_overwritten(release, tmp_path, capsys, root):
    (tmp_path / "students").mkdir()
    (tmp_path / "students" / "mine.txt").write_text("mine")
    assert main(["bundle", "quantization", "--for", "students", "--out", str(tmp_path / "students")]) == 2
    assert "students is there already: name another, or remove it" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "students").iterdir()] == ["mine.txt"]


def test_a_course_without_a_release_is_told_to_make_one(tmp_path, capsys, root):
    course = Course.copy_of(root, tmp_path / "course", "quantization")
    assert main(["bundle", "quantization", "--for", "students", "--course", str(course.root)]) == 2
    assert "release the assignment first (make release)" in capsys.readouterr().err
