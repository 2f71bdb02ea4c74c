"""The same submission gets the same marks and the same messages: in any order, at any parallelism, whatever the process's hash seed or clock."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.assignments import ROOT, hand_in, kinds_of, kit_of
from tests.pace import HANG

SCRIPT = """
import json, sys
from pathlib import Path
from tests.assignments import examined
assignment, *paths = sys.argv[1:]
found = {}
for path in map(Path, paths):
    verdicts = examined(assignment, path).verdicts
    found[f"{path.parent.name}/{path.name}"] = {key: [v.score, v.message, v.detail] for key, v in verdicts.items()}
print(json.dumps(found))
"""


def chosen(assignment: str) -> list[tuple[str, str]]:
    """(kind, notebook) of answers that are wrong in different ways, so that examples are shrunk and messages made; three of each notebook at most."""
    found: list[tuple[str, str]] = []
    for kind in kinds_of(assignment).values():
        for notebook in kind.cells:
            if kind.name not in kit_of(assignment).slow and [one for _, one in found].count(notebook) < 3:
                found.append((kind.name, notebook))
    return found


@pytest.fixture(scope="module")
def graded_three_times(assignment, tmp_path_factory):
    """Forwards and backwards at the same time under different hash seeds, and forwards again after that."""
    base = tmp_path_factory.mktemp("same")
    paths = []
    for name, notebook in chosen(assignment):
        hand_in(assignment, kinds_of(assignment)[name], base / name)
        paths.append(base / name / f"{notebook}.ipynb")

    def start(order, seed):
        command = [sys.executable, "-c", SCRIPT, assignment, *map(str, order)]
        zone = "Asia/Kolkata" if seed == "2" else "UTC"
        environment = os.environ | {"PYTHONHASHSEED": seed, "TZ": zone, "PYTHONPATH": str(ROOT)}
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
    assert len(messages) >= 6 and any("`" in message for message in messages)
