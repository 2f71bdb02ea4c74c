"""The same submission gets the same marks and the same messages: in any order, at any parallelism, whatever the process's hash seed or clock."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from autograder.simulate.kinds import write_submission
from tests.assignments import kinds_of
from tests.pace import HANG

# Wrong in different ways, so that examples are shrunk and messages made.
KINDS = ["s02", "s04", "s06", "s09", "s11", "s15", "s20"]
SCRIPT = """
import json, sys
from pathlib import Path
from autograder.notebook.assemble import assemble
from autograder.exam.examine import examine
sources, *paths = map(Path, sys.argv[1:])
found = {}
for path in paths:
    verdicts = examine(assemble(sources / path.name, path)).verdicts
    found[f"{path.parent.name}/{path.name}"] = {key: [v.score, v.message, v.detail] for key, v in verdicts.items()}
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def graded_three_times(root, tmp_path_factory):
    """Forwards and backwards at the same time under different hash seeds, and forwards again after that."""
    base = tmp_path_factory.mktemp("same")
    source, release = root / "solutions" / "quantization", root / "assignments" / "quantization"
    paths = []
    for name in KINDS:
        kind = kinds_of("quantization")[name]
        write_submission(kind, source, release, base / name)
        paths += [base / name / f"{notebook}.ipynb" for notebook in kind.cells]

    def start(order, seed):
        command = [sys.executable, "-c", SCRIPT, str(source), *map(str, order)]
        environment = os.environ | {"PYTHONHASHSEED": seed, "TZ": "Asia/Kolkata" if seed == "2" else "UTC"}
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, cwd=base)

    together = [start(paths, "1"), start(paths[::-1], "2")]
    outcomes = [json.loads(run.communicate(timeout=HANG)[0]) for run in together]
    return [*outcomes, json.loads(start(paths, "random").communicate(timeout=HANG)[0])]


def test_marks_and_messages_are_the_same_each_time(graded_three_times):
    first, second, third = graded_three_times
    assert first == second == third


def test_there_was_something_to_shrink(graded_three_times):
    messages = [
        message for cells in graded_three_times[0].values() for _, message, _ in cells.values() if message
    ]
    assert len(messages) > 10 and any("`" in message for message in messages)
