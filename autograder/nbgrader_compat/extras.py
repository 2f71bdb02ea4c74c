"""What to type where something is missing that only some courses need."""

from __future__ import annotations

from importlib.metadata import packages_distributions

__all__ = ["install_command"]


def install_command(extra: str) -> str:
    """The command that adds *extra* to the distribution that this package came with: the engine alone, or the whole kit."""
    # From a folder that was never installed no name is known; the engine is what is missing something.
    name = packages_distributions().get("autograder", ["nbgrader-examiner"])[0]
    return f"pip install '{name}[{extra}]'"
