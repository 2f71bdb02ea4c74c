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

mlsysim.case("0_self_check")
figure, (left, right) = plt.subplots(2, 1, sharex=True)
left.loglog([0.1, 1000], [1, 1e6], ":", label="one")
right.semilogx([0.1, 1000], [1, 2])
right.plot([1], [1], "o")
left.set_title("Title")
right.set_xlabel("x (unit)")
left.legend()
display(figure)
plt.close(figure)
"""


def warm_up(shell: Any) -> None:
    """Run a cell that does what notebooks do, and leave the shell as if it had run nothing."""
    kept = set(shell.user_ns)
    shell.run(CELL, 1 << 20)
    for name in set(shell.user_ns) - kept:
        del shell.user_ns[name]
    shell.reset(new_session=True)
    shell.execution_count = 1
