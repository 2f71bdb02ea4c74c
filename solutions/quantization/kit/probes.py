"""Inputs on which the lesson's functions are compared, right and wrong ones, with a student's.

They are the same for everyone and for ever: drawn once from a fixed seed, and chosen so that every wrong model of the bank shows on several.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

__all__ = ["probes"]

Model = dict[str, float]
BARE = {"bandwidth_efficiency": 1.0, "compute_efficiency": 1.0, "layer_overhead": 0.0}
# Several heads share a cache, so that the two kinds of head tell apart.
LLAMA = {"params": 8e9, "layers": 32, "heads": 32, "kv_heads": 8, "head_dim": 128}
BIG = {"peak_flops": 1e15, "bandwidth": 4e12}


def _model(draw: random.Random) -> Model:
    """Numbers of heads may be odd, so that half of one kind is not taken for keys without values."""
    kv_heads = draw.choice([2, 3, 5, 8])
    return {
        "params": draw.uniform(1e9, 8e10),
        "layers": draw.randint(12, 80),
        "heads": kv_heads * draw.choice([2, 3, 7]),
        "kv_heads": kv_heads,
        "head_dim": draw.choice([64, 128]),
    }


def _place(draw: random.Random) -> tuple[Model, Model, Model]:
    device = {"peak_flops": draw.uniform(5e13, 2e15), "bandwidth": draw.uniform(3e11, 8e12)}
    runtime = {
        "bandwidth_efficiency": draw.uniform(0.5, 0.95),
        "compute_efficiency": draw.uniform(0.5, 0.95),
        "layer_overhead": draw.uniform(2e-6, 1e-4),
    }
    return _model(draw), device, runtime


def _steps(draw: random.Random) -> list[tuple[Any, ...]]:
    """Arguments of a latency or a speed-up, from small batches to some that hit the compute ceiling, and some whose attention takes seconds."""
    bits = [(4, 16), (8, 4), (4, 8), (3, 16), (16, 4), (8, 16)]
    sizes = [
        (1, 512),
        (2, 4096),
        (8, 2048),
        (64, 128),
        (300, 64),
        (900, 32),
        (1500, 512),
        (40, 8192),
        (100, 900_000),
    ]
    made = []
    for i, (batch, context) in enumerate(sizes * 5):
        model, device, runtime = _place(draw)
        if i >= 2 * len(sizes):  # a ridge so low that attention, and a batch of one, are compute-bound
            device = {"peak_flops": draw.uniform(4e12, 2e13), "bandwidth": draw.uniform(3e12, 8e12)}
        if i >= 4 * len(sizes):  # so low that even a small part of attention's FLOPs shows
            device["peak_flops"] /= 1000
        made.append((model, device, runtime, batch, context, *bits[i % len(bits)]))
    return made


def _crossovers(draw: random.Random, crossover_batch: Callable[..., int | None]) -> list[tuple[Any, ...]]:
    """Some that are crossed, some that never are, ties that are exact in floating point, and curves that rise first."""
    eager = BARE | {"layer_overhead": 1e-4}
    exact = [
        # Everything at a quarter of the bits and no overhead: exactly 4 until the compute ceiling.
        (LLAMA, BIG, BARE, 256, 4.0, 96, 4, 4),
        (LLAMA, BIG, BARE, 512, 4.0, 64, 4, 4),
        (LLAMA, BIG, BARE, 256, 2.0, 96, 8, 8),
        # Compute-bound with a 16-bit cache: exactly 1 and never below.
        (LLAMA, {"peak_flops": 4e12, "bandwidth": 4e12}, BARE, 64, 1.0, 48, 4, 16),
        (LLAMA, {"peak_flops": 1e13, "bandwidth": 4e12}, BARE, 64, 1.0, 48, 4, 16),
    ]
    rising = [
        (LLAMA, BIG, eager, 8192, threshold, last, 4, 4)
        for threshold, last in ((1.8, 64), (2.0, 64), (2.2, 48), (2.5, 64))
    ]
    # A curve that is below, rises above, and falls below again at the compute ceiling.
    rising += [
        (LLAMA, {"peak_flops": 2e14, "bandwidth": 4e12}, eager, 1024, 1.7, last, 4, 4) for last in (200, 150)
    ]
    crossed = [
        (LLAMA, BIG, BARE, context, threshold, last, 4, 16)
        for context, threshold, last in ((2048, 2.0, 64), (4096, 1.5, 64), (8192, 2.5, 32), (1024, 3.0, 64))
    ]
    crossed += [(LLAMA, BIG, BARE, 2048, 2.0, last, 4, 16) for last in (20, 12, 5)]
    # Four bits are also the ratio of 16 and 4; other bits tell the two apart.
    crossed += [(LLAMA, BIG, BARE, 2048, threshold, 48, bits, 16) for bits, threshold in ((8, 2.5), (2, 3.0))]
    for _ in range(6):
        model, device, runtime = _place(draw)
        crossed.append((model, device, runtime, draw.choice([512, 2048]), draw.uniform(1.2, 2.5), 64, 4, 16))
    at_the_end = [
        (*row[:5], found, *row[6:])
        for row in crossed
        if (found := crossover_batch(*row)) is not None and found > 1
    ]
    return exact + rising + crossed + at_the_end


def _tables(draw: random.Random) -> list[tuple[Any, ...]]:
    made = []
    for i in range(12):
        options = [
            {"name": f"q{bits}", "method": "quantization", "bits": bits, "sparsity": 0.0}
            for bits in draw.sample([2, 3, 4, 5, 6, 8, 16], 4)
        ]
        options += [
            {"name": f"p{n}", "method": "pruning", "bits": 16, "sparsity": draw.uniform(0.1, 0.95)}
            for n in range(2)
        ]
        deltas = [-draw.uniform(0.01, 0.5) for _ in options]
        made.append((draw.uniform(1e8, 1e11), options, deltas, (32, 64, 128)[i % 3], (8, 16, 32)[i // 3 % 3]))
    return made


def _points(draw: random.Random, count: int) -> list[list[tuple[Any, Any]]]:
    """A coarse grid makes ties and twins."""
    made = []
    for i in range(count):
        points = [(draw.randint(1, 5), -draw.randint(0, 4) / 8) for _ in range(draw.randint(2, 9))]
        made.append(points + points[: i % 3])
    return made


def _weights(draw: random.Random, count: int) -> list[float]:
    """Different magnitudes, most of them negative, and none that lies halfway between two codes."""
    magnitudes = draw.sample(range(1, 997), count)
    return [(1 if draw.random() < 0.4 else -1) * size / 64 for size in magnitudes]


def _rows(draw: random.Random) -> list[tuple[Any, ...]]:
    """Several groups, of which the last is shorter or all are one; a large weight in the first group, the last, or none; zeros."""
    made: list[tuple[Any, ...]] = []
    for i in range(24):
        weights, group_size = _weights(draw, draw.randint(5, 12)), (2, 3, 4, 16)[i % 4]
        if i % 3 == 0:
            weights[(0, -1)[i % 2]] *= 16
        if i % 5 == 4:
            weights[:group_size] = [0.0] * len(weights[:group_size])
        made.append((np.array(weights), (2, 3, 4, 8)[i // 4 % 4], group_size))
    return made


def _codes(draw: random.Random) -> list[list[int]]:
    """Even and odd numbers of codes, in which each sign and the end of the range appear."""
    return [[draw.choice([-8, draw.randint(-7, 7)]) for _ in range(i % 12 + 1)] for i in range(36)]


def _products(draw: random.Random) -> list[tuple[Any, ...]]:
    """Each of the three times is the longest in some, for fewer rows than are taken at once and for more."""
    made: list[tuple[Any, ...]] = []
    for i in range(40):
        slow = (1, 40, 1)[i % 3], (1, 1, 40)[i % 3]
        made.append(
            (
                draw.randint(1, 90) * 10**6,
                draw.choice([4.25, 4.5, 5, 8.5, 9]),
                draw.uniform(1e10, 5e10) * slow[0],
                draw.uniform(2e-11, 9e-11) / slow[0] * slow[1],
                draw.uniform(1e12, 3e12) / (1, 40, 1)[i % 3],
                draw.choice([2, 4, 6, 8]),
                (1, 3, 5, 7, 20, 90, 250)[i % 7],
            )
        )
    return made


def _curves(draw: random.Random) -> list[tuple[Any, ...]]:
    """Curves that fall, rise and fall, and stay above; gains that equal the threshold."""
    made: list[tuple[Any, ...]] = []
    for i in range(40):
        batches = [3 * 2**n for n in range(3 + i % 5)]
        gains = sorted((draw.randint(4, 40) / 8 for _ in batches), reverse=i % 2 == 0)
        if i % 4 == 1:
            draw.shuffle(gains)
        threshold = draw.choice(gains) if i % 3 == 0 else draw.randint(3, 36) / 8
        made.append((batches, gains, threshold))
    return made


def probes(function: str, lesson: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Arguments to call *function* with; none if it is not one of the lesson's. *lesson* has the right functions."""
    draw = random.Random(f"probes of {function}")
    if function in ("step_bytes", "step_flops"):
        bits = [(4, 16), (8, 4), (3, 8), (16, 4)]
        rows = [(_model(draw), draw.randint(2, 500), draw.randint(16, 8192)) for _ in range(16)]
        return [(*row, *bits[i % 4]) if function == "step_bytes" else row for i, row in enumerate(rows)]
    if function in ("itl", "speedup", "speedup_at"):
        return _steps(draw)
    if function == "crossover_batch":
        return _crossovers(draw, lesson["crossover_batch"])
    if function == "compression_table":
        return _tables(draw)
    if function == "pareto_front":
        return [(points,) for points in _points(draw, 24)]
    if function == "best_under":
        rows = [(points, draw.randint(0, 4) / 8) for points in _points(draw, 40)]
        # Losses so small that fractions and percents tell apart.
        small = [[(ratio, delta / 100) for ratio, delta in points] for points in _points(draw, 80)]
        return rows + [(points, draw.randint(0, 4) / 8) for points in small]
    if function == "ridge_point":
        return [(draw.uniform(1e13, 5e15), draw.uniform(1e11, 9e12)) for _ in range(12)]
    if function == "attainable":
        return [
            (ai, draw.uniform(1e13, 5e15), draw.uniform(1e11, 9e12))
            for ai in (0.5, 2, 7, 30, 90, 3000, 9000, 20000, 5e4, 8e4)
        ]
    if function == "regime":
        apart = [(draw.uniform(1, 100), draw.uniform(150, 400)) for _ in range(6)]
        return apart + [(b, a) for a, b in apart] + [(x, x) for x in (3.0, 64.0, 150.0, 400.0)]
    if function == "speedup_limit":
        # Before the ridge, across it, and beyond it.
        return [(ai, draw.uniform(90, 110), k) for ai in (1, 8, 40, 60, 150, 900) for k in (2, 3, 5)]
    if function in ("quantize", "error_bound"):
        return _rows(draw)
    if function == "dequantize":
        restored = [(*lesson["quantize"](*row), row[2]) for row in _rows(draw)]
        return [(np.array(codes), np.array(scales).round(3), size) for codes, scales, size in restored]
    if function == "matmul_seconds":
        return _products(draw)
    if function == "first_below":
        return _curves(draw)
    if function == "pack":
        return [(codes,) for codes in _codes(draw)]
    if function == "unpack":
        return [(lesson["pack"](codes), len(codes)) for codes in _codes(draw)]
    if function == "prune":
        shares = (0.25, 0.5, 0.75, 0.9)
        return [(np.array(_weights(draw, 5 + i % 8)), shares[i % 4]) for i in range(24)]
    return []
