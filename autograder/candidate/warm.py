"""What the first notebook of a process would wait for, done before any notebook is there."""

from __future__ import annotations

from typing import Any

__all__ = ["warm_up"]

# Reads the registry; finds fonts, sets formulas and both kinds of axis, makes a PNG.
CELL = """
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display

import mlsysim

mlsysim.Hardware.H100, mlsysim.Models.Llama3_8B
mlsysim.CompressionModel().solve(
    model="Llama3_8B", hardware="H100", method="quantization", target_bitwidth=4
).estimated_accuracy_delta
mlsysim.ServingModel().solve(model="Llama3_8B", hardware="H100", precision="int4", seq_len=128, batch_size=1).itl.to("ms")
figure, (left, right) = plt.subplots(2, 1, sharex=True)
left.loglog([0.1, 1000], [1, 1e6], ":", label="one")
right.semilogx([0.1, 1000], [1, 2])
right.plot([1], [1], "o")
left.set_title("Title")
right.set_xlabel("x (unit)")
left.legend()
right.annotate("text", (1, 1), xytext=(0, 7), textcoords="offset points", fontsize=8)
display(mlsysim.plots.Plot(figure, "alt"))
plt.close(figure)
"""


def warm_up(shell: Any) -> None:
    """Run a cell that does what notebooks do, and leave the shell as if it had run nothing."""
    kept = set(shell.user_ns)
    shell.run(CELL, 1 << 20)
    for name in set(shell.user_ns) - kept:
        del shell.user_ns[name]
    shell.reset(new_session=True)
    shell.user_module.__spec__ = (
        None  # multiprocessing asks the main module for it when it starts new interpreters
    )
    shell.execution_count = 1
