"""The whole lab on this computer in under a minute, or a recording in its place."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from mlsysim.checks import one_number
from mlsysim.data import read_data
from mlsysim.errors import InputError
from mlsysim.measure.bench import Bench, Progress, tell
from mlsysim.measure.machines import BATCHES, SIDE, ShortRuns, check_bits, most_layers
from mlsysim.measure.matmuls import BITS, INSTALL
from mlsysim.measure.recording_file import from_text, load, path_of, try_to_write
from mlsysim.measure.recordings import Recording
from mlsysim.measure.timing import measured

__all__ = ["KIT_FILE", "crossover", "kit_recording", "record", "recording"]

KIT_FILE = "recording.json"
MOST_SECONDS = 50.0  # no further batch is begun that would end later
SECONDS_A_BATCH = 1.0  # in a spell
SPELLS = 2


def record(progress: Progress = tell, bench: Bench | None = None) -> Recording:
    """Measure this computer and the curve of its matmuls against batch, in under a minute.

    Bandwidth, peaks and unpacking (as by :func:`mlsysim.measure.machine`) and then the matmuls in each number format, at
    batches of 1 to 256, are measured in two spells, so that neither the numbers nor the curve hang on a moment in which the
    computer was slow. A slow computer leaves out the largest batches, and :attr:`Recording.notes` says so.

    Args:
        progress: is told what is being measured, and at the end nothing; by default on standard error.
        bench: what to measure with, by default this computer.

    Raises:
        InputError: onnx or onnxruntime is not installed, or there is too little memory.
    """
    bench = bench or Bench()
    bench.check()
    start = bench.clock()
    layers = most_layers(bench.host)
    short = ShortRuns(bench, layers, progress)
    formats = {}
    for bits in BITS:
        progress(f"making {layers} layers of {SIDE} x {SIDE} weights of {bits} bits …")
        formats[bits] = bench.matmuls(bits, SIDE, layers)
    begun = bench.clock()
    short.spell()
    spell = bench.clock() - begun
    runs: dict[int, dict[int, list[float]]] = {}
    for turn in range(SPELLS):
        if turn and bench.clock() - start + spell < MOST_SECONDS:
            short.spell()
        for batch in BATCHES if not turn else tuple(runs):
            spent = bench.clock() - start
            if len(runs) > 1 and spent + _least_seconds(runs, batch) > MOST_SECONDS:
                break
            progress(f"timing a batch of {batch}, {MOST_SECONDS - spent:.0f} s at most to go …")
            found = bench.time(formats, batch, SECONDS_A_BATCH)
            earlier = runs.setdefault(batch, {bits: [] for bits in BITS})
            for bits in BITS:
                earlier[bits] += found[bits]
    progress("")
    return Recording(
        machine=short.machine(),
        side=SIDE,
        layers=layers,
        batches=np.array(list(runs)),
        times={bits: tuple(measured(found[bits]) for found in runs.values()) for bits in BITS},
        measured_on=datetime.date.today().isoformat(),
        runtime=f"onnxruntime {_version('onnxruntime')}",
    )


def _least_seconds(runs: Mapping[int, Mapping[int, list[float]]], batch: int) -> float:
    """What an untimed and two timed passes at *batch* will take, by those at the batch or at half of it."""
    seen = batch if batch in runs else max(runs)
    return 3 * batch / seen * sum(measured(found).value for found in runs[seen].values())


def crossover(
    threshold: float = 1.5, bits: int = 4, *, progress: Progress = tell, bench: Bench | None = None
) -> float | None:
    """The batch at which the speed-up over FP32 falls below *threshold* on this computer; None if it does nowhere.

    It times the whole curve, as :func:`record` does; a recording has :meth:`Recording.crossover`.

    Raises:
        InputError: as :func:`record`; *threshold* is not above 0, or *bits* is not 8 or 4.
    """
    threshold = one_number("threshold", threshold, 0, open_low=True)
    if check_bits(bits) == 32:
        raise InputError("bits = 32 is not allowed: give 8 or 4, whose speed-up is over 32")
    return record(progress, bench).crossover(bits, threshold)


def recording(path: str | Path, *, may_measure: bool = True, progress: Progress = tell) -> Recording:
    """The recording in the file *path*; else one that is made now and saved there; else the kit's own.

    It prints which of the three it is.

    Args:
        may_measure: whether to measure, which takes most of a minute, if there is no such file and onnx and onnxruntime
            are installed.

    Raises:
        InputError: there is such a file, and it is no recording; or there is none, and it cannot be written.
    """
    file = path_of(path)
    can_measure = bool(find_spec("onnxruntime") and find_spec("onnx"))
    if os.path.exists(file):  # where Path.exists would raise for a name that no file can have
        found, what = load(file), f"This is the recording {file.name}"
    elif may_measure and can_measure:
        try_to_write(file)
        found = record(progress)
        found.save(file)
        what = f"This computer was measured now, and {file.name} is its recording"
    else:
        found = kit_recording()
        first = "" if can_measure else f"{INSTALL} and then "
        what = f"There is no {file.name}, which {first}python -m mlsysim.measure record {file.name} would make; this is "
        what += "the kit's own recording"
    print(f"{what}: {found.host.processor}, {found.host.cores} cores, {found.measured_on}.")
    return found


def kit_recording() -> Recording:
    """The recording that comes with the library."""
    return from_text(read_data(KIT_FILE))


def _version(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, version  # slow to load, and only measuring needs it

    try:
        return version(name)
    except PackageNotFoundError:
        return "of unknown version"
