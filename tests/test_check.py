"""``autograder check``: what a self-learner sees."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from autograder.selfstudy.installed import ExamError, installed_exam, write_exam

from autograder.cli import main
from autograder.notebook.cells import grading, read_notebook
from autograder.simulate.kinds import write_submission
from autograder.tutor.hints import PROGRESS_FILE
from tests.assignments import kinds_of
from tests.environments import fresh_environment
from tests.pace import HANG, seconds

ASSIGNMENT = "quantization"
# Loses points if it can see the exam that is installed beside the library which it may use.
LOOKS_FOR_THE_EXAM = """
import mlsysim, pathlib
beside = pathlib.Path(mlsysim.__file__).parent.parent
assert (beside / "mlsysim" / "data").is_dir()
seen = list(beside.rglob("exam/*/*.ipynb")) or list((beside / "autograder").glob("*"))
predicted_regime, predicted_speedup = ("seen" if seen else "memory-bound"), 4
"""


@pytest.fixture
def handed_in(root, tmp_path):
    def write(kind: str):
        write_submission(
            kinds_of("quantization")[kind],
            root / "solutions" / ASSIGNMENT,
            root / "assignments" / ASSIGNMENT,
            tmp_path,
        )
        return tmp_path

    return write


def change(path: Path, grade_id: str, source: str) -> None:
    """Save the notebook with another answer, as an editor does: the whole file at once."""
    notebook = read_notebook(path)
    notebook.by_grade_id()[grade_id]["source"] = source
    aside = path.with_suffix(".saving")
    aside.write_text(notebook.dumps(), "utf-8")
    aside.replace(path)


def said(capsys) -> str:
    return " ".join(capsys.readouterr().out.split())


def test_right_answers_have_full_marks_and_exit_with_0(handed_in, capsys):
    assert main(["check", str(handed_in("s01") / "0_self_check.ipynb")]) == 0
    assert "0_self_check: 13 of 13 points from tests: public and hidden checks passed" in said(capsys)


def test_a_wrong_answer_is_told_with_its_smallest_input_and_what_it_gave(handed_in, capsys):
    assert main(["check", str(handed_in("s15") / "0_self_check.ipynb")]) == 1
    text = said(capsys)
    assert "10 of 13 points" in text
    assert "`ridge_point` gave 0.00666667 FLOP/byte at peak_flops=300 TFLOP/s, bandwidth=2 TB/s." in text
    assert "both ceilings must take the same time" in text


def test_what_cannot_be_checked_is_said_and_the_rest_is_checked(handed_in, capsys):
    folder = handed_in("s13")
    paths = [folder / name for name in ("nope.ipynb", "2_crossover.ipynb", "0_self_check.ipynb")]
    assert main(["check", *map(str, paths)]) == 2
    captured = capsys.readouterr()
    assert "nope.ipynb is not a file" in captured.err
    assert "2_crossover.ipynb cannot be read: it is not JSON" in captured.err
    assert "13 of 13" in captured.out
    main(["check", "--json", *map(str, paths[:2])])
    found = json.loads(capsys.readouterr().out)
    assert (found["notebooks"], found["status"], len(found["errors"])) == ([], 2, 2)


def test_a_file_that_is_no_notebook_of_the_assignment_names_those_that_are(root, capsys):
    assert main(["check", str(root / "README.md")]) == 2
    assert "0_self_check.ipynb, 1_predict.ipynb" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "status"), [(["--public"], 0), (["--exam", "assignments/quantization"], 1)]
)
def test_where_hidden_checks_are_not_run_that_is_said_and_success_is_not_claimed(
    handed_in, root, capsys, monkeypatch, options, status
):
    monkeypatch.chdir(root)
    assert main(["check", *options, str(handed_in("s01") / "0_self_check.ipynb")]) == status
    text = said(capsys)
    assert "0_self_check: public checks passed; hidden checks not run" in text
    assert "points" not in text and "ridge_point_hidden" not in text


def test_a_failing_public_check_is_counted_where_hidden_checks_are_not_run(handed_in, capsys):
    assert main(["check", "--public", str(handed_in("s15") / "0_self_check.ipynb")]) == 1
    assert "1 of 7 public checks failed; hidden checks not run" in said(capsys)


def test_json_is_one_line_that_says_what_the_text_says(handed_in, capsys):
    assert main(["check", "--json", str(handed_in("s15") / "0_self_check.ipynb")]) == 1
    out = capsys.readouterr().out
    (card,) = json.loads(out)["notebooks"]
    assert out.count("\n") == 1
    assert (card["score"], card["maximum"], card["hidden_checks"]) == (10, 13, "run")
    hidden = next(test for test in card["tests"] if test["test"] == "ridge_point_hidden")
    assert (hidden["part"], hidden["passed"], hidden["score"]) == ("hidden", False, 0)
    assert "both ceilings" in hidden["message"]


def test_the_page_shows_answers_beside_marks_and_claims_no_points_without_hidden_checks(handed_in, capsys):
    folder = handed_in("s15")
    notebook, page = str(folder / "0_self_check.ipynb"), folder / "card.html"
    main(["check", "--html", str(page), notebook])
    text = page.read_text("utf-8")
    assert "10 of 13 points from tests" in text and "10/13" in text and "HIDDEN" not in text
    main(["check", "--html", str(page), "--public", notebook])
    text = page.read_text("utf-8")
    assert "hidden checks not run" in text and "points" not in text and "ridge_point_hidden" not in text


def test_a_page_that_cannot_be_written_is_an_error(handed_in, capsys):
    page = handed_in("s01") / "nowhere" / "card.html"
    assert main(["check", "--html", str(page), str(page.parent.parent / "0_self_check.ipynb")]) == 2
    assert "card.html cannot be written: No such file or directory" in capsys.readouterr().err


def test_attempts_and_best_marks_are_remembered_and_a_worse_answer_does_not_lower_them(handed_in, capsys):
    path = handed_in("s01") / "0_self_check.ipynb"
    main(["check", str(path)])
    assert "check 1 · best 13 of 13 · hints used 0" in said(capsys)
    change(path, "ridge_point", "def ridge_point(peak_flops, bandwidth):\n    return 1.0")
    main(["check", str(path)])
    assert "check 2 · best 13 of 13 · hints used 0" in said(capsys)
    kept = json.loads((path.parent / PROGRESS_FILE).read_text())["notebooks"]["0_self_check"]
    assert kept["best"]["ridge_point_hidden"] == 1
    assert kept["parts"]["ridge_point"]["attempts"] == 2
    assert kept["parts"]["attainable"]["attempts"] == 1


def test_a_hint_needs_an_attempt_and_the_next_one_another(handed_in, capsys):
    path = handed_in("s10") / "0_self_check.ipynb"
    ask = ["check", "--hint-for", "ridge_point_hidden", str(path)]
    main(ask)
    assert "ridge_point: Try it once first" in said(capsys)
    change(path, "ridge_point", "def ridge_point(peak_flops, bandwidth):\n    return bandwidth")
    main(ask)
    assert "ridge_point: Hint 1 of 3" in said(capsys)
    main(ask)
    assert "Change your answer and check it once more first" in said(capsys)
    change(path, "ridge_point", "def ridge_point(peak_flops, bandwidth):\n    return peak_flops")
    main(ask)
    assert "hints used 2 ridge_point: Hint 2 of 3" in said(capsys)


def test_hint_goes_to_the_first_part_that_fails_and_says_when_none_does(handed_in, capsys):
    path = handed_in("s15") / "0_self_check.ipynb"
    main(["check", "--hint", str(path)])
    assert "ridge_point: Hint 1 of 3" in said(capsys)
    change(path, "ridge_point", "def ridge_point(peak_flops, bandwidth):\n    return peak_flops / bandwidth")
    assert main(["check", "--hint", str(path)]) == 0
    assert "Nothing fails here: no hint is needed." in said(capsys)


def test_a_part_that_is_not_there_is_named_with_those_that_are(handed_in, capsys):
    main(["check", "--hint-for", "nonsense", str(handed_in("s10") / "0_self_check.ipynb")])
    assert "no hints for 'nonsense'" in said(capsys)


def test_hints_are_counted_so_they_cannot_be_had_without_progress(capsys):
    assert main(["check", "--no-progress", "--hint", "0_self_check.ipynb"]) == 2
    assert "--no-progress allows neither hints" in capsys.readouterr().err


def test_the_exam_in_the_package_equals_a_fresh_generation_from_the_sources(root, tmp_path):
    fresh = write_exam(root / "solutions" / ASSIGNMENT, root / "assignments" / ASSIGNMENT, tmp_path / "exam")
    committed = sorted(path for path in installed_exam(ASSIGNMENT).iterdir())
    assert [path.name for path in fresh] == [path.name for path in committed]
    for ours, theirs in zip(fresh, committed, strict=True):
        assert ours.read_bytes() == theirs.read_bytes(), f"run 'make release': {theirs.name} differs"


def test_the_exam_holds_every_test_and_no_answer(root):
    for path in installed_exam(ASSIGNMENT).glob("*.ipynb"):
        source = read_notebook(root / "solutions" / ASSIGNMENT / path.name).by_grade_id()
        for name, cell in read_notebook(path).by_grade_id().items():
            assert "SOLUTION" not in cell["source"]
            assert (cell["source"] == source[name]["source"]) != grading(cell)["solution"]


def test_an_assignment_without_an_exam_names_those_that_have_one():
    with pytest.raises(ExamError, match="no exam for 'pruning'; it holds: quantization"):
        installed_exam("pruning")


def test_an_exam_is_only_made_of_what_is_released(root, tmp_path):
    with pytest.raises(ExamError, match="release the assignment first"):
        write_exam(root / "solutions" / ASSIGNMENT, tmp_path, tmp_path / "exam")


def test_watch_checks_again_within_a_second_of_the_tests_own_time(handed_in):
    path = handed_in("s01") / "0_self_check.ipynb"
    command = [
        sys.executable,
        "-m",
        "autograder.cli",
        "check",
        "--watch",
        "--json",
        "--no-progress",
        str(path),
    ]
    watcher = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert watcher.stdout is not None and watcher.stderr is not None
        assert json.loads(watcher.stdout.readline())["notebooks"][0]["score"] == 13
        while "Waiting for the next save" not in watcher.stderr.readline():
            pass
        saved = time.monotonic()
        change(
            path, "ridge_point", "def ridge_point(peak_flops, bandwidth):\n    return bandwidth / peak_flops"
        )
        assert json.loads(watcher.stdout.readline())["notebooks"][0]["score"] == 10
        passed = time.monotonic() - saved
        # The line that ends a round says what the check itself took.
        own = float(watcher.stderr.readline().split()[-2])
        assert passed - own < seconds(1)
    finally:
        watcher.terminate()
        watcher.communicate(timeout=HANG)


def test_the_wheel_alone_checks_a_notebook_in_an_empty_folder(handed_in, tmp_path_factory):
    """A fresh environment that holds this package's wheel, its dependencies and nothing of the repository."""
    from autograder.selfstudy.wheels import kit_wheel

    base = tmp_path_factory.mktemp("alone")
    wheel = kit_wheel(base)
    python = fresh_environment(base / "env", wheel)
    folder = base / "empty"
    folder.mkdir()
    shutil.copy(handed_in("s01") / "0_self_check.ipynb", folder)
    change(folder / "0_self_check.ipynb", "predict", LOOKS_FOR_THE_EXAM)
    assert len(list((base / "env").rglob("autograder/data/exam/*/*.ipynb"))) == 4
    environment = {"PATH": os.defpath, "HOME": str(base)}
    done = subprocess.run(
        [python.parent / "autograder", "check", "0_self_check.ipynb"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "13 of 13 points from tests: public and hidden checks passed" in " ".join(done.stdout.split())
    assert sorted(path.name for path in folder.iterdir()) == ["0_self_check.ipynb", PROGRESS_FILE]
    where = [python, "-c", "import autograder, mlsysim; print(autograder.__file__, mlsysim.__file__)"]
    found = subprocess.run(where, cwd=folder, env=environment, capture_output=True, text=True).stdout
    assert found.count(str(base / "env")) == 2
    # What explains a wrong answer is packed there, and still explains.
    change(
        folder / "0_self_check.ipynb",
        "ridge_point",
        "def ridge_point(peak_flops, bandwidth):\n    return bandwidth / peak_flops",
    )
    done = subprocess.run(done.args, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "This is what you get when the ridge point is turned upside down." in " ".join(done.stdout.split())
