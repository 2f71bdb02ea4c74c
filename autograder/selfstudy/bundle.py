"""What is handed out: a folder or a zip file with the released notebooks, a wheel, pinned requirements and a page to start from."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from importlib import resources
from pathlib import Path
from typing import Literal

from autograder.nbgrader_compat.course import ASSIGNMENT
from autograder.notebook.cells import read_notebook
from autograder.selfstudy.wheels import WheelError, kit_wheel, library_wheel

__all__ = ["AUDIENCES", "BundleError", "write_bundle"]

Audience = Literal["students", "self-learners"]
AUDIENCES: tuple[Audience, ...] = ("students", "self-learners")
SECRET = ("### BEGIN SOLUTION", "### BEGIN HIDDEN TESTS")


class BundleError(Exception):
    """The bundle cannot be made; the message says why."""


def write_bundle(audience: Audience, release: Path, target: Path) -> list[str]:
    """Write the bundle for *audience* with the notebooks of the folder *release*; returns the names of its files.

    *target* is a folder, new or empty, or a file that ends in ``.zip``. The same content gives the same bytes.

    Raises:
        BundleError: the release is missing or holds solutions or hidden tests, or *target* is in the way.
    """
    notebooks = _released(release)
    packed = target.suffix == ".zip"
    if target.exists() and (packed or not target.is_dir() or any(target.iterdir())):
        raise BundleError(f"{target} is there already: name another, or remove it")
    with tempfile.TemporaryDirectory(prefix="bundle-") as name:
        stage = Path(name)
        try:
            wheel = library_wheel(stage) if audience == "students" else kit_wheel(stage)
        except WheelError as error:
            raise BundleError(str(error)) from error
        data = resources.files("autograder").joinpath("data", "bundle")
        start = data.joinpath(f"{audience}.md").read_text("utf-8").replace("WHEEL", wheel.name)
        (stage / "README.md").write_text(start, "utf-8")
        (stage / "requirements.txt").write_bytes(data.joinpath(f"{audience}.txt").read_bytes())
        (stage / ASSIGNMENT).mkdir()
        for path in notebooks:
            shutil.copyfile(path, stage / ASSIGNMENT / path.name)
        names = sorted(path.relative_to(stage).as_posix() for path in stage.rglob("*") if path.is_file())
        target.parent.mkdir(parents=True, exist_ok=True)
        if packed:
            _zip(stage, names, target)
        else:
            shutil.copytree(stage, target, dirs_exist_ok=True, copy_function=shutil.copyfile)
    return names


def _released(release: Path) -> list[Path]:
    if not release.is_dir():
        raise BundleError(f"{release} is not there: release the assignment first (make release)")
    # Not what someone left who tried the release out there.
    paths = sorted(
        p for p in release.iterdir() if p.is_file() and not p.name.startswith((".", "autograder-progress"))
    )
    notebooks = [path for path in paths if path.suffix == ".ipynb"]
    if not notebooks:
        raise BundleError(f"{release} holds no notebooks: release the assignment first (make release)")
    for path in notebooks:
        try:
            cells = read_notebook(path).cells
        except ValueError as error:
            raise BundleError(str(error)) from error
        for mark in SECRET:
            if any(mark in cell["source"] for cell in cells):
                raise BundleError(f"{path} is no student version: it holds {mark!r}")
    return paths


def _zip(stage: Path, names: list[str], target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            entry = zipfile.ZipInfo(f"{target.stem}/{name}", (1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, (stage / name).read_bytes())
