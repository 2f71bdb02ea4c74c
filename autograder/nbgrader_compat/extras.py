"""The distribution that this package came with: its version, and what to type where something is missing that only some courses need."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, packages_distributions, version

__all__ = ["install_command", "installed_version"]

ENGINE = "nbgrader-examiner"


def _distribution() -> str:
    # From a folder that was never installed no name is known; the engine is what is missing something.
    return packages_distributions().get("autograder", [ENGINE])[0]


def install_command(extra: str) -> str:
    """The command that adds *extra* to the distribution: the engine alone, or the whole kit."""
    return f"pip install '{_distribution()}[{extra}]'"


def installed_version() -> str:
    """The distribution and its version."""
    name = _distribution()
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return f"{name}, not installed"
