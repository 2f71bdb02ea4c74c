"""``python -m mlsysim``: whether the library can work in this Python, and what is wrong if it cannot."""

from __future__ import annotations

import sys

from mlsysim.preflight import problem, versions

__all__ = ["main"]


def main() -> int:
    """Say it; 0 if nothing is wrong, else 1."""
    sentence = problem()
    if sentence:
        print(sentence, file=sys.stderr)
        return 1
    print(f"mlsysim is ready: {', '.join(f'{name} {version}' for name, version in versions().items())}.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
