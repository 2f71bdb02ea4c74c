"""Nobody's work is left without a look: what no test can judge is in the list at the end of a run, in the class report, and flagged in the gradebook."""

from __future__ import annotations

import copy
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, writes
from rich.console import Console

from autograder.cli import main
from autograder.files.lookalikes import identified
from autograder.grading.command import local_grader, print_summary
from autograder.grading.run import Summary, grade_course
from autograder.nbgrader_compat.course import Course
from autograder.nbgrader_compat.triage import class_triage
from autograder.pages.feedback import write_student_pages
from autograder.triage.lines import SHOWN, WIDTH, triage_lines
from autograder.triage.reasons import LONGEST, MOST, REASONS, Item, by_reason
from tests.pace import HANG
from tests.small import cell
from tests.test_commands import CONFIG

NAME = "1_mean"
MEAN = "def mean(values):\n    return sum(values) / len(values)"
STUB = "YOUR ANSWER HERE"
ESSAY = "The mean moves with every outlier; the median does not."
NOT_JSON = "{ this was a notebook"


def markdown(grade_id: str, source: str, points: int = 0) -> NotebookNode:
    made = new_markdown_cell(source, id=grade_id)
    kind = {"grade": bool(points), "solution": bool(points), "locked": not points, "task": False}
    made.metadata["nbgrader"] = {"grade_id": grade_id, "schema_version": 3, **kind}
    if points:
        made.metadata["nbgrader"]["points"] = points
    return made


def source_cells() -> list[NotebookNode]:
    return [
        markdown("question", "# Which is robust?\n\nCompare the mean with the median."),
        cell("mean", f"### BEGIN SOLUTION\n{MEAN}\n### END SOLUTION", solution=True),
        cell("mean_test", "assert mean([1, 3]) == 2, 'the mean of 1 and 3 is 2'", 2),
        markdown("why", "The median.", 4),
        markdown("when", "Often.", 3),
    ]


def answers(why: str = STUB, when: str = "Always.", mean: str = MEAN) -> list[NotebookNode]:
    """The cells of a submission."""
    cells = source_cells()
    cells[1].source, cells[3].source, cells[4].source = mean, why, when
    return cells


def text(cells: list[NotebookNode], **metadata: Any) -> str:
    return writes(new_notebook(cells=cells, metadata=metadata))


def copied(one: NotebookNode, source: str) -> NotebookNode:
    made = copy.deepcopy(one)
    made.id, made.source = "copy", source
    return made


Placed = Callable[[list[NotebookNode]], object]
# Where a student may put what they have to say about the empty answer ``why``.
WRITTEN: dict[str, Placed] = {
    "below": lambda cells: cells.insert(4, new_markdown_cell(ESSAY)),
    "at_the_end": lambda cells: cells.append(new_markdown_cell(ESSAY)),
    "in_a_code_cell": lambda cells: cells.append(new_code_cell(ESSAY)),
    "in_a_comment": lambda cells: cells.append(new_code_cell(f"# {ESSAY}")),
    "in_a_string": lambda cells: cells.append(new_code_cell(f"print({ESSAY!r})")),
    "in_the_question": lambda cells: cells[0].update(source=f"{cells[0].source}\n\n{ESSAY}"),
    "in_the_test": lambda cells: cells[2].update(source=f"{cells[2].source}\n# {ESSAY}"),
    "in_a_copy": lambda cells: cells.insert(3, copied(cells[3], ESSAY)),
    "in_a_picture": lambda cells: cells.append(new_markdown_cell("![photo](attachment:photo.png)")),
}
FILES: dict[str, dict[str, str]] = {
    "fine": {f"{NAME}.ipynb": text(answers(ESSAY))},
    "empty": {f"{NAME}.ipynb": text(answers())},
    "parenthesis": {f"{NAME} (1).ipynb": text(answers(ESSAY))},
    "in_a_folder": {f"my work/{NAME}.ipynb": text(answers(ESSAY))},
    "capitals": {f"{NAME.upper()}.IPYNB": text(answers(ESSAY))},
    "by_cells": {"homework_final.ipynb": text(answers(ESSAY))},
    "same_twice": {f"{NAME}-Copy{i}.ipynb": text(answers(ESSAY)) for i in (1, 2)},
    "two_differ": {
        f"{NAME}-Copy1.ipynb": text(answers(ESSAY)),
        f"{NAME} (1).ipynb": text(answers("Yes.")),
    },
    "copy_beside": {f"{NAME}.ipynb": text(answers(ESSAY)), f"{NAME}-Copy1.ipynb": text(answers("No."))},
    "zip_only": {"work.zip": "PK", "<b>.txt": "x"},
    "not_json": {f"{NAME}.ipynb": NOT_JSON},
    "clock": {f"{NAME}.ipynb": text(answers(ESSAY)), "timestamp.txt": "2026-01-05 10:00:00 IST"},
    "in_test_cell": {f"{NAME}.ipynb": text(answers(ESSAY, mean="# YOUR CODE HERE"))},
    "below_test": {f"{NAME}.ipynb": text([*answers(ESSAY, mean="pass"), new_code_cell(MEAN)])},
    "in_markdown": {
        f"{NAME}.ipynb": text([*answers(ESSAY, mean=""), new_markdown_cell(f"```python\n{MEAN}\n```")])
    },
    "newer": {
        f"{NAME}.ipynb": text(
            answers(ESSAY, mean="def mean(values) return 1"),
            language_info={"name": "python", "version": "99.1.0"},
        )
    },
}


