"""What lateness costs, and who has more time, stand in a file each; a changed due date, extension or rule is followed without grading anything again."""

from __future__ import annotations

import shutil
import sys
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.cli import main
from autograder.grading.command import local_grader
from autograder.grading.run import grade_course
from autograder.nbgrader_compat.course import Course
from autograder.nbgrader_compat.errors import CourseError
from autograder.nbgrader_compat.late_rules import LateRule, read_extensions, read_rules, spoken
from autograder.pages.feedback import write_student_pages
from tests.gradebooks import everything, rows
from tests.small import HALF, write_small, written

COURSE = """\
from autograder.nbgrader_plugin import use_examiner

c = get_config()
use_examiner(c)
c.CourseDirectory.course_id = "geometry"
c.Exchange.timezone = "Europe/Berlin"
"""
FILES = 'c.Late.rules = "late.toml"\nc.Late.extensions = "extensions.csv"\n'
RULES = """\
grace = "30 minutes"
each = "1 day"
costs = "25 %"
nothing_after = "3 days"

[circles]
due = "2026-01-10 12:00"
"""
DUE = datetime(2026, 1, 10, 11)  # noon in Berlin, in UTC
LATE = {"in_time": -60, "graced": 29, "a_day": 31, "two_days": 24 * 60 + 1, "never": 72 * 60 + 1}
RIGHT, HALF_RIGHT = 4.0, 1.0


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory):
    """Five who are late by :data:`LATE` minutes; ``a_day`` has half the answers."""
    tmp_path = tmp_path_factory.mktemp("late")
    write_small(tmp_path / "source" / "circles")
    (tmp_path / "nbgrader_config.py").write_text(COURSE + FILES)
    (tmp_path / "late.toml").write_text(RULES)
    (tmp_path / "extensions.csv").write_text("student,assignment,until,extra\n")
    course = Course(tmp_path, "circles")
    course.generate_assignment()
    for student, minutes in LATE.items():
        folder = written(course.submitted(student), **({"area": HALF} if student == "a_day" else {})).parent
        (folder / "timestamp.txt").write_text(f"{DUE + timedelta(minutes=minutes)} UTC")
    return course.root


@pytest.fixture
def course(handed_in, tmp_path):
    return Course(shutil.copytree(handed_in, tmp_path, dirs_exist_ok=True), "circles")


def graded(course, students=None):
    summary = grade_course(Course(course.root, "circles"), local_grader(1), students)
    assert not summary.trouble and not summary.stopped, (summary.trouble, summary.stopped)
    return summary


def taken_off(course):
    with course.gradebook() as book:
        return {
            found.student_id: found.late_submission_penalty
            for found in book.assignment_submissions("circles")
        }


def test_each_pays_for_their_lateness_and_a_change_is_followed_without_grading_again(course, capsys):
    first = graded(course)
    assert sorted(first.graded) == sorted(LATE) and not first.penalties
    with course.gradebook() as book:
        half = book.find_submission("circles", "a_day").score
    assert taken_off(course) == {
        "in_time": 0,
        "graced": 0,
        "a_day": half / 4,
        "two_days": RIGHT / 2,
        "never": RIGHT,
    }
    # More time for one, by the file; nothing else changes, and nothing is graded.
    (course.root / "extensions.csv").write_text(
        "student,assignment,until,extra\nnever,circles,,2 days\ntwo_days,circles,2026-01-11 12:00 CET,\n"
    )
    again = graded(course)
    assert not again.graded and again.penalties == ["never", "two_days"]
    # Half an hour's grace is over, and two days have begun; a minute after the extension is in time.
    assert taken_off(course)["never"] == RIGHT / 2 and taken_off(course)["two_days"] == 0
    # Another due date.
    (course.root / "late.toml").write_text(RULES.replace("01-10", "02-10"))
    assert graded(course).penalties == ["a_day", "never"]
    assert not any(taken_off(course).values())
    # A due date that somebody sets in Formgrader counts where the file says none, and a cheaper rule.
    (course.root / "late.toml").write_text('each = "1 week"\ncosts = "10 %"\n')
    (course.root / "extensions.csv").write_text("student,assignment,extra\n")
    with course.gradebook() as book:
        book.update_or_create_assignment("circles", duedate="2026-01-01 00:00:00 UTC")
    assert graded(course).penalties == sorted(LATE)
    assert taken_off(course)["in_time"] == pytest.approx(2 * RIGHT / 10)
    # A mark by hand counts too.
    with course.gradebook() as book:
        book.find_grade("area_test", "circles", "circles", "a_day").manual_score = 2
        book.db.commit()
    export = ["export", "circles", "--for", "csv", "--course", str(course.root)]
    assert main(export) == 2
    assert "the late penalties of 1 students are not those of their present marks" in capsys.readouterr().err
    assert graded(course).penalties == ["a_day"]
    assert not graded(course).penalties and main(export) == 0


