"""Starts a process for a student's notebook, confined as far as this machine can."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from autograder.bounds.limits import Limits
from autograder.candidate.forkserver import START_SECONDS, await_ends, close_forkserver, warm_forkserver
from autograder.candidate.process import Candidate, Died
from autograder.candidate.warm import Warm
from autograder.sandbox.levels import LEVELS
from autograder.sandbox.warden import END_SECONDS
from autograder.wire.errors import WireError

__all__ = ["NoSandbox", "start_candidate"]

LINGERING = 2  # notebooks whose processes may be ending while the next one begins


class NoSandbox(Exception):
    """No process could be started for a notebook: this machine's fault, so nothing that a mark may follow from."""


def start_candidate(
    limits: Limits,
    files: Mapping[str, bytes] | None = None,
    *,
    own: Mapping[str, bytes] | None = None,
    hidden: Sequence[Path] = (),
    level: str | None = None,
    seconds: float | None = None,
    weakest: str = "limits",
    warm: Warm | None = None,
) -> Candidate:
    """A fresh candidate.

    Args:
        files: the assignment's, for its working folder: content by name.
        own: the student's, for the same.
        hidden: folders that it must not read even where they lie in a folder of the interpreter or the library.
        level: how far to confine it; by default as far as this machine can.
        seconds: the time that it has, whatever the examiner does; by default that of a whole notebook.
        weakest: the least of :data:`autograder.sandbox.levels.LEVELS` that will do.
        warm: what it finds done; another one than the last candidate's starts a process to fork from anew.

    Raises:
        NoSandbox: it did not start, at two tries, or not at a level that will do, or this is Windows.
    """
    if not hasattr(os, "fork"):
        raise NoSandbox(
            "students' code is run in forked processes, which Windows does not have: grade in WSL"
        )
    for last in (False, True):
        try:
            forkserver = warm_forkserver(warm or Warm(), files or {})
            chosen = level or forkserver.level
            if list(LEVELS).index(chosen) > list(LEVELS).index(weakest):
                raise NoSandbox(
                    f"students' code can be confined by {chosen!r} only on this machine ({LEVELS[chosen]}), and the weakest level allowed "
                    f"is {weakest!r}: grade elsewhere, or set c.Examine.weakest_sandbox = {chosen!r} if that will do"
                )
            await_ends(START_SECONDS, spared=LINGERING)
            order = {
                "seconds": limits.total_seconds + END_SECONDS if seconds is None else seconds,
                "limits": asdict(limits),
                "files": {**(own or {}), **(files or {})},
                "hidden": [str(path.resolve()) for path in hidden],
                "level": chosen,
            }
            return Candidate(*forkserver.fork(order), limits, chosen)
        except (Died, WireError, OSError) as error:
            close_forkserver()
            if last:
                raise NoSandbox(f"no process for a notebook could be started: {error}") from error
    raise AssertionError
