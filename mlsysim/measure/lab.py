"""The whole lab on this computer in under a minute, or a recording in its place."""

from __future__ import annotations

import datetime
import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from mlsysim.checks import one_number
from mlsysim.data import read_data
from mlsysim.errors import InputError
from mlsysim.measure.bench import Bench, Progress, measured, tell
from mlsysim.measure.machines import BATCHES, SIDE, Lab, batch_name, check_bits, runs_of
from mlsysim.measure.matmuls import BITS, INSTALL
from mlsysim.measure.recording_file import from_text, load, path_of, try_to_write
from mlsysim.measure.recordings import Recording
from mlsysim.measure.slices import Work

__all__ = ["KIT_FILE", "UnreadableRecordingError", "crossover", "kit_recording", "record", "recording"]

KIT_FILE = "recording.json"
MOST_SECONDS = 50.0  # no further slice is begun that should end later


class UnreadableRecordingError(InputError):
    """A file is there and is no recording; a notebook shows the sentence alone."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def record(progress: Progress = tell, bench: Bench | None = None) -> Recording:
    """Measure this computer and the curve of its matmuls against batch, in under a minute.

    Bandwidth, peaks and unpacking (as by :func:`mlsysim.measure.machine`) and then the matmuls in each number format, at
    batches of 1 to 256, are measured in short slices that take turns. If the computer changes meanwhile, the slices of the
    computer that was there for the longest time are kept, and what has lost slices gets new ones while there is time. A slow
    computer leaves out the largest batches. :attr:`Recording.notes` says both.

    Args:
        progress: is told what is being measured, and at the end nothing; by default on standard error.
        bench: what to measure with, by default this computer.

    Raises:
        InputError: onnx or onnxruntime is not installed, or there is too little memory.
    """
    lab = Lab(bench or Bench(), progress)
    formats = {}
    for bits in BITS:
        progress(f"making {lab.layers} layers of {SIDE} x {SIDE} weights of {bits} bits …")
        formats[bits] = lab.bench.matmuls(bits, SIDE, lab.layers)
    works = {batch: Work(batch_name(batch), runs_of(formats, batch), size=batch) for batch in BATCHES}
    found = lab.measure(MOST_SECONDS, list(works.values()))
    curve = {batch: found.runs[work.name] for batch, work in works.items() if work.name in found.runs}
    return Recording(
        machine=lab.machine(found),
        side=SIDE,
        layers=lab.layers,
        batches=np.array(list(curve)),
        times={bits: tuple(measured(runs[bits]) for runs in curve.values()) for bits in BITS},
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
        UnreadableRecordingError: there is such a file, and it is no recording.
        InputError: there is none, and it cannot be written.
    """
    file = path_of(path)
    can_measure = bool(find_spec("onnxruntime") and find_spec("onnx"))
    if os.path.exists(file):  # where Path.exists would raise for a name that no file can have
        try:
            found, what = load(file), f"This is the recording {file.name}"
        except InputError as error:
            raise UnreadableRecordingError(
                f"{error}; measure again (python -m mlsysim.measure record {file.name}), or remove the file to use the "
                "kit's own recording"
            ) from None
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
