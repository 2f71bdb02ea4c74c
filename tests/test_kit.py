"""What the grader knows of an assignment: every file of it may be missing, and one that cannot be used is named."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.candidate.warm import Warm
from autograder.exam.examine import examine
from autograder.files.source import data_files
from autograder.kit import KitError, load_kit
from autograder.nbgrader_compat.course import Course
from autograder.notebook.assemble import assemble
from autograder.report.page import report_file
from autograder.report.rows import class_rows
from autograder.selfstudy.check import check_notebook
from autograder.simulate.demo import run_demo
from autograder.simulate.kinds import load_kinds
from autograder.tutor.hints import Tally
from autograder.tutor.owner import Owner
from tests.small import HALF, KIT, NOTEBOOK, write_small, written

MARKS = {"area_test": 2, "longest_test": 1, "table_test": 1}
subsets = st.sets(st.sampled_from(sorted(KIT))).map(sorted)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder for the source, and submissions of two students: one is right, one takes the radius for its square."""
    base = tmp_path_factory.mktemp("small")
    return base / "source", written(base / "right"), written(base / "half", area=HALF)


def only(source, kit, changed=None):
    """The source with just these files of the kit."""
    for path in (source / "kit").glob("*"):
        path.unlink()
    return write_small(source, kit, changed)


def verdicts(source, path):
    template = source / f"{NOTEBOOK}.ipynb"
    return examine(
        assemble(template, path),
        files=data_files(source),
        owner=Owner(NOTEBOOK),
        kit=load_kit(source),
        source=source,
    ).verdicts


@settings(max_examples=15, suppress_health_check=[HealthCheck.nested_given])
@given(kit=subsets)
def test_with_any_files_of_the_kit_missing_marks_are_the_same_and_messages_say_what_is_known(place, kit):
    source, right, half = place
    only(source, kit)
    assert {name: v.score for name, v in verdicts(source, right).items()} == MARKS
    wrong = verdicts(source, half)
    assert {name: v.score for name, v in wrong.items()} == MARKS | {"area_test": 0, "table_test": 0}
    message = wrong["area_test"].message
    assert "a circle of radius 1" in message or "`area` gave" in message
    knows = {"lesson.py", "misconceptions.toml", "probes.py"} <= set(kit)
    assert ("the radius is not squared" in message) == knows
    assert (wrong["area_test"].misconceptions == ("not_squared",)) == knows
    card = check_notebook(half, source)
    assert card.failing == ["area_test", "table_test"] and card.score == 1
    if "hints.toml" in kit:
        assert card.hints.ask(NOTEBOOK, "area_test", Tally(attempts=1)).hint.step == 1
    else:
        with pytest.raises(KeyError, match="this assignment has no hints"):
            card.hints.answer_cell(NOTEBOOK, "area_test")
    assert list(load_kinds(source)) == (["right", "half"] if "kinds.toml" in kit else ["right", "untouched"])


def test_words_and_units_are_those_of_the_kit(place):
    source, _, half = place
    only(source, KIT)
    assert "`area` gave 9.42478 m2 at radius=3 m" in verdicts(source, half)["area_test"].message or (
        "`area` gave 3.14159 m2 at radius=1 m" in verdicts(source, half)["area_test"].message
    )


def test_an_assignment_without_a_kit_has_an_empty_one(tmp_path):
    for folder in (tmp_path, tmp_path / "nothing here"):
        kit = load_kit(folder)
        assert (kit.title, kit.tutor, kit.kinds, kit.warm, list(kit.hints)) == ("", None, {}, Warm(), [])


@pytest.mark.parametrize("kit", [(), tuple(KIT)], ids=["no kit", "a whole kit"])
def test_a_class_is_made_graded_and_reported_with_a_kit_and_without(root, tmp_path, kit):
    original = tmp_path / "original"
    write_small(original / "solutions" / "small", kit)
    (original / "nbgrader_config.py").write_bytes((root / "nbgrader_config.py").read_bytes())
    assert run_demo(original, tmp_path / "course", ["small"]) == 0
    course = Course(tmp_path / "course", "small")
    totals = {row.student: row.total for row in class_rows(course)}
    assert totals == ({"right": 4.0, "half": 2.0} if kit else {"right": 4.0, "untouched": 0.0})
    assert report_file(course).is_file()
    assert not list(course.layout.release.rglob("kit")) and not list(course.layout.submitted.rglob("kit"))


