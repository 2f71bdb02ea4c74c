"""What it costs to ask a student's function from another process.

    python benchmarks/bench_examiner.py

Beside it, in the same run and in turns: the same question asked of a Jupyter kernel, the other way to keep a test out of the student's process.
The bar is printed with PASS or MISS; a miss makes the exit status 1.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from jupyter_client.manager import start_new_kernel

from autograder.bounds.limits import Limits
from autograder.candidate.start import start_candidate

BAR_MS = 0.3
ROUNDS = 9
CODE = """
import time


def ridge_point(peak_flops, bandwidth):
    return peak_flops / bandwidth


def step_bytes(model, batch, context, weight_bits, kv_bits):
    weights = model["params"] * weight_bits / 8
    return weights, 2 * model["layers"] * model["kv_heads"] * model["head_dim"] * context * batch * kv_bits / 8


def own_seconds(name, arguments, repeat):
    function = globals()[name]
    start = time.perf_counter()
    for _ in range(repeat):
        function(*arguments)
    return (time.perf_counter() - start) / repeat
"""
MODEL = {"params": 8.03e9, "layers": 32, "heads": 32, "kv_heads": 8, "head_dim": 128}
CALLS: dict[str, tuple[Any, ...]] = {
    "ridge_point": (989.4e12, 3.35e12),
    "step_bytes": (MODEL, 16, 2048, 4, 16),
}


def seconds_each(ask: Callable[[], object], repeat: int) -> float:
    """Wall-clock seconds of one call of *ask*."""
    start = time.perf_counter()
    for _ in range(repeat):
        ask()
    return (time.perf_counter() - start) / repeat


def main() -> int:
    """Measure, print, and say whether the bar was met."""
    candidate = start_candidate(Limits(total_seconds=600))
    manager, kernel = start_new_kernel(stderr=subprocess.DEVNULL)
    met = []
    try:
        candidate.run(CODE)
        kernel.execute(CODE, reply=True)
        for name, arguments in CALLS.items():
            question = f"{name}(*{arguments!r})"

            def ask_examiner(name: str = name, arguments: tuple[Any, ...] = arguments) -> object:
                return candidate.call(name, arguments, {}, 5)

            def ask_kernel(question: str = question) -> object:
                return kernel.execute_interactive(
                    question, user_expressions={"r": question}, output_hook=lambda m: None
                )

            ask_kernel()
            rounds = [
                (
                    seconds_each(ask_examiner, 500),
                    seconds_each(ask_kernel, 5),
                    candidate.call("own_seconds", (name, arguments, 1000), {}, 30)[1],
                )
                for _ in range(ROUNDS)
            ]
            examiner, jupyter, own = (statistics.median(column) for column in zip(*rounds, strict=True))
            beyond = (examiner - own) * 1e3
            met.append(beyond <= BAR_MS)
            print(
                f"{'PASS' if met[-1] else 'MISS'}  {name}: {beyond:.3f} ms a call beyond the function's own {own * 1e6:.2f} µs "
                f"(bar: at most {BAR_MS} ms); a Jupyter kernel takes {jupyter * 1e3:.1f} ms, {jupyter / examiner:.0f}x as long"
            )
    finally:
        candidate.close()
        kernel.stop_channels()
        manager.shutdown_kernel(now=True)
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
