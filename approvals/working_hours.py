"""Time that counts: a team's working hours, in its zone, across weekends, holidays and clock changes. Pure.

Without hours every second counts. All moments given and returned are in UTC.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

# A year's holidays and then some; beyond this nobody works any more and time simply passes.
MOST_HOLIDAYS = 400
_LOOK_AHEAD_DAYS = 3 * 366


class BadHours(ValueError):
    """Hours that nobody can work; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Hours:
    """From `start` to `end` minutes after midnight, on these weekdays (0: Monday), except on holidays."""

    zone: str
    days: frozenset[int]
    start: int
    end: int
    holidays: frozenset[date] = frozenset()


def parse_hours(document: Mapping[str, Any]) -> Hours | None:
    """Return the hours that {"zone", "days", "from", "to", "holidays"} says; None for {}. Raises BadHours."""
    if not document:
        return None
    unknown = sorted(set(document) - {"zone", "days", "from", "to", "holidays"})
    if unknown:
        raise BadHours(f"Working hours know nothing of “{unknown[0]}”.")
    start, end = _minutes(document.get("from")), _minutes(document.get("to"))
    if end <= start:
        raise BadHours("Working hours end later on the same day than they begin; 24:00 is midnight.")
    return Hours(
        zone=_zone(document.get("zone")),
        days=_days(document.get("days")),
        start=start,
        end=end,
        holidays=_holidays(document.get("holidays", [])),
    )


def add_working_seconds(start: datetime, seconds: float, hours: Hours | None) -> datetime:
    """Return the moment at which so many working seconds have gone since `start`."""
    if hours is None:
        return start + timedelta(seconds=seconds)
    left = seconds
    for begins, ends in _spans(hours, start):
        begins = max(begins, start)
        here = (ends - begins).total_seconds()
        if here >= left:
            return begins + timedelta(seconds=left)
        left -= max(here, 0)
    # Three years of holidays: a deadline that never comes would be silence that never is a no.
    return start + timedelta(seconds=seconds)


def working_seconds(start: datetime, end: datetime, hours: Hours | None) -> float:
    """Return how many working seconds lie between the two; 0 when `end` is not later."""
    if hours is None:
        return max((end - start).total_seconds(), 0.0)
    total = 0.0
    for begins, ends in _spans(hours, start):
        if begins >= end:
            break
        total += max((min(ends, end) - max(begins, start)).total_seconds(), 0.0)
    return total


def share_elapsed(start: datetime, end: datetime, now: datetime, hours: Hours | None) -> float:
    """Return which part of the working time between start and end has gone, from 0 to 1."""
    total = working_seconds(start, end, hours)
    if total == 0:
        return 1.0 if now >= end else 0.0
    return min(working_seconds(start, now, hours) / total, 1.0)


def _spans(hours: Hours, since: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the working spans that end after `since`, in order. A span that a clock change swallows is left out."""
    zone = ZoneInfo(hours.zone)
    first = since.astimezone(zone).date()
    for offset in range(_LOOK_AHEAD_DAYS):
        day = first + timedelta(days=offset)
        if day.weekday() not in hours.days or day in hours.holidays:
            continue
        begins, ends = _moment(day, hours.start, zone), _moment(day, hours.end, zone)
        if ends > since and ends > begins:
            yield begins, ends


def _moment(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """Return the moment in UTC at which the wall clock shows so many minutes after that day's midnight."""
    days, rest = divmod(minutes, 24 * 60)
    wall = datetime.combine(day + timedelta(days=days), time(rest // 60, rest % 60), tzinfo=zone)
    return wall.astimezone(UTC)


def _minutes(text: Any) -> int:
    hour, colon, minute = str(text).partition(":")
    digits = hour.isascii() and hour.isdigit() and minute.isascii() and minute.isdigit()
    if not (colon and digits and len(hour) <= 2 and len(minute) == 2):
        raise BadHours(f"“{text}” is no time of day such as 09:00.")
    found = int(hour) * 60 + int(minute)
    if int(minute) > 59 or found > 24 * 60:
        raise BadHours(f"“{text}” is no time of day such as 09:00.")
    return found


def _zone(name: Any) -> str:
    if name not in available_timezones():
        raise BadHours(f"“{name}” is no time zone such as Europe/Berlin.")
    return str(name)


def _days(days: Any) -> frozenset[int]:
    known = isinstance(days, list) and all(type(day) is int and 0 <= day <= 6 for day in days)
    if not known or not days:
        raise BadHours("Choose at least one day of the week: 0 is Monday, 6 is Sunday.")
    return frozenset(days)


def _holidays(days: Any) -> frozenset[date]:
    if not isinstance(days, list) or len(days) > MOST_HOLIDAYS:
        raise BadHours(f"Holidays are a list of at most {MOST_HOLIDAYS} days.")
    return frozenset(_holiday(day) for day in days)


def _holiday(text: Any) -> date:
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise BadHours(f"“{text}” is no day such as 2026-12-25.") from None
