"""A notebook under another name is found by its cells, then by its name; of several that differ none is chosen; nothing outside the folder is looked at."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.bounds.limits import Limits
from autograder.files.lookalikes import identified
from autograder.files.read import Unreadable
from autograder.files.submissions import MOST_NAMES, Inbox, Wanted

KNOWN = {
    "0_self_check": [f"a{i}" for i in range(6)],
    "1_predict": [f"b{i}" for i in range(9)],
    "10_predict_more": [f"c{i}" for i in range(4)],
}
WANTED = Wanted(KNOWN, frozenset({"data.csv"}))


def notebook(ids: list[str], text: str = "") -> bytes:
    cells = [
        {"cell_type": "code", "source": text, "metadata": {"nbgrader": {"grade_id": one}}} for one in ids
    ]
    return json.dumps({"cells": cells}).encode()


names = st.sampled_from(sorted(KNOWN))
# What browsers, mail programs, JupyterLab and people make of a name.
MADE = (
    *(
        "{} (1).ipynb",
        "{}(12).ipynb",
        "{}-Copy1.ipynb",
        "{} copy.ipynb",
        "Copy of {}.ipynb",
        "{}_final.ipynb",
    ),
    *("{}_FINAL_v2.ipynb", "ann_{}.ipynb", "{}.ipynb.txt", "{}.ipynb.json", "{}.IPYNB", "hw/{}.ipynb"),
    *("deep/er/{} (2).ipynb", "{}.ipynb (1)", "{}.json", "{}.solution.ipynb", "{}.ipynb_"),
)
made_names = st.builds(
    lambda form, name, upper: (name, form.replace("{}", name.upper() if upper else name)),
    st.sampled_from(MADE),
    names,
    st.booleans(),
)
file_names = st.text(min_size=1, max_size=20).map(
    lambda text: re.sub(r"[/\0\ud800-\udfff]", "-", text) + ".ipynb"
)


@given(names, file_names, st.data())
def test_the_cells_decide_whatever_the_name_is(name, called, data):
    ids = KNOWN[name]
    kept = data.draw(st.lists(st.sampled_from(ids), min_size=(len(ids) + 1) // 2, unique=True))
    other = data.draw(st.sampled_from(sorted(KNOWN)))
    assert identified(called, notebook(kept), KNOWN) == name
    assert identified(f"{other} (1).ipynb", notebook(kept), KNOWN) == name


@given(made_names, st.booleans())
def test_a_file_without_the_cells_is_known_by_its_name(made, as_colab):
    name, called = made
    assert identified(called, notebook([]) if as_colab else b"not a notebook", KNOWN) == name


@given(file_names, st.binary(max_size=200))
def test_any_bytes_are_some_notebook_or_none(called, content):
    assert identified(called, content, KNOWN) in {None, *KNOWN}


def handed_in(folder: Path, files: dict[str, bytes]) -> Inbox:
    for name, content in files.items():
        path = folder / "submitted" / "ann" / "hw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return Inbox(folder / "submitted", "hw", Limits(), (), [".ipynb_checkpoints"], WANTED)


@given(made_names, st.integers(1, 3), st.booleans())
def test_one_is_graded_and_of_several_that_differ_none_and_all_are_named(made, count, differ):
    name, called = made
    if called == f"{name}.ipynb":
        return
    files = {f"{i}/{called}": notebook(KNOWN[name], str(i if differ else "same")) for i in range(count)}
    with tempfile.TemporaryDirectory() as folder:
        inbox = handed_in(Path(folder), files)
        found, items = inbox.notebooks_and_triage("ann", list(KNOWN))
    assert list(found) == [name]
    if differ and count > 1:
        assert isinstance(found[name], Unreadable) and all(one in found[name].why for one in files)
    else:
        assert found[name] == files[f"0/{called}"]
        (item,) = items
        assert (item.reason, item.notebook, item.student) == ("renamed", name, "ann")
        assert all(one in item.says for one in files)


def test_a_thousand_copies_are_one_short_sentence(tmp_path):
    files = {f"0_self_check ({i}).ipynb": notebook(KNOWN["0_self_check"], str(i)) for i in range(300)}
    inbox = handed_in(tmp_path, files)
    why = inbox.notebooks("ann", list(KNOWN))["0_self_check"].why
    assert why.endswith(f"and {300 - MOST_NAMES} more") and len(why) < 400


def test_an_empty_file_of_the_right_name_does_not_hide_the_work(tmp_path):
    work = notebook(KNOWN["1_predict"])
    inbox = handed_in(tmp_path, {"1_predict.ipynb": b" \n", "1_predict (1).ipynb": work})
    assert inbox.notebooks("ann", list(KNOWN)) == {"1_predict": work}


@pytest.mark.parametrize("right", [b"{", notebook(KNOWN["1_predict"], "mine")])
def test_a_file_of_the_right_name_counts_before_all_others(tmp_path, right):
    inbox = handed_in(
        tmp_path, {"1_predict.ipynb": right, "1_predict-Copy1.ipynb": notebook(KNOWN["1_predict"])}
    )
    assert inbox.notebooks("ann", list(KNOWN)) == {"1_predict": right}
    assert [item.reason for item in inbox.notebooks_and_triage("ann", ["1_predict"])[1]] == ["copy"]


def test_what_students_were_given_checkpoints_and_links_are_no_work(tmp_path):
    work = notebook(KNOWN["1_predict"])
    (tmp_path / "secret.ipynb").write_bytes(work)
    inbox = handed_in(tmp_path, {"data.csv": b"1", ".ipynb_checkpoints/1_predict-checkpoint.ipynb": work})
    (tmp_path / "submitted" / "ann" / "hw" / "1_predict (1).ipynb").symlink_to(tmp_path / "secret.ipynb")
    assert inbox.notebooks("ann", list(KNOWN)) == {}
    (item,) = inbox.notebooks_and_triage("ann", list(KNOWN))[1]
    assert item.reason == "missing" and "1_predict (1).ipynb" in item.says and "data.csv" not in item.says


def test_marks_depend_on_the_file_that_was_graded(tmp_path):
    import hashlib

    prints = set()
    for text in ("one", "two"):
        inbox = handed_in(tmp_path, {"1_predict (1).ipynb": notebook(KNOWN["1_predict"], text)})
        digest = hashlib.sha256()
        inbox.add_to_digest("ann", list(KNOWN), digest)
        prints.add(digest.digest())
    assert len(prints) == 2
