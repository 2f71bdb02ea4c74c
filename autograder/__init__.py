"""Grades the notebooks of any nbgrader course."""

from typing import Any


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext autograder``: from now on ``%check``, ``%hint`` and ``%progress`` tell how the notebook stands."""
    from autograder.magics.extension import Checks

    shell.register_magics(Checks(shell))
