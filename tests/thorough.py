"""How much is tried: `make test` tries a part where all of a kind takes minutes, and `make thorough` all of it."""

from __future__ import annotations

import os

__all__ = ["THOROUGH"]

THOROUGH = bool(os.environ.get("THOROUGH"))
