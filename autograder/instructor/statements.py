"""A cell as its statements: what each binds, what it reads, and what it may change."""

from __future__ import annotations

import ast
import codeop
import functools
import re
import symtable
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import CodeType

from autograder.instructor.ipython_syntax import python_of

__all__ = ["Cell", "Statement", "cell_of", "read_cell"]

FILENAME = "<test>"
LOOKS_UP = frozenset(("dir", "eval", "exec", "get_ipython", "getattr", "globals", "locals", "vars"))
SHOWS = frozenset(("display", "print"))
# Methods and functions that are called for what they change.
ALTERS = frozenset(
    (
        *("add", "append", "appendleft", "clear", "discard", "extend", "fill", "fit", "heapify", "heappop"),
        *(
            "heappush",
            "insert",
            "insort",
            "pop",
            "popitem",
            "popleft",
            "put",
            "remove",
            "reverse",
            "setdefault",
        ),
        *("setflags", "shuffle", "sort", "update"),
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
WORD = re.compile(r"[^\W\d]\w*")
Function = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """One statement of a cell.

    Attributes:
        code: compiled; of an expression if *is_value*.
        binds: names of the notebook that it may bind.
        reads: names of the notebook that it uses, in the bodies of its functions too.
        changes: names whose objects it may change: ``x[0] = 1``, ``x.append(1)``, ``shuffle(x)``.
        alters: those of *changes* whose objects it is sure to change; the others may only be looked at, such as in ``table.head()``.
        uses: names whose methods it calls for a value, which may change them too, if they are no modules.
        calls: names that it calls.
        defines: whether it is an import, a function or a class.
        certain: those of *binds* that are bound once it has run.
        imports: the modules, and the attributes of modules, that it binds names to.
        stars: modules of which it imports everything.
        sets: dotted names of attributes that it sets, or has set by their names.
        texts: dotted names in texts that it has something put in the place of.
        mentions: words in its strings, where it looks names up by their text.
    """

    code: CodeType
    is_value: bool
    binds: frozenset[str]
    reads: frozenset[str]
    changes: frozenset[str]
    alters: frozenset[str]
    uses: frozenset[str]
    calls: frozenset[str]
    defines: bool
    certain: frozenset[str]
    imports: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    stars: tuple[str, ...] = ()
    sets: tuple[tuple[str, ...], ...] = ()
    texts: tuple[tuple[str, ...], ...] = ()
    mentions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """The statements of a cell.

    Attributes:
        error: of a cell that is no Python.
        binds: every name that it may bind.
        free: names that it uses and does not bind.
        maybe: other names that it may use before it binds them, or look up by their text.
        kept: those of *binds* that it may leave as they are.
    """

    statements: tuple[Statement, ...] = ()
    error: SyntaxError | None = None
    binds: frozenset[str] = frozenset()
    free: frozenset[str] = frozenset()
    maybe: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()


@functools.lru_cache(maxsize=1024)  # the same for every submission
def read_cell(text: str) -> Cell:
    """The statements of a cell's *text*."""
    try:
        tree, plain = python_of(text)
        compiler, last = codeop.Compile(), tree.body[-1:]
        compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT  # as in a notebook
        return cell_of(
            _statement(node, text if plain else None, compiler, [node] == last) for node in tree.body
        )
    except SyntaxError as error:
        return Cell(error=error)
    except (ValueError, RecursionError) as error:  # such as a null character
        return Cell(error=SyntaxError(str(error)))


def cell_of(statements: Iterable[Statement]) -> Cell:
    """A cell of these *statements*."""
    statements = tuple(statements)
    binds = frozenset[str]().union(*(one.binds for one in statements))
    before, free, maybe = set[str](), set[str](), set[str]()
    for one in statements:
        for name in (one.reads | one.mentions) - before:
            (free if name in one.reads and name not in binds else maybe).add(name)
        before |= one.certain
    return Cell(statements, None, binds, frozenset(free), frozenset(maybe - free), frozenset(binds - before))


def _statement(node: ast.stmt, text: str | None, compiler: codeop.Compile, last: bool) -> Statement:
    is_value = last and isinstance(node, ast.Expr)
    tree = ast.Expression(node.value) if isinstance(node, ast.Expr) and is_value else ast.Module([node], [])
    code: CodeType = compiler(tree, FILENAME, "eval" if is_value else "exec")  # type: ignore[arg-type]
    binds, reads = _names(node, text)
    effects = _Effects(frozenset(_mentions(node)))
    effects.visit(node)
    notebooks = {path[1] for path in effects.texts if path[0] == "__main__" and len(path) > 1}
    imports, stars = _imports(node)
    known = binds | reads  # and not names of its functions alone
    return Statement(
        code=code,
        is_value=is_value,
        binds=binds,
        reads=reads,
        changes=known & effects.changes,
        alters=known & (effects.alters if is_value else effects.changes),
        uses=known & effects.uses,
        calls=known & effects.calls,
        defines=isinstance(node, (*Function, ast.Import, ast.ImportFrom)),
        certain=frozenset(_certain(node)),
        imports=imports,
        stars=stars,
        sets=tuple(effects.sets),
        texts=tuple(effects.texts),
        mentions=effects.words if reads & LOOKS_UP else frozenset(notebooks),
    )


def _names(node: ast.stmt, text: str | None) -> tuple[frozenset[str], frozenset[str]]:
    """What the statement binds and reads at the top level of its notebook."""
    top = symtable.symtable(_source(node, text), FILENAME, "exec")
    binds: set[str] = set()
    reads: set[str] = set()

    def look(table: symtable.SymbolTable) -> None:
        for symbol in table.get_symbols():
            # In the body of a class, a name that it binds is the notebook's until then.
            if table.get_type() == "class" and symbol.is_local() and symbol.is_referenced():
                reads.add(symbol.get_name())
            if table is top or symbol.is_global():
                if symbol.is_referenced():
                    reads.add(symbol.get_name())
                if symbol.is_assigned() or (table is top and (symbol.is_imported() or symbol.is_namespace())):
                    binds.add(symbol.get_name())
                if table is not top and symbol.is_imported():
                    binds.add(symbol.get_name())
        for child in table.get_children():
            look(child)

    look(top)
    # ``x += 1`` and ``del x`` are no uses in a symbol table.
    for inner in ast.walk(node):
        if isinstance(inner, ast.AugAssign) and isinstance(inner.target, ast.Name):
            reads |= {inner.target.id} & binds
        elif isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Del):
            reads |= {inner.id} & binds
    if isinstance(node, ast.For):
        before = {one.id for one in ast.walk(node.iter) if isinstance(one, ast.Name)}
        reads -= {one.id for one in ast.walk(node.target) if isinstance(one, ast.Name)} - before
    if isinstance(node, ast.Delete):
        binds -= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return frozenset(binds), frozenset(reads)


def _certain(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            yield from (alias.asname or alias.name.split(".")[0] for alias in names)
        case ast.Assign(targets=targets):
            inside = (inner for target in targets for inner in ast.walk(target))
            yield from (
                one.id for one in inside if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
            )
        case ast.For(target=target):  # of something, as a rule
            yield from (one.id for one in ast.walk(target) if isinstance(one, ast.Name))
        case ast.AugAssign(target=ast.Name(id=name)):
            yield name
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()):
            yield name


def _source(node: ast.stmt, text: str | None) -> str:
    decorators = getattr(node, "decorator_list", [])
    if text is not None and not decorators and node.col_offset == 0:
        found = ast.get_source_segment(text, node)
        if found is not None:
            return found
    return ast.unparse(node)


def _imports(node: ast.stmt) -> tuple[dict[str, tuple[str, str]], tuple[str, ...]]:
    if isinstance(node, ast.Import):
        return {
            alias.asname or alias.name.split(".")[0]: (
                alias.name if alias.asname else alias.name.split(".")[0],
                "",
            )
            for alias in node.names
        }, ()
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        names = {a.asname or a.name: (node.module, a.name) for a in node.names if a.name != "*"}
        return names, tuple(node.module for a in node.names if a.name == "*")
    return {}, ()


def _mentions(node: ast.stmt) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            yield from WORD.findall(inner.value)


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


class _Effects(ast.NodeVisitor):
    """Collects what a statement may change, by the forms in which it does so."""

    def __init__(self, words: frozenset[str]) -> None:
        self.words = words
        self.changes: set[str] = set()
        self.alters: set[str] = set()
        self.uses: set[str] = set()
        self.calls: set[str] = set()
        self.sets: list[tuple[str, ...]] = []
        self.texts: list[tuple[str, ...]] = []

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
