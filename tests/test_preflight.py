"""What is wrong with an installation is said in one sentence, wherever it is met first."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsysim.preflight import NEED, NEEDS, problem, versions
from mlsysim.unfinished import say_what_is_missing

ROOT = Path(__file__).resolve().parents[1]


def run(*arguments: str, path: Path | None = None) -> tuple[int, str, list[str]]:
    """Status, output and complaints of Python in the repository; *path* has packages besides those installed."""
    environment = os.environ | ({"PYTHONPATH": str(path)} if path else {})
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr.splitlines()


def recorded(folder: Path, package: str, version: str) -> Path:
    """A folder in which *package* is recorded as installed in this *version*, as pip does it."""
    (folder / f"{package}-{version}.dist-info").mkdir()
    (folder / f"{package}-{version}.dist-info" / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n"
    )
    return folder


def test_nothing_is_wrong_here_and_the_versions_are_told():
    status, said, _ = run("-m", "mlsysim")
    assert (status, problem()) == (0, "")
    assert said.startswith("mlsysim is ready: Python ") and said.count("\n") == 1
    assert all(f"{name} {version}" in said for name, version in versions().items())


@pytest.mark.parametrize("where", ["mlsysim", "."])
def test_what_is_needed_is_what_the_project_depends_on(where):
    project = tomllib.loads((ROOT / where / "pyproject.toml").read_text())["project"]
    found = [NEED.fullmatch(text) for text in project["dependencies"]]
    assert all(found) and set(NEEDS) <= {need[1] for need in found}
    if where == "mlsysim":
        assert list(NEEDS) == [need[1] for need in found]
    assert project["requires-python"] == ">=3.11"


def test_a_python_without_the_packages_is_told_in_a_sentence():
    status, said, complaints = run("-S", "-m", "mlsysim")  # without what is installed
    assert (status, said, len(complaints)) == (1, "", 1)
    assert complaints[0].startswith("mlsysim needs the package numpy, which this Python")


@pytest.mark.parametrize("package", NEEDS)
def test_the_import_says_which_package_is_missing(package):
    status, _, complaints = run("-c", f"import sys; sys.modules[{package!r}] = None; import mlsysim")
    assert status == 1
    assert complaints[-1].startswith(
        f"mlsysim.preflight.InstallationError: mlsysim needs the package {package}, "
    )


@pytest.mark.parametrize("version", [(3, 8, 1), (3, 10, 14)])
@pytest.mark.parametrize("asked", [True, False])
def test_a_python_that_is_too_old_is_told_in_a_sentence(version, asked):
    old = f"import runpy, sys; sys.version_info = {(*version, 'final', 0)}; sys.argv = ['-m'] * {int(asked)}"
    status, said, complaints = run("-c", f"{old}\nrunpy.run_module('mlsysim', run_name='__main__')")
    sentence = f"mlsysim needs Python 3.11 or newer and this is Python {version[0]}.{version[1]} ("
    assert status == 1 and not said
    assert sentence in complaints[-1] and (len(complaints) == 1) == asked


@pytest.mark.parametrize("package", NEEDS)
def test_a_package_that_is_too_old_is_named_with_what_is_needed(tmp_path, package):
    status, _, complaints = run("-m", "mlsysim", path=recorded(tmp_path, package, "0.9rc1"))
    assert status == 1 and len(complaints) == 1
    assert re.match(rf"mlsysim needs {package} [\d.]+ or newer and this Python has 0\.9rc1: ", complaints[0])


def test_another_package_of_the_name_is_found_beside_the_course_s(tmp_path):
    recorded(tmp_path, "mlsysim", "0.3.0")
    (tmp_path / "mlsysim").mkdir()
    (tmp_path / "mlsysim" / "__init__.py").write_text("")
    status, _, complaints = run("-m", "mlsysim", path=tmp_path)
    assert status == 1 and len(complaints) == 1
    assert complaints[0].startswith("Another package called mlsysim (0.3.0, in ")


@given(
    st.lists(st.integers(0, 99), min_size=1, max_size=4), st.sampled_from(["", "rc1", ".dev0", "+local", "a"])
)
def test_versions_are_compared_by_their_numbers(numbers, rest):
    from mlsysim.preflight import _numbers

    assert _numbers(".".join(map(str, numbers)) + rest) == numbers


class Kernel:
    """As much of a kernel's shell as the set-up cell needs."""

    kernel = None

    def set_custom_exc(self, errors, handler) -> None:
        self.errors = errors


@pytest.mark.parametrize("sentence", ["", "Something is wrong."])
def test_the_set_up_cell_of_a_kernel_prints_the_sentence(monkeypatch, capsys, sentence):
    import IPython

    shell = Kernel()
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    monkeypatch.setattr("mlsysim.unfinished.problem", lambda: sentence)
    say_what_is_missing()
    assert NameError in shell.errors
    assert capsys.readouterr().out.strip() == sentence
