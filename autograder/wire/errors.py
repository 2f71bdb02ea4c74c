"""Why something does not cross."""

from __future__ import annotations

__all__ = ["Overspent", "Refused", "WireError"]


class WireError(Exception):
    """Bytes that are no message."""


class Refused(Exception):
    """A value that may not cross; the message says what it is."""


class Overspent(Exception):
    """What stands in a message holds, or could cost the other side, more than a message may. Nobody outside this package meets it."""