def test_nbgrader_s_own_commands_give_the_same_penalties(course, tmp_path_factory):
    (course.root / "extensions.csv").write_text("student;assignment;extra\nnever;circles;1 day 1 minute\n")
    theirs = Course(
        shutil.copytree(course.root, tmp_path_factory.mktemp("theirs"), dirs_exist_ok=True), "circles"
    )
    graded(course)
    for student in LATE:
        theirs.autograde(student)
    assert everything(course) == everything(theirs)
    assert any("timedelta(days=1, seconds=60)" in row for row in rows(course)["submission"]) or any(
        "1970-01-02 00:01" in row for row in rows(course)["submission"]
    )


def test_a_student_reads_when_it_was_due_and_what_lateness_costs(course):
    (course.root / "extensions.csv").write_text("student,assignment,extra\ntwo_days,circles,1 hour\n")
    graded(course)
    write_student_pages(Course(course.root, "circles"), ["two_days", "in_time"])
    page = course.student_page("two_days").read_text()
    assert "This was due on 2026-01-10 12:00 CET. Your extension ends on 2026-01-10 13:00 CET." in page
    assert "It was handed in on 2026-01-11 12:01 CET, 23 hours 1 minute late." in page
    assert "Each day of lateness that has begun costs 25 % of a notebook&#39;s points." in page
    assert "What comes up to 30 minutes late counts as in time." in page
    assert "2026-01-10 11:00 CET, in time." in course.student_page("in_time").read_text()
    course.generate_feedback("two_days")
    assert "Your extension ends on" in (course.feedback("two_days") / "circles.html").read_text()


def test_without_the_files_nothing_is_other_than_nbgrader_s(course):
    (course.root / "nbgrader_config.py").write_text(
        COURSE + 'c.LateSubmissionPlugin.penalty_method = "zero"\n'
    )
    with course.gradebook() as book:
        book.update_or_create_assignment("circles", duedate=f"{DUE} UTC")
        book.add_student("two_days")
        book.update_or_create_submission("circles", "two_days")
        book.grant_extension("circles", "two_days", days=2)
    graded(course, ["graced", "two_days"])
    assert taken_off(course) == {"graced": RIGHT, "two_days": 0}


@pytest.mark.parametrize(
    ("gives", "why"),
    [
        ("{}[student_id]", "KeyError: 'never'"),
        ("'all'", "ValueError: could not convert"),
        ("[1]", "TypeError: float() argument"),
        ("float('nan')", "ValueError: it is not a number"),
    ],
)
def test_a_plugin_of_the_course_s_own_that_fails_is_named(course, capsys, monkeypatch, gives, why):
    monkeypatch.syspath_prepend(course.root)
    monkeypatch.delitem(sys.modules, "strict", raising=False)
    (course.root / "strict.py").write_text(
        "from nbgrader.plugins import BasePlugin\n"
        "class Strict(BasePlugin):\n"
        "    def late_submission_penalty(self, student_id, score, total_seconds_late):\n"
        f"        return {gives}\n"
    )
    (course.root / "nbgrader_config.py").write_text(
        COURSE + "from strict import Strict\nc.AssignLatePenalties.plugin_class = Strict\n"
    )
    with course.gradebook() as book:
        book.update_or_create_assignment("circles", duedate=f"{DUE} UTC")
    assert main(["grade", "circles", "--course", str(course.root), "--no-lint", "--student", "never"]) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert f"Strict gives no late penalty for never: {why}" in said
    # With a file of rules there would be two answers to what lateness costs.
    with (course.root / "nbgrader_config.py").open("a") as config:
        config.write('c.Late.rules = "late.toml"\n')
    assert main(["grade", "circles", "--course", str(course.root), "--no-lint"]) == 2
    assert "c.Late.rules and c.AssignLatePenalties.plugin_class both say" in capsys.readouterr().err


