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
import re
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, TypeVar

from autograder.candidate.warm import Warm
from autograder.kit.wording import Wording
from autograder.notebook.cells import read_notebook, without_hidden_tests
from autograder.tutor.hints import Hints
from autograder.tutor.lesson import Case, Lesson, LessonError
from autograder.tutor.misconceptions import Misconception, read_misconceptions
from autograder.tutor.tutor import Tutor

__all__ = ["FOLDER", "Kit", "KitError", "load_kit"]

FOLDER = "kit"
SOLUTION = re.compile(r"^[ \t]*### BEGIN SOLUTION.*?^[ \t]*### END SOLUTION[^\n]*$", re.MULTILINE | re.DOTALL)
Made = TypeVar("Made")
SETTINGS: dict[str, type] = {
    "title": str,
    "case": str,
    "units": str,
    "libraries": list,
    "warm": dict,
    "arguments": dict,
    "returns": dict,
    "simulate": dict,
}


class KitError(Exception):
    """A file of the kit cannot be used; the message names it and says why."""


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
    files = [*source.glob("*"), *(source / FOLDER).glob("*")]
    return _load(source, tuple(sorted((str(path), path.stat().st_mtime_ns) for path in files)))


@functools.lru_cache(maxsize=8)  # once for all notebooks of a process, and again when a file has changed
def _load(source: Path, stamps: tuple[tuple[str, int], ...]) -> Kit:
    folder = source / FOLDER
    nothing: dict[str, Any] = {}
    settings = _read(folder / "kit.toml", tomllib.loads, nothing)
    for name, value in settings.items():
        if name not in SETTINGS:
            raise KitError(f"{folder / 'kit.toml'}: {name!r} is not known; known: {', '.join(SETTINGS)}")
        if not isinstance(value, SETTINGS[name]):
            raise KitError(f"{folder / 'kit.toml'}: {name} = {value!r} must be a {SETTINGS[name].__name__}")
    if "units" in settings:
        _units(folder, settings["units"])
    case = _case(source, settings["case"]) if "case" in settings else None
    lesson = _read(folder / "lesson.py", lambda text: Lesson(text, case), None)
    words = _module(folder / "wording.py") if (folder / "wording.py").is_file() else {}
    simulate, warm = settings.get("simulate", {}), settings.get("warm", {})
    return Kit(
        title=settings.get("title", ""),
        wording=Wording(
            words.get("ARGUMENTS", {}),
            words.get("RETURNS", {}),
            settings.get("arguments", {}),
            settings.get("returns", {}),
            lesson.parameters if lesson else Wording().parameters,
        ),
        tutor=_tutor(folder, lesson) if lesson else None,
        hints=_read(folder / "hints.toml", Hints.read, Hints()),
        kinds=_read(folder / "kinds.toml", tomllib.loads, nothing),
        warm=Warm(
            tuple(warm.get("modules", imported_modules(source))),
            warm.get("cell", ""),
            tuple(settings.get("libraries", ())),
        ),
        slow=frozenset(simulate.get("slow", ())),
        one_id=frozenset(simulate.get("one_id", ())),
    )


def imported_modules(source: Path) -> list[str]:
    """The modules that what students get of the notebooks of *source* imports, as far as cells are Python."""
    found: set[str] = set()
    for path in sorted(source.glob("*.ipynb")):
        for cell in read_notebook(path).cells:
            with contextlib.suppress(SyntaxError):
                released = without_hidden_tests(SOLUTION.sub("", cell["source"]))
                tree = ast.parse(released if cell["cell_type"] == "code" else "")
                for node in ast.walk(tree):
                    if isinstance(node, ast.Import):
                        found |= {alias.name for alias in node.names}
                    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                        found.add(node.module)
    return sorted(name for name in found if not (source / f"{name.split('.')[0]}.py").exists())


def _units(folder: Path, setting: str) -> None:
    """Have ``units = "module:function"`` make the registry that quantities are read with."""
    module, _, function = setting.partition(":")
    try:
        getattr(importlib.import_module(module), function)()
    except Exception as error:
        raise KitError(
            f'{folder / "kit.toml"}: units = {setting!r} must be "MODULE:FUNCTION", which makes a Pint registry: {error}'
        ) from None


def _tutor(folder: Path, lesson: Lesson) -> Tutor:
    nothing: dict[str, Misconception] = {}
    bank = _read(folder / "misconceptions.toml", read_misconceptions, nothing)
    for one in bank.values():
        unknown = one.functions - set(lesson.functions)
        if unknown:
            raise KitError(
                f"{folder / 'misconceptions.toml'}: [{one.name}] changes {min(unknown)}, which the lesson does not define"
            )
    probes = folder / "probes.py"
    ask_with = _named(probes, _module(probes), "probes") if probes.is_file() else _no_probes
    return Tutor(lesson, bank, ask_with)


def _no_probes(function: str, lesson: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    return []


def _case(source: Path, setting: str) -> Case:
    """The function that ``case = "module:function"`` names."""
    module, _, function = setting.partition(":")
    path = source / f"{module}.py"
    if not function or not path.is_file():
        raise KitError(
            f'{source / FOLDER / "kit.toml"}: case = {setting!r} must be "MODULE:FUNCTION", a module beside the notebooks'
        )
    found: Case = _named(path, _module(path), function)
    return found


def _read(path: Path, make: Callable[[str], Made], absent: Made) -> Made:
    if not path.is_file():
        return absent
    try:
        return make(path.read_text("utf-8"))
    except KeyError as error:
        raise KitError(f"{path}: an entry has no {error}") from None
    except (LessonError, ValueError, TypeError) as error:
        raise KitError(f"{path}: {error}") from None


def _module(path: Path) -> dict[str, Any]:
    """The names of the Python file *path*, which is run under a name of its own: two kits have files of the same name."""
    spec = spec_from_file_location(f"kit of {path.parent}: {path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    quiet, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise KitError(f"{path} cannot be run: {type(error).__name__}: {error}") from error
    finally:
        sys.dont_write_bytecode = quiet
    return vars(module)


def _named(path: Path, names: Mapping[str, Any], function: str) -> Any:
    if not callable(names.get(function)):
        raise KitError(f"{path} defines no function {function!r}")
    return names[function]
