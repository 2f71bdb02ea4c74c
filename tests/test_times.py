"""Times of handing in: what can mean one thing only is read as that, and whatever else is there is said, never settled in silence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from nbgrader.utils import parse_utc

from autograder.files.read import ABSENT, Unreadable
from autograder.files.times import TIMESTAMP, read_timestamp

moments = st.datetimes(datetime(1980, 1, 1), datetime(2150, 1, 1)).map(lambda one: one.replace(microsecond=0))
quarters = st.integers(-14 * 4, 14 * 4).map(lambda number: timedelta(minutes=15 * number))
spaces = st.sampled_from(["", " ", "  ", "\t"])
marks = st.sampled_from([b"", b"\xef\xbb\xbf", b"\n", b" "])


def offset_of(shift: timedelta, form: str) -> str:
    minutes = round(shift.total_seconds() / 60)
    sign, hours, rest = "-" if minutes < 0 else "+", abs(minutes) // 60, abs(minutes) % 60
    return f"{'GMT' if form == 'GMT' else ''}{sign}{hours:02}{':' if form == ':' else ''}{rest:02}"


@given(moments, quarters, st.sampled_from(["", ":", "GMT"]), spaces, st.sampled_from("T "), marks)
@example(datetime(2026, 1, 5, 10), timedelta(hours=-5), "", "  ", " ", b"\xef\xbb\xbf")
def test_an_offset_is_read_whatever_its_form(moment, shift, form, space, middle, mark):
    space = space or (" " if form == "GMT" else "")
    text = f"{moment:%Y-%m-%d}{middle}{moment:%H:%M:%S}{space}{offset_of(shift, form)}"
    said = read_timestamp(mark + text.encode())
    assert (said.time, said.doubt) == (moment - shift, "")


@given(moments, st.sampled_from(["Z", " Z", " UTC", " GMT", "  UTC", " +0000", "+00:00"]), marks)
def test_utc_is_read_whatever_its_form(moment, zone, mark):
    said = read_timestamp(mark + f"{moment:%Y-%m-%d %H:%M:%S}{zone}".encode())
    assert (said.time, said.doubt) == (moment, "")


@given(st.datetimes(datetime(1980, 1, 1), datetime(2150, 1, 1)))
def test_what_nbgrader_itself_writes_is_left_to_it(moment):
    text = f"{moment:%Y-%m-%d %H:%M:%S.%f} UTC"
    said = read_timestamp(text.encode())
    assert said.as_nbgrader and said.time == parse_utc(text) == moment and not said.doubt


@given(moments, st.sampled_from(sorted(available_timezones())))
def test_the_course_s_own_abbreviations_mean_what_they_mean_there(moment, key):
    zone = ZoneInfo(key)
    name = zone.tzname(moment)
    if name is None or not (name.isalpha() and name.isupper() and name.isascii()) or len(name) > 5:
        return
    said = read_timestamp(f"{moment:%Y-%m-%d %H:%M:%S.%f} {name}".encode(), key)
    expected = moment if name in ("UTC", "GMT") else moment - zone.utcoffset(moment)
    assert (said.time, said.doubt) == (expected, "")


@pytest.mark.parametrize(
    ("name", "hours"),
    {
        "EDT": -4,
        "EST": -5,
        "PDT": -7,
        "CEST": 2,
        "CET": 1,
        "JST": 9,
        "NZDT": 13,
        "AEST": 10,
        "EEST": 3,
    }.items(),
)
def test_an_abbreviation_with_one_meaning_is_read(name, hours):
    said = read_timestamp(f"2026-07-05 10:00:00 {name}".encode())
    there = datetime(2026, 7, 5, 10, tzinfo=timezone(timedelta(hours=hours)))
    assert said.time == there.astimezone(UTC).replace(tzinfo=None) and not said.doubt


@pytest.mark.parametrize(("name", "east"), {"CST": 8, "IST": 5.5, "BST": 6, "PST": 8, "CDT": -4}.items())
def test_an_abbreviation_with_several_meanings_is_named_with_all_of_them_and_nobody_is_late_by_a_guess(
    name, east
):
    said = read_timestamp(f"2026-01-05 10:00:00 {name}".encode())
    assert said.time == datetime(2026, 1, 5, 10) - timedelta(hours=east)
    assert f"{name} is UTC" in said.doubt and " is assumed" in said.doubt and "-0500" in said.doubt


@pytest.mark.parametrize("zone", [" XYZ", " Nowhere/Town", " -3600", " +99", " ../../etc/passwd", " -1500"])
def test_a_time_zone_that_nobody_knows_is_named_and_the_time_not_used(zone):
    said = read_timestamp(f"2026-01-05 10:00:00{zone}".encode())
    assert said.time is None and said.doubt and not said.as_nbgrader


@given(moments)
def test_a_time_without_a_zone_is_said_to_be_taken_for_utc(moment):
    said = read_timestamp(f"{moment:%Y-%m-%d %H:%M:%S}".encode())
    assert said.time == moment and "it has no time zone, and UTC is assumed" in said.doubt


@given(st.dates(datetime(2000, 1, 1).date(), datetime(2030, 1, 1).date()), st.sampled_from("/.-"))
def test_a_day_that_may_be_a_month_is_named_and_the_earlier_counts(day, mark):
    said = read_timestamp(f"{day:%d}{mark}{day:%m}{mark}{day:%Y} 10:00 UTC".encode())
    if day.day > 12 or day.day == day.month:
        assert said.time.date() == day and not said.doubt
    else:
        assert said.time.date() <= day and f"{day}" in said.doubt


@given(
    st.one_of(st.binary(max_size=60), st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace")))
)
@example(b"10:00 UTC")
@example(b"2026-01-05 UTC")
@example(b"\xff\xfe2")
def test_whatever_is_there_it_is_a_time_or_is_said_to_be_none(content):
    said = read_timestamp(content)
    assert said.time is not None or said.doubt
    assert said.doubt.isprintable() and len(said.doubt) < 400
    if said.for_nbgrader:
        assert parse_utc(said.for_nbgrader.strip()) == said.time


def test_the_clock_on_the_wall_is_not_asked():
    for text in ("10:00 UTC", "Monday 10:00 UTC", "January 10:00 UTC", "5"):
        assert read_timestamp(text.encode()).time is None


def test_no_file_is_no_doubt_and_an_empty_one_or_one_that_cannot_be_read_is():
    assert read_timestamp(ABSENT).doubt == ""
    assert "is empty" in read_timestamp(b" \n").doubt
    assert (
        read_timestamp(Unreadable("it is a pipe, not a file")).doubt
        == f"{TIMESTAMP} cannot be read: it is a pipe, not a file"
    )
    assert read_timestamp("2026-01-05 10:00:00 UTC".encode("utf-16")).time == datetime(2026, 1, 5, 10)
