"""Attacks on the examiner as golden folders: ``attacks/NAME/attack.txt`` is what the student writes, ``expected.toml`` what it must earn.

``python -m tests.attack_cases`` writes the messages into the golden files anew; the marks in them are written by hand. The limits of time
are larger on a busy machine: where a message names one, the golden file has its name in braces.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autograder.bounds.limits import Limits
from autograder.exam.examine import ExamResult, examine
from autograder.files.source import data_files
from autograder.notebook.assemble import assemble
from autograder.notebook.cells import read_notebook, strip_solution_marks
from autograder.tutor.owner import Owner
from tests.pace import seconds, slowness

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path(__file__).parent / "attacks"
NOTEBOOK = "0_self_check.ipynb"
SOURCE = ROOT / "solutions" / "quantization" / NOTEBOOK
RELEASE = ROOT / "assignments" / "quantization" / NOTEBOOK
LIMITS = Limits(
    cell_seconds=4, call_seconds=2, total_seconds=60, memory_mb=512, processes=24, disk_mb=16, output_kb=64
)
TIMES = ("cell_seconds", "call_seconds", "total_seconds")
CELL = re.compile(r"^# %% (\w+)\n", re.MULTILINE)


@dataclass(frozen=True)
class Attack:
    """One golden folder."""

    name: str
    cells: dict[str, str]
    tries: str
    base: str
    marks: dict[str, float]
    messages: dict[str, str]
    notes: list[str]


def read_cells(path: Path) -> dict[str, str]:
    """Cells by grade_id of a text in the percent format."""
    _, *parts = CELL.split(path.read_text("utf-8"))
    return dict(zip(parts[::2], parts[1::2], strict=True))


def load_attacks() -> dict[str, Attack]:
    """All attacks by name."""
    found = {}
    for folder in sorted(path.parent for path in FOLDER.glob("*/attack.txt")):
        expected = tomllib.loads((folder / "expected.toml").read_text("utf-8"))
        found[folder.name] = Attack(
            folder.name,
            read_cells(folder / "attack.txt"),
            expected["tries"],
            expected["base"],
            expected["marks"],
            expected.get("messages", {}),
            expected.get("notes", []),
        )
    return found


def answers(base: str) -> dict[str, str]:
    """Everything that a student fills in, ``right`` or ``wrong``."""
    return (
        dict(strip_solution_marks(read_notebook(SOURCE)))
        if base == "right"
        else read_cells(FOLDER / "wrong.txt")
    )


def submission(attack: Attack) -> dict[str, Any]:
    """The notebook that is handed in; a cell named ``first`` is the student's own, after the set-up."""
    notebook = read_notebook(RELEASE)
    cells = notebook.by_grade_id()
    filled = answers(attack.base) | attack.cells
    first = filled.pop("first", None)
    for grade_id, text in filled.items():
        cells[grade_id]["source"] = text
    if first is not None:
        own = {
            "cell_type": "code",
            "id": "first",
            "metadata": {},
            "source": first,
            "outputs": [],
            "execution_count": None,
        }
        notebook.cells.insert(notebook.cells.index(cells["setup"]) + 1, own)
    return notebook.content


def limits_now() -> Limits:
    """:data:`LIMITS` with the times that this machine needs now; no two of them are the same number."""
    slow = slowness()
    return replace(LIMITS, **{name: seconds(getattr(LIMITS, name), slow) for name in TIMES})


def examined(attack: Attack, folder: Path, limits: Limits) -> ExamResult:
    """The verdicts on an attack, handed in through *folder*."""
    path = folder / NOTEBOOK
    path.write_text(json.dumps(submission(attack)), "utf-8")
    return examined_at(path, limits)


def examined_at(path: Path, limits: Limits) -> ExamResult:
    """The verdicts on the notebook at *path*, whatever its name, as one for :data:`SOURCE`."""
    folder = SOURCE.parent
    return examine(
        assemble(SOURCE, path), limits, data_files(folder), owner=Owner(SOURCE.stem), source=folder
    )


def seen(result: ExamResult, limits: Limits) -> tuple[dict[str, float], dict[str, str], list[str]]:
    """Marks above zero, messages and notes: what a golden file holds. A time in them is one of *limits*, or it stays as it is."""

    def named(text: str) -> str:
        for name in TIMES:
            text = text.replace(f"the {getattr(limits, name):.3g} s allowed", f"the {{{name}}} s allowed")
        return text

    marks = {key: verdict.score for key, verdict in result.verdicts.items() if verdict.score}
    messages = {key: named(verdict.message) for key, verdict in result.verdicts.items() if verdict.message}
    return marks, messages, [named(note) for note in result.notes]


def _golden(attack: Attack, messages: dict[str, str], notes: list[str]) -> str:
    def text(value: str) -> str:
        return json.dumps(value, ensure_ascii=False)

    lines = [f"tries = {text(attack.tries)}", f"base = {text(attack.base)}"]
    lines += [f"notes = [{', '.join(map(text, notes))}]", "", "[marks]"]
    lines += [f"{key} = {value:g}" for key, value in attack.marks.items()]
    lines += ["", "[messages]", *(f"{key} = {text(value)}" for key, value in messages.items())]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the messages anew; says where the marks are not those of the golden file, which it does not change."""
    import tempfile

    wrong = 0
    for name, attack in load_attacks().items():
        with tempfile.TemporaryDirectory() as folder:
            limits = limits_now()
            marks, messages, notes = seen(examined(attack, Path(folder), limits), limits)
        if marks != attack.marks:
            wrong += 1
            print(f"{name}: marks {marks}, not {attack.marks}", file=sys.stderr)
        (FOLDER / name / "expected.toml").write_text(_golden(attack, messages, notes), "utf-8")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
