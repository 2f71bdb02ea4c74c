"""How well ``mlsysim.measure`` predicts the speed-up of INT4 weights, on this computer or in recordings of others.

    python benchmarks/bench_measure.py [RECORDING ...]

Without recordings it makes one, in under a minute. Each bar is printed with PASS or MISS; a miss makes the exit status 1.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mlsysim import measure  # noqa: E402

THRESHOLD = 1.5
ERROR, FACTOR, SECONDS = 0.25, 1.5, 60.0


def bar(met: bool, what: str) -> bool:
    """Print a bar, and return whether it was met."""
    print(f"{'PASS' if met else 'MISS'}  {what}")
    return met


def judge(recording: measure.Recording) -> list[bool]:
    """Print a recording beside its prediction, and return which bars it meets."""
    print(recording)
    for note in recording.notes:
        print(f"  {note}")
    print(f"{'batch':>7} {'INT8':>6} {'predicted':>10} {'INT4':>6} {'predicted':>10}")
    columns = [
        curve for bits in (8, 4) for curve in (recording.speedup(bits), recording.predicted_speedup(bits))
    ]
    for batch, *row in zip(recording.batches, *columns, strict=True):
        print(f"{batch:>7} {row[0]:>5.2f}x {row[1]:>9.2f}x {row[2]:>5.2f}x {row[3]:>9.2f}x")
    error = float(np.abs(columns[3] / columns[2] - 1).max())
    met = [bar(error <= ERROR, f"INT4 speed-up, largest error of a batch: {error:.0%} (bar: {ERROR:.0%})")]
    found, expected = (recording.crossover(4, THRESHOLD, predicted=predicted) for predicted in (False, True))
    if found and expected:
        off = max(found / expected, expected / found)
        text = f"measured at batch {found:.1f}, predicted at {expected:.1f}: a factor of {off:.2f} (bar: {FACTOR:g})"
        met.append(bar(off <= FACTOR, f"INT4 below {THRESHOLD:g}x: {text}"))
    else:
        text = f"measured {found or 'nowhere'}, predicted {expected or 'nowhere'}"
        met.append(bar(found == expected, f"INT4 below {THRESHOLD:g}x: {text}"))
    return met


def main() -> int:
    """Record or read, print, and say whether every bar was met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("recordings", nargs="*", type=Path, metavar="RECORDING")
    met = []
    if paths := parser.parse_args().recordings:
        for path in paths:
            met += judge(measure.load(path))
        return 0 if all(met) else 1
    begun = time.perf_counter()
    recording = measure.record()
    took = time.perf_counter() - begun
    met += judge(recording)
    met.append(bar(took < SECONDS, f"the whole lab: {took:.0f} s (bar: {SECONDS:.0f} s)"))
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
