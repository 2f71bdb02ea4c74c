"""Reads ``kit/``. Nobody releases it, and every file and entry of it is optional: an assignment that is only notebooks has an empty kit.

===================== =======================================================================
``kit.toml``          title, case function, libraries, warm-up, units, simulation
``lesson.py``         the right functions, and ``answers_NOTEBOOK(case)``
``misconceptions.toml`` wrong models: the lesson with lines changed
``probes.py``         ``probes(function, lesson)``: inputs on which functions are compared
``wording.py``        ``ARGUMENTS`` and ``RETURNS``: values in words
``hints.toml``        three hints for each answer cell
``kinds.toml``        kinds of simulated submissions
===================== =======================================================================
"""

from __future__ import annotations

import ast
import contextlib
import functools
import importlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from autograder.candidate.warm import Warm
from autograder.files.source import KIT, source_notebooks
from autograder.kit.entries import (
    HintEntry,
    KitError,
    MisconceptionEntry,
    Settings,
    in_form,
    read_table,
)
from autograder.kit.wording import Wording
from autograder.notebook.cells import read_notebook, released, without_magics
from autograder.tutor.hints import Hints
from autograder.tutor.lesson import Case, Lesson, LessonError
from autograder.tutor.misconceptions import misconceptions_from
from autograder.tutor.tutor import Tutor

__all__ = ["Kit", "load_kit"]


@dataclass(frozen=True)
class Kit:
    """Everything that is known of an assignment; by default nothing.

    Attributes:
        title: one line.
        tutor: what explains wrong answers; None without a lesson.
        kinds: rows of simulated kinds, by name.
        slow: kinds that cost their whole time limit.
        one_id: kinds whose marks hold for their own id only.
    """

    title: str = ""
    wording: Wording = field(default_factory=Wording)
    tutor: Tutor | None = None
    hints: Hints = field(default_factory=Hints)
    kinds: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    warm: Warm = field(default_factory=Warm)
    slow: frozenset[str] = frozenset()
    one_id: frozenset[str] = frozenset()


def load_kit(source: Path) -> Kit:
    """The kit of the assignment whose source folder is *source*.

    Raises:
        KitError: a file of it cannot be used.
    """
    files = [*source.glob("*"), *(source / KIT).glob("*")]
    return _load(source, tuple(sorted((str(path), path.lstat().st_mtime_ns) for path in files)))


@functools.lru_cache(maxsize=8)  # once for all notebooks of a process, and again when a file has changed
def _load(source: Path, stamps: tuple[tuple[str, int], ...]) -> Kit:
    folder = source / KIT
    file = folder / "kit.toml"
    settings = in_form(file, read_table(file), Settings)
    if settings.units:
        _units(file, settings.units)
    case = _case(source, settings.case) if settings.case else None
    lesson = _lesson(folder / "lesson.py", case)
    modules = settings.warm.modules
    return Kit(
        title=settings.title,
        wording=_wording(folder / "wording.py", settings, lesson),
        tutor=_tutor(folder, lesson) if lesson else None,
        hints=_hints(folder / "hints.toml"),
        kinds=read_table(folder / "kinds.toml"),
        warm=Warm(
            tuple(imported_modules(source) if modules is None else modules),
            settings.warm.cell,
            tuple(settings.libraries),
        ),
        slow=frozenset(settings.simulate.slow),
        one_id=frozenset(settings.simulate.one_id),
    )


def imported_modules(source: Path) -> list[str]:
    """The modules that what students get of the notebooks of *source* imports, as far as cells are Python."""
    found: set[str] = set()
    for path in source_notebooks(source):
        with contextlib.suppress(ValueError):  # whoever grades it will say what is wrong with it
            notebook = read_notebook(path)
            for cell, text in zip(notebook.cells, released(notebook), strict=True):
                found |= _imported(text) if cell["cell_type"] == "code" else set()
    return sorted(name for name in found if not (source / f"{name.split('.')[0]}.py").exists())


