"""Marks that other systems import: the totals are nbgrader's own, the forms are the files in ``exports/``, and a roster says who is who.

Sources of the forms are in :mod:`autograder.report.exports`.
"""

from __future__ import annotations

import csv
import json
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.cli import main
from autograder.grading.command import local_grader
from autograder.grading.run import grade_course
from autograder.report.exports import write_export
from autograder.report.marks import ClassMarks, Mark, Question, class_marks
from autograder.report.roster import RosterError, read_roster
from tests.courses import handed_in

QUESTIONS = [
    Question("0_part", "f", 2),
    Question("0_part", "why", 3, by_hand=True),
    Question("1_part", "g", 5),
]


def small() -> ClassMarks:
    """Three students: one with everything, one who is late, and one who handed in one notebook of two."""
    marks = {
        "ada": {0: Mark(2.0), 1: Mark(2.5), 2: Mark(5.0)},
        "bob": {0: Mark(1.0), 1: Mark(0.0), 2: Mark(2 / 3)},
        "=cmd": {0: Mark(0.0), 1: Mark(3.0)},
    }
    return ClassMarks("course", QUESTIONS, marks, penalties={("bob", "0_part"): 2.0})


ROSTER = """Student,ID,SIS User ID,SIS Login ID,Section,Old (17)
    Points Possible,,,,,10
"Lovelace, Ada",101,u1,ada,A,9
"Builder, Bob",102,u2,bob,B,
"Gone, Guy",103,u3,guy,B,3
"""


@pytest.mark.parametrize("by_question", [False, True])
@pytest.mark.parametrize("form", ["canvas", "moodle", "csv"])
def test_the_forms_are_those_of_the_golden_files(form, by_question, tmp_path, root):
    people = None
    if form == "canvas":
        (tmp_path / "roster.csv").write_text(ROSTER)
        people = read_roster(tmp_path / "roster.csv", ["ada", "bob", "=cmd"]).people
    write_export(form, small(), tmp_path / "out.csv", people, by_question)
    golden = root / "tests" / "exports" / f"{form}{'-by-question' * (by_question and form != 'csv')}.csv"
    assert (tmp_path / "out.csv").read_text("utf-8") == golden.read_text("utf-8")


def test_gradescope_gets_a_file_of_results_for_each_student(tmp_path):
    write_export("gradescope", small(), tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "%3Dcmd.json",
        "ada.json",
        "bob.json",
    ]
    bob = json.loads((tmp_path / "out" / "bob.json").read_text("utf-8"))
    assert bob["score"] == pytest.approx(2 / 3)  # no notebook has less than 0
    assert [(one["score"], one["max_score"]) for one in bob["tests"]][:2] == [(1.0, 2), (0.0, 3)]


@given(
    ids=st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), unique=True, max_size=5)
)
def test_whatever_students_are_called_the_table_has_a_line_for_each_and_no_formula(tmp_path_factory, ids):
    place = tmp_path_factory.mktemp("export") / "out.csv"
    marks = ClassMarks("course", QUESTIONS, {one: {0: Mark(1.0)} for one in ids})
    write_export("csv", marks, place)
    with place.open(encoding="utf-8", newline="") as text:
        _, *rows = csv.reader(text)
    assert [row[0].removeprefix("'") for row in rows] == [one.removeprefix("'") for one in ids]
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "@"))]
    assert all(row[1] == "1" for row in rows)


@pytest.fixture(scope="module")
def course(root, tmp_path_factory):
    """A graded class, with marks by hand, extra credit and penalties."""
    made = handed_in(
        root, tmp_path_factory.mktemp("exports") / "course", ["s01", "s07", "s10", "s14"], only="13"
    )
    assert not grade_course(made, local_grader(2)).trouble
    return made


def give(course, student, notebook, cell, manual, extra=None, penalty=None):
    with course.gradebook() as book:
        row = book.find_submission_notebook(notebook, course.assignment, student)
        grade = next(one for one in row.grades if one.name == cell)
        grade.manual_score, grade.extra_credit, grade.needs_manual_grade = manual, extra, False
        if penalty is not None:
            row.late_submission_penalty = penalty
        book.db.commit()


def nbgrader_s(course) -> dict[str, float]:
    found: dict[str, float] = {}
    with course.gradebook() as book:
        for submission in book.assignment_submissions(course.assignment):
            found[submission.student.id] = sum(
                max(0.0, one.score - (one.late_submission_penalty or 0.0)) for one in submission.notebooks
            )
    return found


