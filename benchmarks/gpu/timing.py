"""How long a call takes on a device: the median of several rounds, eager or as a CUDA graph."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

__all__ = ["MODES", "Seconds", "graphed", "time_of"]

MODES = ("eager", "CUDA graph")
ROUNDS, ROUND_S, MOST_CALLS, WARM_CALLS = 5, 0.15, 200, 3
Run = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Seconds:
    """Seconds of a call: the median of the rounds, the shortest and the longest."""

    median: float
    low: float
    high: float


def time_of(run: Run, device: Any, until: float = math.inf) -> Seconds:
    """Seconds of one call of *run*, in rounds of as many calls as take some tenths of a second.

    The rounds end when the clock, ``time.monotonic``, says *until*; there is always one.
    """
    calls_take = _on_gpu if device.type == "cuda" else _on_cpu
    once = calls_take(run, 1)
    if once < ROUND_S:  # the first call may choose kernels and allocate
        calls_take(run, WARM_CALLS)
        once = calls_take(run, 1)
    calls = min(max(math.ceil(ROUND_S / max(once, 1e-9)), 1), MOST_CALLS)
    rounds = [calls_take(run, calls) / calls]
    while len(rounds) < ROUNDS and time.monotonic() < until:
        rounds.append(calls_take(run, calls) / calls)
    return Seconds(statistics.median(rounds), min(rounds), max(rounds))


def graphed(run: Run) -> Run:
    """What replays *run* as a CUDA graph, which launches all of its kernels at once."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):  # a graph is captured from a stream on which everything has run before
        for _ in range(WARM_CALLS):
            run()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    replay: Run = graph.replay
    return replay


def _on_gpu(run: Run, calls: int) -> float:
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    start.record()
    for _ in range(calls):
        run()
    end.record()
    torch.cuda.synchronize()
    milliseconds: float = start.elapsed_time(end)
    return milliseconds / 1e3


def _on_cpu(run: Run, calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        run()
    return time.perf_counter() - start
