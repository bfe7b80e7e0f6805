"""The form drawn from a JSON Schema: what is not touched comes back as the very same bytes, what is typed exactly."""

import random
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pytest

from approvals.argument_form import Field, edit_fields, edited_arguments, flat, typed_fields, with_problems
from approvals.arguments import Kind
from approvals.policy.canonical import canonical_bytes

TEXTS = ["", " ", "a", "two\nlines", "\nfirst", "cr\rlf\r\nend\n", "null", "yes", "a.b[0]", "‮rtl", "ü" * 90, "640.00"]


def as_a_browser_sends(fields: Sequence[Field]) -> dict[str, str]:
    """Every input of the form as it is drawn, line breaks the way browsers send them."""
    sent = {}
    for one in flat(fields):
        if one.presences:
            sent[f"has-{one.path}"] = one.presence
        if one.kind is Kind.LIST:
            sent[f"rows-{one.path}"] = one.rows
        elif one.kind is not Kind.GROUP:
            sent[one.name] = one.text.replace("\n", "\r\n")
    return sent


def round_trip(value: dict[str, Any], schema: dict[str, Any], **typed: str) -> tuple[dict[str, Any], dict[str, str]]:
    fields = edit_fields(value, schema)
    sent = {**as_a_browser_sends(fields), **typed}
    arguments, judged = edited_arguments(typed_fields(fields, sent), value)
    return arguments, {one.path: one.error for one in flat(judged) if one.error}


# ---------- random schemas, with values that fit them, some that do not ----------


def some_schema(r: random.Random, depth: int) -> dict[str, Any]:
    made = r.choice(_SHAPES if depth < 5 else _SHAPES[:6])(r, depth)
    if r.random() < 0.15:
        return {"anyOf": [made, {"type": "null"}]}
    return made


def _object(r: random.Random, depth: int) -> dict[str, Any]:
    names = r.sample(["a", "b.c", "d[0]", "e~1", "f", "amount_minor", "g h", "_"], r.randint(0, 4))
    properties = {name: some_schema(r, depth + 1) for name in names}
    return {"type": "object", "properties": properties, "required": [name for name in names if r.random() < 0.5]}


_SHAPES: list[Callable[[random.Random, int], dict[str, Any]]] = [
    lambda r, d: {"type": "string", "format": r.choice(["date", "email", "uri", "date-time", "x"])},
    lambda r, d: {"type": "integer"},
    lambda r, d: {"type": ["number", "null"]},
    lambda r, d: {"type": "boolean"},
    lambda r, d: {"enum": r.choice([["x", "y"], [1, 2], ["1", 1], [True, "true"], ["x", None], [1.5]])},
    lambda r, d: r.choice([{}, {"const": "x"}, {"type": ["string", "integer"]}, {"oneOf": [{"type": "string"}, {}]}]),
    _object,
    _object,
    lambda r, d: {"type": "array", "items": some_schema(r, d + 1)},
]


def some_value(r: random.Random, schema: dict[str, Any]) -> Any:
    if r.random() < 0.08:
        return r.choice([None, {}, [], "odd", 7, Decimal("1.50"), {"x": [None]}, True])
    if "anyOf" in schema:
        return r.choice([None, some_value(r, schema["anyOf"][0])])
    if "enum" in schema:
        return r.choice([one for one in schema["enum"] if not isinstance(one, float)] or ["z"])
    kind = schema.get("type")
    if kind == "object":
        known = {
            name: some_value(r, part)
            for name, part in schema["properties"].items()
            if name in schema["required"] or r.random() < 0.5
        }
        return {**known, **({"extra": r.choice(TEXTS)} if r.random() < 0.2 else {})}
    if kind == "array":
        return [some_value(r, schema["items"]) for _ in range(r.choice([0, 1, 2, 3, 33]))][:40]
    return {
        "string": r.choice([*TEXTS, "2026-11-20"]),
        "integer": r.randint(-(10**15), 10**15),
        "boolean": r.random() < 0.5,
    }.get(str(kind), r.choice([Decimal("0.10"), 5, None, "text", Decimal("-3.000")]))


@pytest.mark.parametrize("part", range(10))
def test_a_form_that_nobody_touched_gives_the_same_bytes(part):
    for seed in range(part * 60, part * 60 + 60):
        r = random.Random(seed)
        schema = _object(r, 0)
        value = some_value(random.Random(seed + 1), schema)
        value = value if isinstance(value, dict) else {}
        fields = typed_fields(found := edit_fields(value, schema), as_a_browser_sends(found))
        arguments, judged = edited_arguments(fields, value)
        assert canonical_bytes(arguments) == canonical_bytes(value), seed
        assert not any(one.changed or one.error for one in flat(judged)), seed
        paths = [one.path for one in flat(fields)]
        assert len(paths) == len(set(paths)), seed


def test_one_touched_field_changes_nothing_else():
    """The control of the test above: a form that gave the old value back whatever was typed would fail here."""
    touched = 0
    for seed in range(300):
        r = random.Random(seed)
        schema = _object(r, 0)
        value = some_value(random.Random(seed + 1), schema)
        value = value if isinstance(value, dict) else {}
        whole = [one for one in flat(edit_fields(value, schema)) if one.kind is Kind.WHOLE and one.text]
        for one in whole[:1]:
            before = canonical_bytes(value)
            arguments, errors = round_trip(value, schema, **{one.name: "424242"})
            assert not errors and canonical_bytes(arguments) != before
            assert canonical_bytes(arguments) == before.replace(one.text.encode(), b"424242", 1) or one.text == "7"
            touched += 1
    assert touched > 20


