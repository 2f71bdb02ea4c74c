"""Inputs on which the lesson's functions are compared, right and wrong ones, with a student's.

They are the same for everyone and for ever: drawn from a fixed seed for each function, and chosen so that every wrong
model of ``misconceptions.toml`` shows on several. Counts of tokens stay below a million, where one more is a visible change.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["probes"]

Row = tuple[Any, ...]
BITS = [
    (16, 8),
    (8, 16),
    (4, 5),
    (16, 4),
    (4, 16),
    (8, 2.5),
]  # of a weight and of a cached value, never the same


def draw_model(draw: random.Random) -> dict[str, float]:
    """Several query heads share a key/value head, and numbers of heads may be odd, so that no kind of head is twice the other or half of it."""
    kv_heads = draw.choice([2, 3, 5, 8])
    return {
        "params": draw.uniform(1e9, 8e10),
        "layers": draw.randint(12, 80),
        "heads": kv_heads * draw.choice([2, 3, 7]),
        "kv_heads": kv_heads,
        "head_dim": draw.choice([64, 128]),
    }


def draw_place(draw: random.Random, number: int) -> list[dict[str, float]]:
    """A device and a runtime; of every three devices one is so fast at reading that it waits for arithmetic."""
    device = {"peak_flops": draw.uniform(5e13, 2e15), "bandwidth": draw.uniform(3e11, 8e12)}
    if number % 3 == 2:
        device = {"peak_flops": draw.uniform(4e12, 2e13), "bandwidth": draw.uniform(3e12, 8e12)}
    runtime = {
        "bandwidth_efficiency": draw.uniform(0.5, 0.95),
        "compute_efficiency": draw.uniform(0.5, 0.95),
        "layer_overhead": draw.uniform(2e-6, 1e-4),
    }
    return [device, runtime]


def value_bits(draw: random.Random, lesson: Mapping[str, Any]) -> list[Row]:
    bits = [2, 3, 4, 5, 6, 7, 8, 8, 8, 8, 12, 16, 16, 32]
    return [(kv_bits, draw.choice([16, 32, 64, 128]), draw.choice([8, 16, 24, 32])) for kv_bits in bits]


def token_shapes(draw: random.Random, lesson: Mapping[str, Any]) -> list[Row]:
    bits = [2.5, 4, 4.5, 5, 8, 16]
    return [
        (draw.randint(2, 90), draw.randint(2, 40), draw.choice([64, 96, 128]), bits[i % 6]) for i in range(18)
    ]


def caches(draw: random.Random, lesson: Mapping[str, Any]) -> list[Row]:
    bits = [4, 5, 8, 16]
    return [(draw_model(draw), draw.randint(2, 400), draw.randint(16, 9000), bits[i % 4]) for i in range(16)]


def break_evens(draw: random.Random, lesson: Mapping[str, Any]) -> list[Row]:
    """Numbers of tokens that are exact, that are little more than a whole number, and that are almost the next."""
    rows = []
    for number in range(24):
        model, (weight_bits, bits) = draw_model(draw), BITS[number % 6]
        beyond = (0, draw.uniform(0.1, 0.4), draw.uniform(0.6, 0.9))[number % 3]
        if not beyond:
            weight_bits, bits = (8, 4) if number % 2 else (4, 8)
        token = lesson["cache_bytes"](model, 1, 1, bits)
        model["params"] = (draw.randint(40, 90_000) + beyond) * token * 8 / weight_bits
        rows.append((model, weight_bits, bits))
    return rows


def memories(
    draw: random.Random, lesson: Mapping[str, Any], tokens: int
) -> list[tuple[dict[str, float], float, Row]]:
    """Models, memories and bits: of every four memories one is filled to the last byte and one is too small."""
    rows = []
    for number in range(24):
        model, plan = draw_model(draw), BITS[number % 6]
        room = draw.randint(2, 60) + (0, draw.uniform(0.1, 0.4), draw.uniform(0.6, 0.9), 0.5)[number % 4]
        if number % 4 == 0:
            plan = (8, 4) if number % 8 else (4, 8)
        each = lesson["cache_bytes"](model, 1, tokens, plan[1])
        model["params"] = draw.randint(2, 40) * each * 8 / plan[0]
        weights = model["params"] * plan[0] / 8
        rows.append(
            (model, weights * draw.uniform(0.2, 0.8) if number % 4 == 3 else weights + room * each, plan)
        )
    return rows


def users(draw: random.Random, lesson: Mapping[str, Any]) -> list[Row]:
    rows = []
    for context in (512, 2048, 4096):
        rows += [(model, memory, context, *plan) for model, memory, plan in memories(draw, lesson, context)]
    return rows


def contexts(draw: random.Random, lesson: Mapping[str, Any]) -> list[Row]:
    return [
        (model, memory, draw.randint(2, 9), *plan) for model, memory, plan in memories(draw, lesson, 4096)
    ]


def steps(draw: random.Random, lesson: Mapping[str, Any]) -> list[Row]:
    """From one user to so many that the arithmetic is the limit, and to some whose attention takes seconds; in the last few even a small part of the arithmetic is."""
    sizes = [
        (1, 4096),
        (2, 512),
        (8, 2048),
        (40, 8192),
        (64, 128),
        (300, 64),
        (900, 32),
        (1500, 512),
        (100, 900_000),
    ]
    rows = []
    for number, (count, context) in enumerate(sizes * 5):
        model, place = draw_model(draw), draw_place(draw, number)
        if number >= 4 * len(sizes):
            place[0]["peak_flops"] /= 1000
        rows.append((model, *place, count, context, *BITS[number % 6]))
    return rows


def services(draw: random.Random, lesson: Mapping[str, Any]) -> list[Row]:
    """Some are ended by the memory, some by the limit, and some serve nobody; in the last half limits are 3 to 100 million times what one user waits."""
    rows = []
    for number in range(48):
        model, (device, runtime) = draw_model(draw), draw_place(draw, number)
        context, plan = draw.choice([512, 2048, 8192]), BITS[number % 6]
        each = lesson["cache_bytes"](model, 1, context, plan[1])
        model["params"] = draw.randint(2, 40) * each * 8 / plan[0]
        fit, fast = draw.randint(2, 30), draw.randint(2, 30)
        if number % 4 == 0:
            fit = 0
        elif number % 4 == 1:
            fast = 0
        device["memory"] = model["params"] * plan[0] / 8 + (fit + 0.5) * each
        steps = [lesson["itl"](model, device, runtime, count, context, *plan) for count in (fast, fast + 1)]
        limit = sum(steps) / 2 if fast else 0.3 * steps[1]
        if number >= 24:
            limit = 10 ** draw.uniform(0.5, 8) * lesson["itl"](model, device, runtime, 1, context, *plan)
        rows.append((model, device, runtime, context, limit, *plan))
    return rows


MAKERS: dict[str, Callable[[random.Random, Mapping[str, Any]], list[Row]]] = {
    "cache_bits": value_bits,
    "bytes_per_token": token_shapes,
    "cache_bytes": caches,
    "break_even_tokens": break_evens,
    "users_that_fit": users,
    "longest_context": contexts,
    "itl": steps,
    "throughput": steps,
    "served_users": services,
}


def probes(function: str, lesson: Mapping[str, Any]) -> list[Row]:
    """Arguments to call *function* with; none if it is not one that a notebook asks for.

    Args:
        lesson: the right functions, by name.
    """
    make = MAKERS.get(function)
    return make(random.Random(f"probes of {function}"), lesson) if make else []
