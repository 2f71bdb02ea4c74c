"""Speed of ``mlsysim`` against the published package of the same name, side by side in one run.

    python benchmarks/bench_mlsysim.py

The peer, mlsysim 0.3.0, is installed once by pip into ``.benchmark-peer/``, an environment of its own. Both packages
answer the same calls in a process of their own, in turns, so that a busy machine slows both. Each bar is printed with
PASS or MISS; a miss makes the exit status 1.
"""

from __future__ import annotations

import csv
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.progress import track

ROOT = Path(__file__).resolve().parent.parent
PEER_HOME = ROOT / ".benchmark-peer"
PEER = "mlsysim==0.3.0"
MEASURED = ROOT / "benchmarks" / "data" / "int4_speedup_measured.csv"
ROUNDS = 7
POINTS = 1_000_000
# Ours loads registry and Pint when they are first used; the peer has them after its import.
FIRST_USE = "import mlsysim; mlsysim.ServingModel().solve('Llama3_8B', 'H100').itl"
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256)

# One line of JSON in, one out, in either package: the calls are the published tutorial's, which both answer.
# Ours is lazy, the peer computes all when it solves: "all" reads from ours what the peer's solve has computed.
WORKER = """
import json, sys, time
from mlsysim import Hardware, Models
from mlsysim.solvers import ServingModel

READ = {
    "nothing": lambda r: r,
    "all": lambda r: (r.itl_s, r.ttft_s, r.weights_bytes, r.kv_bytes, r.memory_needed_bytes, r.memory_utilization,
                      r.feasible, r.binding),
    "quantities": lambda r: (r.itl, r.ttft),
}
model, solver = Models.Language.Llama3_8B, ServingModel()

def once(device, batch, precision, **more):
    return solver.solve(model=model, hardware=device, seq_len=2048, batch_size=batch, precision=precision, **more)

def itl(*arguments, **more):
    return once(*arguments, **more).itl.to("s").magnitude

for line in sys.stdin:
    job = json.loads(line)
    device = getattr(Hardware.Cloud, job["device"])
    if job["do"] == "solve":
        read = READ[job["read"]]
        read(once(device, 1, "int4"))
        start = time.perf_counter()
        for _ in range(job["repeat"]):
            read(once(device, 1, "int4"))
        answer = (time.perf_counter() - start) / job["repeat"]
    else:
        more = job["more"]
        answer = [itl(device, b, "fp16", **more) / itl(device, b, "int4", **more) for b in job["batches"]]
    print(json.dumps(answer), flush=True)
"""


