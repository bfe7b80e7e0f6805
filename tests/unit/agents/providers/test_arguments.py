import json
from decimal import Decimal

import pytest

from agents.providers.arguments import MAX_BYTES, call_from_text, call_from_value
from agents.providers.foreign import body_of


def test_numbers_in_text_are_exact() -> None:
    call = call_from_text("1", "t", '{"a": 0.1, "b": 640.00, "c": 1e2, "d": 9007199254740993}')
    assert call.arguments == {"a": Decimal("0.1"), "b": 640, "c": 100, "d": 9007199254740993}
    assert all(not isinstance(value, float) for value in (call.arguments or {}).values())


def test_numbers_in_a_parsed_body_are_exact() -> None:
    body = body_of(b'{"input": {"amount": 0.1, "id": 9007199254740993}}')
    assert call_from_value("1", "t", body["input"]).arguments == {"amount": Decimal("0.1"), "id": 9007199254740993}


def test_no_text_at_all_means_no_arguments() -> None:
    assert call_from_text("1", "t", "").arguments == {}


@pytest.mark.parametrize(
    "raw",
    [
        '{"order_id": "A-1"',
        "refund it please",
        "[1, 2]",
        '"text"',
        "null",
        '{"amount": 1, "amount": 1000000}',
        '{"amount": NaN}',
        '{"amount": 1e400}',
        '{"amount": 99999999999999999999}',
        '{"amount": 0.12345678901234567}',
        '{"name": "a\\u0000b"}',
        '{"name": "\\ud800"}',
        "[" * 5000,
        '{"a":' * 60 + "1" + "}" * 60,
        json.dumps({"text": "x" * MAX_BYTES}),
    ],
)
def test_what_cannot_be_read_is_a_problem_and_not_a_guess(raw: str) -> None:
    call = call_from_text("1", "t", raw)
    assert call.arguments is None
    assert call.problem.endswith(".")
    assert "\x00" not in call.raw and len(call.raw) <= MAX_BYTES


@pytest.mark.parametrize(
    "raw",
    [
        b'{"input": {"amount": 1, "amount": 1000000}}',
        b'{"input": {"deep": [{"a": 1, "a": 2}]}}',
        b'{"input": {"amount": NaN}}',
        b'{"input": {"amount": 1e400}}',
        b'{"input": {"amount": 99999999999999999999}}',
        b'{"input": {"name": "a\\u0000b"}}',
        b'{"input": "text"}',
        b'{"input": null}',
    ],
)
def test_the_same_holds_for_arguments_that_came_as_a_value(raw: bytes) -> None:
    call = call_from_value("1", "t", body_of(raw)["input"])
    assert call.arguments is None and call.problem
    assert "\x00" not in call.raw
