"""What the examiner's end of a connection makes of what is no plain data."""

from __future__ import annotations

from typing import Any

from autograder.wire.errors import WireError

__all__ = ["Peer"]


class Peer:
    """What the examiner makes of what is no plain data. This one knows nothing but plain data; see :mod:`autograder.handles.peer`."""

    def refer(self, value: Any) -> list[Any] | None:
        """The tree of something that the candidate can know, or None."""
        return None

    def resolve(self, tag: str, rest: list[Any]) -> Any:
        """What the candidate refers to.

        Raises:
            WireError: nothing.
        """
        raise WireError(f"not a message: unknown tag {tag[:8]!r}")

    def call_back(self, number: int, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> list[Any]:
        """["value", what a function of the test gives] or ["raised", [the name of a builtin exception, its arguments]].

        Raises:
            WireError: there is no such function.
        """
        raise WireError("not a message: no such function")

    def printed(self, stream: str, text: str) -> None:
        """Take what was printed during a call; a warning comes by the name of its builtin type in place of a stream's."""

    def changing(self) -> None:
        """The arguments of the call that is being answered are about to be changed."""

    def drew(self, which: int, state: list[Any]) -> None:
        """Take the state that ``random`` (0) or ``numpy.random`` (1) has over there."""
