"""What students are given: all that they need, nothing else, and the same bytes every time."""

from __future__ import annotations

import os
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
from autograder.notebook.cells import test_part as part_of
from autograder.selfstudy.bundle import AUDIENCES, BundleError, write_bundle
from autograder.selfstudy.exams import zipped
from tests.assignments import hand_in, kit_of, notebooks_of, release_of, source_of, sources, wrong_in
from tests.environments import fresh_environment

PIN = re.compile(r"^([a-z0-9._-]+)==(\S+)(?: ; (.*?))? \\$", re.MULTILINE)


@pytest.fixture
def bundle(bundle_of, assignment) -> Path:
    return bundle_of(assignment, "students")


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def released(assignment: str) -> list[str]:
    left = (".", "autograder-progress", "__pycache__")  # by someone who works there
    return [name for name in files_in(release_of(assignment)) if not name.startswith(left)]


def pins(path: Path) -> dict[str, set[str]]:
    """Versions by name: another Python may need another one."""
    found: dict[str, set[str]] = {}
    for name, version, _ in PIN.findall(path.read_text()):
        found.setdefault(name, set()).add(version)
    return found


def listed(path: Path) -> set[str]:
    """The packages that a list of requirements names."""
    return {line for line in path.read_text().splitlines() if line and not line.startswith("#")}


def packages_in(folder: Path) -> list[str]:
    """Names of the packages that there are wheels of."""
    tops: set[str] = set()
    for path in folder.glob("*.whl"):
        with zipfile.ZipFile(path) as wheel:
            tops |= {name.split("/")[0] for name in wheel.namelist()}
    return sorted(name for name in tops if not name.endswith(".dist-info"))


def test_students_get_what_is_released_the_libraries_the_checks_requirements_and_a_page_and_nothing_else(
    bundle, assignment
):
    assert packages_in(bundle) == sorted(["autograder", *kit_of(assignment).warm.libraries])
    rest = [name for name in files_in(bundle) if not name.endswith(".whl")]
    own = [f"{assignment}/{name}" for name in released(assignment)]
    assert rest == sorted(["README.md", "requirements.txt", *own])
    for name in released(assignment):
        assert (bundle / assignment / name).read_bytes() == (release_of(assignment) / name).read_bytes()


def test_what_someone_left_who_tried_the_release_is_not_handed_out(assignment, tmp_path):
    release = tmp_path / assignment
    shutil.copytree(release_of(assignment), release)
    for name in ("autograder-progress.json", ".hidden"):
        (release / name).write_text("{}")
    bare = Path(shutil.copytree(source_of(assignment), tmp_path / "source"), "kit", "kit.toml")
    bare.write_text('title = "no library"')  # each wheel takes seconds to build
    written = write_bundle("students", bare.parents[1], release, tmp_path / "students")
    assert [name for name in written if not name.endswith(".whl")] == sorted(
        ["README.md", "requirements.txt", *(f"{assignment}/{name}" for name in released(assignment))]
    )


@pytest.mark.parametrize("audience", AUDIENCES)
def test_the_same_content_gives_the_same_bytes(bundle_of, assignment, audience, tmp_path):
    archive = tmp_path / audience / f"{audience}.zip"
    write_bundle(audience, source_of(assignment), release_of(assignment), archive)
    with zipfile.ZipFile(archive) as packed:
        again = {name.partition("/")[2]: packed.read(name) for name in packed.namelist()}
    first = bundle_of(assignment, audience)
    assert again == {name: (first / name).read_bytes() for name in files_in(first)}
    assert archive.read_bytes() == zipped({f"{audience}/{name}": again[name] for name in reversed(again)})


def test_every_requirement_is_pinned_with_hashes_to_the_version_that_is_tested_and_names_no_address(root):
    path = root / "autograder" / "data" / "bundle" / "requirements.txt"
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


def test_the_requirements_hold_everything_that_is_needed_in_turn(root):
    folder = root / "autograder" / "data" / "bundle"
    pinned = pins(folder / "requirements.txt")
    todo = listed(folder / "notebooks.in") | listed(folder / "check.in")
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


def test_the_kit_s_own_dependencies_are_those_that_are_handed_out(root):
    import tomllib

    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    needed = {Requirement(text).name for text in project["dependencies"]}
    folder = root / "autograder" / "data" / "bundle"
    assert needed == listed(folder / "notebooks.in") | listed(folder / "check.in")


