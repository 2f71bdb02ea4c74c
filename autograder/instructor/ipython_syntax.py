"""IPython's syntax in an instructor's cell, as Python: magics that only change what is shown are left out, those that time or collect are taken off, and files are written."""

from __future__ import annotations

import ast
import re
from typing import Any

from autograder.candidate.left_out import CHECKS
from autograder.instructor.writefile import WRITEFILE, expanded, write_file

__all__ = ["NotInExamError", "Shell", "python_of"]

# They change what is shown or how fast, and no value.
SILENT = frozenset(
    (
        *("autocall", "automagic", "autoreload", "autosave", "colors", "config", "doctest_mode", "load_ext"),
        *("matplotlib", "pdb", "pdef", "pdoc", "pfile", "pinfo", "pinfo2", "pprint", "precision", "psource"),
        *("reload_ext", "unload_ext", "who", "whos", "xmode"),
        *CHECKS,
    )
)
TIMERS = frozenset(("time", "timeit", "prun"))
OPTION = re.compile(r"\s*(?:-[nrpls]\s*\d+|-[tcqovr]+|--no-raise-error)(?=\s|$)")
FILLED_IN = re.compile(r"[{$]")  # the line of a magic that holds the values of names


class NotInExamError(AttributeError):
    """A cell uses something of IPython's that the examiner does not offer; the message names it."""


def python_of(text: str) -> tuple[ast.Module, bool]:
    """The tree of a cell, and whether it is the tree of *text* as it stands.

    Raises:
        SyntaxError: it is neither Python nor IPython's.
    """
    try:
        tree, plain = ast.parse(text), True
    except SyntaxError:
        from IPython.core.inputtransformer2 import TransformerManager

        transformed: str = TransformerManager().transform_cell(text)  # type: ignore[no-untyped-call]
        tree, plain = ast.parse(transformed), False
    inline = _Inline()
    tree = ast.fix_missing_locations(inline.visit(tree))
    return tree, plain and not inline.changed


class _Inline(ast.NodeTransformer):
    """Puts the code that a magic times or collects in the place of the magic."""

    changed = False

    def visit_Expr(self, node: ast.Expr) -> Any:
        match node.value:
            case ast.Call(
                func=ast.Attribute(
                    value=ast.Call(func=ast.Name(id="get_ipython")),
                    attr="run_line_magic" | "run_cell_magic" as kind,
                ),
                args=[ast.Constant(value=str(name)), ast.Constant(value=str(line)), *rest],
            ):
                found = self._inlined(kind, name, line, rest)
            case _:
                found = None
        if found is None:
            return node
        self.changed = True
        return found or [ast.Pass()]

    def _inlined(self, kind: str, name: str, line: str, rest: list[ast.expr]) -> list[ast.stmt] | None:
        if kind == "run_line_magic":
            if name in TIMERS:
                return self._statements(_without_options(line))
            return [] if name in SILENT else None
        body = rest[0].value if rest and isinstance(rest[0], ast.Constant) else ""
        if name in TIMERS and isinstance(body, str):
            return [*self._statements(_without_options(line)), *self._statements(body)]
        if name == "capture" and isinstance(body, str):
            words = [word for word in line.split() if not word.startswith("-")]
            inside = self._statements(body)
            return [_collecting(words[0], inside)] if words and inside else inside
        if name in WRITEFILE and isinstance(body, str) and not FILLED_IN.search(line):
            return [_writing(line, body)]
        return None

    def _statements(self, text: str) -> list[ast.stmt]:
        return python_of(text)[0].body


def _without_options(line: str) -> str:
    while found := OPTION.match(line):
        line = line[found.end() :]
    return line.strip()


def _collecting(name: str, body: list[ast.stmt]) -> ast.stmt:
    maker = "__import__('IPython.utils.capture', fromlist=['capture_output']).capture_output()"
    frame = ast.parse(f"with {maker} as {name}: pass").body[0]
    assert isinstance(frame, ast.With)
    frame.body = body
    return frame


def _writing(line: str, text: str) -> ast.stmt:
    writer = f"__import__({write_file.__module__!r}, fromlist=['write_file']).write_file"
    return ast.parse(f"{writer}({line!r}, {text!r})").body[0]


class Shell:
    """What ``get_ipython()`` gives in an instructor's cell: magics that change no value do nothing, and whatever else is asked of it is an error."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.user_ns = names

    def run_line_magic(self, name: str, line: str, *_: Any) -> Any:
        """``%name line``"""
        if name in TIMERS:
            exec(_without_options(line), self.user_ns)
        elif name not in SILENT:
            raise NotInExamError(f"%{name} is not run while a notebook is graded")

    def run_cell_magic(self, name: str, line: str, cell: str) -> Any:
        """``%%name line`` and its cell"""
        if name in WRITEFILE:
            write_file(expanded(line, self.user_ns), cell)
            return
        if name not in TIMERS:
            raise NotInExamError(f"%%{name} is not run while a notebook is graded")
        exec(cell, self.user_ns)

    def magic(self, line: str) -> Any:
        """``%line``, as it was written long ago"""
        name, _, rest = line.partition(" ")
        return self.run_line_magic(name, rest)

    def system(self, command: str) -> Any:
        """``!command``"""
        raise NotInExamError(f"the shell command {command!r} is not run while a notebook is graded")

    getoutput = system

    def __getattr__(self, name: str) -> Any:
        raise NotInExamError(f"get_ipython().{name} is not there while a notebook is graded")
