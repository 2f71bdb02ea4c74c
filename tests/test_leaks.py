"""Nothing that a student can get hold of holds a line of a solution, a line of a hidden test, or a value that only these know."""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from pathlib import Path

import pytest
from autograder.selfstudy.installed import installed_exam

import autograder.exam.examine
from autograder.bounds.limits import Limits
from autograder.candidate.process import start_candidate
from autograder.notebook.assemble import assemble
from autograder.notebook.cells import is_test, read_notebook, without_hidden_tests
from autograder.selfstudy.bundle import write_bundle
from autograder.selfstudy.check import check_notebook
from autograder.simulate.kinds import write_submission
from tests.assignments import kinds_of
from tests.leaks import leaked, lines_of, secret_lines, telling
from tests.pace import HANG

# Wrong or unfinished in every notebook: these get messages, and must not get more.
KINDS = {
    "s04": "1_predict",
    "s06": "2_crossover",
    "s09": "3_frontier",
    "s15": "0_self_check",
}


@pytest.fixture(scope="module")
def secrets(root) -> set[str]:
    found = secret_lines(root)
    assert len(found) > 150
    return found


def test_the_search_finds_what_it_looks_for(root, secrets):
    """The lines of a solution are found in the solution, also as a page shows them."""
    from autograder.pages.markup import code_html

    source = read_notebook(root / "solutions" / "quantization" / "2_crossover.ipynb").by_grade_id()
    assert leaked(source["speedup_at"]["source"], secrets)
    assert leaked(code_html(source["crossover_hidden"]["source"]), secrets)
    assert leaked(json.dumps(source["crossover_hidden"]["source"]).replace("\\n", " "), secrets)


def test_releases_bundles_and_the_students_wheel_hold_no_secret(root, secrets, tmp_path):
    release = root / "assignments" / "quantization"
    write_bundle("students", release, tmp_path / "students")
    texts = {path: path.read_bytes() for path in release.iterdir()}
    for path in (tmp_path / "students").rglob("*"):
        if path.is_file():
            texts[path] = path.read_bytes()
        if path.suffix == ".whl":
            with zipfile.ZipFile(path) as wheel:
                texts |= {path / name: wheel.read(name) for name in wheel.namelist()}
    assert len(texts) > 50
    for name, raw in texts.items():
        text = raw.decode("utf-8", "replace")
        if name.suffix == ".ipynb":
            text = "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
        assert not leaked(text, secrets), name
        assert "BEGIN HIDDEN" not in text and "BEGIN SOLUTION" not in text


def test_the_self_learners_wheel_holds_no_line_of_a_solution_as_text(root, tmp_path):
    """Hidden tests compute what they compare with; what wrong answers are explained with is compressed (tests/test_handed_out.py)."""
    hidden = lines_of(installed_exam("quantization"))
    answers = secret_lines(root, hidden=False) - telling(hidden)
    write_bundle("self-learners", root / "assignments" / "quantization", tmp_path / "alone")
    with zipfile.ZipFile(next((tmp_path / "alone").glob("*.whl"))) as wheel:
        texts = {name: wheel.read(name).decode("utf-8", "replace") for name in wheel.namelist()}
    assert {name for name, text in texts.items() if leaked(text, answers)} == set()
    packed = (root / "autograder" / "data" / "lesson.py").read_text("utf-8")
    assert leaked(packed, answers)  # so these are lines that would be found


@pytest.fixture(scope="module")
def wrong(root, tmp_path_factory) -> dict[str, Path]:
    """Submissions that get messages: the folder of each kind."""
    base = tmp_path_factory.mktemp("wrong")
    for kind in KINDS:
        write_submission(
            kinds_of("quantization")[kind],
            root / "solutions" / "quantization",
            root / "assignments" / "quantization",
            base / kind,
        )
    return {kind: base / kind for kind in KINDS}


@pytest.fixture(scope="module")
def cards(wrong):
    """By kind the scorecard, and what its tests had asked when they failed."""
    exam, found = installed_exam("quantization"), {}
    with pytest.MonkeyPatch.context() as patch:
        asked: list = []
        explain = autograder.exam.examine.explain
        patch.setattr(
            autograder.exam.examine,
            "explain",
            lambda failures, *rest: (asked.extend(failures), explain(failures, *rest)),
        )
        for kind, name in KINDS.items():
            asked.clear()
            found[kind] = check_notebook(wrong[kind] / f"{name}.ipynb", exam), list(asked)
    return found


