"""``autograder check``: what a self-learner sees, with the exam beside the notebooks."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autograder.cli import main
from autograder.magics.card import Card
from autograder.notebook.cells import grading, read_notebook
from autograder.report.rubric import questions
from autograder.selfstudy.exams import ExamError, Exams, write_exam
from autograder.tutor.hints import PROGRESS_FILE
from tests.assignments import (
    RIGHT,
    every_notebook,
    functions_of,
    hand_in,
    kinds_of,
    notebooks_of,
    release_of,
    source_of,
    sources,
    wrong_in,
)
from tests.environments import fresh_environment
from tests.models import tutor_of
from tests.pace import HANG, seconds

# Loses points if it can see the exam, which lies beside it, or the program that reads it.
LOOKS_FOR_THE_EXAM = """
import mlsysim, pathlib
beside = pathlib.Path(mlsysim.__file__).parent.parent
assert (beside / "mlsysim" / "data").is_dir()
assert not list(pathlib.Path(".").rglob("*.exam")) and not list((beside / "autograder").glob("*"))
"""


@pytest.fixture
def handed_in(exam_file, tmp_path):
    """A folder with the first assignment's notebooks as a kind of student has them, and its exam."""

    def write(kind: str):
        return with_exam(exam_file, "quantization", kinds_of("quantization")[kind], tmp_path)

    return write


@pytest.fixture(scope="module")
def exam_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exams")

    def made(assignment: str) -> Path:
        file = folder / f"{assignment}.exam"
        if not file.exists():
            write_exam(source_of(assignment), release_of(assignment), file)
        return file

    return made


def with_exam(exam_file, assignment, kind, folder) -> Path:
    hand_in(assignment, kind, folder)
    shutil.copy(exam_file(assignment), folder)
    return folder


def change(path: Path, grade_id: str, source: str) -> None:
    """Save the notebook with another answer, as an editor does: the whole file at once."""
    notebook = read_notebook(path)
    notebook.by_grade_id()[grade_id]["source"] = source
    aside = path.with_suffix(".saving")
    aside.write_text(notebook.dumps(), "utf-8")
    aside.replace(path)


def said(capsys) -> str:
    return " ".join(capsys.readouterr().out.split())


def test_right_answers_have_full_marks_and_exit_with_0(exam_file, assignment, tmp_path, capsys):
    folder = with_exam(exam_file, assignment, RIGHT, tmp_path)
    assert main(["check", str(folder)]) == 0
    text = said(capsys)
    for notebook in notebooks_of(assignment):
        points = sum(sources(assignment, notebook).auto_points().values())
        assert (
            f"{notebook}: {points:g} of {points:g} points from tests: public and hidden checks passed" in text
        )


def test_wrong_answers_lose_what_their_kind_says_and_the_wrong_model_is_named(
    exam_file, assignment, tmp_path, capsys
):
    for notebook, kind in wrong_in(assignment).items():
        folder = with_exam(exam_file, assignment, kind, tmp_path / kind.name)
        assert main(["check", "--json", str(folder / f"{notebook}.ipynb")]) == 1
        (card,) = json.loads(capsys.readouterr().out)["notebooks"]
        lost = {t["test"]: t["maximum"] - t["score"] for t in card["tests"] if t["score"] < t["maximum"]}
        alone = (
            kind.lost if kind.alone is None else kind.alone
        )  # there is no solution to carry errors forward with
        assert lost == alone[notebook]
        told = " ".join(test["message"] for test in card["tests"])
        for name in kind.named.get(notebook, ()):
            assert tutor_of(assignment).bank[name].says in told


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


def test_a_notebook_of_no_assignment_is_told_where_its_tests_are_looked_for(tmp_path, capsys):
    (tmp_path / "other.ipynb").write_text("{}")
    assert main(["check", str(tmp_path / "other.ipynb")]) == 2
    said = capsys.readouterr().err
    assert "there are no tests for" in said and "NAME.exam, beside it, or name it with --exam" in said


