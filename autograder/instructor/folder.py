"""The folder that an instructor's cells run in: a copy of the source folder, so that they read and import what lies beside the notebook.

What they write there, and what they set for the whole process, is taken back before the next submission: the working directory, ``sys.path``,
environment variables, the states of ``random`` and NumPy's generator, filters of warnings, open figures and matplotlib's settings, and attributes of modules that a cell sets.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import pickle
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from autograder.candidate.search_path import with_folder
from autograder.files.source import KIT, LEFT_BEHIND
from autograder.instructor.random_states import random_states, restore_random_states

__all__ = ["Folder", "source_folder"]

Signature = tuple[tuple[str, int, int], ...]


def _signature(folder: Path) -> Signature:
    """Names, sizes and times of the files of *folder*, but for notebooks, the kit, and what tools leave behind."""

    def look(at: str, prefix: str) -> Iterator[tuple[str, int, int]]:
        with os.scandir(at) as entries:
            for entry in entries:
                name = prefix + entry.name
                if entry.name.startswith(LEFT_BEHIND) or entry.is_symlink() or name == KIT:
                    continue
                if entry.is_dir():
                    yield from look(entry.path, f"{name}/")
                elif not name.endswith(".ipynb"):
                    state = entry.stat()
                    yield name, state.st_size, state.st_mtime_ns

    return tuple(sorted(look(str(folder), "")))


class Folder:
    """A copy of a source folder, without its notebooks and its kit.

    Attributes:
        digest: of its files' names and content.
        local: names of the modules in it.
    """

    def __init__(self, source: Path | None, signature: Signature) -> None:
        self.source, self.signature = source, signature
        self._place = tempfile.TemporaryDirectory(prefix="autograder-source-")
        self.path = Path(self._place.name).resolve()
        digest = hashlib.sha256()
        for name, *_ in signature if source else ():
            content = Path(source or "", name).read_bytes()
            digest.update(f"{name}\0{len(content)}\0".encode())
            digest.update(content)
        self.digest = digest.hexdigest()
        python = [name.removesuffix(".py") for name, *_ in signature if name.endswith(".py")]
        self.local = frozenset(part for name in python for part in name.split("/"))
        self._fresh: Signature | None = None
        self._modules: dict[str, ModuleType] = {}
        self._count = 0
        self._states: dict[str, dict[str, Any]] = {}
        self._plain: list[tuple[Any, bytes]] = []
        self._path, self._where = with_folder(str(self.path)), str(self.path)
        self.renew()

    def renew(self) -> None:
        """Bring the files back to what they are in the source folder."""
        if self._fresh is not None and _signature(self.path) == self._fresh:
            return
        for entry in list(self.path.iterdir()):
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        for name, *_ in self.signature if self.source else ():
            target = self.path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(Path(self.source or "", name), target)
        self._fresh = _signature(self.path)

    def close(self) -> None:
        """Remove it."""
        self._place.cleanup()

    def keep_modules(self) -> None:
        """Remember what the modules that were imported since hold, before a test may change it."""
        if len(sys.modules) == self._count:
            return
        self._count, here = len(sys.modules), f"{self.path}{os.sep}"
        for name, module in list(sys.modules.items()):
            if name in self._modules or not _file(module).startswith(here):
                continue
            self._modules[name], self._states[name] = module, dict(vars(module))
            for key, value in vars(module).items() if self._is_given(name) else ():
                if type(value) in (list, dict, set) and not key.startswith("__"):
                    with contextlib.suppress(Exception):  # what cannot be copied stays as it is
                        self._plain.append((value, pickle.dumps(value)))

    def restore_modules(self) -> None:
        """Give the modules back what they held when they were imported."""
        for name, module in self._modules.items():
            _set_attributes(module, self._states[name])
        for value, kept in self._plain:
            with contextlib.suppress(Exception):
                if pickle.dumps(value) != kept:
                    value.clear()
                    before = pickle.loads(kept)
                    value.extend(before) if isinstance(value, list) else value.update(before)

    def _forget_written(self) -> None:
        """Forget the modules that cells have written: those of the next submission may be others."""
        for name in [name for name in self._modules if not self._is_given(name)]:
            del self._modules[name], self._states[name]

    def _is_given(self, module: str) -> bool:
        return module.split(".")[0] in self.local

    def _swap_in(self) -> dict[str, ModuleType]:
        """Let the modules of this folder be found, and no others of the same names; returns those, which are to be put back."""
        covered = [name for name in self.local - sys.stdlib_module_names if name in sys.modules]
        hidden = {
            name: sys.modules.pop(name)
            for name in list(sys.modules)
            if covered and name.split(".")[0] in covered
        }
        sys.modules.update(self._modules)
        self._count = len(sys.modules)
        importlib.invalidate_caches()  # a cell may have written a module a moment ago
        return hidden

    def _swap_out(self, hidden: dict[str, ModuleType]) -> None:
        self.keep_modules()
        for name in self._modules:
            sys.modules.pop(name, None)
        sys.modules.update(hidden)

    @contextlib.contextmanager
    def examination(self, patched: Iterable[Sequence[str]] = ()) -> Iterator[None]:
        """What is set for the whole process meanwhile is taken back at the end.

        Args:
            patched: dotted paths of modules whose attributes the cells set.
        """
        environment, recursion = dict(os.environ), sys.getrecursionlimit()
        os.environ.setdefault("MPLBACKEND", "agg")
        self._path, self._where = with_folder(str(self.path)), str(self.path)
        modules = [module for path in patched for module in _along(path)]
        states = [(module, dict(vars(module))) for module in modules]
        drawn, figures, style = random_states(), _figures(), _style()
        try:
            with warnings.catch_warnings():
                yield
        finally:
            for module, state in states:
                _set_attributes(module, state)
            restore_random_states(drawn)
            _close_figures(figures)
            if style is not None:
                dict.update(sys.modules["matplotlib"].rcParams, style)
            sys.setrecursionlimit(recursion)
            if dict(os.environ) != environment:
                os.environ.clear()
                os.environ.update(environment)
            self._forget_written()
            self.restore_modules()
            self.renew()

    @contextlib.contextmanager
    def entered(self, main: ModuleType) -> Iterator[None]:
        """Inside, the working directory and ``sys.path`` are those of the instructor's cells, and *main* is the main module."""
        where, path, usual, quiet = os.getcwd(), sys.path[:], sys.modules["__main__"], sys.dont_write_bytecode
        hidden = self._swap_in()
        try:
            sys.path[:] = self._path
            os.chdir(self._where)
            sys.modules["__main__"] = main
            sys.dont_write_bytecode = True
            yield
        finally:
            self._swap_out(hidden)
            self._path, sys.path[:] = sys.path[:], path
            with contextlib.suppress(OSError):
                self._where = os.getcwd()
            os.chdir(where)
            sys.modules["__main__"], sys.dont_write_bytecode = usual, quiet


