"""What ``inspect`` and ``help`` say of a student's function, from what its process says of it."""

from __future__ import annotations

import inspect
import types
from typing import Any

from autograder.handles.functions import StudentFunction

__all__ = ["describe", "read_signature"]


def describe(function: StudentFunction, told: dict[str, Any]) -> StudentFunction:
    """Give a function the text and the signature that it has over there."""
    signature = read_signature(told)
    if signature is not None:
        parameters = signature.parameters.values()
        positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        keyword = {
            p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is not p.empty
        }
        notes = {p.name: p.annotation for p in parameters if p.annotation is not p.empty}
        if signature.return_annotation is not signature.empty:
            notes["return"] = signature.return_annotation
        function.__signature__ = signature
        function.__defaults__ = tuple(p.default for p in positional if p.default is not p.empty) or None
        function.__kwdefaults__ = keyword or None
        function.__annotations__ = notes
    function.__doc__ = told.get("doc")
    flags = told.get("flags")
    # No code object: what else one says would be of no code of the student's.
    function.__code__ = types.SimpleNamespace(co_flags=flags if type(flags) is int else 0)
    return function


def read_signature(told: dict[str, Any]) -> inspect.Signature | None:
    """The signature of a description, if it has one that makes sense."""
    try:
        parameters = [
            inspect.Parameter(
                name,
                tuple(inspect._ParameterKind)[kind],
                default=inspect.Parameter.empty if without else default,
                annotation=inspect.Parameter.empty if bare else annotation,
            )
            for name, kind, without, default, bare, annotation in told["parameters"]
        ]
        without, returns = told["returns"]
        return inspect.Signature(
            parameters, return_annotation=inspect.Signature.empty if without else returns
        )
    except (TypeError, ValueError, KeyError, IndexError):
        return None