@pytest.mark.parametrize("name", ["0_self_check (1).ipynb", "0_self_check-Copy1.ipynb", "FINAL.IPYNB"])
def test_a_notebook_of_another_name_is_checked_as_the_one_that_it_looks_like(handed_in, capsys, name):
    folder = handed_in("s01")
    (folder / "0_self_check.ipynb").rename(folder / name)
    assert main(["check", str(folder / name)]) == 0
    text = said(capsys)
    assert "0_self_check: 13 of 13 points" in text
    assert f"{name} was checked as 0_self_check.ipynb: hand it in under that name" in text


def test_an_exam_that_has_no_such_notebook_names_those_that_it_has(exam_file, tmp_path, capsys):
    (tmp_path / "other.ipynb").write_text("{}")
    file = str(exam_file("quantization"))
    assert main(["check", "--exam", file, str(tmp_path / "other.ipynb")]) == 2
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


def test_hint_goes_on_to_the_first_part_that_was_tried(handed_in, capsys):
    path = handed_in("s10") / "0_self_check.ipynb"  # nothing in it is written
    for cell, function in (
        ("regime", "regime(ai, ridge)"),
        ("attainable", "attainable(ai, peak_flops, bandwidth)"),
    ):
        change(path, cell, f"def {function}:\n    return 1.0")
        main(["check", "--hint", str(path)])
        assert f"{cell}: Hint 1 of 3" in said(capsys)
    main(["check", "--hint", str(path)])
    assert "attainable: Change your answer and check it once more first" in said(capsys)


@pytest.mark.parametrize("kept", [True, False])
def test_watch_shows_everything_once_and_then_what_changed(handed_in, capsys, monkeypatch, kept):
    path = handed_in("s15") / "0_self_check.ipynb"
    shown = []

    def saves(notebooks, seen):
        for answer in ("peak_flops / bandwidth", "peak_flops / bandwidth + 0", "peak_flops"):
            shown.append(said(capsys))
            change(path, "ridge_point", f"def ridge_point(peak_flops, bandwidth):\n    return {answer}")
            yield list(notebooks)
        shown.append(said(capsys))

    monkeypatch.setattr("autograder.selfstudy.command._saves", saves)
    main(["check", "--watch", *([] if kept else ["--no-progress"]), str(path)])
    first, right, same, wrong = shown
    assert "2/2 test_answer" in first and "since the last check" not in first
    assert "since the last check: ridge_point_visible: 1/1, was 0/1 ridge_point_hidden: 1/1, was 0/1" in right
    assert "nothing changed since the last check" in same
    assert "ridge_point_hidden: 0/1, was 1/1 At the ridge both ceilings must take the same time." in wrong
    assert not any("test_answer" in text or "attainable" in text for text in (right, same, wrong))
    assert all(("hints used" in text) == kept for text in shown)


def test_a_copy_beside_its_original_is_left_out_of_a_folder_and_named(handed_in, capsys):
    folder = handed_in("s15")
    for path in folder.glob("[1-9]*.ipynb"):
        path.unlink()
    shutil.copy(folder / "0_self_check.ipynb", folder / "0_self_check-Copy1.ipynb")
    main(["check", "--json", str(folder)])
    captured = capsys.readouterr()
    assert [card["notebook"] for card in json.loads(captured.out)["notebooks"]] == ["0_self_check"]
    assert "0_self_check-Copy1.ipynb is left out: it is a copy of 0_self_check.ipynb." in captured.err


@pytest.fixture
def no_course(tmp_path, monkeypatch):
    """As for students: the engine is installed and no course is around."""
    monkeypatch.setattr("autograder.selfstudy.exams.REPOSITORY", tmp_path)
    monkeypatch.chdir(tmp_path)


@every_notebook
def test_without_an_exam_the_tests_that_the_notebook_shows_are_run_and_say_the_same(
    assignment, notebook, tmp_path, capsys, no_course
):
    kinds = [RIGHT, *filter(None, [wrong_in(assignment).get(notebook)])]
    for kind in kinds:
        folder = hand_in(assignment, kind, tmp_path / kind.name)
        path = folder / f"{notebook}.ipynb"
        found = []
        for exam in (["--exam", str(source_of(assignment)), "--public"], []):
            main(["check", "--json", "--no-progress", *exam, str(path)])
            (card,) = json.loads(capsys.readouterr().out)["notebooks"]
            found.append({test["test"]: test["passed"] for test in card["tests"]})
            assert card["hidden_checks"] == "not run"
        assert found[0] == found[1] and found[1]
        assert all(found[1].values()) or kind is not RIGHT
        assert "only the tests that it shows were run" in card["without"] and not card["notes"]


