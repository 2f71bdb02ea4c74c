"""When does quantization make matmuls faster on this computer: measured, recorded, and predicted.

Measuring needs ``onnx`` and ``onnxruntime``, the extra ``lab``. A recording that someone else made needs neither.

>>> from mlsysim import measure
>>> shared = measure.kit_recording()
>>> bool(shared.speedup(4)[0] > 2)
True
"""

from mlsysim.measure.bench import Bench, Measured
from mlsysim.measure.lab import crossover, kit_recording, record, recording
from mlsysim.measure.machines import Machine, machine, matmul
from mlsysim.measure.picture import draw
from mlsysim.measure.prediction import ROWS_AT_ONCE
from mlsysim.measure.recording_file import load
from mlsysim.measure.recordings import Recording

__all__ = [
    "ROWS_AT_ONCE",
    "Bench",
    "Machine",
    "Measured",
    "Recording",
    "crossover",
    "draw",
    "kit_recording",
    "load",
    "machine",
    "matmul",
    "record",
    "recording",
]
