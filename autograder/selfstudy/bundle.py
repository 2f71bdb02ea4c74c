"""What is handed out: a folder or a zip file with the released notebooks, a wheel, pinned requirements and a page to start from."""

from __future__ import annotations

import shutil
import tempfile
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from autograder.files.source import MAY_USE, source_files, source_notebooks
from autograder.kit import Kit, load_kit
from autograder.notebook.cells import HIDDEN_TESTS, MARK_SCHEME, SOLUTION, read_notebook
from autograder.selfstudy.exams import SUFFIX, ExamError, write_exam, zipped
from autograder.selfstudy.wheels import WheelError, package_wheel

__all__ = ["AUDIENCES", "BundleError", "write_bundle"]

Audience = Literal["students", "self-learners"]
AUDIENCES: tuple[Audience, ...] = ("students", "self-learners")


class BundleError(Exception):
    """The bundle cannot be made; the message says why."""


def write_bundle(audience: Audience, source: Path, release: Path, target: Path) -> list[str]:
    """Write the bundle for *audience* with the notebooks of the folder *release*; returns the names of its files.

    *target* is a folder, new or empty, or a file that ends in ``.zip``. The same content gives the same bytes.

    Args:
        source: the folder of the source notebooks, of which self-learners get the tests.

    Raises:
        BundleError: the release is missing or holds solutions or hidden tests, or *target* is in the way.
    """
    released, kit = _released(release), load_kit(source)
    packed = target.suffix == ".zip"
    if target.exists() and (packed or not target.is_dir() or any(target.iterdir())):
        raise BundleError(f"{target} is there already: name another, or remove it")
    with tempfile.TemporaryDirectory(prefix="bundle-") as name:
        stage = Path(name)
        home = stage / release.name
        for file, content in released.items():
            (home / file).parent.mkdir(parents=True, exist_ok=True)
            (home / file).write_bytes(content)
        try:
            wheels = [package_wheel(package, stage) for package in (*kit.warm.libraries, "autograder")]
            if audience == "self-learners":
                write_exam(source, release, home / f"{release.name}{SUFFIX}")
        except (WheelError, ExamError) as error:
            raise BundleError(str(error)) from error
        data = resources.files("autograder").joinpath("data", "bundle")
        (stage / "README.md").write_text(_start(audience, release, wheels, kit), "utf-8")
        (stage / "requirements.txt").write_bytes(data.joinpath("requirements.txt").read_bytes())
        files = {p.relative_to(stage).as_posix(): p.read_bytes() for p in stage.rglob("*") if p.is_file()}
        target.parent.mkdir(parents=True, exist_ok=True)
        if packed:
            target.write_bytes(zipped({f"{target.stem}/{name}": content for name, content in files.items()}))
        else:
            shutil.copytree(stage, target, dirs_exist_ok=True, copy_function=shutil.copyfile)
    return sorted(files)


def _start(audience: Audience, release: Path, wheels: list[Path], kit: Kit) -> str:
    """The page to start from."""
    from jinja2 import Environment

    text = resources.files("autograder").joinpath("data", "bundle", f"{audience}.md").read_text("utf-8")
    return (
        Environment(keep_trailing_newline=True, trim_blocks=True)
        .from_string(text)
        .render(
            title=kit.title or release.name,
            name=release.name,
            notebooks=[path.name for path in source_notebooks(release)],
            wheels=" ".join(wheel.name for wheel in wheels),
            preflights=[name for name in kit.warm.libraries if find_spec(f"{name}.__main__")],
            may_use=MAY_USE if (release / MAY_USE).is_file() else "",
        )
    )


def _released(release: Path) -> dict[str, bytes]:
    """The files of the folder *release*, by name."""
    if not release.is_dir():
        raise BundleError(f"{release} is not there: release the assignment first (make release)")
    files = source_files(release)
    notebooks = [release / name for name in files if name.endswith(".ipynb")]
    if not notebooks:
        raise BundleError(f"{release} holds no notebooks: release the assignment first (make release)")
    for path in notebooks:
        try:
            cells = read_notebook(path).cells
        except ValueError as error:
            raise BundleError(str(error)) from error
        for mark in (*SOLUTION, *HIDDEN_TESTS, *MARK_SCHEME):
            if any(mark in cell["source"] for cell in cells):
                raise BundleError(f"{path} is no student version: it holds {mark!r}")
    return files
