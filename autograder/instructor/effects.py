"""What a statement may change, by the forms in which notebooks do so."""

from __future__ import annotations

import ast
import re

__all__ = ["Effects"]

SHOWS = frozenset(("display", "print"))
# Methods and functions that are called for what they change.
ALTERS = frozenset(
    (
        *("add", "append", "appendleft", "clear", "discard", "extend", "fill", "fit", "heapify", "heappop"),
        *("heappush", "insert", "insort", "pop", "popitem", "popleft", "put", "remove", "reverse"),
        *("setdefault", "setflags", "shuffle", "sort", "update"),
    )
)
# Functions that put something in the place of an attribute that they are told by its name.
PATCHING = frozenset(("delattr", "multiple", "object", "patch", "setattr"))
# Where a test mentions these, it may set what holds for the whole process.
PROCESS = {
    **dict.fromkeys(("environ", "setenv", "delenv", "putenv", "unsetenv"), ("os", "environ")),
    **dict.fromkeys(("getcontext", "localcontext", "setcontext"), ("decimal", "getcontext")),
    "asyncio": ("asyncio", ""),
}
# Methods and functions that write a file or make a folder.
WRITES = frozenset(
    (
        *("copy2", "copyfile", "copytree", "extractall", "makedirs", "mkdir", "run_cell_magic", "save"),
        *("savetxt", "savez", "savez_compressed", "to_csv", "to_json", "to_parquet", "to_pickle", "touch"),
        *("unpack_archive", "write_bytes", "write_file", "write_text"),
    )
)
MODE = re.compile("[rbt]*[wax+][rwaxbt+]*")


class Effects(ast.NodeVisitor):
    """Visits a statement and collects what it may change.

    Attributes:
        changes, alters, uses, calls, sets, texts, writes: see :class:`autograder.instructor.statements.Statement`.

    Args:
        words: those in the strings of the statement; an attribute that is set by a computed name may be any of them.
    """

    def __init__(self, words: frozenset[str]) -> None:
        self.words = words
        self.changes: set[str] = set()
        self.alters: set[str] = set()
        self.uses: set[str] = set()
        self.calls: set[str] = set()
        self.sets: list[tuple[str, ...]] = []
        self.texts: list[tuple[str, ...]] = []
        self.writes = False

    def _add(self, to: set[str], node: ast.expr) -> None:
        if (name := _root(node)) is not None:
            to.add(name)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if not isinstance(node.ctx, ast.Load):
            self._add(self.changes, node)
            self._add(self.alters, node)
            if path := _path(node):
                self.sets.append(path)
        elif node.attr in PROCESS:
            self.texts.append(PROCESS[node.attr])
        self.generic_visit(node)

    def visit_Await(self, node: ast.Await) -> None:
        self.texts.append(PROCESS["asyncio"])
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in PROCESS:
            self.texts.append(PROCESS[node.id])

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if not isinstance(node.ctx, ast.Load):
            self._add(self.changes, node)
            self._add(self.alters, node)
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        call = node.value
        if isinstance(call, ast.Call) and not (isinstance(call.func, ast.Name) and call.func.id in SHOWS):
            in_place = any(keyword.arg == "inplace" for keyword in call.keywords)
            if isinstance(call.func, ast.Attribute):
                self._add(self.changes, call.func)
                if call.func.attr in ALTERS or in_place:
                    self._add(self.alters, call.func)
            for given in [*call.args, *(keyword.value for keyword in call.keywords)]:
                if isinstance(given, (ast.Name, ast.Starred)):
                    self._add(self.changes, given)
                    if isinstance(call.func, ast.Attribute) and call.func.attr in ALTERS:
                        self._add(self.alters, given)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name):
            self.calls.add(node.func.id)
        elif isinstance(node.func, ast.Attribute):
            self._add(self.uses, node.func)
        self.writes |= _writes(node)
        if node.args and (name := (_path(node.func) or ("",))[-1]) in PATCHING:
            self._patches(name, node)
        self.generic_visit(node)

    def _patches(self, name: str, node: ast.Call) -> None:
        """``patch("module.name")``, ``patch.object(module, "name")``, ``monkeypatch.setattr(module, "name", value)`` and the like."""
        match node.args:
            case [ast.Constant(value=str(text)), *more]:
                path, to = tuple(text.split(".")), self.texts
                names: list[list[str]] = [[]] if "." in text and name != "multiple" else []
            case [first, *more]:
                path, to, names = _path(first), self.sets, []
        if name == "multiple":
            names = [[keyword.arg] for keyword in node.keywords if keyword.arg]
        elif more and not names:
            said = more[0].value if isinstance(more[0], ast.Constant) else None
            names = [[one] for one in ([said] if isinstance(said, str) else self.words)]
        if path:
            to += [(*path, *one) for one in names]


def _writes(node: ast.Call) -> bool:
    """Whether a call writes a file or makes a folder: one of :data:`WRITES`, or something that is opened to be written."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name in WRITES:
        return True
    given = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg == "mode")]
    modes = (one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str))
    return name in ("open", "ZipFile") and any(MODE.fullmatch(mode) for mode in modes)


def _root(node: ast.expr) -> str | None:
    """``x`` of ``x.a[0].b()``."""
    while not isinstance(node, ast.Name):
        match node:
            case (
                ast.Attribute(value=inner)
                | ast.Subscript(value=inner)
                | ast.Call(func=inner)
                | ast.Starred(value=inner)
            ):
                node = inner
            case _:
                return None
    return node.id


def _path(node: ast.expr) -> tuple[str, ...]:
    """("x", "a", "b") of ``x.a.b``; empty for anything else."""
    if isinstance(node, ast.Attribute):
        before = _path(node.value)
        return (*before, node.attr) if before else ()
    return (node.id,) if isinstance(node, ast.Name) else ()