def retyped(kind: str) -> str:
    content = json.loads(text(answers(ESSAY)))
    content["cells"][3]["cell_type"] = kind
    return json.dumps(content)


def all_files() -> dict[str, dict[str, str]]:
    files = copy.deepcopy(FILES)
    cells = answers(ESSAY, mean="")
    cells[2].source = f"{MEAN}\n{cells[2].source}"
    files["in_test_cell"] = {f"{NAME}.ipynb": text(cells)}
    for kind in ("code", "raw"):
        files[f"became_{kind}"] = {f"{NAME}.ipynb": retyped(kind)}
    for where, place in WRITTEN.items():
        cells = answers()
        place(cells)
        files[where] = {f"{NAME}.ipynb": text(cells)}
    return files


def class_in(root: Any) -> Course:
    (root / "nbgrader_config.py").write_text(CONFIG)
    source = root / "source" / "hw"
    source.mkdir(parents=True)
    (source / f"{NAME}.ipynb").write_text(writes(new_notebook(cells=source_cells())))
    course = Course(root, "hw")
    course.generate_assignment()
    for student, files in all_files().items():
        for name, content in files.items():
            path = course.submitted(student) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
    return course


Grades = dict[str, dict[str, tuple[float | None, bool]]]


def grades(course: Course) -> Grades:
    """(automatic mark, whether a person is asked) by student and cell."""
    found: Grades = {}
    with course.gradebook() as book:
        for submission in book.assignment_submissions("hw"):
            for notebook in submission.notebooks:
                found[submission.student.id] = {
                    grade.name: (grade.auto_score, bool(grade.needs_manual_grade))
                    for grade in notebook.grades
                }
    return found


@pytest.fixture(scope="module")
def ours(tmp_path_factory) -> tuple[Course, Summary]:
    course = class_in(tmp_path_factory.mktemp("ours"))
    summary = grade_course(course, local_grader(1))
    assert not summary.trouble and not summary.stopped
    return course, summary


@pytest.fixture(scope="module")
def marked(ours) -> Grades:
    return grades(ours[0])


def listed(summary: Summary, student: str) -> dict[str, str]:
    return {item.reason: item.says for item in summary.triage if item.student == student}


@pytest.mark.parametrize("where", WRITTEN)
def test_an_empty_answer_is_no_zero_while_there_is_a_text_of_the_student_s(where, ours, marked):
    assert marked[where]["why"] == (None, True)
    assert marked[where]["mean_test"] == (2, False)
    assert "why is empty, but cell" in listed(ours[1], where)["unread"]


