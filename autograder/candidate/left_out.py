"""What somebody who works on a notebook asks the grader with, in it, does nothing while the notebook is graded."""

from __future__ import annotations

import functools
from typing import Any

__all__ = ["CHECKS", "leave_out_checks"]

EXTENSION, CHECKS = "autograder", ("check", "hint", "progress")


def leave_out_checks(shell: Any) -> None:
    """In the IPython *shell*, ``%load_ext autograder``, ``%check`` and the like do nothing."""
    ways = {way: shell.find_line_magic(way) for way in ("load_ext", "reload_ext")}

    def other_extensions(way: str, name: str) -> Any:
        return None if name.strip() == EXTENSION else ways[way](name)

    for way in ways:
        shell.register_magic_function(functools.partial(other_extensions, way), "line", way)
    for name in CHECKS:
        shell.register_magic_function(_nothing, "line", name)


def _nothing(line: str) -> None:
    """A check that is not made."""
