"""The names that a statement binds at the top level of its notebook, those that it reads, and what it imports."""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterator

__all__ = ["bound_and_read", "certainly_bound", "imported"]


def bound_and_read(node: ast.stmt, text: str | None) -> tuple[frozenset[str], frozenset[str]]:
    """The names that a statement binds and those that it reads at the top level of its notebook.

    Args:
        text: what it was parsed from, if that is Python as it stands.
    """
    top = symtable.symtable(_source(node, text), "<test>", "exec")
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


def certainly_bound(node: ast.stmt) -> Iterator[str]:
    """The names that are bound once a statement has run."""
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
    """A statement's own lines, where *text* is what it was parsed from; otherwise lines that mean the same."""
    decorators = getattr(node, "decorator_list", [])
    if text is not None and not decorators and node.col_offset == 0:
        found = ast.get_source_segment(text, node)
        if found is not None:
            return found
    return ast.unparse(node)


def imported(node: ast.stmt) -> tuple[dict[str, tuple[str, str]], tuple[str, ...]]:
    """What a statement imports.

    Returns:
        (module, its attribute or an empty string) by the name that it is bound to, and the modules of which everything is imported.
    """
    if isinstance(node, ast.Import):  # `import a.b` binds `a`, and `import a.b as c` binds `a.b`
        return {
            a.asname or package: (a.name if a.asname else package, "")
            for a in node.names
            for package in [a.name.split(".")[0]]
        }, ()
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        names = {a.asname or a.name: (node.module, a.name) for a in node.names if a.name != "*"}
        return names, tuple(node.module for a in node.names if a.name == "*")
    return {}, ()
