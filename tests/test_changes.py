"""What changed since the last check: those tests that have another outcome, and no other."""

from __future__ import annotations

from types import SimpleNamespace

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from autograder.exam.judge import Verdict
from autograder.selfstudy.changes import LastCheck, changes_since, outcome_of
from autograder.tutor.reason import Reason

SCORES = st.sampled_from([0.0, 0.5, 1.0])
OUTCOMES = st.dictionaries(st.sampled_from("abc"), st.tuples(SCORES, st.sampled_from(["x", "y"])))


def card(outcomes, hidden_run=True):
    verdicts = {
        name: Verdict(score, 1.0, Reason(says if score < 1 else ""))
        for name, (score, says) in outcomes.items()
    }
    return SimpleNamespace(hidden_run=hidden_run, result=SimpleNamespace(verdicts=verdicts))


@given(before=OUTCOMES, now=OUTCOMES)
def test_a_test_is_told_if_and_only_if_its_mark_or_its_reason_is_another(before, now):
    last = msgspec.json.decode(msgspec.json.encode(outcome_of(card(before))), type=LastCheck)
    told = {change.test for change in changes_since(last, card(now))}
    for name, (score, says) in now.items():
        was, said = before.get(name, (0.0, None))
        other_reason = said not in (None, says) and was < 1 and score < 1
        assert (name in told) == (score != was or other_reason)
    assert told <= now.keys()


@given(before=OUTCOMES, now=OUTCOMES, hidden=st.booleans())
def test_checks_with_and_without_hidden_tests_are_not_compared(before, now, hidden):
    assert changes_since(outcome_of(card(before, hidden)), card(now, not hidden)) is None
    assert changes_since(None, card(now, hidden)) is None
    assert changes_since(outcome_of(card(now, hidden)), card(now, hidden)) == []


@given(was=SCORES, now=SCORES, hidden=st.booleans())
def test_marks_are_told_only_where_hidden_tests_were_run(was, now, hidden):
    last = outcome_of(card({"a": (was, "x")}, hidden))
    for change in changes_since(last, card({"a": (now, "y")}, hidden)):
        if now == was:
            assert change.says == "fails in another way"
        elif hidden:
            assert change.says == f"{now:g}/1, was {was:g}/1"
        else:
            assert change.says == ("now passes" if now == 1 else "fails now")
