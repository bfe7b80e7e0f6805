"""Spans and deadlines in words: "in 3 h 56 min", "4 min ago", "1.31 s". Pure."""

from datetime import datetime, timedelta

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def span(seconds: float) -> str:
    """A length of time in at most two units; 0 or less is "0 s"."""
    whole = max(0, int(seconds))
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min"
    if whole < _DAY:
        return _two(whole, _HOUR, "h", _MINUTE, "min")
    return _two(whole, _DAY, "d", _HOUR, "h") if whole < 7 * _DAY else f"{whole // _DAY} d"


def _two(whole: int, big: int, big_word: str, small: int, small_word: str) -> str:
    rest = whole % big // small
    return f"{whole // big} {big_word}" + (f" {rest} {small_word}" if rest else "")


def fine_span(milliseconds: float) -> str:
    """A working time with the detail that a step needs: "0.03 s", "4.4 s", "4 min 11 s"."""
    seconds = max(0.0, milliseconds / 1000)
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    if seconds < _HOUR:
        return _two(int(seconds), _MINUTE, "min", 1, "s")
    return span(seconds)


def is_near(when: datetime, now: datetime) -> bool:
    """True in the last hour before a deadline and after it."""
    return when - now < timedelta(hours=1)


def until(when: datetime, now: datetime) -> str:
    """A deadline in words: "in 3 h 56 min", "due in 38 min" in the last hour, "past" when it is over."""
    left = (when - now).total_seconds()
    if left <= 0:
        return "past"
    return ("due in " if is_near(when, now) else "in ") + span(left)


def ago(when: datetime, now: datetime) -> str:
    """How long ago: "4 min ago", "just now" under a second."""
    seconds = (now - when).total_seconds()
    return "just now" if seconds < 1 else f"{span(seconds)} ago"
