"""Amounts as people write them."""

import pytest

from agents.providers.offline.money import Amount, currency_code, find_amounts, read_amount, whole_number


def pairs(amounts: list[Amount]) -> list[tuple[int, str]]:
    return [(amount.minor, amount.currency) for amount in amounts]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("640,00 €", [(64000, "EUR")]),
        ("€640", [(64000, "EUR")]),
        ("EUR 1.280,00", [(128000, "EUR")]),
        ("€1,280.00", [(128000, "EUR")]),
        ("1.280 €", [(128000, "EUR")]),
        ("1,280 USD", [(128000, "USD")]),
        ("CHF 1'200.-", [(120000, "CHF")]),
        ("£42", [(4200, "GBP")]),
        ("5400 yen", [(5400, "JPY")]),
        ("¥5,400", [(5400, "JPY")]),
        ("30 dollars", [(3000, "USD")]),
        ("12.5 EUR", [(1250, "EUR")]),
        ("49,- €", [(4900, "EUR")]),
        ("120k EUR", [(12_000_000, "EUR")]),
        ("€ 1.5 million", [(150_000_000, "EUR")]),
        ("zwanzig Euro", [(2000, "EUR")]),
        ("fünfundzwanzig Euro", [(2500, "EUR")]),
        ("two hundred fifty dollars", [(25000, "USD")]),
        ("paid 61.80 EUR, want 12.90 EUR back", [(6180, "EUR"), (1290, "EUR")]),
        ("12 mugs in 3 days", []),
        ("euroscience 2026", []),
        ("order 1042 from 2026-01-05", []),
        ("", []),
    ],
)
def test_amounts_are_found_in_text(text: str, found: list[tuple[int, str]]) -> None:
    assert pairs(find_amounts(text)) == found


@pytest.mark.parametrize(
    ("value", "currency", "minor"),
    [
        (640, "EUR", 64000),
        (12.9, "EUR", 1290),
        ("12.90", "EUR", 1290),
        ("12,9", "", 1290),
        ({"value": "50.00", "currency": "EUR"}, "", 5000),
        ({"amount_minor": 1250, "currency": "EUR"}, "", 1250),
        ({"amount_minor": "1250"}, "EUR", 1250),
        (5400, "JPY", 5400),
        ("-5", "EUR", -500),
        (0, "EUR", 0),
    ],
)
def test_amounts_are_read_from_any_type(value: object, currency: str, minor: int) -> None:
    found = read_amount(value, currency)
    assert found is not None and found.minor == minor


@pytest.mark.parametrize(
    "value", [None, True, "", "soon", {}, [], "all of it", float("nan"), float("inf"), 10**30, "9" * 40]
)
def test_what_is_no_amount_is_none(value: object) -> None:
    assert read_amount(value, "EUR") is None


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (120, 120),
        (120.0, 120),
        ("120", 120),
        (" 1.200 ", 1200),
        ("1,200", 1200),
        (12.5, None),
        ("x", None),
        (True, None),
    ],
)
def test_whole_numbers_however_typed(value: object, number: int | None) -> None:
    assert whole_number(value) == number


def test_currency_codes_by_word_sign_or_code() -> None:
    assert [currency_code(word) for word in ("€", "euro", "eur", "Dollars", "ZAR", "", None, "bananas")] == [
        "EUR",
        "EUR",
        "EUR",
        "USD",
        "ZAR",
        "",
        "",
        "",
    ]