def test_an_empty_answer_without_any_text_is_a_zero_that_nobody_is_asked_about(ours, marked):
    assert marked["empty"] == {"mean_test": (2, False), "why": (0, False), "when": (None, True)}
    assert listed(ours[1], "empty") == listed(ours[1], "fine") == {}


@pytest.mark.parametrize("kind", ["code", "raw"])
def test_a_written_answer_that_became_another_type_is_a_person_s_to_mark(kind, ours, marked):
    assert marked[f"became_{kind}"]["why"] == (None, True)
    assert (
        f"the answer why had been turned into a {kind} cell" in listed(ours[1], f"became_{kind}")["retyped"]
    )


@pytest.mark.parametrize("student", ["parenthesis", "in_a_folder", "capitals", "by_cells", "same_twice"])
def test_the_only_file_that_looks_like_the_notebook_is_graded_and_named(student, ours, marked):
    assert marked[student] == marked["fine"]
    for name in all_files()[student]:
        assert name in listed(ours[1], student)["renamed"]


def test_of_files_that_differ_none_is_chosen_and_the_zeros_name_them(ours, marked):
    assert marked["two_differ"] == {"mean_test": (0, True), "why": (0, True), "when": (0, True)}
    course, summary = ours
    write_student_pages(course, ["two_differ"])
    page = course.student_page("two_differ").read_text()
    for name in FILES["two_differ"]:
        assert name in listed(summary, "two_differ")["unreadable"] and name in page


def test_what_lies_there_in_the_place_of_a_notebook_is_named(ours, marked):
    says = listed(ours[1], "zip_only")["missing"]
    assert "1_mean was not handed in" in says and "work.zip" in says and "<" not in says
    assert set(marked["zip_only"].values()) == {(0, False)}
    assert f"{NAME}-Copy1.ipynb" in listed(ours[1], "copy_beside")["copy"]
    assert marked["copy_beside"] == marked["fine"]


@pytest.mark.parametrize("student", ["in_test_cell", "below_test", "in_markdown"])
def test_an_answer_where_no_test_looks_is_a_zero_that_a_person_is_asked_about(student, ours, marked):
    assert marked[student]["mean_test"] == (0, True)
    assert "mean, which mean_test asks for, is defined only" in listed(ours[1], student)["untested"]


def test_what_cannot_be_read_is_a_person_s_to_look_at(ours, marked):
    assert set(marked["not_json"].values()) == {(0, True)}
    assert "it is not JSON" in listed(ours[1], "not_json")["unreadable"]


def test_a_doubtful_time_is_named_with_what_was_assumed(ours):
    says = listed(ours[1], "clock")["time"]
    assert "IST is UTC+01:00, UTC+02:00 or UTC+05:30, and UTC+05:30 is assumed" in says
    with ours[0].gradebook() as book:
        assert str(book.find_submission("hw", "clock").timestamp) == "2026-01-05 04:30:00"


def test_a_newer_python_is_said_in_the_list_in_the_reason_and_where_the_cell_failed(ours, marked):
    course, summary = ours
    assert "was written with Python 99.1 and is graded with Python 3." in listed(summary, "newer")["version"]
    assert marked["newer"]["mean_test"] == (0, True)
    graded = json.loads((course.autograded("newer") / f"{NAME}.ipynb").read_text())
    assert "Python 99.1" in graded["metadata"]["autograder"]["reasons"]["mean_test"]["says"]
    (failed,) = graded["cells"][1]["outputs"]
    assert failed["ename"] == "SyntaxError" and "Python 99.1" in failed["evalue"]


def test_nbgrader_asks_for_a_person_where_we_do(marked, tmp_path):
    course = class_in(tmp_path)
    nbgrader = Path(sys.executable).with_name("nbgrader")
    subprocess.run([nbgrader, "autograde", "hw"], cwd=tmp_path, check=True, timeout=HANG, capture_output=True)
    assert grades(course) == marked
    with course.gradebook() as book:
        assert str(book.find_submission("hw", "clock").timestamp) == "2026-01-05 04:30:00"


