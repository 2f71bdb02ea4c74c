"""``autograder check``: what a self-learner sees."""

from __future__ import annotations

import pytest

from autograder.cli import main
from autograder.kinds import load_kinds, write_submission


@pytest.fixture
def handed_in(root, tmp_path):
    def write(kind: str):
        write_submission(
            load_kinds()[kind],
            root / "solutions" / "quantization",
            root / "assignments" / "quantization",
            tmp_path,
        )
        return tmp_path

    return write


def test_right_answers_have_full_marks_and_exit_with_0(handed_in, capsys):
    assert main(["check", str(handed_in("s01") / "0_self_check.ipynb")]) == 0
    assert "0_self_check: 13 of 13 points from tests" in capsys.readouterr().out


def test_a_wrong_answer_is_told_with_its_smallest_input_and_what_it_gave(handed_in, capsys):
    assert main(["check", str(handed_in("s15") / "0_self_check.ipynb")]) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "10 of 13 points" in said
    assert "`ridge_point` gave 0.00666667 FLOP/byte at peak_flops=300 TFLOP/s, bandwidth=2 TB/s." in said
    assert "both ceilings must take the same time" in said


def test_neither_the_tests_nor_the_answers_are_told(handed_in, capsys):
    main(["check", str(handed_in("s10") / "2_crossover.ipynb"), str(handed_in("s04") / "1_predict.ipynb")])
    said = capsys.readouterr().out
    assert "def " not in said and "HIDDEN" not in said and "reference" not in said and "isclose" not in said


def test_what_cannot_be_checked_is_said_and_the_rest_is_checked(handed_in, capsys):
    folder = handed_in("s13")
    status = main(
        [
            "check",
            str(folder / "nope.ipynb"),
            str(folder / "2_crossover.ipynb"),
            str(folder / "0_self_check.ipynb"),
        ]
    )
    captured = capsys.readouterr()
    assert status == 2
    assert "nope.ipynb is not a file" in captured.err
    assert "2_crossover.ipynb cannot be read: it is not JSON" in captured.err
    assert "13 of 13" in captured.out


def test_a_file_that_is_no_notebook_of_the_assignment_names_those_that_are(root, capsys):
    assert main(["check", str(root / "README.md")]) == 2
    assert "0_self_check.ipynb, 1_predict.ipynb" in capsys.readouterr().err


def test_an_unknown_kind_in_the_demo_names_the_known_ones(capsys, tmp_path):
    assert main(["demo", "--course", str(tmp_path / "course"), "--kinds", "s99"]) == 2
    assert "unknown kind s99; known: s01" in capsys.readouterr().err
    assert not (tmp_path / "course").exists()
