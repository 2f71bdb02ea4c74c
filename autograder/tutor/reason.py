"""Why a test has not full marks: data, until it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

__all__ = ["Observed", "Reason", "printable"]

LONGEST = 4000  # characters of a sentence
HINTED = 330  # characters of a text that still gets a hint


def printable(text: str) -> str:
    """*text* without control characters: a student's words must not steer the terminal that they are printed in."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)


@dataclass(frozen=True, slots=True)
class Observed:
    """What a student's function did.

    Attributes:
        function: its name.
        inputs: what it was given, in words; empty for nothing.
        gave: what it returned, in words.
    """

    function: str
    inputs: str = ""
    gave: str = ""

    def __str__(self) -> str:
        at = f" at {self.inputs}" if self.inputs else ""
        return f"`{self.function}{'' if at else '()'}` gave {self.gave}{at}"


@dataclass(frozen=True, slots=True)
class Reason:
    """The parts of it, each a sentence or empty.

    Attributes:
        says: the test's own sentence, or what kept an answer from being judged.
        observed: what was seen.
        verdict: what is wrong with what was seen, where the test has no sentence of its own: "which is not right".
        cause: what gives just that, where it is known.
        hint: what to think about next.
    """

    says: str = ""
    observed: Observed | None = None
    verdict: str = ""
    cause: str = ""
    hint: str = ""

    def __post_init__(self) -> None:
        for each in fields(self):
            text = getattr(self, each.name)
            if isinstance(text, str):
                object.__setattr__(self, each.name, printable(text[:LONGEST]))

    def __bool__(self) -> bool:
        return any(getattr(self, each.name) for each in fields(self))

    @property
    def finding(self) -> str:
        """What is not right, without why."""
        seen = (
            f"{self.observed}{', ' if self.verdict else ''}{self.verdict}" if self.observed else self.verdict
        )
        seen = f"{seen[0].upper()}{seen[1:]}." if seen else ""
        return " ".join(filter(None, [self.says, seen]))

    def __str__(self) -> str:
        """All of it, put into words; a hint only where that stays short."""
        parts = [self.finding, self.cause]
        said = ("\n" if "\n" in self.finding else " ").join(filter(None, parts))
        if self.hint and len(said) + len(self.hint) < HINTED:
            said = f"{said} {self.hint}"
        return said

    def as_json(self) -> dict[str, Any]:
        """Plain data, which :meth:`from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Reason:
        """The reason that *data* says; whatever is not of the form is left out."""
        texts: dict[str, Any] = {
            each.name: value
            for each in fields(cls)
            if each.name != "observed" and isinstance(value := data.get(each.name), str)
        }
        seen = data.get("observed")
        if isinstance(seen, Mapping):
            texts["observed"] = Observed(
                **{each.name: str(seen.get(each.name, "")) for each in fields(Observed)}
            )
        return cls(**texts)
