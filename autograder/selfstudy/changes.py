"""What is different since the last check of a notebook."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autograder.selfstudy.check import Scorecard

__all__ = ["Change", "LastCheck", "changes_since", "outcome_of"]


@dataclass(frozen=True, slots=True)
class LastCheck:
    """The outcome of a check, as much of it as tells whether the next one differs.

    Attributes:
        hidden_run: whether hidden tests were run; checks with and without them cannot be compared.
        scores: the mark of each test.
        messages: the fingerprint of what each test said.
    """

    hidden_run: bool = False
    scores: dict[str, float] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """A test that has another outcome than before.

    Attributes:
        points: whether marks are told; without the hidden tests a test has only passed or failed.
        message: what the test says now; empty if it has full marks.
    """

    test: str
    before: float
    now: float
    maximum: float
    points: bool
    message: str

    @property
    def says(self) -> str:
        """The change in words: ``now passes``, ``0/1, was 1/1`` and the like."""
        if self.now == self.before:
            return "fails in another way"
        if not self.points:
            return "now passes" if self.now >= self.maximum else "fails now"
        return f"{self.now:g}/{self.maximum:g}, was {self.before:g}/{self.maximum:g}"

    def as_json(self) -> dict[str, Any]:
        """The change as plain data."""
        return {
            "test": self.test,
            "says": self.says,
            "better": self.now > self.before,
            "message": self.message,
        }


def outcome_of(card: Scorecard) -> LastCheck:
    """What is to be kept of *card* for the next check."""
    verdicts = card.result.verdicts
    return LastCheck(
        card.hidden_run,
        {name: verdict.score for name, verdict in verdicts.items()},
        {name: _fingerprint(verdict.message) for name, verdict in verdicts.items()},
    )


def changes_since(last: LastCheck | None, card: Scorecard) -> list[Change] | None:
    """The tests of *card* with another outcome than in the *last* check, in the notebook's order; None if nothing can be compared."""
    if last is None or last.hidden_run != card.hidden_run:
        return None
    found = []
    for name, verdict in card.result.verdicts.items():
        before = last.scores.get(name, 0.0)
        reworded = _reworded(last.messages, name, verdict.message)
        if verdict.score != before or (reworded and verdict.score < verdict.maximum):
            found.append(
                Change(name, before, verdict.score, verdict.maximum, card.hidden_run, verdict.message)
            )
    return found


def _reworded(messages: Mapping[str, str], name: str, message: str) -> bool:
    return name in messages and messages[name] != _fingerprint(message)


def _fingerprint(message: str) -> str:
    return hashlib.sha256(message.encode("utf-8", "replace")).hexdigest()[:16]
