"""However a student's process stops talking, the examination ends when the notebook's time is over, with a verdict for every test."""

from __future__ import annotations

import json
import time
from itertools import product

import pytest

from autograder.bounds.limits import Limits
from autograder.notebook.cells import grading, read_notebook
from tests.attack_cases import NOTEBOOK, RELEASE, answers, examined_at
from tests.pace import HANG
from tests.process_attacks import STOP_WHEN_READ, TRY

LIMITS = Limits(cell_seconds=30, call_seconds=30, total_seconds=2)
SILENCES = {
    "stopped when it reads": STOP_WHEN_READ,
    "stopped at once": "os.kill(os.getpid(), signal.SIGSTOP)",
    "busy": "while True: pass",
    "one byte at a time": """
for name in os.listdir("/proc/self/fd"):
    try:
        if int(name) > 2 and os.readlink(f"/proc/self/fd/{name}").startswith("socket"):
            os.write(int(name), b"\\0\\1\\0\\0")
            while True:
                os.write(int(name), b"x")
                time.sleep(0.01)
    except OSError:
        pass
""",
}
FORGE = """
import gc, msgspec, struct
channel = next(type(thing) for thing in gc.get_objects() if type(thing).__name__ == "Channel")
def forged(self, value, seconds=None, writer=None):
    data = msgspec.msgpack.encode(["l", value[0], "done", ["l", VALUE], None])
    self._socket.sendall(struct.pack(">I", len(data)) + data)
channel.send = forged
"""
SLOW = {
    "a unit with a long name": '["q", 1.0, ["k" * 1_000_000, 1.0]]',
    "keys that collide": '["d", *[[["t", *[1] * 700, ["i", format(i * (2**61 - 1) + 2**70, "x")]], 1] for i in range(9000)]]',
    "tuples that collide as keys": '["d", *[[["t", *[-1 - (i >> bit & 1) for bit in range(40)]], 1] for i in range(10_000)]]',
    "a million empty lists": '[["l"]] * 1_000_000',
}
FORGERIES = {f"slow to read: {name}": FORGE.replace("VALUE", value) for name, value in SLOW.items()}
SILENCES |= FORGERIES
NEXT = {
    "a large cell": [f"x = {'y' * (2 << 20)!r}"],
    "many small cells": ["x = 1"] * 20,
    "the tests": [],
}


@pytest.mark.parametrize(("silence", "then"), list(product(SILENCES, NEXT)))
def test_an_examination_ends_when_the_time_is_over(silence, then, tmp_path):
    notebook = read_notebook(RELEASE)
    for grade_id, text in answers("wrong").items():
        notebook.by_grade_id()[grade_id]["source"] = text
    at = next(i for i, cell in enumerate(notebook.cells) if grading(cell).get("grade_id") == "setup")
    for source in reversed([TRY + SILENCES[silence], *NEXT[then]]):
        cell = {"cell_type": "code", "metadata": {}, "source": source, "outputs": []}
        notebook.cells.insert(at + 1, cell)
    (tmp_path / NOTEBOOK).write_text(json.dumps(notebook.content), "utf-8")
    began = time.monotonic()
    result = examined_at(tmp_path / NOTEBOOK, LIMITS)
    assert time.monotonic() - began < HANG  # it would be for ever; a busy machine takes its time
    assert sum(verdict.score for verdict in result.verdicts.values()) <= 1
    assert all(verdict.message for verdict in result.verdicts.values() if verdict.score < verdict.maximum)
    assert result.notes
    if silence in FORGERIES:  # what was forged did arrive, and was read
        assert not [note for note in result.notes if "ended the notebook's process" in note]
