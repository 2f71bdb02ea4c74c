"""What keeps the library from working in this Python, in one sentence: before a traceback would say it.

This module imports nothing but the standard library, and holds nothing that an older Python cannot read.
"""

from __future__ import annotations

import re
import sys
from importlib.util import find_spec
from pathlib import Path

__all__ = ["InstallationError", "problem", "refuse_what_cannot_work", "versions"]

PYTHON = (3, 11)
HOME = Path(__file__).parent
NEEDS = ("numpy", "pint", "matplotlib")  # each with the lowest version in pyproject.toml beside this module
NEED = re.compile(r"([A-Za-z0-9_.-]+)>=([0-9.]+)")
AGAIN = "install the requirements that your course handed out again (pip install -r requirements.txt), and restart the kernel"


class InstallationError(ImportError):
    """The library cannot work here; a notebook and a terminal show the sentence alone."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def refuse_what_cannot_work() -> None:
    """Called when the library is imported: this Python is too old, or lacks a package that the library cannot be without.

    Raises:
        InstallationError: so it is.
        SystemExit: so it is, and ``python -m mlsysim`` asked.
    """
    missing = next((name for name in NEEDS if not _is_there(name)), "")
    sentence = _python() or (_missing(missing) if missing else "")
    if sentence and sys.argv[:1] == ["-m"]:  # Python says so while it looks for the module that it is to run
        raise SystemExit(sentence)
    if sentence:
        raise InstallationError(sentence, name=missing or None)


def problem() -> str:
    """What is wrong, in one sentence; empty if nothing is."""
    return (
        _python()
        or next((_missing(name) for name in NEEDS if not _is_there(name)), "")
        or _older()
        or _other()
    )


def versions() -> dict[str, str]:
    """The versions of Python, of the library and of the packages that it needs; ``unknown`` where none is recorded."""
    import mlsysim

    found = {"Python": ".".join(map(str, sys.version_info[:3])), "mlsysim": mlsysim.__version__}
    return {**found, **{name: _version(name) or "unknown" for name in NEEDS}}


def _is_there(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ValueError:  # it is imported, and does not say where from
        return True


def _python() -> str:
    if sys.version_info >= PYTHON:
        return ""
    here, needed = (".".join(map(str, version[:2])) for version in (sys.version_info, PYTHON))
    return (
        f"mlsysim needs Python {needed} or newer and this is Python {here} ({sys.executable}): "
        "make the environment of your course again with a newer Python."
    )


def _missing(package: str) -> str:
    return (
        f"mlsysim needs the package {package}, which this Python ({sys.executable}) does not have: {AGAIN}."
    )


def _older() -> str:
    """A package that is older than what ``pyproject.toml`` asks for."""
    import tomllib

    wanted = tomllib.loads((HOME / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    for name, lowest in (need.groups() for text in wanted if (need := NEED.fullmatch(text))):
        found = _version(name)
        if found and _numbers(found) < _numbers(lowest):
            return f"mlsysim needs {name} {lowest} or newer and this Python has {found}: {AGAIN}."
    return ""


def _other() -> str:
    """The other package called mlsysim, which is on the package index and would be found in another folder than here."""
    from importlib.metadata import distributions

    for found in distributions(name="mlsysim"):
        place = Path(str(found.locate_file("mlsysim")))
        if place.is_dir() and place.resolve() != HOME.resolve():
            return (
                f"Another package called mlsysim ({found.version}, in {place}) is installed besides the one of your course: "
                "remove it (pip uninstall mlsysim), install the mlsysim wheel that your course handed out, and restart the kernel."
            )
    return ""


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package) or ""
    except PackageNotFoundError:
        return ""


def _numbers(version: str) -> list[int]:
    """The release of a version, for comparing: of ``2.0rc1`` the 2 and the 0."""
    release = re.match(r"\d+(?:\.\d+)*", version)
    return [int(part) for part in release[0].split(".")] if release else []