# What may be wrong with a file, and what is said besides its name.
WRONG = {
    "kit.toml": [
        ("title = ", "Invalid value"),
        ("titel = 'x'", "'titel' is not known; known: title, case, units, libraries"),
        ("title = 3", "expected `str`, got `int` - at `$.title`"),
        ("libraries = 'x'", "expected `array`, got `str`"),
        ("[warm]\ncells = 'x'", "[warm] 'cells' is not known; known: modules, cell"),
        ("warm = 3", "[warm] it must be a table"),
        ("[simulate]\nslow = 's1'", "[simulate] expected `array`"),
        ("[returns]\narea = 'm2'", "expected `array`, got `str`"),
        ("case = 'sizes'", "case = 'sizes' must be \"MODULE:FUNCTION\""),
        ("case = 'nothing:case'", "a module beside the notebooks"),
        ("case = 'sizes:cases'", "sizes.py defines no function 'cases'"),
        ("units = 'nothing:here'", "which makes a Pint registry"),
    ],
    "wording.py": [
        ("1 / 0", "cannot be run: ZeroDivisionError"),
        ("def", "cannot be run: SyntaxError"),
        ("raise SystemExit", "cannot be run: SystemExit"),
        ("ARGUMENTS = 3", "ARGUMENTS must be a dict of functions"),
        ("RETURNS = {'area': 'm2'}", "RETURNS must be a dict of functions"),
    ],
    "lesson.py": [
        ("def", "it is not Python: invalid syntax (line 1)"),
        ("x = 1", "it defines no function"),
        ("import nothing_of_this_name\ndef area(radius): ...", "cannot be run: ModuleNotFoundError"),
    ],
    "misconceptions.toml": [
        ("[a]\nsays = 'x'", "[a] object missing required field"),
        ("[a]\nsays='x'\nhint='x'\nseen='x'\nchange=[['area', 'x']]", "[a] expected"),
        (
            "[a]\nsays='x'\nhint='x'\nseen='x'\nchange=[['volume', 'x', 'y']]",
            "[a] changes volume, which the lesson does not define",
        ),
        ("[a]\nsay = 'x'", "[a] 'say' is not known; known: says, hint, seen, change, also"),
        ("a = 3", "[a] it must be a table"),
    ],
    "probes.py": [("1 / 0", "cannot be run"), ("probe = 3", "defines no function 'probes'")],
    "hints.toml": [
        ("[circles.area]\nquestion = 'x'", "[circles.area] object missing required field"),
        ("[circles.area]\nquestions = 'x'", "'questions' is not known; known: question, lesson, shape"),
        ("circles = 3", "'circles' must be a table"),
    ],
    "kinds.toml": [
        ("[a]\nlose = 'all'", "[a] 'lose' is not known; known: name, says, base, cells"),
        ("[a]\nbase = 'right'", "[a] object missing required field `says`"),
        ("[a]\nsays = 'x'\nlost = 3", "[a] expected"),
        ("a = 3", "[a] it must be a table"),
    ],
}


@pytest.mark.parametrize(
    ("name", "text", "says"), [(name, text, says) for name, rows in WRONG.items() for text, says in rows]
)
def test_a_file_that_cannot_be_used_is_named_with_what_is_wrong(tmp_path, name, text, says):
    source = write_small(tmp_path, KIT, {name: text})
    with pytest.raises(KitError, match=re.escape(says)) as error:
        load_kinds(source)
    assert str(error.value).startswith(str(source / "kit" / name)) and "\n" not in str(error.value).strip()


def test_a_source_notebook_that_cannot_be_read_is_no_fault_of_the_kit(tmp_path):
    (write_small(tmp_path) / "broken.ipynb").write_text("{")
    (tmp_path / ".#lock").symlink_to("nobody")  # as an editor leaves it
    assert load_kit(tmp_path).title == "Circles"


@settings(max_examples=60)
@given(name=st.sampled_from(sorted(KIT)), seed=st.integers(0, 10**6))
def test_a_file_that_was_cut_or_garbled_is_used_or_named(place, name, seed):
    """Never another exception; what still is TOML or Python of the form may be used."""
    draw = random.Random(seed)
    text = KIT[name]
    at = draw.randrange(len(text))
    changed = text[:at] + draw.choice(["", "\0", "3", "'", "]", "\ud7ff"]) + draw.choice([text[at + 3 :], ""])
    source = only(place[0], KIT, {name: changed or "\n"})
    try:
        load_kinds(source)
    except KitError as error:
        assert str(error).startswith(str(source / "kit" / name))


def test_a_change_of_a_file_is_seen_at_once(place):
    source = only(place[0], KIT)
    assert load_kit(source).title == "Circles" and load_kit(source) is load_kit(source)
    only(source, KIT, {"kit.toml": "title = 'Rings'"})
    assert load_kit(source).title == "Rings"


def test_two_kits_with_files_of_the_same_names_do_not_mix(tmp_path):
    one = write_small(tmp_path / "one", KIT)
    other = write_small(tmp_path / "other", KIT, {"lesson.py": "def area(radius):\n    return 1\n"})
    assert [load_kit(source).tutor.lesson.right()["area"](2) for source in (one, other)] == [
        pytest.approx(12.566, abs=0.001),
        1,
    ]
    assert not list(tmp_path.rglob("__pycache__"))


def test_of_what_notebooks_import_only_what_students_get_is_imported_ahead(tmp_path):
    write_small(tmp_path, ())
    path = tmp_path / f"{NOTEBOOK}.ipynb"
    text = path.read_text()
    text = text.replace("### BEGIN HIDDEN TESTS", "import wave\\n### BEGIN HIDDEN TESTS\\nimport colorsys")
    text = text.replace(
        "### BEGIN SOLUTION", "%matplotlib inline\\nimport zipapp\\n### BEGIN SOLUTION\\nimport bz2"
    )
    path.write_text(text)
    assert load_kit(tmp_path).warm.modules == ("wave", "zipapp")
