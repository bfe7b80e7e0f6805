"""A source's schema: what is accepted as one, what is said about a payload, and that no pattern can hold a worker."""

import time
from typing import Any

import pytest

from integrations.schemas import MOST_PROBLEMS, BadSchema, check_schema, problems_of


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "objekt"},
        {"properties": 5},
        {"pattern": "("},
        {"pattern": "(?=look)ahead"},
        {"pattern": r"(a)\1"},
        {"$ref": "https://evil.example/schema.json"},
        {"$ref": "file:///etc/passwd"},
        {"$ref": "#/nowhere"},
        ["type"],
        "object",
        {"description": "x" * 300_000},
    ],
)
def test_what_is_no_usable_schema_is_refused(schema: Any) -> None:
    with pytest.raises(BadSchema):
        check_schema(schema)


def test_recursive_and_older_schemas_are_taken() -> None:
    check_schema({"$defs": {"n": {"properties": {"next": {"$ref": "#/$defs/n"}}}}, "$ref": "#/$defs/n"})
    check_schema({"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"})
    check_schema({})


def test_problems_name_the_place_as_people_write_it() -> None:
    schema = {
        "properties": {"lines": {"items": {"properties": {"price": {"type": "number"}}, "required": ["sku"]}}},
        "required": ["order_id"],
    }
    found = problems_of(schema, {"lines": [{"sku": "a"}, {"price": "much"}]})
    assert {(problem["path"], problem["message"]) for problem in found} == {
        ("order_id", "is missing"),
        ("lines[1].sku", "is missing"),
        ("lines[1].price", '"much" is not of type "number"'),
    }


def test_problems_are_few_and_short() -> None:
    found = problems_of({"items": {"type": "integer"}}, ["x" * 10_000] * 500)
    assert len(found) == MOST_PROBLEMS
    assert all(len(problem["message"]) <= 300 for problem in found)


def test_schema_that_went_bad_is_a_problem_and_no_crash() -> None:
    assert "cannot be used" in problems_of({"type": "objekt"}, {})[0]["message"]


def test_no_pattern_takes_long() -> None:
    started = time.monotonic()
    found = problems_of({"properties": {"a": {"pattern": "^(a+)+$"}}}, {"a": "a" * 50_000 + "X"})
    assert found and time.monotonic() - started < 2


def test_no_schema_takes_everything() -> None:
    assert problems_of(None, {"a": 1}) == problems_of({}, 5) == []
