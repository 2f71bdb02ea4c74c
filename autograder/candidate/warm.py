"""What the first notebook of a process would wait for, done before any notebook is there."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.candidate.search_path import with_folder

__all__ = ["Warm", "warm_up"]


@dataclass(frozen=True, slots=True)
class Warm:
    """What is done.

    Attributes:
        modules: imported where they are installed; students' code may read their packages wherever they lie.
        cell: run once, in a shell that forgets its names but keeps the modules that it imported.
        libraries: packages of which the same holds, and that tests compute with.
    """

    modules: tuple[str, ...] = ()
    cell: str = ""
    libraries: tuple[str, ...] = ()


def warm_up(shell: Any, warm: Warm, files: Mapping[str, bytes]) -> None:
    """Do what *warm* says, its cell beside the *files* of the assignment, and leave the shell as if it had run nothing."""
    for module in warm.modules:
        with contextlib.suppress(Exception):  # who uses it will be told why it cannot be imported
            importlib.import_module(module)
    kept, home = set(shell.user_ns), os.getcwd()
    sys.path[:] = with_folder("")
    if warm.cell:
        with tempfile.TemporaryDirectory(prefix="warm-") as folder:
            for name, content in files.items():
                path = Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            os.chdir(folder)
            shell.run(warm.cell, 1 << 20)
            shell.end_loop()
            os.chdir(home)
    for name in set(shell.user_ns) - kept:
        del shell.user_ns[name]
    shell.reset(new_session=True)
    shell.user_ns.update(dict.fromkeys(("_", "__", "___"), ""))  # as before the first cell
    shell.user_module.__spec__ = (
        None  # multiprocessing asks the main module for it when it starts new interpreters
    )
    shell.execution_count = 1
