"""The whole lab on this computer in under a minute, or a recording in its place."""

from __future__ import annotations

import datetime
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from mlsysim.checks import one_number
from mlsysim.data import read_data
from mlsysim.measure.bench import Bench, Progress, tell
from mlsysim.measure.machines import SIDE, check_bits, machine, most_layers
from mlsysim.measure.matmuls import BITS, INSTALL
from mlsysim.measure.notes import BATCHES
from mlsysim.measure.recording_file import from_text, load
from mlsysim.measure.recordings import Recording
from mlsysim.measure.timing import Measured

__all__ = ["KIT_FILE", "crossover", "kit_recording", "record", "recording"]

KIT_FILE = "recording.json"
MOST_SECONDS = 50.0  # no further batch is begun that would end later
SECONDS_A_BATCH = 2.0


def record(progress: Progress = tell, bench: Bench | None = None) -> Recording:
    """Measure this computer and the curve of its matmuls against batch, in under a minute.

    First come bandwidth, peaks and unpacking (:func:`mlsysim.measure.machine`), then the matmuls in each number format at
    batches of 1 to 256. A slow computer leaves out the largest batches, and :attr:`Recording.notes` says so.

    Args:
        progress: is told what is being measured, and at the end nothing; by default on standard error.
        bench: what to measure with, by default this computer.

    Raises:
        InputError: onnx or onnxruntime is not installed, or there is too little memory.
    """
    bench = bench or Bench()
    start = bench.clock()
    measured = machine(progress, bench)
    layers = most_layers(bench.host)
    formats = {}
    for bits in BITS:
        progress(f"making {layers} layers of {SIDE} x {SIDE} weights of {bits} bits …")
        formats[bits] = bench.matmuls(bits, SIDE, layers)
    batches: list[int] = []
    times: dict[int, list[Measured]] = {bits: [] for bits in BITS}
    for batch in BATCHES:
        begun = bench.clock()
        if len(batches) > 1:
            # A run, and three more that count, each twice as long as at the batch before.
            expected = 8 * sum(times[bits][-1].value for bits in BITS)
            if begun - start + expected > MOST_SECONDS:
                break
        left = f", {MOST_SECONDS - (begun - start):.0f} s at most"
        progress(f"timing a batch of {batch} ({BATCHES.index(batch) + 1} of {len(BATCHES)}{left}) …")
        for bits, time in bench.time(formats, batch, SECONDS_A_BATCH).items():
            times[bits].append(time)
        batches.append(batch)
    progress("")
    return Recording(
        machine=measured,
        side=SIDE,
        layers=layers,
        batches=np.array(batches),
        times={bits: tuple(row) for bits, row in times.items()},
        measured_on=datetime.date.today().isoformat(),
        runtime=f"onnxruntime {_version('onnxruntime')}",
    )


def crossover(
    threshold: float = 1.5, bits: int = 4, *, progress: Progress = tell, bench: Bench | None = None
) -> float | None:
    """The batch at which the speed-up over FP32 falls below *threshold* on this computer; None if it does nowhere.

    It times the whole curve, as :func:`record` does; a recording has :meth:`Recording.crossover`.

    Raises:
        InputError: as :func:`record`; *threshold* is not above 0, or *bits* is not 8 or 4.
    """
    threshold = one_number("threshold", threshold, 0, open_low=True)
    return record(progress, bench).crossover(check_bits(bits), threshold)


def recording(path: str | Path, *, may_measure: bool = True, progress: Progress = tell) -> Recording:
    """The recording in the file *path*; else one that is made now and saved there; else the kit's own.

    It prints which of the three it is.

    Args:
        may_measure: whether to measure, which takes most of a minute, if there is no such file and onnx and onnxruntime
            are installed.

    Raises:
        InputError: there is such a file, and it is no recording.
    """
    file = Path(path)
    can_measure = bool(find_spec("onnxruntime") and find_spec("onnx"))
    if file.exists():
        found, what = load(file), f"This is the recording {file.name}"
    elif may_measure and can_measure:
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
