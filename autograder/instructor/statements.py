"""A cell as its statements: what each binds, what it reads, and what it may change."""

from __future__ import annotations

import ast
import codeop
import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from types import CodeType

from autograder.instructor.effects import Effects
from autograder.instructor.ipython_syntax import python_of
from autograder.notebook.bindings import bound_and_read, certainly_bound, imported

__all__ = ["FILENAME", "LOOKS_UP", "Cell", "Function", "Statement", "cell_of", "read_cell"]

FILENAME = "<test>"
LOOKS_UP = frozenset(("dir", "eval", "exec", "get_ipython", "getattr", "globals", "locals", "vars"))
WORD = re.compile(r"[^\W\d]\w*")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINITIONS = (*FUNCTIONS, ast.ClassDef, ast.Import, ast.ImportFrom)


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A function that a statement defines, or a class by what its methods do with what they are given.

    Attributes:
        parameters: names of what it is given.
        mutates, given, drops: see :class:`Statement`.
    """

    name: str
    parameters: frozenset[str]
    mutates: frozenset[str]
    given: Mapping[str, frozenset[str]]
    drops: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """One statement of a cell.

    Attributes:
        code: compiled; of an expression if *is_value*.
        binds: names of the notebook that it may bind.
        reads: names of the notebook that it uses, in the bodies of its functions too.
        changes: names whose objects it may change: ``x[0] = 1``, ``x.append(1)``, ``shuffle(x)``, ``for y in x: y.do()``.
        mutates: names whose objects it changes by a form that is there for that, and with them what they are a part of.
        aliases: by name, what its object may be a part of, or hold, after the statement; see :mod:`autograder.instructor.aliases`.
        given: by function, method or object that it calls, what it gives to it.
        drops: whether it may call functions for what they do, as no assignment does.
        alters: those of *changes* whose objects it is sure to change; the others may only be looked at, such as in ``table.head()``.
        uses: names whose methods it calls for a value, which may change them too, if they are no modules.
        calls: names that it calls.
        functions: those that it defines, methods among them.
        defines: whether it is an import, a function or a class.
        certain: those of *binds* that are bound once it has run.
        imports: the modules, and the attributes of modules, that it binds names to.
        stars: modules of which it imports everything.
        sets: dotted names of attributes that it sets, or has set by their names.
        texts: dotted names in texts that it has something put in the place of.
        mentions: words in its strings, where it looks names up by their text.
        writes: whether it writes files, in the bodies of its functions too.
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
    mutates: frozenset[str] = frozenset()
    aliases: Mapping[str, frozenset[str]] = field(default_factory=dict)
    given: Mapping[str, frozenset[str]] = field(default_factory=dict)
    drops: bool = True
    functions: tuple[Function, ...] = ()
    imports: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    stars: tuple[str, ...] = ()
    sets: tuple[tuple[str, ...], ...] = ()
    texts: tuple[tuple[str, ...], ...] = ()
    mentions: frozenset[str] = frozenset()
    writes: bool = False


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
    binds, reads = bound_and_read(node, text)
    words = frozenset(_words(node))
    effects = Effects(node, words)
    notebooks = {path[1] for path in effects.texts if path[0] == "__main__" and len(path) > 1}
    imports, stars = imported(node)
    known = binds | reads  # what a function of it binds for itself is no name of the notebook
    return Statement(
        code=code,
        is_value=is_value,
        binds=binds,
        reads=reads,
        changes=known & effects.changes,
        alters=known & (effects.alters if is_value else effects.surely),
        uses=known & effects.uses,
        calls=known & effects.calls,
        defines=isinstance(node, DEFINITIONS),
        certain=frozenset(certainly_bound(node)),
        mutates=_known(effects.mutates, known),
        aliases={
            name: _known(names, known) for name, names in effects.aliases.items() if _known({name}, known)
        },
        given=_frozen(effects.given),
        drops=not isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)),
        functions=tuple(_functions(node)) if isinstance(node, DEFINITIONS) else (),
        imports=imports,
        stars=stars,
        sets=tuple(effects.sets),
        texts=tuple(effects.texts),
        mentions=effects.words if reads & LOOKS_UP else frozenset(notebooks),
        writes=effects.writes,
    )


def _known(names: Iterable[str], known: Set[str]) -> frozenset[str]:
    """Those of *names* that are of names of the notebook: what a function binds for itself is none."""
    return frozenset(name for name in names if name.rstrip("[]()") in known)


def _frozen(names: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    return {name: frozenset(found) for name, found in names.items()}


def _functions(node: ast.AST, of: str = "") -> Iterator[Function]:
    """The functions in *node*; *of* is the class that it is a part of."""
    if isinstance(node, FUNCTIONS):
        effects = Effects(node, frozenset())
        parameters = [one.arg for one in ast.walk(node.args) if isinstance(one, ast.arg)]
        does = frozenset(effects.mutates), _frozen(effects.given)
        yield Function(f".{node.name}" if of else node.name, frozenset(parameters), *does)
        if of:  # whoever makes an instance gives it no `self`
            yield Function(of, frozenset(parameters[1:]), *does)
        of = ""
    elif isinstance(node, ast.ClassDef):
        of = node.name
    for inner in ast.iter_child_nodes(node):
        yield from _functions(inner, of)


def _words(node: ast.stmt) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            yield from WORD.findall(inner.value)
