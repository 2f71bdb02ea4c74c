"""Everyday idioms of test cells (tests/idioms) get here what they get in a stock kernel, or autograder lint names them."""

from __future__ import annotations

import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from autograder.lint.patterns import check_patterns
from tests.idioms import Idiom, load_idioms, recorded
from tests.idioms.marks import examined, in_a_kernel

BAR = 0.9  # of the everyday idioms are marked as in a kernel
TRAPS = "traps"  # a family of tests that are hard on the examiner rather than everyday
SAMPLE = 4  # works that are run in a kernel again, others each day
IDIOMS = load_idioms()


@pytest.fixture(scope="module")
def ours() -> dict[str, dict[str, list[float]]]:
    """The examiner's marks of every work, by idiom and work."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        return dict(zip([idiom.name for idiom in IDIOMS], pool.map(_marks, IDIOMS), strict=True))


def _marks(idiom: Idiom) -> dict[str, list[float]]:
    with tempfile.TemporaryDirectory() as place:
        return {label: scores for label, (scores, _) in examined(idiom, Path(place)).items()}


def _refused(idiom: Idiom, marks: dict[str, list[float]]) -> bool:
    """Whether such an assignment is not graded: its solution has no full marks, or the text of a test shows what is wrong with it."""
    found = check_patterns(idiom.notebook(), idiom.name)
    return marks["solution"] != idiom.points or any(finding.fails for finding in found)


def test_there_are_enough_and_each_has_right_and_wrong_works():
    assert len([idiom for idiom in IDIOMS if idiom.family != TRAPS]) >= 60
    assert len({idiom.name for idiom in IDIOMS}) == len(IDIOMS)
    for idiom in IDIOMS:
        assert sum(work.right for work in idiom.works) >= 2, idiom.name
        assert sum(not work.right for work in idiom.works) >= 2, idiom.name


def test_a_kernels_marks_are_recorded_and_say_what_works_claim_to_be():
    known = recorded()
    for idiom in IDIOMS:
        assert known[idiom.name]["fingerprint"] == idiom.fingerprint, (
            f"{idiom.name} has changed: python -m tests.idioms --kernel"
        )
        for work in idiom.works:
            assert (known[idiom.name]["marks"][work.label] == idiom.points) == work.right, idiom.name


def test_what_is_recorded_is_what_a_kernel_gives():
    works = [(idiom, work) for idiom in IDIOMS for work in idiom.works]
    today = int(time.time() // 86400)
    for k in range(SAMPLE):
        idiom, work = works[
            (SAMPLE * today + k) * 101 % len(works)
        ]  # 101 has no factor in common with most lengths
        assert in_a_kernel(idiom, work) == recorded()[idiom.name]["marks"][work.label], (
            f"{idiom.name}: {work.label}"
        )


def test_no_work_gets_marks_that_a_kernel_does_not_give_unless_the_assignment_is_refused(ours):
    generous = {
        idiom.name
        for idiom in IDIOMS
        for work in idiom.works
        if any(
            mine > other
            for mine, other in zip(
                ours[idiom.name][work.label], recorded()[idiom.name]["marks"][work.label], strict=True
            )
        )
    }
    assert not [
        idiom.name for idiom in IDIOMS if idiom.name in generous and not _refused(idiom, ours[idiom.name])
    ]
    assert not [idiom.name for idiom in IDIOMS if idiom.name in generous and idiom.family != TRAPS]


def test_everyday_idioms_are_marked_as_in_a_kernel(ours):
    everyday = [idiom for idiom in IDIOMS if idiom.family != TRAPS]
    differing = [idiom.name for idiom in everyday if ours[idiom.name] != recorded()[idiom.name]["marks"]]
    assert len(differing) <= (1 - BAR) * len(everyday), ", ".join(differing)


def test_what_is_marked_otherwise_is_named_by_the_lint(ours):
    silent = [
        idiom.name
        for idiom in IDIOMS
        if ours[idiom.name] != recorded()[idiom.name]["marks"]
        and not _refused(idiom, ours[idiom.name])
        and not list(check_patterns(idiom.notebook(), idiom.name))
    ]
    assert not silent


def test_nothing_that_is_marked_as_in_a_kernel_is_refused(ours):
    for idiom in IDIOMS:
        if ours[idiom.name] == recorded()[idiom.name]["marks"]:
            assert not _refused(idiom, ours[idiom.name]), idiom.name
