"""Test cells whose outcome could be false although the solution passes, found in their text."""

from __future__ import annotations

import ast
import functools
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files

from autograder.instructor.ipython_syntax import python_of
from autograder.instructor.statements import Cell, read_cell
from autograder.lint.cells import name_of
from autograder.lint.report import Finding
from autograder.notebook.cells import MARKS, Notebook, grading, is_test

__all__ = ["check_patterns"]

ASSERTS = (ast.Assert, ast.Raise)
Found = tuple[int, str, str, bool]  # line, what, instead, whether it fails


@dataclass(frozen=True, slots=True)
class Pattern:
    """What is said of a test that uses one of *names*; see ``data/lint.toml``."""

    names: tuple[str, ...]
    what: str
    instead: str
    fails: bool


@dataclass(slots=True)
class Students:
    """Names of the answers so far."""

    names: set[str] = field(default_factory=set)

    def read(self, answer: Cell) -> None:
        """Add the names of an *answer*."""
        for one in answer.statements:
            if not one.imports:
                self.names |= one.binds


@functools.cache
def _patterns() -> tuple[Pattern, ...]:
    rows = tomllib.loads(files("autograder").joinpath("data/lint.toml").read_text("utf-8"))
    return tuple(Pattern(tuple(row.pop("names")), **row) for row in rows.values())


def check_patterns(notebook: Notebook, name: str) -> Iterator[Finding]:
    """What the text of the test cells of the source notebook *name* shows."""
    modules: dict[str, str] = {}
    students = Students()
    for place, cell in enumerate(notebook.cells, 1):
        if cell["cell_type"] != "code":
            continue
        try:
            tree, _ = python_of(MARKS.sub("", cell["source"]))
        except SyntaxError as error:
            if is_test(cell):
                what = f"It is not Python: {error.msg}"
                yield Finding(
                    name, place, name_of(cell, place), error.lineno or 0, what, "mend the test.", True
                )
            continue
        modules |= _imports(tree)
        if is_test(cell):
            found = {*_findings(tree, modules, students)}
            first: dict[str, Found] = {}
            for one in sorted(found):
                first.setdefault(one[1], one)
            for line, what, instead, fails in first.values():
                yield Finding(name, place, name_of(cell, place), line, what, instead, fails)
        elif grading(cell).get("solution"):
            students.read(read_cell(MARKS.sub("", cell["source"])))


def _imports(tree: ast.Module) -> dict[str, str]:
    """What the names that *tree* imports stand for."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _dotted(node: ast.expr, modules: Mapping[str, str]) -> str:
    """The dotted name that *node* stands for, or an empty string."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([modules.get(node.id, node.id), *reversed(parts)])


def _findings(tree: ast.Module, modules: Mapping[str, str], students: Students) -> Iterator[Found]:
    used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} & students.names
    for node in ast.walk(tree):
        if isinstance(node, (ast.Attribute, ast.Name)) and used:
            yield from _uses(node, _dotted(node, modules))
        if isinstance(node, ast.Call):
            yield from _calls(node, _dotted(node.func, modules))
        if isinstance(node, ast.Try):
            yield from _swallowed(node)
        if isinstance(node, ast.Assert) and isinstance(node.test, ast.Tuple) and node.test.elts:
            yield (
                node.lineno,
                "This assertion is about a tuple, which is always true.",
                "no brackets around it.",
                True,
            )
    for statement in tree.body:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, (ast.Compare, ast.BoolOp)):
            what = "The outcome of this comparison is not looked at: the cell passes whatever it is."
            yield statement.lineno, what, f"assert {ast.unparse(statement.value)}"[:200], False


def _uses(node: ast.expr, dotted: str) -> Iterator[Found]:
    for pattern in _patterns():
        if dotted in pattern.names:
            yield node.lineno, f"{dotted} {pattern.what}", pattern.instead, pattern.fails


def _calls(node: ast.Call, dotted: str) -> Iterator[Found]:
    if "get_ipython" in dotted or (isinstance(node.func, ast.Attribute) and _is_shell(node.func.value)):
        what = "This runs in the examiner's process, where there is no notebook and nothing of the student's."
        yield node.lineno, what, "call the student's function, and test its value.", False


def _is_shell(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "get_ipython"


def _swallowed(node: ast.Try) -> Iterator[Found]:
    """An assertion whose failure is caught and forgotten."""
    inside = [n for part in node.body for n in ast.walk(part) if isinstance(n, ASSERTS)]
    for handler in node.handlers:
        if (
            inside
            and _catches_assertions(handler.type)
            and all(isinstance(n, ast.Pass) for n in handler.body)
        ):
            what = f"The failure of this assertion is caught in line {handler.lineno}, and forgotten."
            yield (
                inside[0].lineno,
                what,
                "put the assertion under else:, or catch the one exception that is meant.",
                False,
            )


def _catches_assertions(kind: ast.expr | None) -> bool:
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(
        one is None
        or (isinstance(one, ast.Name) and one.id in ("Exception", "BaseException", "AssertionError"))
        for one in kinds
    )
