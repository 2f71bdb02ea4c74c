"""``%check`` and its like in a kernel: what ``autograder check`` says, the kernel left as it is, and nothing that ever raises."""

from __future__ import annotations

import ast
import json
import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbclient import NotebookClient

from autograder.bounds.limits import Limits
from autograder.candidate.left_out import CHECKS
from autograder.cli import main
from autograder.exam.session import Session
from autograder.instructor.ipython_syntax import python_of
from autograder.magics import asked
from autograder.magics.card import Card, Said
from autograder.magics.extension import Checks
from autograder.magics.saved import Executed
from autograder.magics.which import JUPYTER, VS_CODE, WhichError, this_notebook
from autograder.notebook.cells import read_notebook
from autograder.selfstudy.exams import write_exam
from tests.assignments import ASSIGNMENTS, RIGHT, hand_in, notebooks_of, release_of, source_of, wrong_in
from tests.pace import HANG

LOAD = "%load_ext autograder"


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A folder of somebody who works alone, with wrong answers, and the notebook that has most of them."""

    def made(assignment: str) -> tuple[Path, str]:
        kinds = wrong_in(assignment)
        notebook = next(iter(kinds))
        folder = hand_in(assignment, kinds[notebook], tmp_path_factory.mktemp("work"))
        write_exam(source_of(assignment), release_of(assignment), folder / f"{assignment}.exam")
        return folder, notebook

    return made


def in_kernel(folder: Path, *cells: str, session: str = "") -> list[list[dict]]:
    """What each of *cells* shows in a kernel that a Jupyter server has started for the notebook *session*."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(JUPYTER, str(folder / f"{session}.ipynb")) if session else patch.delenv(JUPYTER, False)
        NotebookClient(notebook, timeout=HANG, resources={"metadata": {"path": str(folder)}}).execute()
    return [cell.outputs for cell in notebook.cells]


def text_of(outputs: list[dict]) -> str:
    return "\n".join(output["data"]["text/plain"] for output in outputs if "data" in output)


def test_check_says_what_the_command_says_and_leaves_the_kernel_as_it_is(work, assignment, capsys):
    folder, notebook = work(assignment)
    main(["check", "--json", "--no-progress", str(folder / f"{notebook}.ipynb")])
    (card,) = json.loads(capsys.readouterr().out)["notebooks"]
    state = "import os, random, sys, numpy; random.seed(1); numpy.random.seed(1)\n"
    state += "before = dict(os.environ), list(sys.path), os.getcwd(), random.getstate(), sorted(globals())"
    after = "(dict(os.environ), list(sys.path), os.getcwd(), random.getstate()) == before[:4], 'mlsysim' in sys.modules"
    names = "sorted(name for name in globals() if not name.startswith('_') and name not in (*before[4], 'before'))"
    shown = in_kernel(
        folder,
        LOAD,
        state,
        "print('mine')\n%check\nprint('too')",
        "%hint",
        "%progress",
        after,
        names,
        session=notebook,
    )
    said = text_of(shown[2])
    assert [output["output_type"] for output in shown[2]] == ["stream", "display_data", "stream"]
    assert card["says"] in said and card["score"] < card["maximum"]
    for test in card["tests"]:
        if not test["passed"] and test["reason"]["observed"]:
            assert test["reason"]["observed"]["inputs"] in said and test["reason"]["cause"] in said
    html = shown[2][1]["data"]["text/html"]
    assert all(f"<code>{part['answer']}</code>" in html for part in card["parts"] if part["tests"])
    assert f"{notebook}.ipynb as it was saved at" in said
    assert "Hint 1 of 3" in text_of(shown[3])
    assert f"0 of {len(notebooks_of(assignment))} notebooks done" in text_of(shown[4])
    assert text_of(shown[5]) == "(True, False)" and text_of(shown[6]) == "[]"


def test_the_next_check_begins_with_what_changed(work, assignment):
    folder, notebook = work(assignment)
    in_kernel(folder, LOAD, "%check", session=notebook)
    hand_in(assignment, RIGHT, folder)
    said = text_of(in_kernel(folder, LOAD, "%check", session=notebook)[1]).splitlines()
    assert said[0].endswith("public and hidden checks passed")
    assert said[1] == "Since the last check:" and ", was 0/" in said[2]


def test_what_cannot_be_checked_is_a_sentence_and_no_error(work):
    folder, notebook = work(ASSIGNMENTS[0])
    other = notebooks_of(ASSIGNMENTS[0])[-1]
    (folder / "broken.ipynb").write_text("{")
    cells = ("%check nowhere", "%check", "%check broken", f"%check {other}.ipynb")
    shown = in_kernel(folder, LOAD, *cells, "%hint", f"%hint nonsense {other}.ipynb", f"%hint {other}.ipynb")
    said = [text_of(outputs) for outputs in shown[1:]]
    assert said[0].startswith(f"There is no notebook nowhere.ipynb in {folder}.")
    assert said[1].startswith("Nothing says which notebook this is") and notebook in said[1]
    assert "broken.ipynb" in said[2] and len(said[2].splitlines()) == 1
    assert said[3].startswith(f"{other}: ")
    assert said[4].startswith("Nothing says which notebook this is")
    assert f"no hints for 'nonsense' in {other}" in said[5] and said[6].startswith(f"{other}: ")


