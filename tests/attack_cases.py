"""Attacks on the examiner as golden folders: ``attacks/NAME/attack.txt`` is what the student writes, ``expected.toml`` what it must earn.

An attack starts from the right or the wrong answers. What these earn without an attack stands in ``right.toml`` and ``wrong.toml``; a golden
file holds only what differs from that. ``python -m tests.attack_cases`` writes the messages anew; the marks are written by hand. The limits of
time are larger on a busy machine: where a message names one, the golden file has its name in braces.
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
from autograder.kit import load_kit
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


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))


def usual(base: str) -> Attack:
    """The answers that attacks start from, ``right`` or ``wrong``, without an attack."""
    expected = _read(FOLDER / f"{base}.toml")
    return Attack(base, {}, "nothing", base, expected["marks"], expected.get("messages", {}), [])


def load_attacks() -> dict[str, Attack]:
    """All attacks by name."""
    found = {}
    for folder in sorted(path.parent for path in FOLDER.glob("*/attack.txt")):
        expected = _read(folder / "expected.toml")
        base = usual(expected["base"])
        found[folder.name] = Attack(
            folder.name,
            read_cells(folder / "attack.txt"),
            expected["tries"],
            expected["base"],
            base.marks | expected.get("marks", {}),
            base.messages | expected.get("messages", {}),
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
        assemble(SOURCE, path),
        limits,
        data_files(folder),
        owner=Owner(SOURCE.stem),
        kit=load_kit(folder),
        source=folder,
    )


def seen(result: ExamResult, limits: Limits) -> tuple[dict[str, float], dict[str, str], list[str]]:
    """Marks, messages (empty for full marks) and notes. A time in them is one of *limits*, or it stays as it is."""

    def named(text: str) -> str:
        for name in TIMES:
            text = text.replace(f"the {getattr(limits, name):.3g} s allowed", f"the {{{name}}} s allowed")
        return text

    marks = {key: verdict.score for key, verdict in result.verdicts.items()}
    messages = {key: named(verdict.message) for key, verdict in result.verdicts.items()}
    return marks, messages, [named(note) for note in result.notes]


def _golden(facts: dict[str, Any], usual: dict[str, dict[str, Any]], found: dict[str, dict[str, Any]]) -> str:
    """A golden file: *facts*, and of each table of *found* what is not *usual*."""
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in facts.items() if value]
    for name, table in found.items():
        rows = {key: value for key, value in table.items() if value != usual.get(name, {}).get(key)}
        if rows:
            lines += ["", f"[{name}]"] if lines else [f"[{name}]"]
            lines += [
                f"{key} = {json.dumps(value, ensure_ascii=False) if isinstance(value, str) else f'{value:g}'}"
                for key, value in rows.items()
            ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the messages anew; says where the marks are not those of the golden file, which it does not change."""
    import tempfile

    wrong = 0
    base: dict[str, dict[str, Any]] = {}
    for attack in [usual("right"), usual("wrong"), *load_attacks().values()]:
        with tempfile.TemporaryDirectory() as folder:
            limits = limits_now()
            marks, messages, notes = seen(examined(attack, Path(folder), limits), limits)
        if marks != attack.marks:
            wrong += 1
            print(f"{attack.name}: marks {marks}, not {attack.marks}", file=sys.stderr)
        found = {"marks": attack.marks, "messages": messages}
        if attack.name == attack.base:
            base[attack.base] = found
            text, path = _golden({}, {}, found), FOLDER / f"{attack.base}.toml"
        else:
            facts = {"tries": attack.tries, "base": attack.base, "notes": notes}
            text, path = _golden(facts, base[attack.base], found), FOLDER / attack.name / "expected.toml"
        path.write_text(text, "utf-8")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