# ---------- nested, lists, presence ----------

ORDER: dict[str, Any] = {
    "type": "object",
    "required": ["customer", "lines"],
    "properties": {
        "customer": {
            "type": "object",
            "required": ["name"],
            "properties": {"name": {"type": "string"}, "email": {"type": "string", "format": "email"}},
        },
        "lines": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["sku", "count"],
                "properties": {"sku": {"type": "string"}, "count": {"type": "integer"}, "gift": {"type": "boolean"}},
            },
        },
        "tags": {"type": "array", "items": {"type": "string"}},
        "note": {"type": ["string", "null"]},
        "size": {"enum": [1, 2, 3]},
        "ship": {"type": "object", "properties": {"by": {"type": "string", "format": "date"}}},
    },
}
VALUE: dict[str, Any] = {
    "customer": {"name": "Ann", "vip": True},
    "lines": [{"sku": "A", "count": 1}, {"sku": "B", "count": 2}],
    "note": None,
    "size": 2,
}


def test_nested_fields_are_typed_where_they_stand():
    arguments, errors = round_trip(VALUE, ORDER, **{"arg-customer.name": "Bo", "arg-lines[1].count": "20"})
    assert not errors
    assert arguments["customer"] == {"name": "Bo", "vip": True}
    assert arguments["lines"] == [{"sku": "A", "count": 1}, {"sku": "B", "count": 20}]


def test_a_row_is_added_and_another_taken_out_and_what_was_typed_stays():
    fields = edit_fields(VALUE, ORDER)
    sent = {**as_a_browser_sends(fields), "arg-lines[1].sku": "BB", "grow": "lines"}
    grown = typed_fields(fields, sent)
    assert next(one for one in grown if one.key == "lines").row_ids == [0, 1, 2]
    again = {**as_a_browser_sends(grown), "arg-lines[2].sku": "C", "arg-lines[2].count": "3", "cut": "lines[0]"}
    arguments, judged = edited_arguments(typed_fields(fields, again), VALUE)
    assert arguments["lines"] == [{"sku": "BB", "count": 2}, {"sku": "C", "count": 3}]
    assert not [one.error for one in flat(judged) if one.error]


def test_a_new_row_says_what_it_lacks_beside_its_field():
    fields = edit_fields(VALUE, ORDER)
    sent = {**as_a_browser_sends(fields), "rows-lines": "0 1 2", "arg-lines[2].count": "3"}
    _, judged = edited_arguments(typed_fields(fields, sent), VALUE)
    assert {one.path: one.error for one in flat(judged) if one.error} == {"lines[2].sku": "This is required."}


def test_left_out_null_and_empty_are_three_things():
    assert "note" not in round_trip(VALUE, ORDER, **{"has-note": "no"})[0]
    assert round_trip(VALUE, ORDER, **{"has-note": "yes"})[0]["note"] == ""
    assert round_trip(VALUE, ORDER)[0]["note"] is None
    assert round_trip(VALUE, ORDER, **{"arg-note": "typed"})[0]["note"] == "typed"
    assert "size" not in round_trip(VALUE, ORDER, **{"arg-size": ""})[0]
    assert "tags" not in round_trip(VALUE, ORDER)[0]
    assert round_trip(VALUE, ORDER, **{"has-tags": "yes"})[0]["tags"] == []
    assert round_trip(VALUE, ORDER, **{"has-ship": "yes"})[0]["ship"] == {}


def test_what_is_typed_into_something_left_out_is_not_lost():
    assert round_trip(VALUE, ORDER, **{"arg-ship.by": "2026-11-30"})[0]["ship"] == {"by": "2026-11-30"}


def test_a_choice_of_numbers_stays_a_number():
    assert round_trip(VALUE, ORDER, **{"arg-size": "3"})[0]["size"] == 3
    assert round_trip(VALUE, ORDER, **{"arg-size": "4"})[1] == {"size": "Choose one of the values that the tool knows."}


def test_sentences_of_the_check_find_the_row_by_where_it_stands_now():
    fields = edit_fields(VALUE, ORDER)
    sent = {**as_a_browser_sends(fields), "rows-lines": "1"}
    judged, rest = with_problems(
        typed_fields(fields, sent), ["`lines[0].count` must be at most 1, but is 2.", "`customer.email` is wrong."]
    )
    assert {one.path for one in flat(judged) if one.error} == {"lines[1].count", "customer.email"} and rest == []


@pytest.mark.parametrize(
    "rule", [{"oneOf": [{"type": "string"}, {"type": "object"}]}, {"type": "object"}, {"type": "array"}, {}]
)
def test_what_the_form_cannot_type_is_json(rule):
    fields = edit_fields({"x": ["a"]}, {"type": "object", "properties": {"x": rule}})
    assert fields[0].kind is Kind.JSON and fields[0].text == '[\n  "a"\n]'


def test_a_schema_that_holds_itself_ends():
    node: dict[str, Any] = {
        "type": "object",
        "properties": {"next": {"$ref": "#/$defs/node"}, "n": {"type": "integer"}},
    }
    schema = {"type": "object", "properties": {"node": {"$ref": "#/$defs/node"}}, "$defs": {"node": node}}
    assert len(list(flat(edit_fields({}, schema)))) < 20


def test_a_giant_list_is_one_text_not_ten_thousand_inputs():
    schema = {"type": "object", "properties": {"to": {"type": "array", "items": {"type": "string"}}}}
    fields = edit_fields({"to": [f"c{n}@example.com" for n in range(10_000)]}, schema)
    assert [one.kind for one in flat(fields)] == [Kind.JSON]