def test_vs_code_says_which_notebook_it_is(work):
    folder, notebook = work(ASSIGNMENTS[0])
    told = f"{VS_CODE} = {str(folder / f'{notebook}.ipynb')!r}"
    other = notebooks_of(ASSIGNMENTS[0])[-1]
    shown = in_kernel(folder.parent, LOAD, told, "%check", f"%check {other}", "%progress")
    assert text_of(shown[2]).startswith(f"{notebook}: ") and text_of(shown[3]).startswith(f"{other}: ")
    assert text_of(shown[4]).startswith(f"{folder.name}: ")
    assert "what was changed after that is not in this check" in text_of(shown[2])
    assert not any("application/javascript" in output.get("data", {}) for output in shown[2])


FILES = ["a.ipynb", "b.ipynb", "deep/c.ipynb"]


@given(
    there=st.sets(st.sampled_from(FILES)),
    named=st.sampled_from(["", "a", "a.ipynb", "deep/c", "z"]),
    vs_code=st.sampled_from([None, *FILES, "gone.ipynb", 3]),
    jupyter=st.sampled_from([None, *FILES, "gone.ipynb", "Untitled", ""]),
)
def test_a_notebook_is_the_one_that_is_named_or_told_or_the_only_one(
    tmp_path_factory, there, named, vs_code, jupyter
):
    folder = tmp_path_factory.mktemp("which")
    for file in there:
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).touch()
    alone = [file for file in there if "/" not in file]
    told = next((file for file in (vs_code, jupyter) if file in there), None)
    beside = "deep/" if told == "deep/c.ipynb" else ""  # where a name is looked for
    expected = f"{beside}{named.removesuffix('.ipynb')}.ipynb" if named else told
    if not named and told is None and len(alone) == 1:
        expected = alone[0]
    expected = expected if expected in there else None
    names = (
        {} if vs_code is None else {VS_CODE: str(folder / vs_code) if isinstance(vs_code, str) else vs_code}
    )
    environment = {} if jupyter is None else {JUPYTER: str(folder / jupyter)}
    if expected is None:
        with pytest.raises(WhichError, match=r"There is no notebook|Nothing says which notebook"):
            this_notebook(named, names, environment, folder)
    else:
        assert this_notebook(named, names, environment, folder) == folder / expected


CELLS = st.dictionaries(st.sampled_from("abc"), st.text("xy \n", max_size=3), max_size=3)


@given(ran=st.lists(st.tuples(st.sampled_from("abc"), st.text("xy \n", max_size=3)), max_size=5), saved=CELLS)
def test_cells_that_ran_with_another_text_than_the_saved_one_are_counted(tmp_path_factory, ran, saved):
    path = tmp_path_factory.mktemp("saved") / "n.ipynb"
    path.write_text(json.dumps({"cells": [{"id": key, "source": [text]} for key, text in saved.items()]}))
    os.utime(path, (1, 1))
    executed = Executed()
    for key, text in ran:
        executed.note(SimpleNamespace(cell_id=key, raw_cell=text))
    executed.note(SimpleNamespace(cell_id=None, raw_cell="without a name"))
    last = dict(ran)
    assert executed.unsaved_in(path.parent) == 0
    assert executed.unsaved_in(path) == sum(
        last[key].strip() != saved[key].strip() for key in last.keys() & saved
    )


def test_a_cell_that_was_changed_and_saved_after_it_ran_is_no_unsaved_one(tmp_path):
    executed = Executed()
    executed.note(SimpleNamespace(cell_id="a", raw_cell="x"))
    path = tmp_path / "n.ipynb"
    path.write_text('{"cells": [{"id": "a", "source": ["y"]}]}')
    for saved, unsaved in ((1, 1), (2**33, 0)):
        os.utime(path, (saved, saved))
        assert executed.unsaved_in(path) == unsaved


@pytest.mark.parametrize("content", [None, "", "[]", '{"cells": 3}', "{"])
def test_a_file_that_cannot_be_read_has_no_unsaved_cells(tmp_path, content):
    executed = Executed()
    executed.note(SimpleNamespace(cell_id="a", raw_cell="x"))
    if content is not None:
        (tmp_path / "n.ipynb").write_text(content)
    assert executed.unsaved_in(tmp_path / "n.ipynb") == 0


WORDS = st.text(st.sampled_from("a<>&\"'` \n;"), min_size=1, max_size=12)