class Package:
    """One of the two packages: an interpreter, and a worker in it that answers jobs."""

    def __init__(self, python: Path | str, path: str) -> None:
        self.python = str(python)
        self.environment = {**os.environ, "PYTHONPATH": path}
        self.worker = subprocess.Popen(
            [self.python, "-c", WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=self.environment,
            cwd=PEER_HOME,
        )

    def ask(self, **job: Any) -> Any:
        """The worker's answer to a job."""
        assert self.worker.stdin and self.worker.stdout
        self.worker.stdin.write(json.dumps(job) + "\n")
        self.worker.stdin.flush()
        answer = self.worker.stdout.readline()
        if not answer:
            raise SystemExit(f"the worker of {self.python} ended; its error is above")
        return json.loads(answer)

    def seconds_of(self, statement: str) -> float:
        """Seconds that *statement* takes in a fresh interpreter."""
        code = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
        done = subprocess.run(
            [self.python, "-c", code],
            env=self.environment,
            cwd=PEER_HOME,
            capture_output=True,
            text=True,
            check=True,
        )
        return float(done.stdout)

    def close(self) -> None:
        """End the worker."""
        self.worker.communicate()


def peer_python() -> Path:
    """The interpreter of the peer's environment, which is made at the first call."""
    python = PEER_HOME / ("Scripts" if os.name == "nt" else "bin") / "python"
    ready = PEER_HOME / "ready"
    if not ready.exists():
        print(f"installing {PEER} into {PEER_HOME.name}/ …", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", PEER_HOME], check=True)
        subprocess.run(
            [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", PEER], check=True
        )
        ready.write_text(PEER)
    return python


def in_turns(what: str, *measure: Callable[[], float]) -> list[float]:
    """The median of each measurement; all are taken in turns, under a progress bar that says *what*."""
    turns = track(range(ROUNDS), what, transient=True)
    rounds = [[take() for take in measure] for _ in turns]
    return [statistics.median(column) for column in zip(*rounds, strict=True)]


def seconds(call: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def sweep() -> tuple[Callable[[], object], Callable[[], object]]:
    """A million decode points: by one call of ours, and by hand."""
    import numpy as np

    import mlsysim

    batch = np.tile(np.arange(1, 1001), POINTS // 1000)
    context = np.repeat(np.arange(1, POINTS // 1000 + 1) * 8, 1000)
    solve = mlsysim.ServingModel().solve
    model, device = mlsysim.Models.Llama3_8B, mlsysim.Hardware.Cloud.H100
    parameters, layers, heads, kv_heads, head_dim = 8.03e9, 32, 32, 8, 128
    compute, memory = 989.4e12, 3.35e12 * 0.946

    def ours() -> Any:
        return solve(model, device, context, batch, "int4").itl_s

    def by_hand() -> Any:
        tokens = batch * context
        matmul = np.maximum(batch * (2 * parameters / compute), parameters / 2 / memory)
        flops, kv_bytes = 4 * layers * heads * head_dim, 2 * layers * kv_heads * head_dim / 2
        return matmul + np.maximum(tokens * (flops / compute), tokens * (kv_bytes / memory)) + layers * 100e-6

    assert np.allclose(ours(), by_hand(), rtol=1e-12), "the two sweeps are not the same arithmetic"
    return ours, by_hand


def print_speedups(ours: Package, peer: Package) -> None:
    """INT4 speed-up over FP16 by batch in both packages, and as measured where it was."""
    with MEASURED.open(newline="") as lines:
        measured = {
            int(row["batch"]): float(row["fp16_itl_ms"]) / float(row["int4_itl_ms"])
            for row in csv.DictReader(lines)
        }
    print(
        "\nINT4 speed-up over FP16 by batch, Llama-3 8B, context 2048 (ours with the KV cache at FP16, as W4A16 has it)"
    )
    print(f"{'':<28}" + "".join(f"{b:>7}" for b in BATCHES))
    rows: list[tuple[str, Any, str, dict[str, Any]]] = [
        ("H100  mlsysim 0.3.0", peer, "H100", {}),
        ("A100  mlsysim 0.3.0", peer, "A100", {}),
    ]
    for device in ("H100", "A100"):
        for runtime in ("tutorial", "compiled"):
            rows.append(
                (f"{device}  ours, {runtime}", ours, device, {"kv_precision": "fp16", "runtime": runtime})
            )
    for label, package, device, more in sorted(rows, key=lambda row: row[2], reverse=True):
        gains = package.ask(do="speedup", device=device, batches=BATCHES, more=more)
        print(f"{label:<28}" + "".join(f"{g:>6.2f}x" for g in gains))
    print(
        f"{'A100  measured':<28}"
        + "".join(f"{measured[b]:>6.2f}x" if b in measured else f"{'–':>7}" for b in BATCHES)
    )


def main() -> int:
    """Measure, print, and say whether every bar was met."""
    sys.path.insert(0, str(ROOT))
    peer = Package(peer_python(), "")
    ours = Package(sys.executable, str(ROOT))
    met = []

    def bar(what: str, ratio: float, limit: float, *, at_least: bool) -> None:
        met.append(ratio >= limit if at_least else ratio <= limit)
        word = "at least" if at_least else "at most"
        print(f"{'PASS' if met[-1] else 'MISS'}  {what}: {ratio:,.3g}x (bar: {word} {limit:,g}x)")

    def solving(package: Package, read: str, repeat: int) -> Callable[[], float]:
        return lambda: float(package.ask(do="solve", device="H100", repeat=repeat, read=read))

    peer_solve = solving(peer, "nothing", 60)
    slow, full, bare, units = in_turns(
        "one solve",
        peer_solve,
        solving(ours, "all", 3000),
        solving(ours, "nothing", 3000),
        solving(ours, "quantities", 1000),
    )
    print(
        f"one solve: peer {slow * 1e6:,.0f} µs; ours {full * 1e6:.1f} µs with all that the peer computes read,"
    )
    print(
        f"           {bare * 1e6:.1f} µs with nothing read, {units * 1e6:.1f} µs with ITL and TTFT as Pint quantities"
    )
    bar("one solve, faster by", slow / full, 60, at_least=True)

    array, by_hand = sweep()
    slow, quick, hand = in_turns("sweep", peer_solve, lambda: seconds(array), lambda: seconds(by_hand))
    print(
        f"{POINTS:,} points: ours {quick * 1e3:.1f} ms, by hand {hand * 1e3:.1f} ms; peer {slow * 1e6:,.0f} µs a point"
    )
    bar("sweep, faster per point by", slow / (quick / POINTS), 10_000, at_least=True)
    bar("sweep, time over NumPy by hand", quick / hand, 0.5, at_least=False)

    slow, quick, used = in_turns(
        "import",
        lambda: peer.seconds_of("import mlsysim"),
        lambda: ours.seconds_of("import mlsysim"),
        lambda: ours.seconds_of(FIRST_USE),
    )
    print(
        f"import mlsysim: peer {slow * 1e3:,.0f} ms, ours {quick * 1e3:.0f} ms ({used * 1e3:.0f} ms to the first quantity)"
    )
    bar("import, time over the peer's", quick / slow, 0.1, at_least=False)

    print_speedups(ours, peer)
    for package in (ours, peer):
        package.close()
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
