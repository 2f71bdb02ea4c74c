"""The runtimes by name, read from the data file."""

from __future__ import annotations

import functools

from mlsysim.data import load_toml
from mlsysim.errors import InputError, check_name, shown
from mlsysim.specs.runtime import Runtime

__all__ = ["find_runtime"]

AS_THEY_ARE = (
    *(
        "reads_embedding",
        "head_bits",
        "unpacking",
        "unpacking_rate",
        "unpacking_tokens",
        "prefill_efficiency",
        "cache_efficiency",
        "peak_shares",
    ),
    *("intervals", "coverage", "source", "year", "error"),
)


@functools.cache
def _runtimes() -> dict[str, Runtime]:
    return {
        name: Runtime(
            name=name,
            bandwidth_efficiency=row["bandwidth_efficiency"],
            compute_efficiency=row["compute_efficiency"],
            layer_overhead_s=row["layer_overhead_us"] / 1e6,
            stands_for=row["stands_for"],
            overhead_by_memory={k: us / 1e6 for k, us in row.get("overhead_us_by_memory", {}).items()},
            prefill_overhead_s=row.get("prefill_overhead_us", 0.0) / 1e6,
            context_overhead_s=row.get("context_overhead_ns", 0.0) / 1e9,
            context_overhead_by_memory={
                k: ns / 1e9 for k, ns in row.get("context_overhead_ns_by_memory", {}).items()
            },
            **{key: row[key] for key in AS_THEY_ARE if key in row},
        )
        for name, row in load_toml("runtimes.toml").items()
    }


def find_runtime(runtime: str | Runtime) -> Runtime:
    """The runtime called so; a :class:`Runtime` passes through.

    Raises:
        UnknownNameError: no such runtime; the message names the nearest ones.
    """
    if type(runtime) is Runtime:
        return runtime
    if not isinstance(runtime, str):
        raise InputError(f"runtime = {shown(runtime)} is not allowed: give a name or a Runtime")
    known = _runtimes()
    return known[check_name("runtime", runtime, known)]
