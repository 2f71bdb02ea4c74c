"""Written answers go out as a table and come back as nbgrader's own marks and comments; what does not fit is refused, and nobody overwrites anybody."""

from __future__ import annotations

import csv
import io

import pytest

from autograder.cli import main
from autograder.files.csv_table import as_meant, defused
from autograder.grading.command import local_grader
from autograder.grading.run import grade_course
from autograder.report.written import written_answers
from tests.courses import handed_in

NOTEBOOK = "1_predict"


@pytest.fixture(scope="module")
def graded(root, tmp_path_factory):
    made = handed_in(root, tmp_path_factory.mktemp("written") / "course", ["s01", "s04", "s07"], only="1")
    assert not grade_course(made, local_grader(2)).trouble
    return made


@pytest.fixture
def course(graded):
    """The class with nothing marked by hand."""
    with graded.gradebook() as book:
        for submission in book.assignment_submissions("quantization"):
            for notebook in submission.notebooks:
                for grade in notebook.grades:
                    if grade.name == "explain":
                        grade.manual_score, grade.needs_manual_grade = None, True
                for comment in notebook.comments:
                    comment.manual_comment = None
        book.db.commit()
    return graded


def written(course, *options):
    return main(["written", "quantization", "--course", str(course.root), *map(str, options)])


def table(course, tmp_path, *options) -> list[dict[str, str]]:
    assert written(course, "--out", tmp_path / "w.csv", "--notebook", NOTEBOOK, *options) == 0
    return list(csv.DictReader(io.StringIO((tmp_path / "w.csv").read_text("utf-8-sig"), newline="")))


def save(rows, path, delimiter=","):
    with path.open("w", encoding="utf-8-sig", newline="") as text:
        out = csv.DictWriter(text, list(rows[0]), delimiter=delimiter)
        out.writeheader()
        out.writerows(rows)
    return path


def fill(row, *points, comment=""):
    return row | {f"item {at + 1}": str(value) for at, value in enumerate(points)} | {"comment": comment}


def in_gradebook(course) -> dict[str, tuple[float | None, bool, str | None]]:
    found = {}
    with course.gradebook() as book:
        for submission in book.assignment_submissions("quantization"):
            for notebook in submission.notebooks:
                if notebook.name == NOTEBOOK:
                    grade = next(one for one in notebook.grades if one.name == "explain")
                    comment = next(one for one in notebook.comments if one.name == "explain")
                    found[submission.student.id] = (
                        grade.manual_score,
                        grade.needs_manual_grade,
                        comment.manual_comment,
                    )
    return found


def test_the_table_has_the_model_answer_the_items_and_then_every_answer(course, tmp_path):
    model, *answers = table(course, tmp_path)
    assert model["row"] == "model answer" and "SOLUTION" not in model["answer"]
    assert model["mark"] == "item 1 up to 1, item 2 up to 1, item 3 up to 1, item 4 up to 1"
    assert model["item 1"].startswith("It says which model gains more")
    assert [row["student"] for row in answers] == ["s01", "s04", "s07"]
    assert all("Amdahl" in row["answer"] for row in answers)


def test_an_anonymous_table_names_nobody_and_comes_back_all_the_same(course, tmp_path, capsys):
    model, *answers = table(course, tmp_path, "--anonymous")
    assert not [row for row in answers if row["student"]]
    assert not any(name in repr(answers) for name in ("s01", "s04", "s07"))
    filled = save([model, *(fill(row, 1, 0, 0.5, 1) for row in answers)], tmp_path / "filled.csv")
    assert written(course, "--in", filled) == 0
    assert in_gradebook(course) == dict.fromkeys(["s01", "s04", "s07"], (2.5, False, None))
    assert f"s01, {NOTEBOOK}, explain: 2.5 of 4" in capsys.readouterr().out


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_two_people_with_half_of_the_rows_each_do_not_overwrite_one_another(course, tmp_path, delimiter):
    model, first, second, third = table(course, tmp_path)
    one = save(
        [model, fill(first, 1, 1, 1, 1, comment="=Good,\nreally"), second, third],
        tmp_path / "one.csv",
        delimiter,
    )
    two = save(
        [model, first, fill(second, 0, 0, 0, 0), fill(third, 1, 1, 0, 0)], tmp_path / "two.csv", delimiter
    )
    assert written(course, "--in", one) == 0 and written(course, "--in", two) == 0
    expected = {"s01": (4.0, False, "=Good,\nreally"), "s04": (0.0, False, None), "s07": (2.0, False, None)}
    assert in_gradebook(course) == expected
    assert written(course, "--in", one) == 0  # again: it is so already
    assert in_gradebook(course) == expected
    model, first, second, third = table(course, tmp_path)
    assert first["comment"] == "'=Good,\nreally"
    one = save([model, first | {"comment": "Better"}, second, third], tmp_path / "one.csv", delimiter)
    two = save([model, first, second, fill(third, 1, 1, 1, 0)], tmp_path / "two.csv", delimiter)
    assert written(course, "--in", one) == 0 and written(course, "--in", two) == 0
    assert in_gradebook(course) == expected | {"s01": (4.0, False, "Better"), "s07": (3.0, False, None)}


