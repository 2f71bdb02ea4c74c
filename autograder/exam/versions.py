"""A notebook that was written with a newer Python than it is graded with: said where that may be why it fails."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from autograder.tutor.reason import Reason

__all__ = ["NEWER_BRINGS", "newer_python", "with_version"]

# The errors of what a newer version has and an older one has not: syntax, modules, names in modules.
NEWER_BRINGS = ("SyntaxError", "IndentationError", "ImportError", "ModuleNotFoundError", "AttributeError")


def newer_python(written: str, outputs: Mapping[int, Iterable[dict[str, Any]]]) -> str:
    """A sentence, if the version *written* of a notebook is newer than this one and a cell failed with an error that this explains; else nothing.

    Its output in *outputs*, by the cell's index, then says so too.
    """
    here = sys.version_info[:2]
    numbers = tuple(int(part) for part in written.split(".")[:2] if part.isdecimal())
    if len(numbers) < 2 or numbers <= here:
        return ""
    says = (
        f"this notebook was written with Python {numbers[0]}.{numbers[1]} and is graded with Python "
        f"{here[0]}.{here[1]}, which does not know everything of it"
    )
    failed = [
        shown
        for each in outputs.values()
        for shown in each
        if shown.get("output_type") == "error" and shown.get("ename") in NEWER_BRINGS
    ]
    for shown in failed:
        shown["evalue"] = f"{shown['evalue']} ({says})"
        shown["traceback"] = [*shown["traceback"], says[0].upper() + says[1:] + "."]
    return says if failed else ""


def with_version(reason: Reason, says: str) -> Reason:
    """The *reason* with the sentence that :func:`newer_python` made."""
    told = says[0].upper() + says[1:] + "."
    return replace(reason, says=" ".join(filter(None, [reason.says, told])))
