"""Limits of time in tests grow with what else this machine does, and are never less than what was asked for."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from tests import pace

IDLE = (0.0, 0.0, 0.0)


def test_limits_are_never_below_what_was_asked_for_and_whole_seconds():
    assert pace.slowness() >= 1
    for idle in (0.1, 1, 2.5, 60):
        found = pace.seconds(idle)
        assert found >= idle and found == int(found)
    assert (pace.seconds(4, 1.0), pace.seconds(4, 2.6)) == (4, 11)


@pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="this system does not bind processes to cores"
)
def test_a_machine_that_has_other_work_is_found_slow(monkeypatch):
    """Two loops that never end on the core of this process: it gets a third of it."""
    monkeypatch.setattr(os, "getloadavg", lambda: IDLE)
    own = time.process_time()
    pace.slowness()
    monkeypatch.setattr(pace, "NOMINAL_SECONDS", time.process_time() - own)
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    loop = [sys.executable, "-c", "print(flush=True)\nwhile True: pass"]
    busy = [subprocess.Popen(loop, stdout=subprocess.PIPE) for _ in range(2)]
    try:
        for process in busy:
            process.stdout.readline()
        assert pace.slowness() > 1.5
    finally:
        for process in busy:
            process.kill()
            process.communicate()
        os.sched_setaffinity(0, cores)


def test_what_was_slow_in_the_last_minute_counts(monkeypatch):
    monkeypatch.setattr(os, "getloadavg", lambda: (12.0, 1.0, 1.0))
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert pace.slowness() >= 6
