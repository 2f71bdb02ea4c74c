"""Reads the inputs that a message tells back into arguments, in the words of each assignment's kit; and runs a notebook's tests to get messages."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Callable, Iterator
from typing import Any

from autograder.exam.hypothesis_compat import fixed_draws
from autograder.exam.messages import Call, describe_failure
from autograder.instructor.statements import FILENAME
from autograder.notebook.cells import is_test
from autograder.tutor.explain import until_wrong
from autograder.tutor.reason import Reason
from tests.assignments import functions_of, kit_of, sources
from tests.models import tutor_of

__all__ = ["CUT", "arguments_in", "failures"]

CUT = "…"
POWERS = {"P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "m": -3, "µ": -6, "n": -9, "": 0}
UNIT = r"(FLOP/byte|FLOP/s|FLOP|B/s|B|s)"
NUMBER = r"(-?[\d.]+(?:e-?\d+)?|inf|nan)"
VALUE = rf"{NUMBER}(?: ([PTGMkmµn]?){UNIT})?"
WORDS = {
    "quantization": {
        "model": r"a model of (?P<params>\S+) parameters, (?P<layers>\S+) layers?, (?P<heads>\S+) heads?(?: \((?P<kv_heads>\S+) KV\))? of (?P<head_dim>\S+)",
        "device": rf"(?P<peak_flops>{NUMBER} [PTGMk]?FLOP/s) and (?P<bandwidth>{NUMBER} [PTGMk]?B/s)",
        "runtime": r"(?:efficiencies (?P<compute_efficiency>\S+) \(compute\) and (?P<bandwidth_efficiency>\S+) \(bandwidth\), )?(?:(?P<layer_overhead>.+) per layer|no overhead)",
    },
    "kv_cache": {
        "model": r"a model of (?P<params>\S+) parameters, (?P<layers>\S+) layers, (?P<heads>\S+) query heads and (?P<kv_heads>\S+) KV heads of (?P<head_dim>\S+)",
        "device": rf"(?P<peak_flops>{NUMBER} [PTGMk]?FLOP/s), (?P<bandwidth>{NUMBER} [PTGMk]?B/s)(?:, (?P<memory>{NUMBER} [PTGMk]?B))?",
        "runtime": r"(?:(?P<compute_efficiency>\S+) of compute, (?P<bandwidth_efficiency>\S+) of bandwidth, )?(?P<layer_overhead>.+) per layer",
    },
}
MISSING = {"compute_efficiency": 1.0, "bandwidth_efficiency": 1.0, "layer_overhead": 0.0}


def number_in(text: str) -> Any:
    """The number that *text* writes, with its unit's prefix."""
    found = re.fullmatch(VALUE, text.strip())
    assert found, text
    digits, prefix, _ = found.groups()
    if not prefix:
        return float(digits) if "." in digits or "e" in digits or digits in ("inf", "nan") else int(digits)
    mantissa, _, power = digits.partition("e")
    return float(f"{mantissa}e{int(power or 0) + POWERS[prefix]}")


def _value_in(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return number_in(text)


def _words_in(assignment: str, text: str) -> tuple[str, Any]:
    if text == "no options":
        return "options", []
    if text.startswith("options "):
        return "options", [_option(part) for part in text.removeprefix("options ").split(", ")]
    for name, pattern in WORDS[assignment].items():
        if found := re.fullmatch(pattern, text):
            parts = {key: number_in(value) for key, value in found.groupdict().items() if value is not None}
            if name == "model":
                parts.setdefault("kv_heads", parts["heads"])
            return name, ({**MISSING, **parts} if name == "runtime" else parts)
    raise AssertionError(f"not in words that are known: {text}")


def _option(text: str) -> dict[str, Any]:
    number = number_in(text.removeprefix("pruning ").removesuffix(" bits"))
    if text.startswith("pruning "):
        return {"name": "", "method": "pruning", "bits": 16, "sparsity": number}
    return {"name": "", "method": "quantization", "bits": number, "sparsity": 0.0}


def arguments_in(assignment: str, inputs: str) -> dict[str, Any]:
    """By the names of the parameters, what a message says that a function was given."""
    found: dict[str, Any] = {}
    for part in inputs.split("; "):
        if not re.match(r"\w+=", part):
            name, value = _words_in(assignment, part)
            found[name] = value
            continue
        for one in re.split(r", (?=\w+=)", part):
            name, _, text = one.partition("=")
            found[name] = _value_in(text)
    return found


def failures(assignment: str, notebook: str, scope: dict[str, Any]) -> Iterator[Reason]:
    """What the test cells about functions say that fail with the functions in *scope*."""
    asked = functions_of(assignment, notebook)
    called: list[Call] = []
    watched = {**scope, **{name: _watched(name, scope[name], called) for name in asked}}
    for cell in filter(is_test, sources(assignment, notebook).cells):
        if "student_id" in cell["source"] or not any(re.search(rf"\b{f}\(", cell["source"]) for f in asked):
            continue
        called.clear()
        try:
            with fixed_draws():
                exec(compile(cell["source"], FILENAME, "exec"), copy.copy(watched))
        except Exception as error:
            if called:
                yield describe_failure(
                    kit_of(assignment).wording, error, until_wrong(tutor_of(assignment), called)
                )


def _watched(name: str, function: Callable[..., Any], called: list[Call]) -> Callable[..., Any]:
    def call(*arguments: Any, **keywords: Any) -> Any:
        given = copy.deepcopy((arguments, keywords))
        value = function(*arguments, **keywords)
        called.append((name, *given, value))
        return value

    return call
