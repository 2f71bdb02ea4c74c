"""What a release says of the grading: a page, made from the course's settings, of what a notebook may use when it is graded."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import fields
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from nbconvert.exporters import NotebookExporter

from autograder.bounds.limits import Limits
from autograder.files.source import KIT, MAY_USE, copies_told, data_files, stray_copies
from autograder.kit.entries import read_table
from autograder.kit.kit import imported_modules

__all__ = ["ReleaseExporter", "may_use"]

UNITS = ("s", "KB", "MB")
PIN = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)
MOST_FILES = 20


class ReleaseExporter(NotebookExporter):
    """``GenerateAssignment.exporter_class``: writes the page beside the notebooks that it releases, unless the source folder has one of its own.

    Copies that were left beside the source notebooks are not released.
    """

    def __init__(self, **keywords: Any) -> None:
        super().__init__(**keywords)
        self._leave_out_copies()

    def _leave_out_copies(self) -> None:
        converter: Any = self.parent
        for folder, notebooks in getattr(converter, "assignments", {}).items():
            copies = {path.name for path in stray_copies(Path(folder))}
            converter.assignments[folder] = [path for path in notebooks if Path(path).name not in copies]
            for sentence in copies_told(Path(folder)):
                self.log.warning("%s", sentence)

    def from_filename(self, filename: str, resources: Any = None, **keywords: Any) -> Any:
        """The notebook of *filename*, as nbgrader reads it."""
        from autograder.nbgrader_compat.examine import Examine

        converter: Any = self.parent
        assignment, directory = resources["nbgrader"]["assignment"], converter.coursedir
        source, release = (
            Path(directory.format_path(step, ".", assignment))
            for step in (directory.source_directory, directory.release_directory)
        )
        if not (source / MAY_USE).exists():
            limits = Examine(config=self.config).limits(assignment)
            release.mkdir(parents=True, exist_ok=True)  # nbgrader makes it only where there are other files
            (release / MAY_USE).write_text(may_use(source, limits), "utf-8")
        try:
            return super().from_filename(filename, resources=resources, **keywords)
        except RuntimeError as error:
            if "there are submissions" not in " ".join(str(error).replace("because there", "there").split()):
                raise
            raise RuntimeError(
                f"{error}: autograder revise {assignment} shows what changes for whom"
            ) from error


def may_use(source: Path, limits: Limits) -> str:
    """The page for the assignment whose source folder is *source*, as Markdown; it depends on no machine.

    Raises:
        autograder.kit.KitError: the assignment's ``kit.toml`` cannot be read.
    """
    from jinja2 import Environment

    # Of the kit no more is read: what else is wrong with it, lint and grading say.
    told, files = read_table(source / KIT / "kit.toml"), list(data_files(source))
    packages = [*_pinned(), *_libraries(told.get("libraries", []))]
    own = {name.removesuffix(".py").split("/")[0] for name in files}
    known = {name for name, _ in packages} | own | sys.stdlib_module_names
    text = _data("may-use.md")
    return (
        Environment(keep_trailing_newline=True, trim_blocks=True)
        .from_string(text)
        .render(
            python=_python(),
            packages=packages,
            imported=sorted({name.split(".")[0] for name in imported_modules(source)} - known),
            limits=list(_rows(limits)),
            files=[*files[:MOST_FILES], *(["…"] if files[MOST_FILES:] else [])],
        )
    )


def _data(name: str) -> str:
    return resources.files("autograder").joinpath("data", "bundle", name).read_text("utf-8")


def _python() -> str:
    project = tomllib.loads(resources.files("autograder").joinpath("pyproject.toml").read_text("utf-8"))
    lowest: str = project["project"]["requires-python"]
    return f"{lowest.removeprefix('>=')} or newer"


def _pinned() -> Iterator[tuple[str, str]]:
    """The packages that students are told to install, with the versions that are pinned for them."""
    versions = dict(PIN.findall(_data("requirements.txt")))
    for line in _data("notebooks.in").splitlines():
        if not line.startswith("#"):
            yield line, versions[line]


def _libraries(packages: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The packages of this project that the notebooks import, with the versions that they say they have."""
    for package in packages:
        spec = find_spec(package)
        file = Path(spec.origin).with_name("pyproject.toml") if spec and spec.origin else Path()
        told = tomllib.loads(file.read_text("utf-8"))["project"]["version"] if file.is_file() else "as given"
        yield package, told


def _rows(limits: Limits) -> Iterator[tuple[str, str]]:
    """Each limit in words, and its value with its unit."""
    for limit in fields(limits):
        what, _, unit = limit.metadata["says"].rpartition(", ")
        value = f"{getattr(limits, limit.name):,.10g}"
        yield (what, f"{value} {unit}") if unit in UNITS else (limit.metadata["says"], value)