def test_in_a_fresh_environment_the_wheels_set_every_notebook_up_and_there_is_no_hidden_test(
    bundle, assignment, tmp_path
):
    python = fresh_environment(tmp_path / "env", *bundle.glob("*.whl"))
    run = """
import json, sys
for path in sys.argv[1:]:
    cells = [c for c in json.load(open(path))["cells"] if c["cell_type"] == "code"]
    setup = next(c for c in cells if "import cases" in "".join(c["source"]))
    scope = {"student_id": ""}
    exec("".join(setup["source"]), scope)
    assert scope["case"], path
import pathlib
import autograder, mlsysim
print(autograder.__file__, mlsysim.__file__)
for package in (autograder, mlsysim):
    for path in pathlib.Path(package.__file__).parent.rglob("*"):
        assert path.suffix not in (".exam", ".ipynb"), path
"""
    notebooks = [f"{name}.ipynb" for name in notebooks_of(assignment)]
    done = subprocess.run(
        [python, "-B", "-c", run, *notebooks], cwd=bundle / assignment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(str(tmp_path / "env")) == 2


def test_students_check_their_notebook_by_the_tests_that_it_shows_in_an_environment_of_their_own(
    bundle, assignment, tmp_path
):
    python = fresh_environment(tmp_path / "env", *bundle.glob("*.whl"))
    (notebook, kind), *_ = wrong_in(assignment).items()
    folder = hand_in(assignment, kind, tmp_path / "work")
    cells = f"""
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for line in ("load_ext autograder", "check {notebook}", "check {notebook}", "progress", "hint"):
    shell.run_line_magic(*line.partition(" ")[::2])
    print("====")
"""
    environment = {"PATH": os.defpath, "HOME": str(tmp_path)}
    done = subprocess.run([python, "-c", cells], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    first, again, progress, hint = done.stdout.split("====\n")[1:5]
    public = {
        name for name in sources(assignment, notebook).auto_points() if is_public(assignment, notebook, name)
    }
    assert f"of {len(public)} public checks failed; hidden checks not run" in first
    assert "only the tests that it shows were run" in first and " not right" in first
    assert "Nothing changed since the last check." in again
    assert notebook in progress and "points from tests" not in first + again + progress
    assert "Nothing says which notebook this is" in hint
    assert "Traceback" not in done.stdout + done.stderr


def is_public(assignment: str, notebook: str, name: str) -> bool:
    """Whether students see anything of a test."""
    return part_of(sources(assignment, notebook).by_grade_id()[name]["source"]) != "hidden"


def test_the_first_page_names_files_that_are_there_and_commands_that_the_requirements_bring(
    bundle, assignment
):
    text = (bundle / "README.md").read_text("utf-8")
    assert text.startswith(f"# {kit_of(assignment).title}\n")
    wheels = " ".join(sorted(path.name for path in bundle.glob("*.whl")))
    assert f"pip install --no-deps {wheels}" in text and "{" not in text
    assert "-r requirements.txt" in text and f"jupyter lab {assignment}" in text
    assert f"{len(notebooks_of(assignment))} notebooks in `{assignment}/`" in text
    assert {"jupyterlab", "nbgrader"} <= pins(bundle / "requirements.txt").keys()
    assert len(text.splitlines()) < 60


def test_self_learners_get_the_examiner_and_the_exam_and_no_solved_notebook(bundle_of, assignment):
    folder = bundle_of(assignment, "self-learners")
    assert packages_in(folder) == sorted(["autograder", *kit_of(assignment).warm.libraries])
    own = [f"{assignment}/{name}" for name in [*released(assignment), f"{assignment}.exam"]]
    rest = [name for name in files_in(folder) if not name.endswith(".whl")]
    assert rest == sorted(["README.md", "requirements.txt", *own])
    for path in folder.glob("*.whl"):
        with zipfile.ZipFile(path) as wheel:
            names = wheel.namelist()
        assert not [name for name in names if name.endswith((".ipynb", "kinds.toml")) or "solutions" in name]
    page = (folder / "README.md").read_text("utf-8")
    assert f"autograder check {assignment}/{notebooks_of(assignment)[0]}.ipynb" in page and "{" not in page


def test_source_notebooks_are_never_handed_out(assignment, tmp_path):
    with pytest.raises(BundleError, match="is no student version: it holds 'BEGIN SOLUTION'"):
        write_bundle("students", source_of(assignment), source_of(assignment), tmp_path / "students")
    assert not (tmp_path / "students").exists()


def test_what_is_in_the_way_is_not_overwritten(assignment, tmp_path):
    (tmp_path / "students").mkdir()
    (tmp_path / "students" / "mine.txt").write_text("mine")
    with pytest.raises(BundleError, match="students is there already: name another, or remove it"):
        write_bundle("students", source_of(assignment), release_of(assignment), tmp_path / "students")
    assert [path.name for path in (tmp_path / "students").iterdir()] == ["mine.txt"]


def test_a_course_without_a_release_is_told_to_make_one(tmp_path, capsys, root):
    course = Course.copy_of(root, tmp_path / "course", "quantization")
    assert main(["bundle", "quantization", "--for", "students", "--course", str(course.root)]) == 2
    assert "release the assignment first (make release)" in capsys.readouterr().err