def test_what_check_says_as_text_page_and_json_holds_no_secret(cards, secrets):
    from autograder.selfstudy.scorecard import print_scorecard, scorecard_html

    for kind, (card, _) in cards.items():
        own = " ".join(" ".join(c["source"].split()) for c in card.assembled.cells if not is_test(c))
        theirs = {line for line in secrets if line not in own}
        assert len(theirs) > 100, kind
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            print_scorecard(card)
        for text in (said.getvalue(), scorecard_html([card]), json.dumps(card.as_json())):
            assert not leaked(text, theirs)
            assert "derandomize" not in text and "BEGIN HIDDEN" not in text


def test_no_message_of_a_hidden_test_tells_the_right_value(root, cards):
    """The right functions are asked the question that the test asked last: what they give must not be in the message."""
    looked = 0
    for kind, name in KINDS.items():
        card, asked = cards[kind]
        scope: dict = {}
        for cell in read_notebook(root / "solutions" / "quantization" / f"{name}.ipynb").cells:
            if cell["cell_type"] == "code" and not is_test(cell) and "plt.subplots" not in cell["source"]:
                exec(cell["source"], scope)
        for failure in asked:
            test = next(t for t, verdict in card.result.verdicts.items() if verdict is failure.told)
            if card.parts[test] == "public" or not failure.called:
                continue
            function, arguments, keywords, gave = failure.called[-1]
            given = {f"{value:.4g}" for value in numbers([gave, list(arguments), keywords])}
            for value in numbers(scope[function](*arguments, **keywords)):
                looked += 1
                # What the question or the answer holds may be told, and a short number may be any.
                if f"{value:.4g}" not in given and len(f"{value:.4g}") > 2:
                    assert f"{value:.4g}" not in failure.told.message, failure.told.message
    assert looked > 5


def numbers(value) -> list[float]:
    if isinstance(value, dict):
        return [number for item in value.values() for number in numbers(item)]
    if isinstance(value, (list, tuple)):
        return [number for item in value for number in numbers(item)]
    return [value] if isinstance(value, (int, float)) and not isinstance(value, bool) else []


WALK = """
import os
secrets = set(wanted)
found, seen, size = [], 0, 0
for top, folders, files in os.walk("/"):
    folders[:] = [f for f in folders if os.path.join(top, f) not in ("/proc", "/sys", "/dev", "/usr") and f != "schemas"]
    for name in files:
        if name.endswith((".ipynb", ".db", ".toml", ".json", ".md", ".txt", ".html")) or "mlsysim" in top or "autograder" in top:
            try:
                text = open(os.path.join(top, name), encoding="utf-8", errors="replace").read(2_000_000)
            except OSError:
                continue
            seen += 1
            flat = " ".join(text.replace("\\\\n", " ").replace('\\\\"', '"').split())
            if any(secret in flat for secret in secrets):
                found.append(os.path.join(top, name))
hidden = [p for p in places if os.path.exists(p) and os.listdir(p)]
environment = [v for v in os.environ.values() if "solutions" in v]
"""


def test_a_candidate_that_reads_every_file_it_can_see_finds_no_secret(root, secrets):
    candidate = start_candidate(Limits(cell_seconds=HANG, total_seconds=HANG))
    try:
        if candidate.level != "namespaces":
            pytest.skip(f"this machine does not hide files: {candidate.level}")
        places = [str(root / name) for name in ("autograder", "solutions", "tests")]
        _, error = candidate.run(f"wanted = {sorted(secrets)!r}\nplaces = {places!r}\n{WALK}", HANG)
        assert error is None
        assert candidate.get("seen")[1] > 100  # it looked at files, and found the library's
        assert candidate.get("found") == ("value", [])
        assert candidate.get("hidden") == ("value", [])
        assert candidate.get("environment") == ("value", [])
    finally:
        candidate.close()


def test_the_examined_notebook_s_tests_never_reach_the_candidate(root, wrong):
    """What is sent to the student's process is the student's cells and the set-up, never a test cell."""
    made = assemble(
        installed_exam("quantization") / "0_self_check.ipynb", wrong["s15"] / "0_self_check.ipynb"
    )
    for cell in made.cells:
        if not is_test(cell):
            assert "BEGIN HIDDEN" not in cell["source"]
            assert without_hidden_tests(cell["source"]) == cell["source"].rstrip()
