"""Deadlines in working hours: counted twice, by the module and by a plain walk over every minute."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from approvals.working_hours import (
    BadHours,
    Hours,
    add_working_seconds,
    parse_hours,
    share_elapsed,
    working_seconds,
)

WEEK = {"zone": "Europe/Berlin", "days": [0, 1, 2, 3, 4], "from": "09:00", "to": "17:00", "holidays": ["2026-12-25"]}
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo")
moments = st.integers(0, 2 * 365 * 24 * 60).map(lambda m: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=m))
any_hours = st.builds(
    lambda zone, days, start, length, holidays: Hours(zone, days, start, min(start + length, 24 * 60), holidays),
    zone=st.sampled_from(ZONES),
    days=st.frozensets(st.integers(0, 6), min_size=1),
    start=st.integers(0, 23 * 60),
    length=st.integers(60, 24 * 60),
    holidays=st.frozensets(st.dates(date(2026, 1, 1), date(2027, 12, 31)), max_size=5),
)


def week() -> Hours:
    found = parse_hours(WEEK)
    assert found is not None
    return found


def minute_counts(at: datetime, hours: Hours) -> bool:
    """Return whether the minute that begins at this moment is worked."""
    wall = at.astimezone(ZoneInfo(hours.zone))
    within = hours.start <= wall.hour * 60 + wall.minute < hours.end
    return wall.weekday() in hours.days and wall.date() not in hours.holidays and within


@given(start=moments, minutes=st.integers(0, 40 * 60), hours=any_hours)
@settings(max_examples=30, deadline=None)
def test_the_sum_is_that_of_a_walk_over_every_minute(start: datetime, minutes: int, hours: Hours) -> None:
    end = start + timedelta(minutes=minutes)
    zone = ZoneInfo(hours.zone)
    walked = sum(minute_counts(start + timedelta(minutes=m), hours) for m in range(minutes))
    found = working_seconds(start, end, hours) / 60
    changes = start.astimezone(zone).utcoffset() != end.astimezone(zone).utcoffset()
    # A clock change inside the span: working through it counts what passed, the wall clock repeats or skips an hour.
    assert found == walked or (changes and abs(found - walked) <= 60)


@given(start=moments, seconds=st.integers(0, 30 * 3600), hours=any_hours)
@settings(max_examples=60, deadline=None)
def test_adding_and_counting_are_each_others_inverse(start: datetime, seconds: int, hours: Hours) -> None:
    end = add_working_seconds(start, seconds, hours)
    assert end >= start
    assert working_seconds(start, end, hours) == pytest.approx(seconds)


@given(start=moments, seconds=st.integers(60, 30 * 3600), more=st.integers(0, 10**6), hours=any_hours)
@settings(max_examples=40, deadline=None)
def test_the_share_grows_from_nothing_to_all(start: datetime, seconds: int, more: int, hours: Hours) -> None:
    end = add_working_seconds(start, seconds, hours)
    now = start + timedelta(seconds=more)
    assert share_elapsed(start, end, start, hours) == 0
    assert share_elapsed(start, end, end, hours) == pytest.approx(1)
    assert 0 <= share_elapsed(start, end, now, hours) <= share_elapsed(start, end, now + timedelta(hours=5), hours) <= 1


@pytest.mark.parametrize(
    ("asked", "hours", "due"),
    [
        ("2026-11-20T15:00", 4, "2026-11-23T11:00"),  # Friday 16:00 in Berlin: one hour, then Monday
        ("2026-11-21T10:00", 1, "2026-11-23T09:00"),  # Saturday
        ("2026-12-24T14:00", 4, "2026-12-28T10:00"),  # two hours, then a holiday and a weekend
        ("2026-03-27T15:00", 2, "2026-03-30T08:00"),  # the clock goes forward on Sunday: 09:00 is 07:00 UTC then
        ("2026-10-23T14:00", 2, "2026-10-26T09:00"),  # and back again
    ],
)
def test_weekends_holidays_and_clock_changes(asked: str, hours: int, due: str) -> None:
    start, expected = datetime.fromisoformat(asked), datetime.fromisoformat(due)
    assert add_working_seconds(start.replace(tzinfo=UTC), hours * 3600, week()) == expected.replace(tzinfo=UTC)


def test_without_hours_every_second_counts() -> None:
    start = datetime(2026, 11, 21, tzinfo=UTC)
    assert parse_hours({}) is None
    assert add_working_seconds(start, 3600, None) == start + timedelta(hours=1)
    assert working_seconds(start, start - timedelta(1), None) == 0


def test_three_years_of_holidays_are_no_way_round_a_deadline() -> None:
    days = frozenset(date(2026, 1, 1) + timedelta(n) for n in range(2000))
    start = datetime(2026, 1, 1, tzinfo=UTC)
    never = Hours("UTC", frozenset(range(7)), 0, 1440, days)
    assert add_working_seconds(start, 60, never) == start + timedelta(seconds=60)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"zone": "Mars/North"}, "time zone"),
        ({"days": []}, "at least one day"),
        ({"days": [7]}, "0 is Monday"),
        ({"days": [True]}, "0 is Monday"),
        ({"from": "17:00", "to": "09:00"}, "end later"),
        ({"from": "9"}, "no time of day"),
        ({"to": "24:01"}, "no time of day"),
        ({"from": "٠٩:00"}, "no time of day"),
        ({"holidays": ["yesterday"]}, "no day such as"),
        ({"holidays": "2026-12-25"}, "Holidays are a list"),
        ({"lunch": "12:00"}, "know nothing"),
    ],
)
def test_hours_that_nobody_can_work_are_told(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(BadHours, match=sentence):
        parse_hours({**WEEK, **change})
