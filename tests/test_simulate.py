"""A simulated class: as large as asked, the same again by the same seed, and its right marks known."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter

import pytest

from autograder.cli import main
from autograder.nbgrader_compat.course import Course
from autograder.simulate.kinds import expected_marks, write_submission
from autograder.simulate.mixed import spread
from autograder.simulate.simulated import SimulationError, check_marks, simulate_class
from tests.assignments import kinds_of, kit_of, notebooks_of


@pytest.fixture(scope="module")
def release(root, assignment, tmp_path_factory):
    course = Course.copy_of(root, tmp_path_factory.mktemp("simulated") / "course", assignment)
    course.generate_assignment()
    return course.root


@pytest.fixture
def course(release, assignment, tmp_path):
    return Course(shutil.copytree(release, tmp_path / "course"), assignment)


def files(course):
    return {p.relative_to(course.root): p.read_bytes() for p in (course.root / "submitted").rglob("*.ipynb")}


def test_the_same_seed_makes_the_same_class_and_another_seed_another(course):
    first = simulate_class(course, 30, seed=1), files(course)
    assert (simulate_class(course, 30, seed=1), files(course)) == first
    assert simulate_class(course, 30, seed=2) != first[0]


def test_every_kind_comes_as_often_as_the_others_and_a_slow_one_seldom(course, assignment):
    kit = kit_of(assignment)
    found = [about["kind"] for about in simulate_class(course, 400).values()]
    counts = {name: found.count(name) for name in kinds_of(assignment).keys() - kit.one_id}
    assert sum(counts.values()) == 400
    assert all(counts.pop(name) == 2 for name in kit.slow)
    assert max(counts.values()) - min(counts.values()) <= 1 + 2 * len(kit.slow)


def test_who_has_several_slips_loses_in_each_notebook_what_that_slip_costs(course, assignment):
    names = [f"m{number:03}" for number in range(200)]
    notebooks = notebooks_of(assignment)
    kinds = list(kinds_of(assignment).values())
    students = list(spread(kinds, notebooks, names))
    assert [one.name for one in students] == names and students == list(spread(kinds, notebooks, names))
    slips = {kind.says: expected_marks(kind, course.source) for kind in kinds}
    full, totals = expected_marks(kinds[0], course.source), []
    for one in students:
        marks = expected_marks(one, course.source)
        said = {says for says in slips if says in one.says.split("; ")}
        for notebook in notebooks:
            if notebook in one.missing:
                assert not any(marks[notebook].values())
            else:
                known = [full[notebook], *(slips[says][notebook] for says in said)]
                assert marks[notebook] in known
        totals.append(sum(sum(cells.values()) for cells in marks.values()))
    # Some are right, some have several slips, and some slips are those of many.
    assert min(totals) < 0.6 * max(totals) and totals.count(max(totals)) < 80
    common = Counter(says for one in students for says in one.says.split("; ") if says in slips)
    assert common.most_common(2)[1][1] > 20
    written = course.submitted("someone")
    write_submission(students[-1], course.source, course.release, written)
    assert {path.stem for path in written.glob("*.ipynb")} == {*notebooks} - {*students[-1].missing}


def test_no_two_submissions_are_the_same_file(course, assignment):
    simulate_class(course, 25)
    whole = [content for content in files(course).values()]
    readable = [content for content in whole if content.endswith(b"}\n")]
    assert len(set(readable)) == len(readable) > 22 * len(notebooks_of(assignment))


def test_a_personal_case_is_the_simulated_student_s_own(course, assignment):
    """A kind that writes its own id into its notebooks becomes a student who writes theirs."""
    found = simulate_class(course, 60)
    kinds, seen = kinds_of(assignment), 0
    for student, about in found.items():
        kind = kinds[about["kind"]]
        for notebook, cells in kind.cells.items():
            if re.search(rf"\b{kind.name}\b", cells.get("student", ""), re.IGNORECASE):
                text = (course.submitted(student) / f"{notebook}.ipynb").read_text()
                assert re.search(rf'student_id = \\" *{student} *\\"', text)
                assert not re.search(rf"\b{kind.name}\b", text, re.IGNORECASE)
                seen += 1
    assert seen


def test_submissions_of_others_are_not_touched(course):
    course.submitted("ann").mkdir(parents=True)
    with pytest.raises(SimulationError, match="holds submissions that were not simulated: ann"):
        simulate_class(course, 5)


def test_the_check_names_every_mark_that_is_not_right(course, assignment, capsys):
    assert main(["simulate", assignment, "--check", "--course", str(course.root)]) == 2
    assert f"has no simulated-{assignment}.json: autograder simulate {assignment}" in capsys.readouterr().err
    expected = simulate_class(course, 2)
    assert main(["simulate", assignment, "--check", "--course", str(course.root)]) == 1
    total = sum(len(cells) for about in expected.values() for cells in about["marks"].values())
    assert f"0 of {total} marks of 2 submissions are right." in capsys.readouterr().out
    assert len(check_marks(course, expected)) == total
    assert json.loads((course.root / f"simulated-{assignment}.json").read_text()) == expected


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
        status = main(["simulate", "quantization", "--course", str(tmp_path / "none"), *options])
    except SystemExit as left:
        status = left.code
    assert status == 2 and says in capsys.readouterr().err
