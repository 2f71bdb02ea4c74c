"""First-order mutants of answers: right code with one thing changed."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from typing import Any

__all__ = ["STEPS", "Endless", "limited", "mutants"]

STEPS = 20_000  # turns of loops that one call of a mutant may take; right ones take a few hundred
OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv)
COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)
CALLED = {"max": "min", "min": "max", "any": "all", "all": "any", "ceil": "floor", "floor": "ceil"}


class Endless(Exception):
    """A mutant that takes more than ``STEPS`` turns."""


def mutants(text: str) -> Iterator[str]:
    """The code with one thing in one of its functions changed: an operator, a comparison, a number, a term, a name or a statement."""
    tree = ast.parse(text)
    seen = {ast.unparse(tree)}
    for function in (one for one in tree.body if isinstance(one, ast.FunctionDef)):
        names, keys = _names(function), _keys(function)
        for parent, field, place, node in _nodes(function):
            for other in _others(node, names, keys):
                _put(parent, field, place, other)
                made = ast.unparse(ast.fix_missing_locations(tree))
                if made not in seen:
                    seen.add(made)
                    yield made
            _put(parent, field, place, node)


def _nodes(function: ast.FunctionDef) -> Iterator[tuple[ast.AST, str, int | None, ast.AST]]:
    """What is below the function's body, each with where it stands; its arguments, docstring and annotations stay."""
    found: list[tuple[ast.AST, str, int | None, ast.AST]] = []

    def below(parent: ast.AST) -> None:
        for field, value in ast.iter_fields(parent):
            for place, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if isinstance(node, ast.AST) and not isinstance(node, ast.arguments):
                    found.append((parent, field, place, node))
                    below(node)

    below(function)
    yield from found


def _put(parent: ast.AST, field: str, place: int | None, node: ast.AST) -> None:
    if place is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[place] = node


def _names(function: ast.FunctionDef) -> list[str]:
    """Its arguments and variables."""
    given = [one.arg for one in function.args.args]
    bound = [n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    return list(dict.fromkeys(given + bound))


def _keys(function: ast.FunctionDef) -> list[str]:
    """The texts that it looks up."""
    slices = [n.slice for n in ast.walk(function) if isinstance(n, ast.Subscript)]
    return list(
        dict.fromkeys(n.value for n in slices if isinstance(n, ast.Constant) and isinstance(n.value, str))
    )


def _others(node: Any, names: list[str], keys: list[str]) -> Iterator[ast.AST]:
    """What may stand in the place of *node*."""
    match node:
        case ast.BinOp():
            yield from (
                ast.BinOp(node.left, other(), node.right)
                for other in OPERATORS
                if not isinstance(node.op, other)
            )
            yield from (node.left, node.right)
        case ast.AugAssign():
            for other in OPERATORS:
                if not isinstance(node.op, other):
                    yield ast.AugAssign(node.target, other(), node.value)
            yield ast.Pass()
        case ast.Compare(ops=[first, *rest]) if isinstance(first, COMPARISONS):
            for other in COMPARISONS:
                if not isinstance(first, other):
                    yield ast.Compare(node.left, [other(), *rest], node.comparators)
        case ast.BoolOp():
            yield ast.BoolOp(ast.And() if isinstance(node.op, ast.Or) else ast.Or(), node.values)
            for i in range(len(node.values)):
                yield ast.BoolOp(node.op, node.values[:i] + node.values[i + 1 :])
        case ast.UnaryOp():
            yield node.operand
        case ast.IfExp():
            yield ast.IfExp(node.test, node.orelse, node.body)
            yield from (node.body, node.orelse)
        case ast.If():
            yield ast.If(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
        case ast.Constant() if type(node.value) in (int, float):
            numbers = dict.fromkeys((node.value + 1, node.value - 1, 2 * node.value, node.value / 2, 0))
            yield from (ast.Constant(number) for number in numbers if number != node.value)
        case ast.Constant() if isinstance(node.value, str) and node.value in keys:
            yield from (ast.Constant(key) for key in keys if key != node.value)
        case ast.Constant() if node.value is None:
            yield ast.Constant(0)
        case ast.Name(ctx=ast.Load()) if node.id in CALLED:
            yield ast.Name(CALLED[node.id], ast.Load())
        case ast.Attribute() if node.attr in CALLED:
            yield ast.Attribute(node.value, CALLED[node.attr], node.ctx)
        case ast.Name(ctx=ast.Load()) if node.id in names:
            yield from (ast.Name(name, ast.Load()) for name in names if name != node.id)
        case ast.Tuple(elts=[_, _, *_], ctx=ast.Load()):
            for i in range(len(node.elts) - 1):
                swapped = list(node.elts)
                swapped[i : i + 2] = reversed(swapped[i : i + 2])
                yield ast.Tuple(swapped, ast.Load())
        case ast.Call(args=[_, *_]) if not node.keywords:
            yield from (one for one in node.args if not isinstance(one, ast.Starred))


class _Counting(ast.NodeTransformer):
    """Counts the turns of every loop."""

    def visit_For(self, node: Any) -> Any:
        self.generic_visit(node)
        node.body.insert(0, ast.parse("_turn()").body[0])
        return node

    visit_While = visit_For


def limited(text: str, scope: dict[str, Any]) -> None:
    """Run *text* in *scope*, so that its functions raise :class:`Endless` where they would loop for ever."""
    tree = _Counting().visit(copy.deepcopy(ast.parse(text)))
    turns = 0

    def turn() -> None:
        nonlocal turns
        turns += 1
        if turns > STEPS:
            turns = 0
            raise Endless(f"{STEPS} turns")

    def anew(function: Any) -> Any:
        def call(*given: Any, **named: Any) -> Any:
            nonlocal turns
            turns = 0
            return function(*given, **named)

        return call

    scope["_turn"] = turn
    exec(compile(ast.fix_missing_locations(tree), "<mutant>", "exec"), scope)
    for one in tree.body:
        if isinstance(one, ast.FunctionDef):
            scope[one.name] = anew(scope[one.name])
