"""Personal data is found by checksum and form, and business numbers are not taken for it."""

import json
import re
import time
from pathlib import Path

import pytest

from agents.guards.personal import personal_data

SAMPLES = Path(__file__).parents[4] / "integrations" / "practice"


@pytest.mark.parametrize(
    ("text", "kind", "masked"),
    [
        ("write to anna.keller@example.com please", "e-mail address", "a***@example.com"),
        ("IBAN DE89 3704 0044 0532 0130 00 thanks", "IBAN", "DE89***3000"),
        ("GB82WEST12345698765432", "IBAN", "GB82***5432"),
        ("card 4111 1111 1111 1111", "card number", "***1111"),
        ("378282246310005", "card number", "***0005"),
        ("call +49 30 901820", "phone number", "+49***20"),
        ("Tel. 030 901820", "phone number", "+49***20"),
        ("SSN 536-90-4399", "US social security number", "53***99"),
        ("Steuer-ID 36 574 261 809", "German tax number", "36***09"),
        ("BSN: 111222333", "Dutch citizen number", "11***33"),
        ("PESEL 44051401359", "Polish PESEL", "44***59"),
        ("RSSMRA85T10A562S", "Italian tax code", "RS***2S"),
        ("AHV 756.9217.0769.85", "Swiss insurance number", "75***85"),
        ("CPF 390.533.447-05", "Brazilian CPF", "39***05"),
        ("131052-308T", "Finnish personal code", "13***8T"),
    ],
)
def test_each_kind_is_found_and_masked(text: str, kind: str, masked: str) -> None:
    found = personal_data(text)
    assert [(one.kind, one.masked) for one in found] == [(kind, masked)]
    assert found[0].value not in masked


@pytest.mark.parametrize(
    "text",
    [
        "order 20871, parcel 00340434161094042557, item 4006381333931",
        "2026-11-21 12:30:00, invoice RE-2026-004711, 1.234,56 EUR",
        "card 4111 1111 1111 1112",  # its checksum fails
        "DE89 3704 0044 0532 0130 01",  # its checksum fails
        "44051401359 pieces",  # a checksum that holds, and nothing that says what it is
        "111222333",
        "536-90-4399",
        "36 574 261 809",
        "version 1.2.3.4, RMA 756921707, ticket #4111111111111111x",
    ],
)
def test_business_numbers_are_no_personal_data(text: str) -> None:
    assert personal_data(text) == []


def test_no_false_alarm_in_what_ships() -> None:
    """Every number of the shipped samples, seeds and unseen payloads; addresses of people are there and are found."""
    files = [*SAMPLES.rglob("samples/*/*.json"), *SAMPLES.rglob("seed/*.yaml")]
    assert len(files) > 80
    kinds = {one.kind for file in files for one in personal_data(file.read_text(encoding="utf-8"))}
    assert kinds <= {"e-mail address"}


def test_order_numbers_by_the_thousand() -> None:
    text = " ".join(f"order {number} ref {number * 7919}-{number % 97}" for number in range(20_000, 24_000))
    assert personal_data(text) == []


def test_a_hostile_text_does_not_keep_it_busy() -> None:
    began = time.monotonic()
    for text in ("a@" * 25_000, "tel 12 " * 7_000, "AB12 " * 10_000, "+49 30 " * 7_000, "1 " * 25_000):
        personal_data(text)
    assert time.monotonic() - began < 5


def test_masks_hide_most_of_every_value() -> None:
    text = json.dumps(["DE89370400440532013000", "4111111111111111", "anna.keller@example.com", "+4930901820"])
    for one in personal_data(text):
        shown = re.sub(r"\*", "", one.masked.rpartition("@")[0] or one.masked)
        assert len(shown) <= len(one.value) / 2
