"""A computer that changes while it is measured: one of the computers that it was is recorded, and the others are told.

The processors are made up, with a clock of their own, and change at any moment, in the middle of a run too.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlsysim import measure
from mlsysim.measure.machines import BATCHES, batch_name
from mlsysim.measure.slices import SLICES, TOLERANCE, Probe, Slice, alike
from tests.processors import CALM, Processor, Weather

BAR = 0.25  # of the largest error of an INT4 speed-up
SLOW = Weather(bandwidth=0.6)  # as a neighbour on the same host makes it
moments = st.floats(0, 60)


def silent(_):
    """Progress that nobody reads."""


def flipping(times, other):
    """A processor that becomes *other* at the first of the *times*, itself at the next, and so on."""
    kinds = (other, CALM)
    return Processor(weather=tuple((since, kinds[i % 2]) for i, since in enumerate(sorted(times))))


def errors(recording):
    """The error of each predicted INT4 speed-up by its batch; but not of batches that are said to be spoiled."""
    off = np.abs(recording.predicted_speedup(4) / recording.speedup(4) - 1)
    changed = recording.machine.changed
    spoiled = changed.only if changed else ()
    return {
        batch: error
        for batch, error in zip(recording.batches.tolist(), off.tolist(), strict=True)
        if batch_name(batch) not in spoiled
    }


def near(value, usual):
    return usual / (1 + TOLERANCE) <= value <= usual * (1 + TOLERANCE)


@given(times=st.lists(moments, max_size=8, unique=True), bandwidth=st.floats(0.3, 0.75))
@example(times=[0.0, 20.0], bandwidth=0.6)
@settings(max_examples=25)
def test_memory_that_flips_at_any_moment_does_not_part_the_prediction_from_the_curve(times, bandwidth):
    processor = flipping(times, Weather(bandwidth=bandwidth))
    recording = measure.record(silent, processor)
    assert processor.now.seconds < 60
    states = [30e9, 30e9 * bandwidth]
    assert any(near(recording.bandwidth, state) for state in states)
    low, high = recording.bandwidth_range
    assert high <= low * (1 + TOLERANCE) ** 2 * (1 + 1e-9)
    assert max(errors(recording).values()) <= BAR


@settings(max_examples=20)
@given(since=st.floats(0, 20), lasting=st.floats(5, 20), other=st.sampled_from([SLOW, Weather(peak=0.5)]))
def test_a_computer_that_was_another_one_for_seconds_is_told_with_both_figures(since, lasting, other):
    recording = measure.record(silent, flipping([since + 8, since + 8 + lasting], other))
    (note,) = [note for note in recording.notes if "changed while it was measured" in note]
    changed = recording.machine.changed
    assert 0.05 < changed.time < 1
    if other is SLOW:
        figures = (changed.bandwidth.value, recording.bandwidth)
    else:
        figures = (changed.peak.value, recording.peak(32))
    assert all(f"{figure / 1e9:.0f}" in note for figure in figures) and "set aside" in note
    assert f"{changed.time:.0%}" in note


@settings(max_examples=10)
@given(share=st.floats(0.2, 0.8), since=st.floats(8, 12))
def test_other_programs_that_take_the_cores_are_told_as_such(share, since):
    busy = measure.record(silent, flipping([since, since + 8], Weather(share=share)))
    (note,) = [note for note in busy.notes if "changed while it was measured" in note]
    assert "of its cores' time to other programs" in note
    assert max(errors(busy).values()) <= BAR


@given(start=st.floats(0.5, 1), end=st.floats(0.5, 1), peak=st.floats(0.7, 1))
@settings(max_examples=20)
def test_a_slow_drift_of_memory_and_clock_leaves_the_prediction_near_the_curve(start, end, peak):
    weather = tuple(
        (
            second / 2,
            Weather(np.interp(second, [0, 120], [start, end]), np.interp(second, [0, 120], [1, peak])),
        )
        for second in range(120)
    )
    processor = Processor(weather=weather)
    recording = measure.record(silent, processor)
    assert processor.now.seconds < 60
    assert max(errors(recording).values()) <= BAR


@given(
    spikes=st.dictionaries(st.floats(0, 50), st.floats(0.01, 0.3), max_size=25), bandwidth=st.floats(0.1, 0.7)
)
@settings(max_examples=25)
def test_spikes_leave_the_recording_as_it_would_be_without_them(spikes, bandwidth):
    weather, end = [], 0.0
    for since, lasting in sorted(spikes.items()):
        if since > end:
            weather += [(since, Weather(bandwidth)), (since + lasting, CALM)]
            end = since + lasting
    recording = measure.record(silent, Processor(weather=tuple(weather)))
    assert near(recording.bandwidth, 30e9)
    assert max(errors(recording).values()) <= BAR


@settings(max_examples=10)
@given(share=st.sampled_from([0.3, 0.5, 0.7, 1.0]), bandwidth=st.floats(0.3, 1))
def test_a_computer_that_is_as_it_is_all_the_time_has_nothing_set_aside(share, bandwidth):
    recording = measure.record(silent, Processor(weather=((0, Weather(bandwidth, share=share)),)))
    assert recording.machine.changed is None
    assert not recording.notes


def test_a_computer_that_is_late_before_it_begins_still_has_its_numbers_and_two_batches():
    recording = measure.record(silent, Processor(building=20.0))
    assert recording.batches.tolist() == [1, 2]
    assert recording.bandwidth == pytest.approx(30e9)


def test_what_a_slow_spell_spoiled_is_measured_again():
    calm, spoiled = Processor(), flipping([10.0, 22.0], SLOW)
    plain, again = measure.record(silent, calm), measure.record(silent, spoiled)
    assert calm.now.seconds < spoiled.now.seconds < 60
    assert again.machine.changed.only == ()
    assert [time.value for time in again.times[32]] == pytest.approx([time.value for time in plain.times[32]])


def test_a_batch_that_was_measured_in_bad_times_only_is_named():
    weather = tuple((0.3 * i, SLOW if i % 2 else CALM) for i in range(300))
    slow = Processor(peaks={32: 40e9, 8: 30e9, 4: 40e9}, weather=weather)
    recording = measure.record(silent, slow)
    only = recording.machine.changed.only
    assert only and all(any(name in note for note in recording.notes) for name in only)


@st.composite
def slices(draw):
    probes = [Probe(draw(st.floats(1e-11, 2e-11)), draw(st.floats(1e-12, 2e-12))) for _ in range(2)]
    return Slice(
        draw(st.sampled_from(["a", "b"])),
        *probes,
        draw(st.floats(0, 1)),
        draw(st.floats(0.1, 1)),
        {4: [draw(st.floats(1, 9))]},
    )


@given(found=st.lists(slices(), min_size=1, max_size=12), factor=st.floats(0.1, 10))
def test_which_slices_are_kept_hangs_on_no_time_that_was_measured_in_them(found, factor):
    others = [dataclasses.replace(piece, runs={4: [factor * t for t in piece.runs[4]]}) for piece in found]
    assert alike(others).tolist() == alike(found).tolist()
    assert alike(found).any()


@given(found=st.lists(slices(), min_size=1, max_size=12))
def test_slices_that_are_kept_have_alike_probes_and_no_single_one_lasted_longer(found):
    steady = [dataclasses.replace(piece, after=piece.before, share=1.0) for piece in found]
    kept = [piece for piece, is_kept in zip(steady, alike(steady), strict=True) if is_kept]
    for rates in zip(*(piece.before for piece in kept), strict=True):
        assert max(rates) <= min(rates) * (1 + TOLERANCE) ** 2 * (1 + 1e-9)
    assert sum(piece.seconds for piece in kept) >= max(piece.seconds for piece in steady) * (1 - 1e-9)


def test_the_computer_that_was_there_longer_is_kept():
    def piece(byte, seconds):
        return Slice("a", Probe(byte, 1e-12), Probe(byte, 1e-12), 1.0, seconds, {4: [1.0]})

    assert alike([piece(1e-11, 1), piece(2e-11, 3), piece(1.1e-11, 1)]).tolist() == [False, True, False]
    assert alike([piece(1e-11, 2), piece(2e-11, 3), piece(1.1e-11, 2)]).tolist() == [True, False, True]


def test_a_slice_in_which_other_programs_had_a_core_is_not_kept():
    probe = Probe(1e-11, 1e-12)
    whole, half = (Slice("a", probe, probe, share, 1.0, {4: [1.0]}) for share in (1.0, 0.5))
    assert alike([half, whole, half]).tolist() == [False, True, False]


def test_each_batch_of_a_calm_computer_has_enough_slices():
    told = []
    measure.record(told.append, Processor())
    for batch in BATCHES:
        assert sum(f"measuring: {batch_name(batch)}," in line for line in told) >= SLICES
