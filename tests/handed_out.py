"""Everything that can be read in a folder or imported from the library, as answers that somebody could paste into a released notebook."""

from __future__ import annotations

import ast
import builtins
import csv
import doctest
import importlib
import inspect
import io
import itertools
import json
import pkgutil
import re
import textwrap
import tomllib
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import mlsysim
from autograder.notebook.cells import Notebook, grading, is_test, read_notebook
from autograder.tutor.tutor import Tutor

__all__ = ["asked_names", "definitions", "imports", "pasted", "readable", "whole_files"]


def readable(folder: Path) -> tuple[dict[str, str], set[str]]:
    """Every text in *folder* and in the archives in it, by name; and the names of what is no text."""
    texts: dict[str, str] = {}
    opaque = set()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        files = {path.name: path.read_bytes()}
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                files = {name: archive.read(name) for name in archive.namelist()}
        for name, raw in files.items():
            try:
                if name.endswith(".npy"):  # an array: what it holds can be read
                    texts[name] = str(np.load(io.BytesIO(raw), allow_pickle=False).tolist())
                else:
                    texts[name] = raw.decode("utf-8")
            except UnicodeDecodeError:
                opaque.add(name)
    return texts, opaque


def asked_names(exam: Path, name: str) -> dict[str, set[str]]:
    """The names that the tests of a notebook use and do not make themselves, by the answer cell that must define them."""
    cells = [cell for cell in read_notebook(exam / name).cells if cell["cell_type"] == "code"]
    used: set[str] = set()
    made = {"student_id", *dir(builtins)}
    for cell in cells:
        nodes = list(ast.walk(ast.parse(cell["source"])))
        if is_test(cell):
            used |= {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        if is_test(cell) or not grading(cell).get("solution"):
            made |= _bound(nodes)
    answers = {grading(c)["grade_id"]: c["source"] for c in cells if grading(c).get("solution")}
    return {
        grade_id: {one for one in used - made if re.search(rf"\b{one}\b", source)}
        for grade_id, source in answers.items()
    }


def _bound(nodes: Iterable[ast.AST]) -> set[str]:
    found = set()
    for node in nodes:
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).split(".")[0])
    return found


def definitions(text: str, name: str) -> set[str]:
    """Every definition of *name* in *text*, wherever it stands: in code, in a fenced block, in a doctest, in a string of JSON or TOML, or as a value."""
    found = set()
    parts, values = _parts(text)
    for key, value in values:
        if key == name:
            found.add(f"{name} = {value!r}")
    start = re.compile(
        rf"^[ \t]*(?:async[ \t]+)?(?:(?:def|class)[ \t]+{name}\b|{name}[ \t]*(?::[^=\n]*)?=(?!=))"
    )
    for part in parts:
        lines = part.splitlines()
        for i, line in enumerate(lines):
            if start.match(line):
                found |= _block(lines[i:])
    return found


def _block(lines: list[str]) -> set[str]:
    """The statement that starts with the first of *lines*, if it is one."""
    indent = len(lines[0]) - len(lines[0].lstrip())
    body = itertools.takewhile(
        lambda line: not line.strip() or len(line) - len(line.lstrip()) > indent or line.strip()[0] in ")]}",
        lines[1:],
    )
    block = textwrap.dedent("\n".join([lines[0], *body])).strip()
    try:
        ast.parse(block)
    except (SyntaxError, ValueError):
        return set()
    return {block}


def _parts(text: str) -> tuple[list[str], list[tuple[str, Any]]]:
    """*text*, its doctests without their prompts, the strings that it holds as data, and its named values."""
    values = list(_values(text))
    strings = [value for _, value in values if isinstance(value, str)]
    parts = []
    for one in (text, *strings):
        parts.append(one)
        try:
            examples = doctest.DocTestParser().get_examples(one)
        except ValueError:  # prompts that are no doctest
            examples = []
        parts.append("\n".join(example.source for example in examples))
    return parts, values


def _values(text: str) -> Iterator[tuple[str, Any]]:
    for load in (json.loads, tomllib.loads):
        try:
            yield from _walk("", load(text))
        except ValueError:
            continue
    rows = list(csv.reader(io.StringIO(text)))
    if len(rows) > 1 and len({len(row) for row in rows}) == 1 < len(rows[0]):
        for i, title in enumerate(rows[0]):
            yield title, [row[i] for row in rows[1:]]
            yield from ((title, row[i]) for row in rows[1:])
        yield from ((row[0], row[1]) for row in rows)


def _walk(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list) and value and all(isinstance(line, str) for line in value):
        yield key, "".join(value)  # a cell's source, as notebooks keep it
    yield key, value
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for inner, child in children:
        yield from _walk(str(inner), child)


def whole_files(texts: dict[str, str], names: set[str]) -> dict[str, str]:
    """Those of *texts*, or of the strings in them, that are Python whatever they are called and define one of *names*."""
    found = {}
    for where, text in texts.items():
        for i, part in enumerate(_parts(text)[0]):
            if not any(name in part for name in names):
                continue
            try:
                body = ast.parse(part).body
            except (SyntaxError, ValueError):
                continue
            top = _bound(node for statement in body for node in (statement, *ast.walk(statement)))
            if top & names:
                found[f"{where}#{i}"] = part
    return found


def modules() -> list[ModuleType]:
    """Every module of the library."""
    names = [found.name for found in pkgutil.walk_packages(mlsysim.__path__, "mlsysim.")]
    return [mlsysim, *map(importlib.import_module, names)]


def imports(name: str, tutor: Tutor) -> set[str]:
    """Every way to import something of the library as *name*: what has that name there, and all that can be called as a test calls it."""
    found = set()
    for module in modules():
        for path, value in _members(module):
            if path.split(".")[-1] == name or (callable(value) and _can_be_asked(value, tutor.probes(name))):
                found.add(f"import {module.__name__}\n\n{name} = {module.__name__}.{path}")
    return found


def _members(module: ModuleType) -> Iterator[tuple[str, Any]]:
    for name, value in vars(module).items():
        home = getattr(value, "__module__", module.__name__)
        if name.startswith("__") or inspect.ismodule(value) or home != module.__name__:
            continue
        yield name, value
        if inspect.isclass(value):
            yield from ((f"{name}.{inner}", getattr(value, inner, None)) for inner in vars(value))


def _can_be_asked(function: Any, questions: Sequence[tuple[Any, ...]]) -> bool:
    """Whether it gives an answer to one of the first *questions*."""
    for arguments in questions[:3]:
        try:
            function(*arguments)
        except Exception:
            continue
        return True
    return False


def pasted(release: Path, name: str, answers: dict[str, str], target: Path) -> Notebook:
    """The released notebook *name* with *answers*, by grade_id, in the place of its own; it is also written into *target*."""
    notebook = read_notebook(release / name)
    for grade_id, source in answers.items():
        notebook.by_grade_id()[grade_id]["source"] = source
    (target / name).write_text(notebook.dumps(), "utf-8")
    return notebook
