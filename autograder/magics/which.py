"""Which notebook a kernel runs. Nobody tells a kernel that; its front end leaves signs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["JUPYTER", "SUFFIX", "VS_CODE", "WhichError", "this_folder", "this_notebook"]

JUPYTER, VS_CODE = "JPY_SESSION_NAME", "__vsc_ipynb_file__"
SUFFIX = ".ipynb"


class WhichError(Exception):
    """It cannot be told; the message says what to do."""


def this_notebook(named: str, names: Mapping[str, Any], environment: Mapping[str, str], folder: Path) -> Path:
    """The notebook beside this one that was *named*, or that the front end says, or the only one in the *folder*.

    Args:
        named: what the user wrote behind the command, with or without ``.ipynb``; empty for nothing.
        names: of the kernel, among which VS Code puts the path of its notebook.
        environment: of the kernel, where a Jupyter server puts the path that the notebook had when the kernel started.
        folder: the kernel's working folder.

    Raises:
        WhichError: there is no such notebook, or nothing says which one it is.
    """
    told = _told(names, environment, folder)
    folder = told.parent if told else folder
    if named:
        path = folder / (named if named.endswith(SUFFIX) else f"{named}{SUFFIX}")
        if not path.is_file():
            raise WhichError(f"There is no notebook {path.name} in {path.parent}. {_listed(folder)}")
        return path
    if told:
        return told
    found = _notebooks(folder)
    if len(found) != 1:
        raise WhichError(
            f"Nothing says which notebook this is: write its name, with {SUFFIX}, behind the command. {_listed(folder)}"
        )
    return found[0]


def this_folder(names: Mapping[str, Any], environment: Mapping[str, str], folder: Path) -> Path:
    """The folder of the notebook, as far as the front end says which one it is; else the kernel's working *folder*."""
    told = _told(names, environment, folder)
    return told.parent if told else folder


def _told(names: Mapping[str, Any], environment: Mapping[str, str], folder: Path) -> Path | None:
    """The notebook that the front end says, if it is there: it may have been renamed since the kernel started."""
    for told in (names.get(VS_CODE), environment.get(JUPYTER)):
        if isinstance(told, str) and told.endswith(SUFFIX) and (folder / told).is_file():
            return folder / told
    return None


def _notebooks(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob(f"*{SUFFIX}") if not path.name.startswith("."))


def _listed(folder: Path) -> str:
    names = ", ".join(path.stem for path in _notebooks(folder))
    return f"In {folder} there are: {names}." if names else f"There is no notebook in {folder}."
