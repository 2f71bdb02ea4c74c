"""What a notebook says in its set-up cell and, while it is unfinished, in place of a traceback."""

from __future__ import annotations

import sys
import traceback
from typing import Any

from mlsysim.preflight import problem

__all__ = ["missing_part", "say_what_is_missing"]


def say_what_is_missing() -> None:
    """In the notebook that calls this, an error that comes from a part that is not written yet is told in one sentence.

    The error stays an error: a test of that part fails as before. Outside a notebook nothing happens. What is wrong with the installation, such as a
    package that is older than the library needs, is printed, in one sentence.
    """
    shell: Any = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if hasattr(shell, "set_custom_exc"):
        if hasattr(shell, "kernel") and (sentence := problem()):
            print(sentence)
        shell.set_custom_exc((NotImplementedError, NameError), _tell)


def missing_part(error: BaseException) -> str | None:
    """A sentence about what is missing, if *error* says that something is not written yet; else None.

    >>> def ridge_point(peak_flops, bandwidth):
    ...     raise NotImplementedError()
    >>> try:
    ...     ridge_point(1, 2)
    ... except NotImplementedError as error:
    ...     print(missing_part(error))
    `ridge_point` is not written yet.
    """
    frames = [frame.f_code.co_name for frame, _ in traceback.walk_tb(error.__traceback__)]
    if not frames:
        return None
    inside = frames[-1]  # the code of a cell itself, and a comprehension in it, has a name in angle brackets
    if isinstance(error, NotImplementedError) and not error.args:
        return (
            "This cell is not written yet." if inside.startswith("<") else f"`{inside}` is not written yet."
        )
    if type(error) is NameError and error.name and inside.startswith("<"):
        where = "the cell that sets it is not written yet or has not been run, or the name is misspelt"
        return f"`{error.name}` is not there: {where}."
    return None


def _tell(
    shell: Any, kind: type[BaseException], error: Any, trace: Any, tb_offset: int | None = None
) -> None:
    sentence = missing_part(error)
    if sentence:
        error._render_traceback_ = lambda: [sentence]  # what IPython shows in place of a traceback
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
