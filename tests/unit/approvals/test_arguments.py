"""Arguments as a reviewer reads and edits them: whole, typed, exact."""

from decimal import Decimal
from typing import Any

import pytest

from approvals.argument_form import edit_fields, edited_arguments, typed_fields, with_problems
from approvals.arguments import Kind, json_text, money_of, shown_arguments
from approvals.money import NotMoney, parse_money
from approvals.policy.canonical import canonical_bytes, parse_canonical

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["order_id"],
    "properties": {
        "order_id": {"type": "string"},
        "amount_minor": {"type": "integer"},
        "currency": {"type": "string", "enum": ["EUR", "JPY", "KWD"]},
        "rate": {"type": "number"},
        "tell": {"type": "boolean"},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "customer": {"$ref": "#/$defs/customer"},
        "lines": {"type": "array"},
    },
    "$defs": {"customer": {"type": "object", "properties": {"name": {"type": "string"}}}},
}
MONEY = ("amount_minor", "currency")


def shown(arguments: dict[str, Any]) -> dict[str, Any]:
    return {line.path: line for line in shown_arguments(arguments, SCHEMA, MONEY)}


def edited(before: dict[str, Any], **typed: str) -> tuple[dict[str, Any], dict[str, str]]:
    fields = typed_fields(edit_fields(before, SCHEMA, MONEY), {f"arg-{name}": text for name, text in typed.items()})
    arguments, judged = edited_arguments(fields, before)
    return arguments, {field.path: field.error for field in judged if field.error}


def test_every_argument_is_shown_whole_and_in_the_schema_s_order():
    text = "x" * 50_000 + " and the last word"
    lines = shown_arguments({"zz": text, "tell": False, "order_id": "1"}, SCHEMA, MONEY)
    assert [line.path for line in lines] == ["order_id", "tell", "zz"]
    assert lines[2].text.endswith('and the last word"') and lines[2].huge


@pytest.mark.parametrize(
    ("currency", "minor", "text"), [("EUR", 64000, "640.00 EUR"), ("JPY", 640, "640 JPY"), ("KWD", 1250, "1.250 KWD")]
)
def test_money_is_shown_in_its_own_unit(currency, minor, text):
    line = shown({"amount_minor": minor, "currency": currency})["amount_minor"]
    assert (line.kind, line.text) == (Kind.MONEY, text)


def test_what_the_schema_does_not_know_is_raw_and_marked():
    lines = shown({"order_id": 7, "sneaky": {"to": "m"}, "currency": "USD", "customer": {"name": "A", "iban": "DE"}})
    marked = {path for path, line in lines.items() if not line.explained}
    assert marked == {"order_id", "sneaky", "currency", "customer.iban"}
    assert lines["sneaky"].text == '{\n  "to": "m"\n}'


@pytest.mark.parametrize("value", ["x" * 601, "a\n" * 12, list(range(21))])
def test_a_huge_value_is_folded_and_says_how_much_there_is(value):
    line = shown({"lines" if isinstance(value, list) else "note": value}).popitem()[1]
    assert line.huge and line.size


def test_ten_thousand_recipients_are_counted_by_us():
    line = shown({"lines": [f"customer-{n}@example.com" for n in range(10_000)]})["lines"]
    assert line.huge and line.note == "10,000 items" and line.text.count("\n") == 9_999


def test_numbers_are_written_as_they_are_signed():
    value = {"a": Decimal("1.50"), "b": [1, Decimal("0.1")], "c": None, "d": True}
    assert parse_canonical(canonical_bytes(value)) == value
    assert json_text({"a": Decimal("0.10")}) == '{\n  "a": 0.10\n}'


def test_an_edit_that_changes_nothing_gives_the_same_arguments_back():
    before = {
        "order_id": " 1 ",
        "amount_minor": 64000,
        "currency": "EUR",
        "lines": [{"b": 1, "a": Decimal("1.5")}],
        "odd": None,
    }
    assert edited(before) == (before, {})


def test_typed_values_are_read_exactly():
    before = {"order_id": "1", "amount_minor": 64000, "currency": "EUR", "rate": Decimal("0.5"), "tell": True}
    arguments, errors = edited(before, amount_minor="1,280.10", rate="0.1", tell="no", lines='[{"n": 0.30}]', note="")
    assert errors == {}
    assert arguments == {
        "order_id": "1",
        "amount_minor": 128010,
        "currency": "EUR",
        "rate": Decimal("0.1"),
        "tell": False,
        "lines": [{"n": Decimal("0.30")}],
    }


def test_an_amount_is_read_in_the_currency_that_stands_beside_it():
    before = {"order_id": "1", "amount_minor": 64000, "currency": "EUR"}
    assert edited(before, currency="JPY", amount_minor="640")[0]["amount_minor"] == 640
    assert edited(before, currency="JPY")[1] == {"amount_minor": "JPY has no digits after the point."} or (
        edited(before, currency="JPY")[0]["amount_minor"] == 640
    )


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("amount_minor", "6,40"),
        ("amount_minor", "0.001"),
        ("amount_minor", "１２"),
        ("rate", "1e3"),
        ("rate", "NaN"),
        ("tell", "maybe"),
        ("currency", "USD"),
        ("lines", "[1,"),
        ("lines", '{"a":1,"a":2}'),
    ],
)
def test_what_cannot_be_read_is_said_beside_its_field(field, typed):
    before = {
        "order_id": "1",
        "amount_minor": 64000,
        "currency": "EUR",
        "rate": Decimal("0.5"),
        "tell": True,
        "lines": [],
    }
    arguments, errors = edited(before, **{field: typed})
    assert list(errors) == [field] and field not in arguments


def test_an_optional_argument_can_be_taken_out_and_an_absent_one_stays_absent():
    arguments, errors = edited({"order_id": "1", "rate": Decimal(2)}, rate="", note="")
    assert (arguments, errors) == ({"order_id": "1"}, {})


def test_sentences_of_the_schema_check_find_their_field():
    fields = edit_fields({"order_id": "1", "lines": []}, SCHEMA, MONEY)
    fields, rest = with_problems(
        fields, ["`lines[3].price` must be a number, but is null.", "`zz` is not an argument."]
    )
    assert {field.path for field in fields if field.error} == {"lines"} and rest == ["`zz` is not an argument."]


def test_money_paths_that_lead_nowhere_give_no_money():
    assert money_of({"amount_minor": True, "currency": "EUR"}, MONEY) is None
    assert money_of({"amount_minor": 5}, MONEY) is None


@pytest.mark.parametrize("typed", ["", "-", "1.", ".5", "1,28", "12,345,6", "1 000", "€", "1e2", "0x10"])
def test_nothing_is_guessed_from_a_strange_amount(typed):
    with pytest.raises(NotMoney):
        parse_money(typed, "EUR")
