"""A deadline and a memory limit hold whatever is done inside them, and leave the process as it was."""

from __future__ import annotations

import resource
import signal
import time

import pytest

from autograder.bounds.deadline import TimeIsUp, deadline, memory_limit


def spin(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def test_a_deadline_ends_what_is_inside_even_if_that_catches_every_exception():
    began = time.monotonic()
    with pytest.raises(TimeIsUp), deadline(0.05):
        try:
            spin(30)
        except Exception:
            spin(30)
    assert time.monotonic() - began < 20


def test_a_deadline_that_was_caught_once_comes_again():
    with pytest.raises(TimeIsUp), deadline(0.05):
        try:
            spin(30)
        except BaseException:
            spin(30)


def test_the_outer_deadline_holds_inside_an_inner_one_and_after_it():
    with pytest.raises(TimeIsUp), deadline(0.05), deadline(60):
        spin(30)
    with pytest.raises(TimeIsUp), deadline(0.2):
        with deadline(60):
            pass
        spin(30)


def test_nothing_is_left_of_a_deadline_that_was_met():
    before = signal.getsignal(signal.SIGALRM)
    with deadline(60):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) is before


def test_memory_beyond_the_limit_is_a_memory_error_and_the_limit_is_gone_afterwards():
    before = resource.getrlimit(resource.RLIMIT_AS)
    with memory_limit(64):
        kept = bytearray(16 << 20)
        with pytest.raises(MemoryError):
            bytearray(512 << 20)
        with memory_limit(4096), pytest.raises(MemoryError):
            bytearray(512 << 20)
    assert resource.getrlimit(resource.RLIMIT_AS) == before
    assert len(kept)
    assert len(bytearray(512 << 20))
