"""Inputs that the functions of the assignments are asked for, drawn over all that a notebook allows, its edges included.

They are independent of the hidden tests, which are judged with them.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["drawn_inputs"]

Row = tuple[Any, ...]
BARE = {"bandwidth_efficiency": 1.0, "compute_efficiency": 1.0, "layer_overhead": 0.0}


def spread(draw: random.Random, low: float, high: float) -> float:
    """A number of three digits, in every decade equally often."""
    return float(f"{low * (high / low) ** draw.random():.3g}")


def model(draw: random.Random) -> dict[str, Any]:
    kv_heads = draw.choice([1, 2, 4, 8, 32])
    return {
        "params": spread(draw, 1e8, 2e11),
        "layers": draw.randint(1, 100),
        "heads": kv_heads * draw.choice([1, 2, 4, 8]),
        "kv_heads": kv_heads,
        "head_dim": draw.choice([64, 80, 128, 256]),
    }


def place(draw: random.Random) -> tuple[dict[str, Any], dict[str, Any]]:
    """A device and a runtime, with a ridge from 3 to 3000 FLOP/byte."""
    bandwidth = spread(draw, 2e11, 1e13)
    device = {"peak_flops": bandwidth * spread(draw, 3, 3000), "bandwidth": bandwidth}
    if draw.random() < 0.2:
        return device, dict(BARE)
    runtime = {
        "bandwidth_efficiency": draw.choice([1.0, spread(draw, 0.3, 1)]),
        "compute_efficiency": draw.choice([1.0, spread(draw, 0.3, 1)]),
        "layer_overhead": draw.choice([0.0, spread(draw, 1e-6, 2e-4)]),
    }
    return device, runtime


def step(draw: random.Random) -> Row:
    device, runtime = place(draw)
    bits = draw.choice([2, 3, 4, 4.25, 8, 16]), draw.choice([2, 4, 8, 16])
    return model(draw), device, runtime, int(spread(draw, 1, 2000)), int(spread(draw, 1, 1e5)), *bits


def sizes(draw: random.Random) -> Row:
    return (
        model(draw),
        int(spread(draw, 1, 2000)),
        int(spread(draw, 1, 1e5)),
        draw.choice([2.5, 4, 8, 16]),
        draw.choice([4, 8, 16]),
    )


def crossing(draw: random.Random) -> Row:
    asked, device, runtime, _, context, *bits = step(draw)
    bits = draw.choice([bits, [4, 16], [4, 4]])
    threshold = spread(draw, 1, 4)
    if draw.random() < 0.2:  # ties that no order of operations misses
        bits = [4, 4] if draw.random() < 0.5 else [16, 16]
        device, runtime, threshold = {"peak_flops": 1e15, "bandwidth": 1e12}, dict(BARE), 16 / bits[0]
    return asked, device, runtime, context, threshold, draw.randint(1, 400), *bits


def option(draw: random.Random, name: str) -> dict[str, Any]:
    if draw.random() < 0.5:
        return {"name": name, "method": "quantization", "bits": draw.randint(2, 16), "sparsity": 0.0}
    return {"name": name, "method": "pruning", "bits": 16, "sparsity": draw.randint(0, 99) / 100}


def storage(draw: random.Random) -> Row:
    options = [option(draw, f"o{i}") for i in range(draw.randint(0, 5))]
    deltas = [-draw.randint(0, 500) / 1000 for _ in options]
    return spread(draw, 1e8, 1e12), options, deltas, draw.choice([32, 64, 128]), draw.choice([8, 16, 32])


def points(draw: random.Random) -> list[tuple[Any, Any]]:
    """Ties and twins are likely."""
    return [(draw.randint(1, 5), -draw.randint(0, 5) / 10) for _ in range(draw.randint(0, 8))]


def shared(draw: random.Random) -> tuple[dict[str, Any], float, int, Any, Any]:
    """A model, the memory of a device, a number of tokens, and bits; the memory may be full to the last byte, or too small."""
    asked = model(draw)
    many, bits = int(spread(draw, 1, 2e4)), draw.choice([2, 4, 8, 16])
    each = asked["layers"] * asked["kv_heads"] * asked["head_dim"] * many * bits // 4 + 1
    asked["params"] = spread(draw, 1, 1e3) * each
    weight_bits = draw.choice([4, 4.25, 8, 16])
    if draw.random() < 0.3:
        each -= 1
        asked["params"], weight_bits = draw.randint(1, 50) * each, 8
        return asked, asked["params"] + draw.randint(-1, 50) * each, many, 8, bits
    weights = asked["params"] * weight_bits / 8
    return (
        asked,
        weights * draw.random() if draw.random() < 0.2 else weights + draw.uniform(0, 300) * each,
        many,
        weight_bits,
        bits,
    )


def served(draw: random.Random) -> Row:
    asked, memory, context, weight_bits, kv_bits = shared(draw)
    if draw.random() < 0.2:  # times that are exact in binary
        asked = {"params": 256 * draw.randint(1, 8), "layers": 1, "heads": 8, "kv_heads": 1, "head_dim": 64}
        device = {
            "peak_flops": 131072.0,
            "bandwidth": 1024.0,
            "memory": asked["params"] + 256 * draw.randint(0, 12),
        }
        wait = asked["params"] / 1024 + draw.randint(0, 12) / 4
        return asked, device, dict(BARE), 1, wait, 8, 16
    device, runtime = place(draw)
    each = asked["layers"] * asked["kv_heads"] * asked["head_dim"] * context * kv_bits / 4
    bytes_read = asked["params"] * weight_bits / 8 + draw.uniform(0, 300) * each
    limit = (
        bytes_read / device["bandwidth"] * draw.choice([0.3, 1, 1, 3])
        + asked["layers"] * runtime["layer_overhead"]
    )
    return asked, {**device, "memory": memory}, runtime, context, limit, weight_bits, kv_bits


def even(draw: random.Random) -> Row:
    asked, bits = model(draw), draw.choice([2.5, 4, 5, 8, 16])
    if draw.random() < 0.3:
        asked["params"] = draw.randint(1, 9999) * asked["layers"] * asked["kv_heads"] * asked["head_dim"] * 4
        return asked, 8, 16
    return asked, draw.choice([4, 8, 16]), bits


def near_ridge(draw: random.Random) -> tuple[float, float]:
    ridge = draw.choice([2.0 ** draw.randint(-2, 9), spread(draw, 0.1, 1e3)])
    return ridge if draw.random() < 0.3 else ridge * spread(draw, 0.01, 100), ridge


def weights_of(draw: random.Random, fewest: int = 1) -> np.ndarray:
    """Weights of different magnitudes, of which none is halfway between two codes for want of a common factor; at times an outlier."""
    count = draw.randint(fewest, 16)
    weights = np.array([draw.choice([-1, 1]) * size / 64 for size in draw.sample(range(1, 997), count)])
    if draw.random() < 0.3:
        weights[draw.randrange(count)] *= 64
    return weights


def grouped(draw: random.Random) -> Row:
    weights, group_size = weights_of(draw), draw.randint(1, 20)
    if draw.random() < 0.2:
        weights[:group_size] = 0
    return weights, draw.randint(2, 8), group_size


def restored(draw: random.Random) -> Row:
    codes, group_size = [draw.randint(-127, 127) for _ in range(draw.randint(1, 16))], draw.randint(1, 20)
    scales = [draw.randint(0, 999) / 64 for _ in range(-(-len(codes) // group_size))]
    return np.array(codes), np.array(scales), group_size


def codes_of(draw: random.Random) -> list[int]:
    return [draw.randint(-8, 7) for _ in range(draw.randint(0, 17))]


def packed(draw: random.Random) -> Row:
    """Bytes, and as many codes as they hold, or one less: the last four bits are then 0."""
    codes = codes_of(draw)
    pairs = zip(codes[::2], [*codes[1::2], 0], strict=False)
    return [low % 16 + 16 * (high % 16) for low, high in pairs], len(codes)


def product(draw: random.Random) -> Row:
    rates = spread(draw, 5e9, 5e11), draw.choice([0.0, spread(draw, 1e-12, 2e-10)]), spread(draw, 5e10, 5e12)
    stored = draw.choice([2.5, 4.5, 5, 9, 16, 32])
    return draw.randint(1, 500) * 10**6, stored, *rates, draw.randint(1, 16), int(spread(draw, 1, 1000))


def curve(draw: random.Random) -> Row:
    batches = sorted(draw.sample(range(1, 300), draw.randint(0, 9)))
    return batches, [draw.randint(4, 40) / 8 for _ in batches], draw.randint(4, 40) / 8


DRAWS: dict[str, Callable[[random.Random], Row]] = {
    "ridge_point": lambda d: (spread(d, 1e12, 1e16), spread(d, 1e10, 1e13)),
    "attainable": lambda d: (spread(d, 1e-2, 1e5), spread(d, 1e12, 1e16), spread(d, 1e10, 1e13)),
    "regime": near_ridge,
    "speedup_limit": lambda d: (*near_ridge(d), d.choice([1, 2, 4, spread(d, 1, 16)])),
    "step_bytes": sizes,
    "step_flops": lambda d: sizes(d)[:3],
    "itl": step,
    "speedup": step,
    "speedup_at": step,
    "throughput": step,
    "crossover_batch": crossing,
    "compression_table": storage,
    "pareto_front": lambda d: (points(d),),
    "best_under": lambda d: (points(d), d.randint(0, 6) / 10),
    "cache_bits": lambda d: (d.randint(1, 17), d.choice([16, 32, 64, 128]), d.choice([8, 16, 24, 32])),
    "bytes_per_token": lambda d: (
        d.randint(1, 90),
        d.randint(1, 64),
        d.choice([64, 96, 128]),
        d.choice([2.5, 4, 8, 16]),
    ),
    "cache_bytes": lambda d: (*sizes(d)[:3], d.choice([2.5, 4, 5, 8, 16])),
    "break_even_tokens": even,
    "users_that_fit": shared,
    "longest_context": shared,
    "served_users": served,
    "quantize": grouped,
    "matmul_seconds": product,
    "first_below": curve,
    "dequantize": restored,
    "error_bound": grouped,
    "pack": lambda d: (codes_of(d),),
    "unpack": packed,
    "prune": lambda d: (weights_of(d), d.choice([0.0, 0.25, 0.5, 0.75, 0.9])),
}


def drawn_inputs(function: str, count: int) -> list[Row]:
    """Arguments to call *function* with, the same each time."""
    draw = random.Random(f"inputs of {function}")
    return [DRAWS[function](draw) for _ in range(count)]
