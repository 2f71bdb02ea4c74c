"""Tests of an instructor's run in the examiner, against a student's cell in a candidate, without a notebook around them."""

from __future__ import annotations

import builtins
import contextlib
import io
import symtable
from collections.abc import Iterator
from typing import Any

from autograder.bounds.limits import Limits
from autograder.exam.session import Session

__all__ = ["run_test", "session"]


@contextlib.contextmanager
def session(cell: str, **limits: Any) -> Iterator[Session]:
    """A session whose student's process has run *cell*."""
    with contextlib.closing(Session(Limits(**limits), {}, [], "limits")) as made:
        made.run(0, cell)
        assert made.outputs[0] == [], made.outputs
        yield made


def run_test(made: Session, test: str) -> dict[str, Any]:
    """Run a *test* as the examiner does; returns its names.

    Raises:
        BaseException: whatever it raises, or what it was refused and went on without.
    """
    scope: dict[str, Any] = {"__name__": "exam"}
    with contextlib.redirect_stdout(io.StringIO()):
        scope |= made.names(_free_names(test))
        exec(compile(test, "<test>", "exec", dont_inherit=True), scope)
    if made.refused is not None:
        raise made.refused
    return scope


def _free_names(text: str) -> set[str]:
    top = symtable.symtable(text, "<test>", "exec")
    bound = {
        s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported() or s.is_namespace()
    }
    tables, used = [top], set()
    for table in tables:
        tables += table.get_children()
        used |= {
            s.get_name() for s in table.get_symbols() if s.is_referenced() and (s.is_global() or table is top)
        }
    return used - bound - set(dir(builtins))
