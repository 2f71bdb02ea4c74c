"""What a statement may change, by the forms in which notebooks do so."""

from __future__ import annotations

import ast
import re

from autograder.instructor.aliases import (
    ALTERS,
    BUILTINS,
    bindings,
    closure,
    looped,
    names_in,
    objects,
    reached,
)

__all__ = ["Effects"]

SHOWS = frozenset(("display", "print"))
# Functions that are called for what they change of their arguments.
ALTERS_GIVEN = frozenset(
    (
        *("copyto", "delattr", "delitem", "fill_diagonal", "heapify", "heappop", "heappush", "heappushpop"),
        *("heapreplace", "iadd", "insort", "insort_left", "insort_right", "next", "place", "put"),
        *("put_along_axis", "putmask", "setattr", "setitem", "shuffle"),
    )
)
# Methods that change nothing, if no class of the notebook's has one of that name that does.
LOOKS = frozenset(
    (
        *("astype", "copy", "count", "describe", "endswith", "format", "head", "index", "items"),
        *("join", "keys", "lower", "max", "mean", "min", "round", "split", "startswith", "std"),
        *("strip", "sum", "tail", "tolist", "upper", "values"),
    )
)
# Methods that change something and are called for what they give.
TAKES = frozenset(("fit", "pop", "popitem", "popleft", "setdefault"))
OPERATORS = {
    **{ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.MatMult: "matmul", ast.Div: "truediv"},
    **{ast.FloorDiv: "floordiv", ast.Mod: "mod", ast.Pow: "pow", ast.LShift: "lshift", ast.RShift: "rshift"},
    **{ast.BitOr: "or", ast.BitXor: "xor", ast.BitAnd: "and"},
}
NAMESPACES = frozenset(("globals", "locals", "vars"))
NUMBERS = (ast.Compare, ast.Constant, ast.JoinedStr)  # what these are added to is a number or a text
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
        changes, alters, surely, mutates, uses, calls, given, sets, texts, writes: see :class:`autograder.instructor.statements.Statement`.
        aliases: what its names may reach.

    Args:
        node: the statement.
        words: those in the strings of the statement; an attribute that is set by a computed name may be any of them.
    """

    def __init__(self, node: ast.AST, words: frozenset[str]) -> None:
        self.words = words
        self.aliases = bindings(node)
        self.mutates: set[str] = set()
        self.given: dict[str, set[str]] = {}
        self.changes: set[str] = set()
        self.alters: set[str] = set()
        self.uses: set[str] = set()
        self.calls: set[str] = set()
        self.sets: list[tuple[str, ...]] = []
        self.texts: list[tuple[str, ...]] = []
        self.writes = False
        self._through: set[str] = set()
        self._drops = isinstance(node, ast.Expr)
        self.visit(node)
        loops = looped(node)
        self.alters = names_in(closure(self.alters, loops))
        self.surely = names_in(self.changes) | self.alters
        self.mutates = closure(self.mutates, self.aliases)
        self.changes = names_in(self.changes | closure(self._through, self.aliases))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if not isinstance(node.ctx, ast.Load):
            self._change(node.value)
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
            self._change(node.value)
        self.generic_visit(node)

    def _change(self, node: ast.expr) -> None:
        """The object that *node* stands for is changed."""
        self.changes |= _objects(node)
        self.alters |= _objects(node)
        self.mutates |= objects(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name) and not isinstance(node.value, NUMBERS):
            self.mutates.add(node.target.id)
        self._operates(f"i{OPERATORS[type(node.op)]}", node.target, node.value)
        self.generic_visit(node)

    def visit_withitem(self, node: ast.withitem) -> None:
        self._operates("enter", node.context_expr)
        self._operates("exit", node.context_expr)
        self.generic_visit(node)

    def _operates(self, name: str, *given: ast.expr) -> None:
        """A special method, by its *name* without underscores, may be called."""
        self.given.setdefault(f".__{name}__", set()).update(*map(reached, given))

    def visit_Expr(self, node: ast.Expr) -> None:
        call = node.value
        if isinstance(call, ast.Call) and not (isinstance(call.func, ast.Name) and call.func.id in SHOWS):
            if isinstance(call.func, ast.Attribute):
                self.changes |= _objects(call.func)
                self._through |= _objects(call.func)
            for given in [*call.args, *(keyword.value for keyword in call.keywords)]:
                if isinstance(given, (ast.Name, ast.Starred)):
                    self.changes |= _objects(given)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        if isinstance(node.func, ast.Name):
            self.calls.add(node.func.id)
            self.mutates.add(f"{node.func.id}()")
            self._operates("call", node.func, *given)
        elif isinstance(node.func, ast.Attribute) and node.func.attr not in LOOKS:
            self.uses |= names_in(_objects(node.func))
        self._mutates(node.func, given, any(keyword.arg == "inplace" for keyword in node.keywords))
        for one in given:  # `map(shuffle, rows)`, `map(list.pop, rows)`
            self._mutates(one, [other for other in given if other is not one], called=False)
        self.writes |= _writes(node)
        path = _path(node.func)
        if node.args and path and path[-1] in PATCHING:
            self._patches(path[-1], node)
        self.generic_visit(node)

    def _mutates(
        self, function: ast.expr, given: list[ast.expr], in_place: bool = False, called: bool = True
    ) -> None:
        """*function* is *called* with what is *given*, or may be called with parts of it."""
        match function:
            case ast.Call(func=ast.Name(id="getattr"), args=[value, ast.Constant(value=str(attribute))]):
                function = ast.Attribute(value, attribute, ast.Load())
        name = getattr(function, "attr", getattr(function, "id", ""))
        of = function.value if isinstance(function, ast.Attribute) else None
        unbound = isinstance(of, ast.Name) and of.id in BUILTINS  # `list.append(row, 1)`
        if of is not None and (name in ALTERS or in_place):
            self.mutates |= objects(of)
            if in_place or self._drops or name in TAKES:
                self.alters |= _objects(of)
        if name in ALTERS_GIVEN or (name in ALTERS and unbound):
            # What a function such as `map` calls it with are parts of the rest.
            self.mutates.update(*map(objects if called else reached, given))
            self.alters.update(*map(_objects, given[:1]))
        reaches = reached(of).union(*map(reached, given))
        keys = {name if of is None else f".{name}"}
        if isinstance(of, ast.Name):
            keys.add(of.id)
        for key in keys - {""}:
            self.given.setdefault(key, set()).update(reaches)

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


def _objects(node: ast.expr) -> set[str]:
    """The names of whose objects *node* is a part, or that of the function that gives it, if that is no builtin."""
    root = _root(node)
    if root is None:
        return set()
    return objects(node) if root in BUILTINS - NAMESPACES else {root}


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