def _imported(text: str) -> set[str]:
    found: set[str] = set()
    with contextlib.suppress(SyntaxError, ValueError):
        for node in ast.walk(ast.parse(without_magics(text))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module)
    return found


def _units(file: Path, setting: str) -> None:
    """Have ``units = "module:function"`` make the registry that quantities are read with."""
    module, _, function = setting.partition(":")
    try:
        getattr(importlib.import_module(module), function)()
    except Exception as error:
        raise KitError(
            f'{file}: units = {setting!r} must be "MODULE:FUNCTION", which makes a Pint registry: {error}'
        ) from None


def _case(source: Path, setting: str) -> Case:
    """The function that ``case = "module:function"`` names."""
    module, _, function = setting.partition(":")
    path = source / f"{module}.py"
    where = f"{source / KIT / 'kit.toml'}: case = {setting!r}"
    if not function or not path.is_file():
        raise KitError(f'{where} must be "MODULE:FUNCTION", a module beside the notebooks')
    try:
        found: Case = _named(path, _module(path), function)
    except KitError as error:
        raise KitError(f"{where}: {error}") from error
    return found


def _lesson(file: Path, case: Case | None) -> Lesson | None:
    if not file.is_file():
        return None
    try:
        lesson = Lesson(file.read_text("utf-8"), case)
    except (LessonError, ValueError) as error:
        raise KitError(f"{file}: {error}") from None
    with _run(file):
        lesson.right()
    return lesson


def _wording(file: Path, settings: Settings, lesson: Lesson | None) -> Wording:
    names = _module(file) if file.is_file() else {}
    arguments, returns = (names.get(table, {}) for table in ("ARGUMENTS", "RETURNS"))
    for table, words in (("ARGUMENTS", arguments), ("RETURNS", returns)):
        if not isinstance(words, dict) or not all(map(callable, words.values())):
            raise KitError(f"{file}: {table} must be a dict of functions, which put a value into words")
    known = lesson.parameters if lesson else Wording().parameters
    return Wording(arguments, returns, settings.arguments, settings.returns, known, settings.choices)


def _hints(file: Path) -> Hints:
    rows = read_table(file)
    for notebook, answers in rows.items():
        if not isinstance(answers, dict):
            raise KitError(f"{file}: {notebook!r} must be a table: write [NOTEBOOK.ANSWER]")
        for answer, row in answers.items():
            in_form(file, row, HintEntry, f"{notebook}.{answer}")
    return Hints(rows)


def _tutor(folder: Path, lesson: Lesson) -> Tutor:
    file, probes = folder / "misconceptions.toml", folder / "probes.py"
    rows = read_table(file)
    for name, row in rows.items():
        in_form(file, row, MisconceptionEntry, name)
    bank = misconceptions_from(rows)
    for one in bank.values():
        unknown = one.functions - set(lesson.functions)
        if unknown:
            raise KitError(f"{file}: [{one.name}] changes {min(unknown)}, which the lesson does not define")
    ask_with = _named(probes, _module(probes), "probes") if probes.is_file() else _no_probes
    return Tutor(lesson, bank, ask_with)


def _no_probes(function: str, lesson: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    return []


def _module(path: Path) -> dict[str, Any]:
    """The names of the Python file *path*, which is run under a name of its own: two kits have files of the same name."""
    spec = spec_from_file_location(f"kit of {path.parent}: {path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    with _run(path):
        spec.loader.exec_module(module)
    return vars(module)


@contextlib.contextmanager
def _run(path: Path) -> Iterator[None]:
    """Code of the file *path* is run: it leaves no compiled copy, and what it raises is an error of the kit."""
    quiet, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    except (Exception, SystemExit) as error:
        raise KitError(f"{path} cannot be run: {type(error).__name__}: {error}") from error
    finally:
        sys.dont_write_bytecode = quiet


def _named(path: Path, names: Mapping[str, Any], function: str) -> Any:
    if not callable(names.get(function)):
        raise KitError(f"{path} defines no function {function!r}")
    return names[function]