def test_without_an_exam_an_untouched_answer_is_no_attempt_and_a_copy_counts_as_its_original(
    tmp_path, capsys, no_course
):
    path = hand_in("quantization", kinds_of("quantization")["s10"], tmp_path / "work") / "0_self_check.ipynb"
    copy = path.with_name("0_self_check-Copy1.ipynb")
    shutil.copy(path, copy)
    change(copy, "ridge_point", "def ridge_point(peak_flops, bandwidth):\n    return peak_flops / bandwidth")
    assert main(["check", str(copy)]) == 1
    text = said(capsys)
    assert "0_self_check-Copy1.ipynb was checked as 0_self_check.ipynb" in text
    kept = json.loads((path.parent / PROGRESS_FILE).read_text())["notebooks"]
    assert list(kept) == ["0_self_check"] and list(kept["0_self_check"]["parts"]) == ["ridge_point"]


@pytest.mark.parametrize("test", ["assert ((", "\0", "if True:"])
def test_a_test_cell_that_somebody_broke_is_named(tmp_path, capsys, no_course, test):
    path = hand_in("quantization", RIGHT, tmp_path / "work") / "0_self_check.ipynb"
    change(path, "ridge_point_visible", test)
    assert main(["check", str(path)]) == 2
    assert "its test cell ridge_point_visible is no Python" in capsys.readouterr().err


def test_what_the_students_page_shows_of_a_check_is_what_a_check_shows(root, tmp_path, capsys, no_course):
    (said,) = re.findall(
        r"```\n( *0_self_check: .*?)```", (root / "docs" / "students.md").read_text(), re.DOTALL
    )
    path = hand_in("quantization", kinds_of("quantization")["s15"], tmp_path / "work") / "0_self_check.ipynb"
    main(["check", "--json", str(path)])
    (told,) = json.loads(capsys.readouterr().out)["notebooks"]
    lines = [line.strip() for line in repr(Card(told, path.name, "")).splitlines()]
    shown = [line.strip() for line in said.strip().splitlines()]
    assert lines[: len(shown)] == shown and len(shown) > 3


def test_a_written_answer_comes_with_the_list_that_it_is_marked_by(exam_file, assignment, tmp_path, capsys):
    folder = with_exam(exam_file, assignment, RIGHT, tmp_path)
    for notebook in notebooks_of(assignment):
        items = [item for one in questions(source_of(assignment) / f"{notebook}.ipynb") for item in one.items]
        main(["check", "--no-progress", str(folder / f"{notebook}.ipynb")])
        text = said(capsys)
        assert all(f"[ ] {' '.join(item.split())}" in text for item in items)
        assert bool(items) == bool(sources(assignment, notebook).manual_points())


def test_a_part_that_is_not_there_is_named_with_those_that_are(handed_in, capsys):
    main(["check", "--hint-for", "nonsense", str(handed_in("s10") / "0_self_check.ipynb")])
    assert "no hints for 'nonsense'" in said(capsys)


def test_hints_are_counted_so_they_cannot_be_had_without_progress(capsys):
    assert main(["check", "--no-progress", "--hint", "0_self_check.ipynb"]) == 2
    assert "--no-progress allows neither hints" in capsys.readouterr().err


def test_the_same_sources_give_the_same_exam(exam_file, assignment, tmp_path):
    again = tmp_path / "again.exam"
    names = write_exam(source_of(assignment), release_of(assignment), again)
    assert again.read_bytes() == exam_file(assignment).read_bytes()
    assert {f"{name}.ipynb" for name in notebooks_of(assignment)} | {"kit/lesson.py"} <= set(names)
    assert "kit/kinds.toml" not in names