def test_the_report_has_the_list_too_and_as_escaped_text(ours, capsys):
    course, summary = ours
    assert class_triage(course) == summary.triage
    assert main(["report", "hw", "--course", str(course.root)]) == 0
    page = (course.root / "report-hw.html").read_text()
    shown = capsys.readouterr().out
    for reason in {item.reason for item in summary.triage}:
        assert REASONS[reason] in page and REASONS[reason] in " ".join(shown.split())
    assert f"{NAME} (1).ipynb" in page and "work.zip" in page


def test_the_time_zone_of_the_course_says_what_an_abbreviation_means(ours, tmp_path):
    course, _ = ours
    shutil.copytree(course.root, tmp_path / "course", ignore=shutil.ignore_patterns("autograded"))
    with (tmp_path / "course" / "nbgrader_config.py").open("a") as config:
        config.write('c.Exchange.timezone = "Asia/Jerusalem"\n')
    said = Course(tmp_path / "course", "hw").inbox.time("clock")
    assert (str(said.time), said.doubt) == ("2026-01-05 08:00:00", "")


def test_a_second_run_that_grades_nothing_has_the_same_list(ours):
    course, summary = ours
    again = grade_course(course, local_grader(1))
    assert again.graded == [] and again.triage == summary.triage


def test_a_mark_by_hand_that_is_older_than_the_text_is_not_shown_as_final(ours):
    course, _ = ours
    with course.gradebook() as book:
        for name, mark in {"why": 3.5, "when": 2.5}.items():
            grade = book.find_grade(name, NAME, "hw", "fine")
            grade.manual_score, grade.needs_manual_grade = mark, False
        book.db.commit()
    write_student_pages(course, ["fine"])
    assert "3.5 of 4" in course.student_page("fine").read_text()
    (course.submitted("fine") / f"{NAME}.ipynb").write_text(text(answers("I have another opinion now.")))
    summary = grade_course(course, local_grader(1))
    says = [item.says for item in summary.triage if item.student == "fine" and item.reason == "remark"]
    assert "the mark 3.5 of why was given before its present answer" in " ".join(says) and len(says) == 2
    write_student_pages(course, ["fine"])
    page = course.student_page("fine").read_text()
    assert "was 3.5 of 4 for the earlier text, to be read again" in page
    assert page.count("3.5 of 4") == page.count("was 3.5 of 4 for the earlier text")


def test_nobody_can_fill_the_list_nor_steer_the_terminal():
    evil = "[red]x[/] \x1b[2J <script> " * 99
    items = [Item("copy", evil.replace("\x1b", "?"), "eve", f"n{i}") for i in range(500)]
    items += [Item("time", "it is late", f"s{i}") for i in range(500)]
    found = by_reason(items)
    assert list(found) == ["time", "copy"] and len(found["copy"]) == MOST + 1
    assert all(len(item.says) <= LONGEST for item in found["copy"])
    lines = list(triage_lines(items, "The report lists them."))
    assert len(lines) < 60 and all(len(line) <= WIDTH for line in lines)
    assert f"    … and {500 - SHOWN} more" in lines and lines[-1] == "  The report lists them."
    console = Console(file=io.StringIO(), width=60)
    print_summary(Summary(triage=items), console)
    assert "[red]x[/]" in console.file.getvalue()


def test_a_name_decides_only_where_the_cells_do_not():
    known = {"1_mean": {"a", "b", "c"}, "2_mean_again": {"d", "e"}, "2_mean": {"f"}}
    cells = {
        key: b"".join(b'"grade_id": "%s",' % one.encode() for one in found) for key, found in known.items()
    }
    assert identified("2_mean.ipynb", cells["1_mean"], known) == "1_mean"
    assert identified("x.ipynb", cells["2_mean_again"].decode().encode("utf-16"), known) == "2_mean_again"
    assert identified("deep/2 Mean AGAIN (3).ipynb", b"", known) == "2_mean_again"
    assert identified("2_mean-Copy1.ipynb.txt", b"not a notebook", known) == "2_mean"
    assert identified("notes.ipynb", b"", known) is None
    assert identified("all.ipynb", b"".join(cells.values()), known) is None
