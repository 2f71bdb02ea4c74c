"""The class report: its statistics are those of pandas, whatever the class; no student's text runs in it; and its figures can be read by other programs."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.nbgrader_compat.grades import left_by_examiner
from autograder.notebook.assemble import assemble
from autograder.notebook.cells import read_notebook
from autograder.notebook.untouched import untouched
from autograder.report.charts import histogram
from autograder.report.marks import ClassMarks, Mark, Question
from autograder.report.page import write_report
from autograder.report.rows import Row
from autograder.report.statistics import distributions, items, misunderstandings
from autograder.report.tables import write_csv, write_json
from autograder.tutor.misconceptions import Misconception
from tests.assignments import every_notebook, release_of, source_of, sources

pandas = pytest.importorskip("pandas")

BANK = {
    name: Misconception(name, f"{name} is meant", f"Ask about {name}.", "none known", ())
    for name in ("bits", "bytes")
}


@st.composite
def classes(draw):
    """Small and larger classes, with ties, notebooks that are missing and answers that nobody has marked."""
    questions = [
        Question(f"{at // 2}_part", f"q{at}", draw(st.sampled_from([1.0, 2.0, 3.0])), at == 3)
        for at in range(draw(st.integers(1, 6)))
    ]
    marks = {}
    for student in range(draw(st.integers(0, 20))):
        own = marks[f"s{student:02}"] = {}
        for notebook in {question.notebook for question in questions}:
            if draw(st.integers(0, 4)) == 0:
                continue
            for at, question in enumerate(questions):
                if question.notebook == notebook:
                    score = draw(st.sampled_from([0.0, question.maximum / 2, question.maximum]))
                    waits = question.by_hand and draw(st.booleans())
                    names = draw(st.sampled_from([(), ("bits",), ("bits", "bytes"), ("unknown",)]))
                    untouched = draw(st.sampled_from([None, True, False]))
                    own[at] = Mark(None if waits else score, waits, untouched, names, "A sentence.")
    return ClassMarks("course", questions, marks, ["nobody"])


def frame(marks):
    """The same marks as a table of students and questions; NaN where there is none."""
    rows = {
        student: [own[at].score if at in own else None for at in range(len(marks.questions))]
        for student, own in marks.marks.items()
    }
    return pandas.DataFrame.from_dict(
        rows, orient="index", columns=range(len(marks.questions)), dtype="float64"
    )


def same(ours, theirs):
    return (ours is None) == bool(pandas.isna(theirs)) and (
        ours is None or math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-9)
    )


@settings(max_examples=200)
@given(marks=classes())
def test_questions_have_the_difficulty_and_the_discrimination_that_pandas_finds(marks):
    table = frame(marks)
    for at, item in enumerate(items(marks)):
        own = table[at].dropna()
        rest = table.drop(columns=at).sum(axis=1)[own.index].round(9)
        assert item.students == len(own)
        assert same(item.difficulty, own.mean() / marks.questions[at].maximum)
        wanted = own.corr(rest) if len(own) >= 3 and own.nunique() > 1 and rest.nunique() > 1 else math.nan
        assert same(item.discrimination, wanted)


@settings(max_examples=200)
@given(marks=classes())
def test_distributions_have_the_mean_and_the_quartiles_that_pandas_finds(marks):
    for found, notebook in zip(distributions(marks), [None, *marks.notebooks], strict=True):
        students = [s for s in marks.students if notebook is None or marks.has(s, notebook)]
        pairs = [marks.points(student, notebook) for student in students]
        shares = pandas.Series([points / most for points, most in pairs if most], dtype="float64")
        assert sum(found.counts) == len(found.shares) == len(shares)
        assert same(found.mean, shares.mean())
        for ours, part in ((found.lower, 0.25), (found.median, 0.5), (found.upper, 0.75)):
            assert same(ours, shares.quantile(part))


@every_notebook
def test_every_question_of_a_release_is_untouched_and_none_of_a_solved_notebook(assignment, notebook):
    template = sources(assignment, notebook)
    given = read_notebook(release_of(assignment) / f"{notebook}.ipynb").cells
    graded = {*template.auto_points(), *template.manual_points()}
    assert set(untouched(template, given)) == graded and untouched(template, template.cells) == []
    missing = assemble(source_of(assignment) / f"{notebook}.ipynb", b"")
    assert set(untouched(template, missing.cells)) == graded


def test_a_notebook_that_was_not_handed_in_counts_with_no_points_and_a_waiting_answer_not_at_all():
    questions = [Question("0", "a", 2), Question("0", "b", 3, by_hand=True), Question("1", "c", 5)]
    marks = ClassMarks("course", questions, {"s": {0: Mark(2.0), 1: Mark(None, waits=True)}})
    assert (
        marks.points("s") == (2, 7) and marks.points("s", "0") == (2, 2) and marks.points("s", "1") == (0, 5)
    )


def test_what_looks_broken_is_named():
    names = ("fine", "nobody", "upside_down", "alike", "fine_too", "and_this")
    questions = [Question("0", name, 1) for name in names]
    marks = {
        f"s{at:02}": {
            0: Mark(float(at > 6)),
            1: Mark(0.0),
            2: Mark(float(at < 4)),
            3: Mark(1.0),
            4: Mark(float(at > 5)),
            5: Mark(float(at > 7)),
        }
        for at in range(12)
    }
    words = {item.question.cell: item.word for item in items(ClassMarks("course", questions, marks))}
    assert words["nobody"].startswith("nobody has a point")
    assert words["upside_down"].startswith("those who do well elsewhere fail it")
    assert not words["fine"] and not words["alike"]
    few = dict(list(marks.items())[:4])
    assert not any(item.word for item in items(ClassMarks("course", questions, few)))


@given(marks=classes())
def test_misunderstandings_count_each_student_once_the_most_common_first(marks):
    found = misunderstandings(marks, BANK)
    for one in found:
        holders = {
            student
            for student, own in marks.marks.items()
            if any(one.name in mark.misconceptions for mark in own.values())
        }
        assert len(one.students) == len(holders) and set(one.students) == holders
        assert one.says == (f"{one.name} is meant" if one.name in BANK else "")
    assert [len(one.students) for one in found] == sorted((len(one.students) for one in found), reverse=True)


@settings(max_examples=30)
@given(marks=classes())
def test_other_programs_read_the_same_figures(tmp_path_factory, marks):
    folder = tmp_path_factory.mktemp("figures")
    write_csv(marks, folder / "f.csv")
    write_json(marks, BANK, folder / "f.json")
    table, data = pandas.read_csv(folder / "f.csv"), json.loads((folder / "f.json").read_text("utf-8"))
    rows = pandas.DataFrame(data["rows"])
    assert len(table) == len(rows) == sum(map(len, marks.marks.values()))
    if len(rows):
        assert table["score"].sum() == rows["score"].astype("float64").sum()
        assert list(table["student"]) == list(rows["student"])
    assert [one["difficulty"] for one in data["questions"]] == [one.difficulty for one in items(marks)]


def test_a_student_s_name_is_no_formula_in_a_spreadsheet(tmp_path):
    marks = ClassMarks("course", [Question("0", "a", 1)], {"=HYPERLINK(1)": {0: Mark(1.0)}})
    write_csv(marks, tmp_path / "f.csv")
    assert "\n'=HYPERLINK(1),0,a," in (tmp_path / "f.csv").read_text("utf-8").replace("\r", "")


@pytest.mark.parametrize("students", [0, 1, 2, 40])
def test_the_page_of_any_class_says_how_many_handed_in(tmp_path, students):
    questions = [Question("0", "a", 1), Question("0", "b", 2, by_hand=True)]
    names = [f"s{at:02}" for at in range(students)]
    marks = ClassMarks("course", questions, {name: {0: Mark(1.0), 1: Mark(None, True)} for name in names})
    rows = [Row(name, marks={"0": (1.0, 1.0)}, waiting=2.0) for name in names]
    write_report(rows, tmp_path / "r.html", title="Class", marks=marks)
    text = (tmp_path / "r.html").read_text("utf-8")
    assert f"{students} handed in" in text
    assert (f"{students} of b in 0" in text) == bool(students)


def test_marks_of_students_whose_folders_are_gone_still_make_a_page(tmp_path):
    marks = ClassMarks("course", [Question("0", "a", 1)], {"gone": {0: Mark(0.0, False, None, ("bits",))}})
    write_report([], tmp_path / "r.html", title="Class", marks=marks, bank=BANK)
    assert "1 student (100 %), at a." in (tmp_path / "r.html").read_text("utf-8")


def test_no_text_of_a_student_runs_in_the_page_which_sorts_and_searches(tmp_path, browser):
    bad = '"><img src=x onerror="window.pwned=1"><script>window.pwned=1</script>'
    questions = [Question("0", "a", 4)]
    points = {"ada": 4.0, bad: 1.0, "bob": 3.0}
    marks = ClassMarks(
        "course",
        questions,
        {name: {0: Mark(p, False, False, ("bits",), bad)} for name, p in points.items()},
        [bad],
    )
    rows = [Row(name, says=bad, trouble=bad, marks={"0": (p, 4.0)}) for name, p in points.items()]
    write_report(rows, tmp_path / "r.html", title="Class", marks=marks, bank=BANK)
    with browser.new_context(viewport={"width": 390, "height": 800}, color_scheme="dark") as context:
        page, told = context.new_page(), []
        page.on("console", lambda message: told.append(message.text))
        page.goto((tmp_path / "r.html").as_uri())
        names = (
            "[...document.querySelectorAll('table.students tbody tr:not([hidden]) th')].map(e => e.innerText)"
        )
        page.locator("table.students th button", has_text="total").click()
        assert page.evaluate(names) == [bad, "bob", "ada"]
        page.locator("table.students th button", has_text="total").click()
        assert page.evaluate(names) == ["ada", "bob", bad]
        page.fill("#search", "AD")
        assert page.evaluate(names) == ["ada"] and page.inner_text("#shown") == "1 of 3 rows"
        assert page.evaluate("window.pwned") is None and told == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 24, 27)"


def test_the_chart_tells_a_screen_reader_what_it_shows():
    chart = histogram([0, 2, *[0] * 7, 3], "A <class>")
    assert (
        'aria-label="A &lt;class&gt;. Students by share of the points: 10 to 20 %: 2; 90 to 100 %: 3."'
        in chart
    )


@given(
    source=st.text(max_size=50),
    left=st.dictionaries(st.sampled_from(["notes", "untouched"]), st.lists(st.text(max_size=9))),
    long=st.booleans(),
)
def test_what_the_examiner_left_is_read_from_the_end_of_a_notebook(tmp_path_factory, source, left, long):
    from nbformat.v4 import new_code_cell, new_notebook, writes

    source += '\n "metadata": {"autograder": {"notes": ["not this"]}},\n'
    made = new_notebook(
        cells=[new_code_cell(source)], metadata={"autograder": left, "z": "z" * 70_000 * long}
    )
    path = tmp_path_factory.mktemp("graded") / "n.ipynb"
    path.write_text(writes(made), "utf-8")
    assert left_by_examiner(path) == left


@pytest.mark.parametrize("text", ["", "{", '\n "metadata": {"autograder": 3}}', '\n "metadata": 3}'])
def test_a_damaged_notebook_says_nothing(tmp_path, text):
    (tmp_path / "n.ipynb").write_text(text)
    assert left_by_examiner(tmp_path / "n.ipynb") == {} == left_by_examiner(tmp_path / "none")