def test_the_exam_holds_every_test_and_no_answer(exam_of, assignment):
    for notebook in notebooks_of(assignment):
        source = sources(assignment, notebook).by_grade_id()
        for name, cell in read_notebook(exam_of(assignment) / f"{notebook}.ipynb").by_grade_id().items():
            assert "SOLUTION" not in cell["source"]
            assert (cell["source"] == source[name]["source"]) != grading(cell)["solution"]


@pytest.mark.parametrize(
    "content", [b"", b"no archive", gzip.compress(b"no zip"), gzip.compress(b"x" * 99)[:-9]], ids=range(4)
)
def test_a_file_that_is_no_exam_is_named(tmp_path, capsys, content):
    (tmp_path / "wrong.exam").write_bytes(content)
    (tmp_path / "0_self_check.ipynb").write_text("{}")
    with Exams() as exams, pytest.raises(ExamError, match=r"wrong\.exam is not an exam"):
        exams.of(tmp_path / "0_self_check.ipynb")
    assert main(["check", str(tmp_path / "0_self_check.ipynb")]) == 2
    assert "wrong.exam is not an exam" in capsys.readouterr().err


def test_the_exam_of_the_course_that_the_notebook_lies_in_is_found(root, assignment):
    with Exams() as exams:
        for notebook in notebooks_of(assignment):
            found = exams.of(release_of(assignment) / f"{notebook}.ipynb")
            assert found.resolve() == source_of(assignment).resolve()


def test_an_exam_is_only_made_of_what_is_released(tmp_path, assignment):
    with pytest.raises(ExamError, match="release the assignment first"):
        write_exam(source_of(assignment), tmp_path, tmp_path / "made.exam")
    shutil.copytree(release_of(assignment), tmp_path / "release")
    path = tmp_path / "release" / f"{notebooks_of(assignment)[0]}.ipynb"
    notebook = read_notebook(path)
    notebook.cells[:] = [cell for cell in notebook.cells if not grading(cell).get("solution")]
    path.write_text(notebook.dumps(), "utf-8")
    with pytest.raises(ExamError, match="release the assignment again"):
        write_exam(source_of(assignment), tmp_path / "release", tmp_path / "made.exam")
    assert not (tmp_path / "made.exam").exists()


def test_watch_checks_again_within_a_second_of_the_tests_own_time(handed_in):
    path = handed_in("s01") / "0_self_check.ipynb"
    command = [
        sys.executable,
        "-c",
        "from autograder.cli import main; raise SystemExit(main())",
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


def test_what_self_learners_get_checks_a_notebook_in_an_environment_of_its_own(
    bundle_of, assignment, tmp_path
):
    """A fresh environment that holds the wheels, their dependencies and nothing of the repository."""
    bundle = bundle_of(assignment, "self-learners")
    python = fresh_environment(tmp_path / "env", *bundle.glob("*.whl"))
    folder = Path(shutil.copytree(bundle / assignment, tmp_path / "work"))
    notebook = notebooks_of(assignment)[0]
    kind = wrong_in(assignment)[notebook]
    hand_in(assignment, RIGHT, folder)
    path = folder / f"{notebook}.ipynb"
    first = next(
        key for key, cell in sources(assignment, notebook).by_grade_id().items() if grading(cell)["solution"]
    )
    change(path, first, f"{LOOKS_FOR_THE_EXAM}\n{read_notebook(path).by_grade_id()[first]['source']}")
    environment = {"PATH": os.defpath, "HOME": str(tmp_path)}

    def run(*command):
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        return done.returncode, " ".join((done.stdout + done.stderr).split())

    status, text = run(python.parent / "autograder", "check", path.name)
    assert "points from tests: public and hidden checks passed" in text and status == 0, text
    assert (folder / PROGRESS_FILE).is_file()
    _, found = run(python, "-c", "import autograder, mlsysim; print(autograder.__file__, mlsysim.__file__)")
    assert found.count(str(tmp_path / "env")) == 2
    # What explains a wrong answer is in the exam, and still explains.
    for grade_id, source in kind.cells[notebook].items():
        change(path, grade_id, source)
    status, text = run(python.parent / "autograder", "check", path.name)
    assert status == 1, text
    assert all(tutor_of(assignment).bank[name].says in text for name in kind.named[notebook])
    assert set(functions_of(assignment, notebook).values()) & kind.cells[notebook].keys()
