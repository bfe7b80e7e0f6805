from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest

from agents.tools import registry
from agents.tools.base import (
    CallContext,
    CheckSpec,
    LookupSpec,
    NotSent,
    OutcomeUnknown,
    Refused,
    TargetSpec,
    Tool,
    ToolResult,
)
from agents.tools.lookups import look_up, read_check, resolve_target
from approvals.policy.action import Effect
from approvals.policy.canonical import canonical_bytes


class World:
    """The answers of the reading tools, and what they were asked."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Any]] = {}
        self.asked: list[tuple[str, Mapping[str, Any]]] = []
        self.tools: dict[str, Tool] = {}

    def reader(
        self,
        name: str,
        required: tuple[str, ...],
        *answers: Any,
        optional: tuple[str, ...] = (),
        effect: Effect = Effect.READ,
    ) -> None:
        self.answers[name] = list(answers)
        properties = {argument: {"type": "string"} for argument in required + optional}
        schema = {"type": "object", "properties": properties, "required": list(required)}

        def call(arguments: Mapping[str, Any], context: CallContext) -> ToolResult:
            self.asked.append((name, arguments))
            answer = self.answers[name].pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer if isinstance(answer, ToolResult) else ToolResult(answer, 200)

        self.tools[f"shop.{name}"] = Tool(f"shop.{name}", "", schema, effect, "v", "shop", "a", call)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = World()
    monkeypatch.setattr(registry, "_sources", [lambda: made.tools])
    yield made


def _refund(**parts: Any) -> Tool:
    def never(arguments: Mapping[str, Any], context: CallContext) -> ToolResult:
        raise AssertionError("a look-up called the writing tool")

    return Tool("shop.refund", "", {"type": "object"}, Effect.BLIND, "v", "shop", "a", never, **parts)


TARGET = TargetSpec("order_id", "get_order", ("name",))
CHECK = CheckSpec("get_order", ("status", "paid.minor", "missing"))
ARGUMENTS = {"order_id": "A1", "amount": 5, "line": {"id": "L1"}}


def test_target_is_the_record_that_the_reader_answers(world: World) -> None:
    world.reader("get_order", ("order_id",), {"name": "Ada", "total": Decimal("1.5")})
    assert resolve_target(_refund(target=TARGET), ARGUMENTS) == {"name": "Ada", "total": Decimal("1.5")}
    assert world.asked == [("get_order", {"order_id": "A1"})]


def test_target_when_the_reader_calls_its_argument_otherwise_is_found(world: World) -> None:
    world.reader("get_line", ("number",), [{"name": "one"}])
    assert resolve_target(_refund(target=TargetSpec("line.id", "get_line", ())), ARGUMENTS) == {"name": "one"}
    assert world.asked == [("get_line", {"number": "L1"})]


@pytest.mark.parametrize(
    "answer",
    [Refused("404", status=404), [], [{"a": 1}, {"a": 2}], "text", None, ToolResult({"a": 1}, 200, truncated=True)],
)
def test_target_when_there_is_not_exactly_one_record_is_none(answer: Any, world: World) -> None:
    world.reader("get_order", ("order_id",), answer)
    assert resolve_target(_refund(target=TARGET), ARGUMENTS) is None


def test_target_when_the_first_try_fails_is_asked_once_more_and_no_more(world: World) -> None:
    world.reader(
        "get_order",
        ("order_id",),
        OutcomeUnknown("slow"),
        {"name": "Ada"},
        NotSent("x"),
        NotSent("x"),
        {"name": "late"},
    )
    tool = _refund(target=TARGET)
    assert resolve_target(tool, ARGUMENTS) == {"name": "Ada"}
    assert resolve_target(tool, ARGUMENTS) is None
    assert len(world.asked) == 4


@pytest.mark.parametrize(
    ("arguments", "target"),
    [
        ({}, TARGET),
        ({"order_id": None}, TARGET),
        (ARGUMENTS, TargetSpec("order_id", "no_such_tool", ())),
        (ARGUMENTS, TargetSpec("order_id", "delete_order", ())),
    ],
)
def test_target_when_it_cannot_be_asked_for_is_none_and_nothing_that_writes_is_called(
    arguments: dict[str, Any], target: TargetSpec, world: World
) -> None:
    world.reader("get_order", ("order_id",), {"name": "Ada"})
    world.reader("delete_order", ("order_id",), {"gone": True}, effect=Effect.BLIND)
    assert resolve_target(_refund(target=target), arguments) is None
    assert world.asked == []


def test_check_returns_the_compared_fields_only_and_each_can_be_signed(world: World) -> None:
    world.reader(
        "get_order", ("order_id",), {"status": Decimal("1.2345678901234567890"), "paid": {"minor": 7}, "name": "Ada"}
    )
    checked = read_check(_refund(check=CHECK), ARGUMENTS)
    assert checked == {"status": "1.2345678901234567890", "paid.minor": 7, "missing": None}
    canonical_bytes(checked)


def test_target_of_a_hostile_system_can_still_be_signed(world: World) -> None:
    world.reader(
        "get_order", ("order_id",), {"n": Decimal("1E+300"), "deep": [{"x": Decimal("0.1")}], "text": "t", "yes": True}
    )
    record = resolve_target(_refund(target=TARGET), ARGUMENTS)
    assert record == {"n": "1E+300", "deep": [{"x": Decimal("0.1")}], "text": "t", "yes": True}
    canonical_bytes(record)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ({"id": "R1"}, True),
        ([{"id": "R1"}], True),
        ({"results": [{"id": 1}], "next": None}, True),
        ([], False),
        ({}, False),
        (None, False),
        ({"results": [], "page": 1}, False),
        (Refused("404", status=404), False),
    ],
)
def test_look_up_says_found_only_when_there_is_a_record(answer: Any, found: bool, world: World) -> None:
    world.reader("find", (), answer, optional=("reference",))
    tool = _refund(lookup=LookupSpec("find", "reference"))
    assert (look_up(tool, ARGUMENTS, "v1-key") is not None) is found
    assert world.asked == [("find", {"reference": "v1-key"})]


def test_look_up_when_the_call_has_its_own_reference_asks_for_that(world: World) -> None:
    world.reader("find", (), {"id": 1}, optional=("reference",))
    look_up(_refund(lookup=LookupSpec("find", "reference")), {"reference": "own"}, "v1-key")
    assert world.asked == [("find", {"reference": "own"})]
