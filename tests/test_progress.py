"""The progress file: never half written, never lost, never silently started again."""

from __future__ import annotations

import multiprocessing

import pytest

from autograder.selfstudy.progress import Progress, ProgressError, open_progress


def count(path, times):
    for _ in range(times):
        with open_progress(path) as (progress, _):
            progress.of("0_self_check").checks += 1


def test_two_checks_at_the_same_time_lose_nothing(tmp_path):
    path = tmp_path / "progress.json"
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=count, args=(path, 20)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    with open_progress(path) as (progress, message):
        assert (progress.of("0_self_check").checks, message) == (60, "")
    assert [found.name for found in tmp_path.iterdir()] == ["progress.json"]


@pytest.mark.parametrize(
    "content", [b"{bad", b"", b"[]", b'{"notebooks": {"a": {"checks": "many"}}}', b"\xff\xfe"]
)
def test_a_file_that_cannot_be_read_is_set_aside_and_said(tmp_path, content):
    path = tmp_path / "progress.json"
    path.write_bytes(content)
    with open_progress(path) as (progress, message):
        assert progress == Progress()
        assert (
            "progress.json could not be read" in message and "kept as progress.unreadable-1.json" in message
        )
    assert (tmp_path / "progress.unreadable-1.json").read_bytes() == content
    path.write_bytes(b"bad again")
    with open_progress(path):
        pass
    assert (tmp_path / "progress.unreadable-1.json").read_bytes() == content
    assert (tmp_path / "progress.unreadable-2.json").read_bytes() == b"bad again"


def test_a_file_of_a_newer_version_is_left_alone(tmp_path):
    path = tmp_path / "progress.json"
    path.write_text('{"version": 2, "notebooks": {"a": "of another form"}}')
    before = path.read_bytes()
    with pytest.raises(ProgressError, match="has version 2, this program knows 1"), open_progress(path):
        pass
    assert path.read_bytes() == before


def test_a_failure_meanwhile_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "progress.json"
    count(path, 1)
    before = path.read_bytes()
    with pytest.raises(RuntimeError), open_progress(path) as (progress, _):
        progress.of("0_self_check").checks += 1
        raise RuntimeError
    assert path.read_bytes() == before


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ProgressError, match=r"progress cannot be kept in .*nowhere"):
        count(tmp_path / "nowhere" / "progress.json", 1)