def test_a_mark_that_somebody_changed_since_is_not_overwritten(course, tmp_path, capsys):
    model, first, *_ = table(course, tmp_path)
    assert written(course, "--in", save([model, fill(first, 1, 1, 1, 1)], tmp_path / "one.csv")) == 0
    assert written(course, "--in", save([model, fill(first, 0, 0, 0, 1)], tmp_path / "two.csv")) == 1
    assert (
        "s01, 1_predict, explain: the answer, its mark or its comment has changed" in capsys.readouterr().err
    )
    assert in_gradebook(course)["s01"][0] == 4.0
    model, first, *_ = table(course, tmp_path)
    assert first["mark"] == "4"
    assert written(course, "--in", save([model, fill(first, 0, 0, 0, 1)], tmp_path / "two.csv")) == 0
    assert in_gradebook(course)["s01"][0] == 1.0


def test_an_answer_that_changed_since_is_not_marked(course, tmp_path, capsys):
    model, first, *_ = table(course, tmp_path)
    path = course.autograded("s01") / f"{NOTEBOOK}.ipynb"
    before = path.read_text("utf-8")
    try:
        path.write_text(before.replace("Amdahl", "Somebody"), "utf-8")
        assert written(course, "--in", save([model, fill(first, 1, 1, 1, 1)], tmp_path / "one.csv")) == 1
    finally:
        path.write_text(before, "utf-8")
    assert "has changed" in capsys.readouterr().err and in_gradebook(course)["s01"] == (None, True, None)


@pytest.mark.parametrize(
    ("points", "says"),
    [
        ((2, 0, 0, 0), "item 1 is 2: it may be 0 to 1"),
        ((0, -1, 0, 0), "item 2 is -1: it may be 0 to 1"),
        ((0, "nan", 0, 0), "item 2 is nan: it may be 0 to 1"),
        ((0, 0, "one", 0), "item 3 is 'one', which is no number"),
        ((0, "", 0, 0), "item 2 is empty, though others are filled"),
    ],
)
def test_points_that_do_not_fit_are_refused_and_the_other_rows_recorded(
    course, tmp_path, capsys, points, says
):
    model, first, second, _ = table(course, tmp_path)
    filled = save([model, fill(first, *points), fill(second, 1, "0,5", 1, 1)], tmp_path / "f.csv")
    assert written(course, "--in", filled) == 1
    said = capsys.readouterr()
    assert f"refused: s01, {NOTEBOOK}, explain: {says}" in said.err and "1 recorded" in said.out
    marks = in_gradebook(course)
    assert marks["s01"] == (None, True, None) and marks["s04"] == (3.5, False, None)


def test_an_empty_comment_keeps_the_one_that_is_there(course, tmp_path):
    model, first, *_ = table(course, tmp_path)
    assert written(course, "--in", save([model, fill(first, comment="See me")], tmp_path / "f.csv")) == 0
    model, first, *_ = table(course, tmp_path)
    assert (
        written(course, "--in", save([model, fill(first, 1, 1, 1, 1, comment="")], tmp_path / "f.csv")) == 0
    )
    assert in_gradebook(course)["s01"] == (4.0, False, "See me")


def test_one_endless_answer_does_not_keep_the_table_from_coming_back(course, tmp_path):
    path = course.autograded("s01") / f"{NOTEBOOK}.ipynb"
    before = path.read_text("utf-8")
    try:
        path.write_text(before.replace("Amdahl", "Amdahl" * 40_000), "utf-8")
        model, first, second, _ = table(course, tmp_path)
        assert len(first["answer"]) < 32_767 and first["answer"].endswith("Formgrader shows all of it]")
        filled = save([model, fill(first, 1, 1, 1, 1), fill(second, 0, 0, 0, 0)], tmp_path / "f.csv")
        assert written(course, "--in", filled) == 0
    finally:
        path.write_text(before, "utf-8")
    assert (in_gradebook(course)["s01"][0], in_gradebook(course)["s04"][0]) == (4.0, 0.0)


def test_a_comment_alone_gives_no_mark(course, tmp_path):
    model, first, *_ = table(course, tmp_path)
    assert written(course, "--in", save([model, fill(first, comment="See me")], tmp_path / "f.csv")) == 0
    assert in_gradebook(course)["s01"] == (None, True, "See me")


def test_a_row_that_nobody_knows_and_a_file_that_is_no_table_are_named(course, tmp_path, capsys):
    model, first, *_ = table(course, tmp_path)
    unknown = save([model, fill(first, 1, 1, 1, 1) | {"row": "feed-beef"}], tmp_path / "f.csv")
    assert written(course, "--in", unknown) == 1
    assert "row feed-beef: no answer of quantization is known by it" in capsys.readouterr().err
    (tmp_path / "g.csv").write_text("a,b\n1,2\n")
    assert written(course, "--in", tmp_path / "g.csv") == 2
    assert "is no table of answers" in capsys.readouterr().err
    (tmp_path / "h.csv").write_bytes(b"row,comment\nx,\xff\n")
    assert written(course, "--in", tmp_path / "h.csv") == 2
    assert "save it as CSV UTF-8" in capsys.readouterr().err
    assert written(course, "--out", tmp_path / "w.csv", "--notebook", "0_self_check") == 2
    assert "there are some in 1_predict, 3_frontier, 4_measure" in capsys.readouterr().err


def test_two_at_once_do_not_both_record(course):
    from autograder.nbgrader_compat.manual import record_mark

    one = next(found for found in written_answers(course) if found.before.student == "s01").before
    with course.gradebook() as first, course.gradebook() as second:
        assert record_mark(first, one, 3.0, "")
        assert not record_mark(second, one, 1.0, "")
    assert in_gradebook(course)["s01"][0] == 3.0


@pytest.mark.parametrize("text", ["=1", "-5 points", "'t was", "''", "'", "", "plain", "+", "'=x"])
def test_what_is_defused_is_meant_again(text):
    assert as_meant(defused(text)) == text or text == "'=x"  # which is what "=x" becomes
