"""A simulated class: as large as asked, the same again by the same seed, and its right marks known."""

from __future__ import annotations

import json
import shutil

import pytest

from autograder.cli import main
from autograder.nbgrader_compat.course import Course
from autograder.simulate.simulated import SimulationError, check_marks, simulate_class
from tests.assignments import kinds_of, kit_of
from tests.courses import ASSIGNMENT


@pytest.fixture(scope="module")
def release(root, tmp_path_factory):
    course = Course.copy_of(root, tmp_path_factory.mktemp("simulated") / "course", ASSIGNMENT)
    course.generate_assignment()
    return course.root


@pytest.fixture
def course(release, tmp_path):
    return Course(shutil.copytree(release, tmp_path / "course"), ASSIGNMENT)


def files(course):
    return {p.relative_to(course.root): p.read_bytes() for p in (course.root / "submitted").rglob("*.ipynb")}


def test_the_same_seed_makes_the_same_class_and_another_seed_another(course):
    first = simulate_class(course, 30, seed=1), files(course)
    assert (simulate_class(course, 30, seed=1), files(course)) == first
    assert simulate_class(course, 30, seed=2) != first[0]


def test_every_kind_comes_as_often_as_the_others_and_the_slow_one_seldom(course):
    found = [about["kind"] for about in simulate_class(course, 400).values()]
    counts = {name: found.count(name) for name in kinds_of("quantization").keys() - kit_of("quantization").one_id}
    slow = counts.pop("s12")
    assert slow == 2 and sum(counts.values()) == 398
    assert max(counts.values()) - min(counts.values()) <= 3


def test_no_two_submissions_are_the_same_file(course):
    simulate_class(course, 25)
    whole = [content for content in files(course).values()]
    readable = [content for content in whole if content.endswith(b"}\n")]
    assert len(set(readable)) == len(readable) > 90


def test_a_personal_case_is_the_simulated_student_s_own(course):
    found = simulate_class(course, 60)
    (student, *_) = [student for student, about in found.items() if about["kind"] == "s21"]
    text = (course.submitted(student) / "2_crossover.ipynb").read_text()
    assert f'student_id = \\" {student} \\"' in text and "S21" not in text


def test_submissions_of_others_are_not_touched(course):
    course.submitted("ann").mkdir(parents=True)
    with pytest.raises(SimulationError, match="holds submissions that were not simulated: ann"):
        simulate_class(course, 5)


def test_the_check_names_every_mark_that_is_not_right(course, capsys):
    assert main(["simulate", ASSIGNMENT, "--check", "--course", str(course.root)]) == 2
    assert "has no simulated-quantization.json: autograder simulate quantization" in capsys.readouterr().err
    expected = simulate_class(course, 2)
    assert main(["simulate", ASSIGNMENT, "--check", "--course", str(course.root)]) == 1
    total = sum(len(cells) for about in expected.values() for cells in about["marks"].values())
    assert f"0 of {total} marks of 2 submissions are right." in capsys.readouterr().out
    assert len(check_marks(course, expected)) == total
    assert json.loads((course.root / "simulated-quantization.json").read_text()) == expected


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--students", "0"], "'0' is not a number from 1 to 100000"),
        (["--check"], "is not a course directory: it has no nbgrader_config.py"),
        ([], "say how many submissions to make"),
    ],
)
def test_wrong_arguments_get_a_sentence(tmp_path, capsys, options, says):
    try:
        status = main(["simulate", ASSIGNMENT, "--course", str(tmp_path / "none"), *options])
    except SystemExit as left:
        status = left.code
    assert status == 2 and says in capsys.readouterr().err