def test_an_extension_for_nobody_known_is_said_and_one_without_a_due_date_stops(course, capsys):
    (course.root / "extensions.csv").write_text(
        "student,assignment,extra\nadda,circles,1 day\ntwo_days,circles,1 day\n"
    )
    assert main(["grade", "circles", "--course", str(course.root), "--student", "graced", "--no-lint"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "adda has an extension, and neither handed in nor is in the gradebook" in said
    # Whoever handed in is known, also if somebody else alone is graded.
    assert "two_days" not in said
    (course.root / "extensions.csv").write_text(
        "student,assignment,until\nadda,circles,2025-01-12 12:00 CET\n"
    )
    assert main(["grade", "circles", "--course", str(course.root), "--no-lint", "--student", "graced"]) == 0
    assert "adda has an extension that ends before the due date" in capsys.readouterr().out
    (course.root / "extensions.csv").write_text("student,assignment,extra\nadda,circles,1 day\n")
    with course.gradebook() as book:
        book.find_assignment("circles").duedate = None
        book.db.commit()
    (course.root / "late.toml").write_text('nothing_after = "1 day"')
    assert main(["grade", "circles", "--course", str(course.root), "--no-lint"]) == 2
    assert "gives adda more time for circles, which has no due date" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("each = ", "is not a TOML file"),
        ('costs = "10 %"', "each and costs belong together"),
        ('each = "1 day"\ncosts = "110 %"', "costs = '110 %' must be a share"),
        ('each = "1 day"\ncosts = 10', "costs = 10 must be a share"),
        ('each = "soon"\ncosts = "10 %"', "each = 'soon' must be a period"),
        ('each = "0 days"\ncosts = "10 %"', "each = '0 days' must be longer than nothing"),
        ('grace = "1001 days"', "grace = '1001 days' is longer than 1000 days"),
        ('grace = "2 days"\nnothing_after = "1 day"', "is shorter than the grace"),
        ('at_most = "50 %"', "there is no each"),
        ('late = "1 day"', "late is not known; known: due, grace"),
        ('due = "2026-01-10 12:00"', "put it into one"),
        ('[circle]\ngrace = "1 day"', "has [circle], which is no assignment; there is circles"),
        ('[circles]\ndue = "soon"', "due = 'soon' leaves open when"),
        ('[circles]\ndue = "10.1.2026 12:00 CET"', "leaves open when: the day can be"),
        ('[circles]\ndue = "2026-10-25 02:30 Europe/Berlin"', "Europe/Berlin is UTC+01:00 or UTC+02:00"),
        ('[circles]\ndue = "2026-03-29 02:30 Europe/Berlin"', "Europe/Berlin is UTC+01:00 or UTC+02:00"),
        ("[circles]\ndue = 2026-01-10", "must be a day with a time"),
    ],
)
def test_a_rule_that_is_not_allowed_is_named(tmp_path, content, message):
    file = tmp_path / "late.toml"
    file.write_text(content)
    with pytest.raises(CourseError) as caught:
        read_rules(file, ["circles"], "")
    assert message in str(caught.value) and str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("student,until\n", "has no column assignment"),
        ("student,assignment\n", "has no column until or extra"),
        ("student,assignment,extra\n,circles,1 day\n", "row 2: student is empty"),
        ("student,assignment,extra\na,circle,1 day\n", "assignment = 'circle' is none; there is circles"),
        ("student,assignment,extra\na,circles,1 day\na,circles,2 days\n", "row 3: a has an extension"),
        ("student,assignment,extra\na,circles,\n", "give either until"),
        ("student,assignment,extra\na,circles,-1 day\n", "extra = '-1 day' must be a period"),
        ("student,assignment,until\na,circles,2026-01-10 12:00\n", "it has no time zone"),
    ],
)
def test_an_extension_that_is_not_allowed_is_named_with_its_row(tmp_path, content, message):
    file = tmp_path / "extensions.csv"
    file.write_text(content)
    with pytest.raises(CourseError) as caught:
        read_extensions(file, ["circles"], "")
    assert message in str(caught.value) and str(file) in str(caught.value)


PERIODS = st.integers(0, 10_000).map(lambda minutes: timedelta(minutes=minutes))


@settings(max_examples=300)
@given(
    st.builds(
        LateRule,
        grace=PERIODS,
        each=st.none() | PERIODS.map(lambda period: period + timedelta(minutes=1)),
        costs=st.floats(0.001, 1),
        at_most=st.floats(0.001, 1),
        nothing_after=st.none() | PERIODS.map(lambda period: period + timedelta(minutes=10_000)),
    ),
    PERIODS,
    PERIODS,
)
def test_more_lateness_never_costs_less_and_none_costs_nothing(rule, sooner, more):
    assert rule.share(timedelta()) == 0 == rule.share(rule.grace)
    assert 0 <= rule.share(sooner) <= rule.share(sooner + more) <= 1
    if rule.nothing_after is None:
        assert rule.share(sooner) <= rule.at_most
    else:
        assert rule.share(rule.nothing_after + timedelta(seconds=1)) == 1
    assert bool(rule.says) == bool(rule.each or rule.nothing_after is not None)


@given(st.integers(0, 900 * 24 * 60))
def test_a_period_that_is_shown_can_be_written_into_the_file(tmp_path_factory, minutes):
    shown = spoken(timedelta(minutes=minutes))
    file = tmp_path_factory.getbasetemp() / "late.toml"
    file.write_text(f'grace = "{shown}"' if minutes else "")
    read = read_rules(file, ["circles"], "")["circles"].grace
    assert timedelta() <= timedelta(minutes=minutes) - read < timedelta(hours=24 if minutes > 1440 else 1)