def _file(module: Any) -> str:
    try:
        return str(getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), ""))
    except Exception:
        return ""


def _set_attributes(module: ModuleType, state: dict[str, Any]) -> None:
    now = vars(module)
    for name in [name for name in now if name not in state]:
        if not isinstance(now[name], ModuleType):  # a submodule that was imported since
            del now[name]
    for name, value in state.items():
        if now.get(name) is not value:
            now[name] = value


def _along(path: Sequence[str]) -> Iterator[ModuleType]:
    """The modules on a dotted path, such as ``numpy`` and ``numpy.random``."""
    with contextlib.suppress(Exception):  # whoever runs the cell is told
        found: Any = importlib.import_module(path[0])
        for name in [*path[1:], ""]:
            if not isinstance(found, ModuleType):
                return
            yield found
            found = getattr(found, name, None)


def _figures() -> list[int]:
    pyplot = sys.modules.get("matplotlib.pyplot")
    return pyplot.get_fignums() if pyplot is not None else []


def _close_figures(kept: Iterable[int]) -> None:
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        for number in set(pyplot.get_fignums()).difference(kept):
            pyplot.close(number)


def _style() -> dict[str, Any] | None:
    matplotlib = sys.modules.get("matplotlib")
    return dict.copy(matplotlib.rcParams) if matplotlib is not None else None


_current: Folder | None = None


def source_folder(source: Path | None) -> Folder:
    """This process's copy of *source*, made anew if it has changed since or is another; empty if there is none."""
    global _current
    source = source.resolve() if source is not None and source.is_dir() else None
    signature = _signature(source) if source else ()
    if _current is None or (_current.source, _current.signature) != (source, signature):
        if _current is not None:
            _current.close()
        _current = Folder(source, signature)
    return _current
