"""A small class goes through the term that the page for instructors tells: each of its commands is run in turn, as it stands there."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.nbgrader_compat.course import Course
from autograder.notebook.cells import grading, read_notebook
from autograder.simulate.kinds import load_kinds, write_submission
from tests.pace import HANG

BIN = Path(sys.executable).parent
ENVIRONMENT = os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"}
ASSIGNMENT, COURSE = "quantization", "quantization-kit"
CLASS = ("s01", "s03", "s07")  # two of them have an extension on the page
HANDED_IN = "2026-12-03 12:00:00.000000 UTC"
REVISED = "0_self_check", "test_answer"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def the_page(root: Path) -> list[tuple[str, str]]:
    """What stands between fences before the page turns to the examiner: its language, and its text."""
    term, _, _ = (root / "docs" / "instructors.md").read_text("utf-8").partition("\n## The examiner")
    return BLOCK.findall(term)


class Term:
    """The course of an instructor in its folder, and what happens to it besides the commands of the page."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.course = Course.copy_of(root, folder / "course", ASSIGNMENT)
        self.exchange = folder / "exchange"
        self.exchange.mkdir(mode=0o777)
        self.exchange.chmod(0o777)
        self.settings = self.course.root / "nbgrader_config.py"
        self._set(f"c.Exchange.root = {str(self.exchange)!r}\nc.ExchangeCollect.check_owner = False")
        self.said: dict[str, str] = {}

    def _set(self, lines: str) -> None:
        with self.settings.open("a", encoding="utf-8") as file:
            file.write(f"{lines}\n")

    def write(self, language: str, text: str) -> None:
        """Do with a block that is no command what the page says of it."""
        if language == "python" and "get_config" not in text:  # else it is for another file
            self._set(text)
        elif language == "toml":
            (self.course.root / "late.toml").write_text(text, "utf-8")
        elif text.startswith("student,"):
            (self.course.root / "extensions.csv").write_text(text, "utf-8")

    def run(self, line: str) -> None:
        """Run a command of the page, after what has to happen before it."""
        before = {
            "nbgrader collect": self._hand_in,
            "autograder written quantization --in": self._mark,
            "autograder export quantization --for canvas": self._export_from_canvas,
            "autograder revise quantization ": self._revise,
        }
        for start, happens in before.items():
            if line.startswith(start):
                happens()
        command = shlex.split(line, comments=True)
        done = subprocess.run(
            [BIN / command[0], *command[1:]],
            cwd=self.course.root,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=HANG,
        )
        self.said[" ".join(command)] = " ".join((done.stdout + done.stderr).split())
        assert done.returncode == 0, (line, done.stdout[-3000:], done.stderr[-3000:])

    def _hand_in(self) -> None:
        """The class hands in, through the exchange."""
        outbound = self.exchange / COURSE / "outbound" / ASSIGNMENT
        assert (outbound / "what-you-may-use.md").is_file()
        kinds = load_kinds(self.course.source)
        for student in CLASS:
            name = f"{student}+{ASSIGNMENT}+{HANDED_IN}+0"
            target = self.exchange / COURSE / "inbound" / name
            write_submission(kinds[student], self.course.source, outbound, target)
            (target / "timestamp.txt").write_text(HANDED_IN)

    def _mark(self) -> None:
        """A marker fills in the table: everything is right."""
        file = self.course.root / "answers.csv"
        with file.open(encoding="utf-8-sig", newline="") as text:
            rows = list(csv.DictReader(text))
        items: list[str] = []
        for row in rows:
            if row["row"] == "model answer":
                items = [name for name in row if name.startswith("item ") and row[name]]
            else:
                row.update(dict.fromkeys(items, "1"), comment="Well said.")
        with file.open("w", encoding="utf-8-sig", newline="") as text:
            table = csv.DictWriter(text, list(rows[0]))
            table.writeheader()
            table.writerows(rows)

    def _export_from_canvas(self) -> None:
        lines = ["Student,ID,SIS User ID,SIS Login ID,Section"]
        lines += [f'"Last, First",{at},u{at},{student},A' for at, student in enumerate(CLASS)]
        (self.course.root / "canvas-export.csv").write_text("\n".join(lines) + "\n", "utf-8")

    def _revise(self) -> None:
        """A question is worth a point more."""
        path = self.course.source / f"{REVISED[0]}.ipynb"
        notebook = read_notebook(path)
        grading(notebook.by_grade_id()[REVISED[1]])["points"] = 3
        path.write_text(notebook.dumps(), "utf-8")


@pytest.fixture(scope="module")
def term(root, tmp_path_factory):
    made = Term(root, tmp_path_factory.mktemp("term"))
    for language, text in the_page(root):
        lines = [line for line in text.splitlines() if line.startswith(("autograder ", "nbgrader "))]
        for line in lines:
            made.run(line)
        if not lines:
            made.write(language, text)
    return made


def test_every_command_of_the_page_was_run(root, term):
    known = {"lint", "bundle", "grade", "report", "written", "feedback", "revise", "export"}
    run = {line.split()[1] for line in term.said if line.startswith("autograder")}
    assert run >= known
    assert {line.split()[1] for line in term.said if line.startswith("nbgrader")} >= {
        "generate_assignment",
        "release_assignment",
        "collect",
    }


def test_lateness_costs_what_the_page_says_and_not_those_with_more_time(term):
    with term.course.gradebook() as book:
        found = {
            one.student_id: (one.late_submission_penalty, one.score)
            for one in book.assignment_submissions(ASSIGNMENT)
        }
    penalty, score = found["s01"]
    assert penalty == pytest.approx(score * 0.2)  # two days have begun
    assert found["s03"][0] == 0 == found["s07"][0]
    page = (term.course.layout.feedback / "s03" / f"{ASSIGNMENT}.html").read_text("utf-8")
    assert "Your extension ends on 2026-12-05 11:00 UTC." in page


def test_what_a_marker_wrote_is_in_the_last_export_and_the_new_points_too(term):
    with (term.course.root / f"{ASSIGNMENT}-csv.csv").open(encoding="utf-8", newline="") as text:
        rows = {row["student"]: row for row in csv.DictReader(text)}
    explained = [name for name in rows["s03"] if name.endswith(" explain")]
    assert explained and all(float(rows["s03"][name]) == 4 for name in explained)
    assert float(rows["s03"][f"{ASSIGNMENT}: {' '.join(REVISED)}"]) == 3
    assert "Last, First" in (term.course.root / f"{ASSIGNMENT}-canvas.csv").read_text("utf-8")
    results = json.loads((term.course.root / f"{ASSIGNMENT}-gradescope" / "s03.json").read_text("utf-8"))
    assert results["score"] == pytest.approx(float(rows["s03"][ASSIGNMENT]))
