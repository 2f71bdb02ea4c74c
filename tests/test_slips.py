"""Single slips in students' own words are named by what they give, and never by another name."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.assignments import ASSIGNMENTS
from tests.models import diagnosis, holding, tutor_of

BAR = 0.8  # of the slips that are named
# In these, one line is put in where it is marked: a slip is a line more, or another value for a name.
SHAPES = {
    "itl": """
def itl(model, device, runtime, SIZE, context, weight_bits, kv_bits):
    L, D, heads, groups = (model[key] for key in ("layers", "head_dim", "heads", "kv_heads"))
    C = runtime["compute_efficiency"] * device["peak_flops"]
    M = runtime["bandwidth_efficiency"] * device["bandwidth"]
    fs = [(SIZE + SIZE) * model["params"], 4 * SIZE * context * L * heads * D]
    bs = [model["params"] / 8 * weight_bits, SIZE * context * L * groups * D / 4 * kv_bits]
    rest, scale, longer, total = L * runtime["layer_overhead"], 1, max, lambda parts: sum(parts)
    SLIP
    return scale * (total([longer(f / C, b / M) for f, b in zip(fs, bs)]) + rest)
""",
    "compression_table": """
def compression_table(params, options, deltas, group_size, scale_bits):
    made = []
    for o, delta in zip(options, deltas):
        few, kept, mask, unit, full, eight = o["bits"] < 8, 1 - o["sparsity"], 1, 10**9, 16, 8
        scale, group = scale_bits, group_size
        SLIP
        bits = 16 * kept + mask if o["method"] == "pruning" else o["bits"] + few * scale / group
        size = {"size_gb": params / eight * bits / unit, "ratio": full / bits}
        made.append({"name": o["name"], "bits_per_weight": bits, "accuracy_delta": delta, **size})
    return made
""",
}


@dataclass(frozen=True)
class Slip:
    assignment: str
    notebook: str
    function: str
    name: str
    code: str
    means: frozenset[str]

    @property
    def called(self) -> set[str]:
        """What the message for it calls it."""
        scope = holding(self.assignment, self.notebook, {})
        exec(self.code, scope)
        found = diagnosis(self.assignment, scope, self.notebook).of_function(self.function)
        assert not found.right, f"{self} is no slip: it gives what is right"
        return {one.name for match in found.matches for one in match}


def shaped(function: str, size: str, slip: str) -> str:
    return SHAPES[function].replace("SIZE", size).replace("SLIP", slip)


@functools.cache
def slips() -> list[Slip]:
    table: dict[str, Any] = tomllib.loads((Path(__file__).parent / "slips.toml").read_text("utf-8"))

    def every() -> Iterator[Slip]:
        for assignment, notebooks in table.items():
            for notebook, functions in notebooks.items():
                for function, rows in functions.items():
                    for name, row in rows.items():
                        size = "users" if assignment == "kv_cache" else "batch"
                        code = row.get("code") or shaped(function, size, row["change"])
                        yield Slip(assignment, notebook, function, name, code, frozenset(row["is"]))

    return list(every())


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_single_slips_are_named_and_none_wrongly(assignment, capsys):
    found = [(slip, slip.called) for slip in slips() if slip.assignment == assignment]
    wrongly = [(slip, called) for slip, called in found if called - slip.means]
    unnamed = [slip for slip, called in found if slip.means and not called]
    with_name = sum(bool(slip.means) for slip, _ in found)
    named = 1 - len(unnamed) / with_name
    with capsys.disabled():
        print(f"\n{assignment}: {with_name} slips, {named:.0%} named, {len(wrongly)} named wrongly")
    assert not wrongly, [(slip.function, slip.name, called) for slip, called in wrongly]
    assert named >= BAR, [(slip.function, slip.name) for slip in unnamed]


def test_what_a_slip_may_be_called_is_in_the_bank():
    for slip in slips():
        assert slip.means <= tutor_of(slip.assignment).bank.keys(), slip


@pytest.mark.parametrize("function", SHAPES)
def test_the_shape_that_slips_are_put_in_is_right(function):
    assignment, notebook = ("quantization", {"itl": "1_predict"}.get(function, "3_frontier"))
    scope = holding(assignment, notebook, {})
    exec(shaped(function, "batch", "pass"), scope)
    assert diagnosis(assignment, scope, notebook).of_function(function).right
