"""A recording is data: it comes back as it was saved, and one that is broken or made up is refused with a reason."""

from __future__ import annotations

import copy
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from mlsysim import InputError, measure
from mlsysim.measure.__main__ import main
from mlsysim.measure.recording_file import LARGEST_FILE, from_text, to_text
from mlsysim.measure.slices import Changed
from tests.processors import Processor, recordings

KIT = measure.kit_recording()
SET_ASIDE = Changed(
    time=0.4,
    bandwidth=measure.Measured(37e9, 35e9, 39e9),
    peak=measure.Measured(160e9, 155e9, 165e9),
    cores=0.9,
    only=("batch 128",),
)
CHANGED = dataclasses.replace(KIT, machine=dataclasses.replace(KIT.machine, changed=SET_ASIDE))
VALID = json.loads(to_text(CHANGED))


def places(value, path=()):
    """The path of each entry in a JSON value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in inside:
        yield (*path, key)
        yield from places(entry, (*path, key))


PLACES = sorted(places(VALID), key=str)
NEVER_RIGHT = st.sampled_from(
    [
        float("nan"),
        float("inf"),
        -1,
        -0.5,
        1e300,
        10**400,
        True,
        None,
        "",
        "\x1b[31m",
        "\ud800",
        "a\nb",
        [],
        {},
    ]
)


def changed(path, value):
    content = copy.deepcopy(VALID)
    inside = content
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = value
    return json.dumps(content)


@given(recording=recordings())
def test_a_recording_comes_back_as_it_was_saved(recording, tmp_path_factory):
    file = tmp_path_factory.mktemp("saved") / "recording.json"
    recording.save(file)
    found = measure.load(file)
    assert to_text(found) == to_text(recording) == file.read_text("utf-8")
    assert found.machine == recording.machine and found.times == recording.times
    assert found.batches.tolist() == recording.batches.tolist()
    assert found.notes == recording.notes
    assert file.stat().st_size < LARGEST_FILE


@given(path=st.sampled_from(PLACES), value=NEVER_RIGHT)
def test_an_entry_that_is_wrong_is_refused_in_one_line(path, value):
    if path == ("changed", "only") and value == []:
        return
    with pytest.raises(InputError) as caught:
        from_text(changed(path, value))
    assert len(str(caught.value).splitlines()) == 1 and str(caught.value).isprintable()


@given(path=st.sampled_from([path for path in PLACES if isinstance(path[-1], str)]))
def test_a_missing_and_an_unknown_entry_are_refused(path):
    content = copy.deepcopy(VALID)
    inside = content
    for key in path[:-1]:
        inside = inside[key]
    more = {**inside, "another": 1}
    del inside[path[-1]]
    if path == ("changed",):
        assert from_text(json.dumps(content)).machine.changed is None
        return
    with pytest.raises(InputError):
        from_text(json.dumps(content))
    if isinstance(path[-1], str) and path[:-1]:
        with pytest.raises(InputError, match="another"):
            from_text(changed(path[:-1], more))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=8), inside, max_size=4),
    max_leaves=8,
)


@given(path=st.sampled_from(PLACES), value=json_values)
def test_whatever_stands_in_an_entry_the_recording_is_read_or_refused(path, value):
    try:
        found = from_text(changed(path, value))
    except InputError:
        return
    for bits in (32, 8, 4):
        for numbers in (found.seconds(bits), found.speedup(bits), found.predicted(bits), *found.spread(bits)):
            assert np.isfinite(numbers).all() and (numbers > 0).all()
    assert from_text(to_text(found)).machine == found.machine
    assert isinstance(found.notes, tuple) and repr(found).isprintable()


@given(
    content=st.binary(max_size=200) | st.sampled_from([b"[" * 60_000, b"9" * 60_000, b"{}", b"[]", b"null"])
)
def test_a_file_that_is_no_recording_is_refused_by_name(content, tmp_path_factory):
    file = tmp_path_factory.mktemp("strange") / "recording.json"
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"^the recording 'recording\.json'"):
        measure.load(file)


@given(data=st.data())
def test_bytes_that_were_damaged_are_read_or_refused_in_one_line(data, tmp_path_factory):
    content = bytearray(to_text(CHANGED), "utf-8")
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 40)) | st.just(len(content)))
    content[start:end] = data.draw(st.binary(max_size=40))
    file = tmp_path_factory.mktemp("damaged") / "recording.json"
    file.write_bytes(content)
    try:
        measure.recording(file)
    except InputError as error:
        assert str(error).startswith("the recording 'recording.json'") and str(error).isprintable()


def test_a_recording_of_before_computers_could_change_is_read():
    content = copy.deepcopy(VALID)
    del content["changed"]
    assert from_text(json.dumps(content)).machine == dataclasses.replace(KIT.machine, changed=None)


@pytest.mark.parametrize("only", [["batch 3"], ["batch 128", "batch 128"], [["batch 128"]], "batch 128", [5]])
def test_what_was_measured_in_bad_times_only_is_something_that_was_measured(only):
    with pytest.raises(InputError, match=r"^changed only = .* give a list of names, such as 'batch 256'$"):
        from_text(changed(("changed", "only"), only))


def test_a_file_that_is_too_large_missing_or_a_folder_is_refused(tmp_path):
    file = tmp_path / "large.json"
    file.write_text(json.dumps(VALID) + " " * LARGEST_FILE)
    for path, why in (
        (file, "larger than 64 KB"),
        (tmp_path / "none.json", "No such file"),
        (tmp_path, "directory"),
    ):
        with pytest.raises(InputError, match=why):
            measure.load(path)
    for path in ("a\0b", None, 3.5, b"x"):
        for use in (measure.load, measure.recording, KIT.save):
            with pytest.raises(InputError, match=r"^path = .* give the name of a file"):
                use(path)
    with pytest.raises(InputError, match="cannot be written"):
        KIT.save(tmp_path / "no folder" / "recording.json")


def test_values_and_batches_that_are_out_of_order_are_refused():
    for path, value in (
        (("bandwidth",), [3e10, 4e10, 5e10]),
        (("peak", "4"), [3e10, 2e10, 1e10]),
        (("batches",), [1, 4, 2, 8, 16, 32, 64, 128, 256]),
        (("batches",), [1, 1, 2, 4, 8, 16, 32, 64, 128]),
        (("seconds", "8"), VALID["seconds"]["8"][:-1]),
    ):
        with pytest.raises(InputError, match=path[-1] if path[-1] != "8" else "seconds 8"):
            from_text(changed(path, value))


def test_a_file_stands_in_for_measuring_and_the_kit_s_own_where_there_is_none(tmp_path, capsys, monkeypatch):
    def refuse(*_):
        raise AssertionError("measured")

    monkeypatch.setattr("mlsysim.measure.lab.record", refuse)
    file = tmp_path / "mine.json"
    assert to_text(measure.recording(file, may_measure=False)) == to_text(KIT)
    said = capsys.readouterr().out
    assert "kit's own recording" in said and said.count("\n") == 1
    assert "python -m mlsysim.measure record mine.json" in said
    assert not file.exists()
    KIT.save(file)
    assert to_text(measure.recording(file)) == to_text(KIT)
    assert "recording mine.json" in capsys.readouterr().out


@pytest.mark.parametrize(
    "content", [b"", b"a picture of a stopwatch", b"{}", b"\xff", to_text(KIT).encode()[:-9]]
)
def test_a_notebook_tells_a_bad_recording_in_one_sentence_and_what_to_do(tmp_path, content):
    (tmp_path / "recording.json").write_bytes(content)
    shell, code = InteractiveShell.instance(), f"measure.recording({str(tmp_path / 'recording.json')!r})"
    shell.push({"measure": measure})
    with capture_output() as shown:
        assert not shell.run_cell(code).success
    assert shown.stdout.startswith("the recording 'recording.json'") and shown.stdout.count("\n") == 1
    assert "record recording.json), or remove the file" in shown.stdout


def test_where_the_extra_is_the_computer_is_measured_once_and_saved(tmp_path, capsys, monkeypatch):
    made = measure.record(lambda _: None, Processor())
    monkeypatch.setattr("mlsysim.measure.lab.record", lambda *_: made)
    monkeypatch.setattr("mlsysim.measure.lab.find_spec", lambda name: True)
    file = tmp_path / "mine.json"
    assert measure.recording(file) is made
    assert "mine.json is its recording" in capsys.readouterr().out
    assert to_text(measure.load(file)) == to_text(made)
    monkeypatch.setattr("mlsysim.measure.lab.find_spec", lambda name: None)
    assert to_text(measure.recording(tmp_path / "other.json")) == to_text(KIT)
    assert "pip install" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["none/r.json", ".", "x" * 300, "r.json/r.json", "/dev/null/r.json"])
def test_what_cannot_be_written_is_told_before_a_minute_is_spent_on_it(tmp_path, capsys, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mlsysim.measure.__main__.record", lambda: pytest.fail("it was measured"))
    monkeypatch.setattr("mlsysim.measure.lab.record", lambda *_: pytest.fail("it was measured"))
    monkeypatch.setattr("mlsysim.measure.lab.find_spec", lambda _: True)
    KIT.save("r.json")
    assert main(["record", name]) == 1
    assert "cannot be written" in capsys.readouterr().err
    if not name.endswith("."):
        with pytest.raises(InputError, match="cannot be"):
            measure.recording(name)
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"] and to_text(
        measure.load("r.json")
    ) == to_text(KIT)


def test_a_file_holds_no_path_and_no_name_of_the_computer(tmp_path):
    import getpass
    import platform

    text = to_text(KIT)
    assert platform.node() not in text and str(tmp_path.home()) not in text
    assert set(VALID["host"]) == {"processor", "system", "cores", "memory_bytes", "cache_bytes"}
    assert getpass.getuser() not in text


def test_the_kit_s_own_recording_is_predicted_as_near_as_the_readme_says():
    predicted, measured = KIT.predicted_speedup(4), KIT.speedup(4)
    assert KIT.batches[0] == 1 and KIT.batches[-1] == 256
    assert np.abs(predicted / measured - 1).max() <= 0.25
    found, expected = (KIT.crossover(4, 1.5, predicted=predicted) for predicted in (False, True))
    assert 1 < found / expected < 1.5


def test_the_command_draws_the_same_picture_each_time_and_prints_its_alt_text(tmp_path, capsys):
    KIT.save(tmp_path / "r.json")
    for name in ("a.svg", "b.svg", "c.png"):
        assert main(["draw", str(tmp_path / "r.json"), str(tmp_path / name)]) == 0
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
    assert f"Alt text: {measure.draw(KIT).alt}" in capsys.readouterr().out


def test_the_command_records_and_says_what_it_found(tmp_path, capsys, monkeypatch):
    made = measure.record(lambda _: None, Processor(jitter=3.0))
    monkeypatch.setattr("mlsysim.measure.__main__.record", lambda: made)
    assert main(["record", str(tmp_path / "r.json")]) == 0
    assert to_text(measure.load(tmp_path / "r.json")) == to_text(made)
    assert capsys.readouterr().out.splitlines() == [repr(made), *made.notes]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["draw", "none.json", "a.svg"], "cannot be read"),
        (["draw", "r.json", "a.gif"], "ends in .svg or .png"),
        (["draw", "r.json", "none/a.svg"], "cannot be written"),
        (["draw", "r.json", "none/a.png"], "cannot be written"),
        (["draw", "empty.json", "a.svg"], "the recording 'empty.json': it is not JSON"),
        (["draw", "cut.json", "a.svg"], "the recording 'cut.json': it is not JSON"),
        (["draw", "latin.json", "a.svg"], "the recording 'latin.json' is not a text in UTF-8"),
        (["draw", ".", "a.svg"], "cannot be read"),
    ],
)
def test_the_command_says_in_a_sentence_what_is_wrong(tmp_path, monkeypatch, capsys, words, why):
    monkeypatch.chdir(tmp_path)
    KIT.save("r.json")
    Path("empty.json").touch()
    Path("cut.json").write_text(to_text(KIT)[:700])
    Path("latin.json").write_bytes("é".encode("latin-1"))
    assert main(words) == 1
    said = capsys.readouterr().err
    assert why in said and said.count("\n") == 1
