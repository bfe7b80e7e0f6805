"""Times and money in words."""

from datetime import UTC, datetime, timedelta

import pytest

from approvals.money import money_text
from approvals.time_words import ago, fine_span, span, until

NOW = datetime(2026, 11, 19, 9, 46, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (14160, "3 h 56 min"),
        (7200, "2 h"),
        (90000, "1 d 1 h"),
        (700000, "8 d"),
    ],
)
def test_a_span_has_at_most_two_units(seconds, words):
    assert span(seconds) == words


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(hours=3, minutes=56), "in 3 h 56 min"),
        (timedelta(minutes=38), "due in 38 min"),
        (timedelta(0), "past"),
        (timedelta(seconds=-1), "past"),
    ],
)
def test_a_deadline_is_loud_in_its_last_hour(left, words):
    assert until(NOW + left, NOW) == words


@pytest.mark.parametrize(
    ("ms", "words"),
    [(30, "0.03 s"), (1310, "1.31 s"), (44_000, "44.0 s"), (251_000, "4 min 11 s"), (3_700_000, "1 h 1 min")],
)
def test_a_working_time_has_the_detail_a_step_needs(ms, words):
    assert fine_span(ms) == words


def test_how_long_ago():
    assert (ago(NOW, NOW), ago(NOW - timedelta(minutes=4), NOW)) == ("just now", "4 min ago")


@pytest.mark.parametrize(
    ("minor", "currency", "words"),
    [
        (128000, "EUR", "€1,280.00"),
        (-50, "USD", "-$0.50"),
        (500, "JPY", "500 JPY"),
        (1250, "KWD", "1.250 KWD"),
        (99, "GBP", "£0.99"),
    ],
)
def test_money_has_the_digits_of_its_currency(minor, currency, words):
    assert money_text(minor, currency) == words
