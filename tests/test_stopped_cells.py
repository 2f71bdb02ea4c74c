"""A name that a cell should have defined is missed: the message shows the error of that cell and its line, down to the first cell that stopped."""

from __future__ import annotations

import re
import traceback
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.exam.messages import describe_failure
from autograder.exam.stopped import Stop, StoppedCells
from autograder.instructor.statements import FILENAME
from autograder.kit.wording import Wording
from autograder.simulate.kinds import Kind
from tests.assignments import examined, hand_in
from tests.sessions import run_test, session

CRASHES = {
    "ZeroDivisionError": "1 / 0",
    "ModuleNotFoundError": "import module_that_nobody_has",
    "KeyError": "{}['key']",
    "SyntaxError": "def broken(:",
    "RuntimeError": "raise RuntimeError",
}
NAMES = [f"name_{n}" for n in "abcdef"]
BINDS = ["{} = {}", "def {}(x=({})):\n    return x", "{}, other = {}, 1", "for {} in [{}]:\n    pass"]


@st.composite
def notebooks(draw: st.DrawFn) -> list[tuple[str, str, str]]:
    """Cells in order, each with the name that it should bind and the kind of its own crash, if it has one."""
    made = []
    for number, name in enumerate(NAMES):
        uses = draw(st.sampled_from(["1", *NAMES[:number]]))
        crash = draw(st.sampled_from(["", "", *CRASHES]))
        lines = ["# a comment"] * draw(st.integers(0, 2))
        lines += [CRASHES[crash]] if crash else []
        lines.append(draw(st.sampled_from(BINDS)).format(name, uses))
        made.append(("\n".join(lines), name, crash))
    return made


def run_all(
    cells: list[tuple[str, str, str]],
) -> tuple[StoppedCells, dict[str, Any], dict[int, BaseException]]:
    """What the student's process would tell of these cells."""
    told, names, errors = StoppedCells(), {}, {}
    for number, (text, *_) in enumerate(cells):
        told.sources[number] = text
        try:
            exec(compile(text, "<cell>", "exec"), names)
        except BaseException as error:
            errors[number] = error
            line = (
                error.lineno
                if isinstance(error, SyntaxError)
                else traceback.extract_tb(error.__traceback__)[-1].lineno
            )
            frames = [[line, text.splitlines()[line - 1]]]
            told.stops[number] = Stop.of_error(
                {"ename": type(error).__name__, "evalue": str(error), "frames": frames}
            )
    return told, names, errors


@settings(max_examples=150, deadline=None)
@given(cells=notebooks())
def test_every_missing_name_is_explained_by_the_cells_that_stopped_down_to_the_first(cells):
    told, names, errors = run_all(cells)
    for number, (_, name, _) in enumerate(cells):
        if name in names:
            continue
        said = told.why_missing(name)
        shown = re.findall(r"cell (\d+) stopped at its line (\d+), `([^`]+)`, with (\w+)", said)
        assert int(shown[0][0]) == number + 1
        for cell, line, code, kind in shown:
            assert cells[int(cell) - 1][0].splitlines()[int(line) - 1].strip() == code
            assert type(errors[int(cell) - 1]).__name__ == kind
        assert len(shown) == 4 or shown[-1][3] == cells[int(shown[-1][0]) - 1][2] != ""
        assert ("neither installed" in said) == any(kind == "ModuleNotFoundError" for *_, kind in shown)


@pytest.mark.parametrize("crash", CRASHES)
def test_the_error_of_the_student_s_own_process_is_shown_with_its_line(crash):
    with session("x = 1") as made:
        made.run(3, f"# first\n{CRASHES[crash]}\nwanted = 2")
        with pytest.raises(NameError) as missed:
            run_test(made, "assert wanted == 2")
        said = str(describe_failure(Wording(), missed.value, [], cells=made.cells))
        assert said.startswith(
            f"`wanted` is not defined because cell 4 stopped at its line 2, `{CRASHES[crash]}`, with {crash}"
        )
        assert "ipython-input" not in said


def test_a_function_that_misses_a_name_is_told_of_the_cell_that_stopped():
    with session("def area(radius):\n    return tools.square(radius)") as made:
        made.run(1, "import module_that_nobody_has as tools")
        with pytest.raises(NameError) as missed:
            run_test(made, "area(2)")
        said = missed.value.sentence
        assert "NameError: name 'tools' is not defined at line 2 of its cell" in said
        assert (
            "because cell 2 stopped at its line 1, `import module_that_nobody_has as tools`, with ModuleNotFoundError"
            in said
        )


