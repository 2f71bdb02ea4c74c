"""Three distributions come of this tree: the kit, the engine alone and the library alone. What they say agrees with the tree and with one another."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import mlsysim
from autograder.nbgrader_compat import extras
from autograder.nbgrader_compat.extras import install_command

PARTS = {"mlsysim": "mlsysim", "autograder": "nbgrader-examiner"}
OWN = {"mlsysim", "autograder", "tests", "benchmarks"}
IMPORT_NAME = {"pillow": "PIL", "python-dateutil": "dateutil"}
# What a dependency is made of, and always brings.
BROUGHT_BY = {
    "nbgrader": {
        "IPython",
        "alembic",
        "jsonschema",
        "nbconvert",
        "nbformat",
        "sqlalchemy",
        "traitlets",
    },
    "jinja2": {"markupsafe"},
    "matplotlib": {"PIL"},
}
# Used where they are installed: by extras, and for values that only some assignments have.
WHERE_INSTALLED = {"distributed", "onnx", "onnxruntime", "pandas", "pint"}


def project(root: Path, part: str = ".") -> dict:
    return tomllib.loads((root / part / "pyproject.toml").read_text("utf-8"))


def packages_below(folder: Path) -> list[str]:
    found = [path.parent for path in folder.rglob("__init__.py")]
    return sorted(".".join((folder.name, *path.relative_to(folder).parts)) for path in found)


def third_party(folder: Path) -> set[str]:
    """The modules that the code below *folder* imports, but for the standard library and this project's own."""
    names: set[str] = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module)
    return {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - OWN - {"__future__"}


@pytest.mark.parametrize("part", PARTS)
def test_the_list_of_packages_is_the_tree(root, part):
    listed = project(root, part)["tool"]["setuptools"]["packages"]
    assert listed == packages_below(root / part), f"write this list into {part}/pyproject.toml"


@pytest.mark.parametrize(("part", "name"), PARTS.items())
def test_what_a_part_says_agrees_with_the_kit(root, part, name):
    kit, own = project(root), project(root, part)
    assert own["project"]["name"] == name
    for key in ("version", "license", "license-files", "authors", "requires-python"):
        assert own["project"][key] == kit["project"][key], key
    assert set(own["project"]["dependencies"]) <= set(kit["project"]["dependencies"])
    for extra, needs in own["project"].get("optional-dependencies", {}).items():
        assert needs == kit["project"]["optional-dependencies"][extra]
    data = kit["tool"]["setuptools"]["package-data"]
    assert own["tool"]["setuptools"]["package-data"][part] == data[part]
    assert own["build-system"] == kit["build-system"]
    assert (root / part / "LICENSE").read_bytes() == (root / "LICENSE").read_bytes()
    assert (root / part / "py.typed").is_file()


def test_the_kit_needs_what_its_parts_need_and_what_students_work_in(root):
    parts = [need for part in PARTS for need in project(root, part)["project"]["dependencies"]]
    kit = project(root)["project"]["dependencies"]
    assert set(kit) - set(parts) == {need for need in kit if Requirement(need).name == "jupyterlab"}
    assert len(kit) == len(set(kit))


@pytest.mark.parametrize("part", PARTS)
def test_what_a_part_imports_is_what_it_needs(root, part):
    """Data that is code in another's notebooks does not count, nor what is used only where it is installed."""
    needs = {Requirement(need).name for need in project(root, part)["project"]["dependencies"]}
    modules = {IMPORT_NAME.get(name, name) for name in needs}
    imported = third_party(root / part) - (WHERE_INSTALLED - needs)
    brought = set().union(*(BROUGHT_BY.get(need, ()) for need in needs))
    assert imported - modules - brought == set()
    assert modules - imported == set(), "a dependency that nothing imports"


def test_one_version_everywhere_above_that_of_the_other_package_with_the_import_name(root):
    version = project(root)["project"]["version"]
    assert mlsysim.__version__ == version
    assert Version(version) > Version("0.3.0")
    assert f"version: {version}\n" in (root / "CITATION.cff").read_text("utf-8")
    assert f"\n## [{version}]" in (root / "CHANGELOG.md").read_text("utf-8")


@pytest.mark.parametrize(("part", "name"), PARTS.items())
def test_the_wheel_of_a_part_holds_its_package_and_nothing_else(root, tmp_path, part, name):
    source = tmp_path / part
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(root / part, source, ignore=ignored)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--no-build-isolation",
    ]
    command += ["--disable-pip-version-check", "--wheel-dir", str(tmp_path / "out"), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = (tmp_path / "out").glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
    about = f"{name.replace('-', '_')}-{mlsysim.__version__}.dist-info"
    assert {top for top, *_ in (n.split("/") for n in names)} == {part, about}
    handed_on = {path for path in root.joinpath(part).rglob("*") if path.is_file()}
    inside = {n for n in names if n.startswith(f"{part}/")}
    tracked = {p.relative_to(root).as_posix() for p in handed_on if not {"__pycache__"} & set(p.parts)}
    assert {n for n in tracked if ".egg-info/" not in n} == inside
    assert f"{about}/licenses/LICENSE" in names
    assert not (source / "build").exists()


def test_what_is_missing_is_asked_of_the_distribution_that_is_installed(monkeypatch):
    assert install_command("postgres") == "pip install 'quantization-kit[postgres]'"
    monkeypatch.setattr(extras, "packages_distributions", lambda: {"autograder": ["nbgrader-examiner"]})
    assert install_command("cluster") == "pip install 'nbgrader-examiner[cluster]'"
