"""What the objects of names may be parts of: an analysis that says too much rather than too little.

``x`` is the object of a name, ``x[]`` whatever it holds, and ``x()`` what calling it changes: after ``add = rows[0].append``, a change of ``add()`` is one of ``rows[]``.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = [
    "ALTERS",
    "BUILTINS",
    "Aliases",
    "bindings",
    "closure",
    "contents",
    "looped",
    "names_in",
    "objects",
    "reached",
    "sharing",
]

Aliases = Mapping[str, Iterable[str]]

BUILTINS = frozenset(dir(builtins))
# Methods and functions that are called for what they change.
ALTERS = frozenset(
    (
        *("add", "append", "appendleft", "clear", "discard", "extend", "fill", "fit", "heapify"),
        *("heappop", "heappush", "insert", "insort", "pop", "popitem", "popleft", "put", "remove"),
        *("reverse", "setdefault", "setflags", "shuffle", "sort", "update"),
    )
)
# Methods and functions that put what they are given into an object.
KEEPS = frozenset(
    (
        *("__setitem__", "add", "append", "appendleft", "extend", "heappush", "insert", "insort"),
        *("put", "send", "setattr", "setdefault", "setitem", "update"),
    )
)
# What these give is neither what they are given nor a part of it.
FRESH = frozenset(
    (
        *("abs", "all", "any", "ascii", "bin", "bool", "chr", "complex", "count", "deepcopy"),
        *("divmod", "dumps", "float", "format", "hasattr", "hash", "hex", "id", "index", "input"),
        *("int", "isinstance", "issubclass", "join", "len", "loads", "lower", "mean", "oct"),
        *("open", "ord", "pow", "print", "range", "repr", "replace", "round", "std", "str"),
        *("strip", "upper"),
    )
)
# What these give is another object that holds the same.
COPIES = frozenset(
    (
        *("array", "copy", "dict", "enumerate", "filter", "frozenset", "items", "iter", "keys"),
        *("list", "map", "reversed", "set", "sorted", "sum", "tuple", "values", "zip"),
    )
)
GATHERED = (ast.List, ast.Tuple, ast.Set, ast.Dict, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def objects(node: ast.AST | None) -> set[str]:
    """What the value of an expression may itself be."""
    match node:
        case ast.Name(id=name):
            return {name}
        case ast.Attribute(value=value) | ast.Subscript(value=value):
            return contents(value)
        case ast.IfExp(body=one, orelse=other):
            return objects(one) | objects(other)
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in COPIES or name in FRESH:
            return set()
        case ast.Compare() | ast.Constant() | ast.JoinedStr() | ast.UnaryOp() | ast.BinOp() | None:
            return set()
    return set() if isinstance(node, GATHERED) else _parts(node)


def contents(node: ast.AST | None) -> set[str]:
    """What the value of an expression may hold."""
    match node:
        case ast.Name(id=name):
            return {f"{name}[]"}
        case ast.Attribute(value=value) | ast.Subscript(value=value) | ast.Starred(value=value):
            return contents(value)
        case ast.BinOp(left=one, right=other) | ast.IfExp(body=one, orelse=other):
            return contents(one) | contents(other)
        case ast.Call(
            func=ast.Attribute(value=value, attr="copy"), args=args
        ):  # `rows.copy()`, `copy.copy(rows)`
            return contents(value).union(*map(contents, args))
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in FRESH:
            return set()
        case ast.Compare() | ast.Constant() | ast.JoinedStr() | ast.UnaryOp() | None:
            return set()
    return _parts(node)


def reached(node: ast.AST | None) -> set[str]:
    """What the value of an expression may be, or hold."""
    return objects(node) | contents(node)


def _parts(node: ast.AST) -> set[str]:
    """All that an expression is made of."""
    parts: Iterable[ast.AST] = ast.iter_child_nodes(node)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in BUILTINS:
        parts = (*node.args, *node.keywords)
    return set[str]().union(*map(reached, parts))


def bindings(statement: ast.AST) -> dict[str, set[str]]:
    """What is what once the *statement* has run; names that its functions bind for themselves are among them."""
    return _merged(pair for node in ast.walk(statement) for pair in _bound(node))


def looped(statement: ast.AST) -> dict[str, set[str]]:
    """The same of loops alone: their names surely stand for parts of what is gone through."""
    loops = (ast.For, ast.AsyncFor, ast.comprehension)
    return _merged(pair for node in ast.walk(statement) if isinstance(node, loops) for pair in _bound(node))


def closure(names: Iterable[str], aliases: Aliases) -> set[str]:
    """*names*, and all that they may be."""
    seen = set(names)
    waiting = list(seen)
    while waiting:
        more = set(aliases.get(waiting.pop(), ())) - seen
        seen |= more
        waiting += more
    return seen


def sharing(names: Iterable[str], aliases: Aliases) -> set[str]:
    """What changes with *names*: all that they may be, and all that may be a part of that."""
    backwards: dict[str, set[str]] = {}
    for one, found in aliases.items():
        for other in found:
            backwards.setdefault(other, set()).add(one)
    return closure(closure(names, aliases), backwards)


def names_in(found: Iterable[str]) -> set[str]:
    """The names whose objects, or something that these hold, are *found*."""
    return {one.removesuffix("[]") for one in found if not one.endswith("()")}


def _merged(pairs: Iterable[tuple[str, set[str]]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, names in pairs:
        found.setdefault(name, set()).update(names)
    return found


def _bound(node: ast.AST) -> Iterator[tuple[str, set[str]]]:
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _given(target, value)
        case (
            ast.AnnAssign(target=target, value=ast.expr() as value)
            | ast.NamedExpr(target=target, value=value)
            | ast.withitem(context_expr=value, optional_vars=ast.expr() as target)
        ):
            yield from _given(target, value)
        case ast.AugAssign(target=target, value=value):
            for one in objects(target):
                yield _held(one), contents(value)
        case ast.For() | ast.AsyncFor() | ast.comprehension():
            yield from _each(node.target, node.iter)
        case ast.Match(subject=subject, cases=cases):
            for inner in (inner for case in cases for inner in ast.walk(case.pattern)):
                if name := getattr(inner, "rest", None) or getattr(inner, "name", None):
                    yield from ((name, reached(subject)), (f"{name}[]", contents(subject)))
        case ast.FunctionDef(name=name, args=args) | ast.AsyncFunctionDef(name=name, args=args):
            yield from _defaults(args)
            for inner in ast.walk(node):
                if isinstance(inner, (ast.Return, ast.Yield, ast.YieldFrom)):
                    yield f"{name}[]", reached(inner.value)
        case ast.Lambda(args=args):
            yield from _defaults(args)
        case ast.Call():
            yield from _called(node)


def _held(one: str) -> str:
    return one if one.endswith("[]") else f"{one}[]"


def _defaults(args: ast.arguments) -> Iterator[tuple[str, set[str]]]:
    positional = [*args.posonlyargs, *args.args]
    last = positional[len(positional) - len(args.defaults) :]
    for one, value in (
        *zip(last, args.defaults, strict=True),
        *zip(args.kwonlyargs, args.kw_defaults, strict=True),
    ):
        yield from ((one.arg, objects(value)), (f"{one.arg}[]", contents(value)))


def _called(node: ast.Call) -> Iterator[tuple[str, set[str]]]:
    given = [*node.args, *(keyword.value for keyword in node.keywords)]
    of = node.func.value if isinstance(node.func, ast.Attribute) else None
    for one in (*given, node.func):
        if isinstance(one, ast.Lambda):  # it may be called with any part of the rest
            rest = set[str]().union(*(reached(other) for other in (of, *given) if other is not one))
            for argument in (*one.args.posonlyargs, *one.args.args, *one.args.kwonlyargs):
                yield from ((argument.arg, rest), (f"{argument.arg}[]", rest))
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    if name in KEEPS:
        for holder in objects(of) | objects(given[0] if given else None):
            yield _held(holder), set[str]().union(*map(reached, given)) - {holder}


def _given(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, set[str]]]:
    match target, value:
        case ast.Name(id=name), ast.Attribute(value=inner, attr=attribute) if attribute in ALTERS:
            yield from ((name, objects(value)), (f"{name}()", objects(inner)))
        case ast.Tuple(elts=targets), ast.Tuple(elts=values) | ast.List(elts=values) if _pairs(
            targets, values
        ):
            for one, other in zip(targets, values, strict=True):
                yield from _given(one, other)
        case ast.Tuple() | ast.List(), _:
            yield from _put(target, contents(value), contents(value))
        case _:
            yield from _put(target, objects(value), contents(value))


def _each(target: ast.expr, values: ast.expr) -> Iterator[tuple[str, set[str]]]:
    """*target* is bound to one of the *values* after the other."""
    match target, values:
        case ast.Tuple(elts=targets), ast.Call(func=ast.Name(id="zip"), args=columns) if _pairs(
            targets, columns
        ):
            for one, column in zip(targets, columns, strict=True):
                yield from _each(one, column)
        case ast.Tuple(elts=[_, one]), ast.Call(func=ast.Name(id="enumerate"), args=[column, *_]):
            yield from _each(one, column)
        case _:
            yield from _put(target, contents(values), contents(values))


def _pairs(targets: Sequence[ast.expr], values: Sequence[ast.expr]) -> bool:
    return len(targets) == len(values) and not any(
        isinstance(one, ast.Starred) for one in (*targets, *values)
    )


def _put(target: ast.expr, are: set[str], hold: set[str]) -> Iterator[tuple[str, set[str]]]:
    match target:
        case ast.Name(id=name):
            yield from ((name, are), (f"{name}[]", hold))
        case ast.Tuple(elts=targets) | ast.List(elts=targets):
            for one in targets:
                yield from _put(one, are, hold)
        case ast.Starred(value=inner):
            yield from _put(inner, set(), hold)
        case ast.Attribute(value=inner) | ast.Subscript(value=inner):
            for holder in objects(inner):
                yield _held(holder), are | hold