def test_a_cell_that_ended_the_process_is_told_of_with_what_it_did():
    with session("x = 1", cell_seconds=2) as made:
        made.run(1, "wanted = 1\nwhile True:\n    pass")
        said = made.cells.why_missing("wanted")
        assert re.fullmatch(
            r"`wanted` is not defined because cell 2 took longer than the \S+ s allowed\.", said
        )


def test_a_cell_that_runs_later_without_an_error_is_told_of_no_more():
    with session("x = 1") as made:
        made.run(1, "wanted = y")
        assert 1 in made.cells.stops
        made.run(1, "wanted = x")
        assert 1 not in made.cells.stops
        run_test(made, "assert wanted == 1")


@pytest.mark.parametrize("written", ["Wanted_Value", "wantedvalue", "wanted_vlaue", "wantd_value"])
def test_a_name_that_is_spelled_otherwise_is_named(written):
    cells = StoppedCells()
    cells.sources[0] = f"{written} = 1"
    assert cells.why_missing("wanted_value").endswith(
        f"There is `{written}`: the name must be spelled as it is asked for."
    )
    assert "There is" not in cells.why_missing("wanted_value", asked=frozenset({written}))


def test_a_cell_without_code_is_said_to_have_none_and_a_dead_answer_is_found_by_its_place(tmp_path):
    cells = {"attainable": "1 / 0", "predict": "raise NotImplementedError()"}
    path = (
        hand_in("quantization", Kind("crashed", "one cell", cells={"0_self_check": cells}), tmp_path)
        / "0_self_check.ipynb"
    )
    said = {key: verdict.message for key, verdict in examined("quantization", path).verdicts.items()}
    assert said["test_predict"] == "`predicted_regime` is not defined because cell 5 has no code yet."
    assert said["attainable_visible"].endswith(
        "cell 12 stopped at its line 1, `1 / 0`, with ZeroDivisionError: division by zero."
    )
    assert said["test_sweep"].count("stopped at its line") == 2 and said["test_sweep"].endswith(
        "division by zero."
    )


@settings(max_examples=100)
@given(
    error=st.dictionaries(
        st.sampled_from(["ename", "evalue", "frames"]),
        st.none() | st.integers() | st.text() | st.lists(st.lists(st.integers() | st.text(max_size=5))),
    ),
    source=st.text(),
    name=st.text(),
)
def test_whatever_a_process_says_of_an_error_is_told_in_one_short_sentence(error, source, name):
    cells = StoppedCells()
    cells.sources[0], cells.stops[0] = source, Stop.of_error(error)
    assert len(cells.why_missing(name)) < 900 + 2 * len(name)
    assert "\n" not in cells.stops[0].told(0)


@pytest.mark.parametrize("crash", [one for one in CRASHES if one != "SyntaxError"])
@pytest.mark.parametrize("after", ["other = 1", "gains = [1, 2, 3]"])
def test_an_answer_that_a_cell_left_unfinished_is_told_with_what_stopped_the_cell(crash, after):
    """A list that is filled in a loop has its name before the loop stops."""
    with session("other = 0") as made:
        made.run(1, f"gains = []\nfor n in range(3):\n    gains.append(n)\n    {CRASHES[crash]}")
        made.run(2, after)
        values = made.names({"gains"})
        with pytest.raises(AssertionError) as failed:
            exec(
                compile("assert len(gains) == 9, 'one gain for each of 9 batches'", FILENAME, "exec"), values
            )
        message = str(describe_failure(Wording(), failed.value, (), values, made.cells))
    assert message.startswith("One gain for each of 9 batches.")
    told = f"`gains` is unfinished: cell 2 stopped at its line 4, `{CRASHES[crash]}`, with {crash}"
    assert (told in message) == (after == "other = 1")


@pytest.mark.parametrize(("said", "told"), [("is it so?", "Is it so?"), ("no!", "No!"), ("no", "No.")])
def test_a_question_of_a_test_ends_with_its_own_mark(said, told):
    assert str(describe_failure(Wording(), AssertionError(said), ())) == told
