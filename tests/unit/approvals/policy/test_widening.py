from typing import Any

import pytest

from approvals.policy.rules import parse_rules
from approvals.policy.widening import implies, widens

ALONE: dict[str, Any] = {
    "tool": "shop.refund", "level": 1, "when": 'args.currency == "EUR" && args.n <= 50', "constrain": {"n": {"max": 50}},
}  # fmt: skip
SIGNED: dict[str, Any] = {"tool": "shop.refund", "level": 3, "when": "args.n > 50", "approvers": "finance"}
FREE: dict[str, Any] = {"tool": "shop.*", "level": 1}


def changed(old: list[dict[str, Any]], new: list[dict[str, Any]], **more: Any) -> int:
    return len(widens(parse_rules(old), parse_rules(new), **more))


@pytest.mark.parametrize(
    "change",
    [
        {"level": 2},
        {"level": 3},
        {"when": 'args.currency == "EUR" && args.n <= 40', "constrain": {"n": {"max": 40}}},
        {"when": 'args.n < 50 && args.currency == "EUR"'},
        {"constrain": {"n": {"max": 50}, "id": "event.id"}},
        {"note": "explained", "package": "x", "id": "y"},
        {"votes": 2, "class": "high", "deadline_h": 1},
    ],
)
def test_tightening_one_free_rule_widens_nothing(change: dict[str, Any]) -> None:
    assert changed([ALONE], [{**ALONE, **change}]) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"tool": "shop.*"},
        {"when": 'args.currency == "EUR" && args.n <= 51'},
        {"when": "args.n <= 50"},
        {"when": ""},
        {"when": 'args.currency == "EUR" || args.n <= 50'},
        {"constrain": {"n": {"max": 51}}},
        {"constrain": {"n": [50]}},
        {"constrain": None},
    ],
)
def test_giving_a_free_rule_more_room_widens(change: dict[str, Any]) -> None:
    assert changed([ALONE], [{**ALONE, **change}]) >= 1


@pytest.mark.parametrize(
    ("change", "wider"),
    [
        ({"level": 4}, False),
        ({"level": "deny"}, False),
        ({"when": "args.n > 40"}, False),
        ({"when": ""}, False),
        ({"when": "args.n > 50 || args.vip"}, False),
        ({"votes": 2}, False),
        ({"class": "high"}, False),
        ({"tool": "shop.*"}, False),
        ({"deadline_h": 12}, False),
        ({"level": 2}, True),
        ({"when": "args.n > 60"}, True),
        ({"when": "args.n > 50 && args.vip"}, True),
        ({"approvers": ""}, True),
        ({"approvers": "support"}, True),
        ({"deadline_h": 48}, True),
    ],
)
def test_changing_a_signature(change: dict[str, Any], wider: bool) -> None:
    assert bool(changed([FREE, SIGNED], [FREE, {**SIGNED, **change}])) is wider


def test_removing() -> None:
    assert changed([FREE, SIGNED], [FREE]) == 1
    assert changed([FREE, SIGNED], [SIGNED]) == 0
    assert changed([ALONE], []) == 0
    assert changed([FREE, ALONE], [FREE]) == 1  # its pins held the other back
    assert changed([FREE, {**FREE, "level": 2}], [FREE]) == 1
    assert changed([{"tool": "*", "level": "deny", "when": "tainted"}], []) == 1


def test_adding() -> None:
    assert changed([], [ALONE]) == 1
    assert changed([], [SIGNED]) == 0
    assert changed([FREE], [FREE, ALONE]) == 0  # it could do that already


def test_rules_for_new_connections_only_widen_nothing() -> None:
    new = [{**ALONE, "tool": "crm.note"}]
    assert changed([], new, fresh={"crm"}) == 0
    assert changed([], new, fresh={"shop"}) == 1
    assert changed([], [{**ALONE, "tool": "*"}], fresh={"crm"}) == 1


def test_the_sentence_says_what_becomes_possible() -> None:
    sentence = widens([], parse_rules([ALONE]))[0]
    assert sentence.startswith("New freedom: shop.refund, when") and "runs alone" in sentence


@pytest.mark.parametrize(
    ("one", "other", "answer"),
    [
        ("a.x == 1", "", True),
        ("", "tainted", False),
        ("tainted && args.a > 5", "args.a > 4", True),
        ("args.a > 5", "args.a >= 5", True),
        ("args.a >= 5", "args.a > 5", False),
        ("args.a == 1", "args.a == 1 || args.b == 2", True),
        ("args.a == 1 || args.b == 2", "args.a == 1", False),
        ("(args.a == 1 || args.b == 2) && tainted", "tainted", True),
        ("args.a > 5 ? true : false", "args.a > 5", False),
        ("!(args.a > 5 && tainted)", "tainted", False),
        ("args.a < 900719925474099300", "args.a < 900719925474099299", False),
    ],
)
def test_implication(one: str, other: str, answer: bool) -> None:
    assert implies(one, other) is answer