def test_marks_are_exported_when_nothing_waits_and_are_nbgrader_s_own(course, tmp_path, capsys):
    command = ["export", "quantization", "--course", str(course.root), "--for", "csv"]
    out = tmp_path / "marks.csv"
    assert main([*command, "--out", str(out)]) == 2
    assert "wait for a person (s01, s07, s14)" in capsys.readouterr().err and not out.exists()
    assert main([*command, "--out", str(out), "--incomplete"]) == 0
    give(course, "s01", "1_predict", "explain", 3.0, extra=0.5)
    give(course, "s01", "3_frontier", "explain", 4.0)
    give(course, "s01", "4_measure", "explain", 2.0)
    give(course, "s07", "1_predict", "explain", 1.0, penalty=2.5)
    give(course, "s07", "3_frontier", "explain", 0.0, penalty=99.0)
    give(course, "s07", "4_measure", "explain", 0.0)
    give(course, "s14", "1_predict", "explain", 2.0)
    give(course, "s14", "4_measure", "explain", 1.0)
    give(course, "s14", "1_predict", "itl_visible", 0.5)  # a test that a person overruled
    assert main([*command, "--out", str(out)]) == 0
    with out.open(encoding="utf-8", newline="") as text:
        totals = {row["student"]: float(row["quantization"]) for row in csv.DictReader(text)}
    assert totals == pytest.approx(nbgrader_s(course)) and totals["s10"] == 0
    marks = class_marks(course)
    assert {student: marks.total(student) for student in marks.students} == pytest.approx(totals)


def test_who_is_not_graded_is_not_given_zeros_in_silence(course, tmp_path, capsys):
    command = ["export", "quantization", "--course", str(course.root), "--for", "csv"]
    shutil.copytree(course.submitted("s01"), course.submitted("s55"))
    assert main([*command, "--out", str(tmp_path / "marks.csv")]) == 2
    assert (
        "1 of 5 students are not graded, or not wholly (s55): run autograder grade" in capsys.readouterr().err
    )
    assert main([*command, "--out", str(tmp_path / "marks.csv"), "--incomplete"]) == 0
    shutil.rmtree(course.submitted("s55"))


def test_a_roster_maps_ids_and_whoever_is_not_matched_is_named_on_both_sides(course, tmp_path, capsys):
    (tmp_path / "r.csv").write_text("Username,code\nada,s01\nbob,s07\nguy,s99\n")
    command = ["export", "quantization", "--course", str(course.root), "--for", "moodle", "--incomplete"]
    assert main([*command, "--roster", str(tmp_path / "r.csv"), "--out", str(tmp_path / "o.csv")]) == 0
    said = capsys.readouterr()
    assert "column 'code'" in said.out
    assert (
        "Not in the roster, left out: s10, s14" in said.err
        and "without a submission, left out: s99" in said.err
    )
    lines = (tmp_path / "o.csv").read_text("utf-8").splitlines()
    assert lines[0] == "Username,quantization" and [line.split(",")[0] for line in lines[1:]] == [
        "ada",
        "bob",
    ]


@pytest.mark.parametrize(
    ("text", "key", "says"),
    [
        ("", None, "is empty"),
        (
            "a,b\n1,2\n",
            None,
            "has none of the class in any of its columns a, b; the class has ids such as ada",
        ),
        ("a,b\nada,2\n", "c", "has no column 'c'; it has a, b"),
        ("a,b\nada,2\nada,3\n", None, "has 'ada' twice in its column 'a'"),
        (None, None, "cannot be read: No such file"),
    ],
)
def test_a_roster_that_cannot_be_used_says_why(tmp_path, text, key, says):
    if text is not None:
        (tmp_path / "r.csv").write_text(text)
    with pytest.raises(RosterError, match=says):
        read_roster(tmp_path / "r.csv", ["ada"], key)


def test_a_roster_may_be_what_a_spreadsheet_saves(tmp_path):
    (tmp_path / "r.csv").write_bytes(b"\xef\xbb\xbfstudent,ID\r\nada , 7\r\nshort\r\n")
    found = read_roster(tmp_path / "r.csv", ["ada", "bob"])
    assert found.people["ada"] == {"student": "ada", "ID": "7"}
    assert found.unknown == ("bob",) and found.without == ("short",)
    (tmp_path / "s.csv").write_text('Student;ID\n"Lovelace, Ada";ada\n')
    assert read_roster(tmp_path / "s.csv", ["ada"]).people["ada"]["Student"] == "Lovelace, Ada"
    (tmp_path / "l.csv").write_bytes("student\nMüller\n".encode("latin-1"))
    with pytest.raises(RosterError, match="is not in UTF-8: save it as CSV UTF-8"):
        read_roster(tmp_path / "l.csv", ["ada"])
