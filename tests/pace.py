"""Limits of time that hold on a busy machine: what a test says about time is about the program, not about what else runs beside it."""

from __future__ import annotations

import math
import os
import time

__all__ = ["HANG", "PATIENT_KERNELS", "patient_kernels", "seconds", "slowness"]

# A guard against waiting for ever, and nothing else: it is never reached by work that goes on, however slowly.
HANG = 1800
NOMINAL_SECONDS = 0.05  # of the work below, on a machine with nothing else to do

# Stock kernels of a course or of Validate: nbgrader gives up 4 s after a cell for its last output, 60 s after a start, 30 s after a cell began.
PATIENT_KERNELS = f"""
c.ExecutePreprocessor.startup_timeout = {HANG}
c.ExecutePreprocessor.iopub_timeout = {HANG}
c.ExecutePreprocessor.timeout = {HANG}
"""


def slowness() -> float:
    """How many times as long as on an idle machine work takes now, or took in the last minute; at least 1."""
    began, total = time.monotonic(), 0
    for i in range(1_800_000):
        total += i * i
    now = (time.monotonic() - began) / NOMINAL_SECONDS
    lately = os.getloadavg()[0] / (os.cpu_count() or 1)
    return max(1.0, now, lately)


def seconds(idle: float, slow: float | None = None) -> float:
    """What on an idle machine is *idle* seconds, here and now or on one as *slow* as that: whole seconds, never fewer."""
    return float(math.ceil(idle * (slowness() if slow is None else slow)))


def patient_kernels(cell: float) -> str:
    """Settings for stock kernels in which a cell that does not end is given up after *cell* seconds of an idle machine."""
    return f"{PATIENT_KERNELS}c.ExecutePreprocessor.timeout = {round(seconds(cell))}\n"