@given(words=st.lists(WORDS, min_size=9, max_size=9), points=st.booleans(), hint_only=st.booleans())
def test_no_text_of_a_check_becomes_markup(words, points, hint_only):
    a, b, c, d, e, f, g, h, i = words
    reason = {"says": a, "cause": b, "observed": {"function": c, "inputs": d, "gave": e}}
    test = {
        "test": f,
        "part": "both",
        "score": 0 if points else None,
        "maximum": 1,
        "passed": False,
        "tried": True,
    }
    told = {
        "notebook": g,
        "says": h,
        "changes": [{"test": f, "says": i, "better": False, "message": a}],
        "hint": b,
        "tests": [test | {"message": a, "reason": reason}],
        "parts": [{"answer": c, "tests": [f]}],
        "written": [{"answer": d, "maximum": 4.0, "tried": False, "checklist": [e]}],
        "notes": [f],
        "may_use": g,
        "without": h,
    }
    html = Card(told, h, i, hint_only=hint_only)._repr_html_()
    tags = {
        "div",
        "p",
        "strong",
        "ul",
        "li",
        "code",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "small",
        "br",
    }
    names = {piece.strip("/").split()[0].split(">")[0] for piece in html.split("<")[1:]}
    assert names <= tags
    assert "<" not in Said(a)._repr_html_().removeprefix("<p>").removesuffix("</p>")


def test_an_interrupted_check_is_ended_with_all_that_it_started(tmp_path, monkeypatch):
    waiting = "import os, signal; open('started', 'w').write(str(os.getpid())); signal.pause()"
    monkeypatch.setattr(asked, "COMMAND", (sys.executable, "-c", waiting))

    def interrupt(number, frame):
        if (tmp_path / "started").is_file() and (tmp_path / "started").read_text():
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
    try:
        with pytest.raises(KeyboardInterrupt):
            asked.ask_check(tmp_path / "n.ipynb")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "started").read_text()), 0)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("raise SystemExit('autograder: no room')", "no room"),
        ("print('{')", "ended without an answer"),
        ("print('[]')", "ended without an answer"),
        ('print(\'{"notebooks": [], "errors": ["this", "that"]}\')', "this that"),
    ],
)
def test_a_check_that_gives_no_answer_says_why(tmp_path, monkeypatch, code, says):
    monkeypatch.setattr(asked, "COMMAND", (sys.executable, "-c", code))
    with pytest.raises(asked.AskError, match=says):
        asked.ask_check(tmp_path / "n.ipynb")


def test_a_check_that_cannot_be_started_says_why(tmp_path):
    with pytest.raises(asked.AskError, match="could not be started: No such file or directory"):
        asked.ask_check(tmp_path / "gone" / "n.ipynb")


def test_on_windows_it_says_what_to_do_instead(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(asked.AskError, match="need Linux or macOS"):
        asked.ask_check(tmp_path / "n.ipynb")


def test_while_a_notebook_is_graded_its_checks_do_nothing():
    assert set(Checks.magics["line"]) == set(CHECKS)
    cells = [
        LOAD,
        *(f"%{name} ridge_point" for name in CHECKS),
        "%reload_ext autograder",
        "%load_ext nowhere",
    ]
    session = Session(Limits(), {}, [], "limits")
    try:
        for index, cell in enumerate(cells):
            session.run(index, cell)
        assert [session.outputs[index] for index in range(len(cells) - 1)] == [[]] * (len(cells) - 1)
        (error,) = session.outputs[len(cells) - 1]
        assert error["ename"] == "ModuleNotFoundError"
    finally:
        session.close()


def test_checks_left_in_a_notebook_that_is_handed_in_cost_and_show_nothing(
    assignment, tmp_path, exam_of, capsys
):
    notebook, kind = next(iter(wrong_in(assignment).items()))
    scores = []
    for with_checks in (False, True):
        folder = hand_in(assignment, kind, tmp_path / str(with_checks))
        path = folder / f"{notebook}.ipynb"
        if with_checks:
            made = read_notebook(path)
            own = {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": []}
            for at in range(len(made.cells), -1, -1):
                made.cells.insert(at, own | {"id": f"own{at}", "source": f"{LOAD}\n%check\n%hint x"})
            path.write_text(made.dumps(), "utf-8")
        main(["check", "--json", "--exam", str(exam_of(assignment)), "--no-progress", str(path)])
        (card,) = json.loads(capsys.readouterr().out)["notebooks"]
        scores.append([(test["test"], test["score"], test["message"]) for test in card["tests"]])
        assert not card["notes"]
    assert scores[0] == scores[1]


def test_checks_in_an_instructor_s_own_cells_do_nothing():
    tree, _ = python_of(f"{LOAD}\n%check\nx = 1\n%hint x\n%progress")
    assert ast.unparse(tree).replace("pass\n", "").replace("\npass", "") == "x = 1"
