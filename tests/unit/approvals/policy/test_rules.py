import json
from typing import Any

import pytest

from approvals.policy.canonical import canonical_bytes, exact
from approvals.policy.rules import RuleError, parse_rules, rule_document, rule_hash, rule_sentence
from approvals.states import RequestClass
from tests.unit.approvals.policy.actions import LADDER, PINS

GOOD: dict[str, Any] = {"tool": "shop.refund_order", "level": 3}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"tool": ""}, "tool"),
        ({"tool": None}, "tool"),
        ({"tool": "shop refund"}, "tool"),
        ({"tool": "shop.[a-z]"}, "tool"),
        ({"tool": "*a*b*c*d*e"}, "tool"),
        ({"level": 0}, "level"),
        ({"level": 5}, "level"),
        ({"level": "3"}, "level"),
        ({"level": True}, "level"),
        ({"level": None}, "level"),
        ({"when": "args.x >"}, "when"),
        ({"when": True}, "when"),
        ({"class": "low"}, "class"),
        ({"votes": 0}, "votes"),
        ({"votes": 6}, "votes"),
        ({"votes": True}, "votes"),
        ({"votes": "2"}, "votes"),
        ({"deadline_h": 0}, "deadline_h"),
        ({"deadline_h": -1}, "deadline_h"),
        ({"deadline_h": 721}, "deadline_h"),
        ({"deadline_h": float("nan")}, "deadline_h"),
        ({"deadline_h": "24"}, "deadline_h"),
        ({"constrain": {"x": "EUR"}}, "constrain"),
        ({"approvers": 5}, "approvers"),
        ({"note": "x" * 501}, "note"),
        ({"note": "a\x00"}, "note"),
        ({"id": "a b"}, "id"),
        ({"levle": 3}, "levle"),
        ({"level": 1, "when": "confidence > 0.9"}, "when"),
        ({"level": 2, "when": "args.a == 1 && confidence > 0.9"}, "when"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_number_and_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse_rules([GOOD, {**GOOD, **change}])
    assert (caught.value.number, caught.value.field) == (2, field)


def test_an_error_in_a_condition_names_its_character() -> None:
    with pytest.raises(RuleError) as caught:
        parse_rules([{**GOOD, "when": "args.a && args.b ="}])
    assert caught.value.position == 17


def test_confidence_may_make_a_rule_stricter() -> None:
    assert parse_rules([{**GOOD, "when": "confidence < 0.9"}])


@pytest.mark.parametrize("document", [None, [], "x", 5])
def test_a_rule_is_a_set_of_fields(document: Any) -> None:
    with pytest.raises(RuleError):
        parse_rules([document])


def test_defaults() -> None:
    normal, high = parse_rules([GOOD, {**GOOD, "class": "high"}])
    assert (normal.votes, normal.deadline_s, normal.approvers) == (1, 24 * 3600, "")
    assert (high.cls, high.deadline_s) == (RequestClass.HIGH, 4 * 3600)


def test_documents_go_round_and_are_plain_json() -> None:
    half = {**GOOD, "deadline_h": 0.5, "constrain": {"share": [0.25]}}
    for rule in (*LADDER, *parse_rules([half])):
        document = json.loads(json.dumps(rule_document(rule)))
        assert parse_rules([document]) == (rule,)
        assert canonical_bytes(exact(document))


def test_the_hash_covers_what_judges_and_nothing_else() -> None:
    base = parse_rules([GOOD])[0]
    same = parse_rules([{**GOOD, "note": "n", "package": "p", "id": "x", "deadline_h": 24, "votes": 1}])[0]
    assert rule_hash(same) == rule_hash(base)
    changes: list[dict[str, Any]] = [
        {"tool": "shop.*"}, {"when": "tainted"}, {"level": 4}, {"class": "high"}, {"approvers": "f"}, {"votes": 2},
        {"deadline_h": 23}, {"constrain": PINS},
    ]  # fmt: skip
    hashes = {rule_hash(parse_rules([{**GOOD, **change}])[0]) for change in changes}
    assert len(hashes | {rule_hash(base)}) == len(changes) + 1


def test_ids_are_stable_and_not_shared_by_different_rules() -> None:
    assert parse_rules([GOOD])[0].id == parse_rules([GOOD])[0].id
    with pytest.raises(RuleError):
        parse_rules([{**GOOD, "id": "a"}, {**GOOD, "id": "a", "level": 4}])


def test_a_rule_reads_as_a_sentence() -> None:
    assert rule_sentence(LADDER[2]) == (
        'shop.refund_order, when currency is not "EUR" or amount_minor is over 50000: '
        "1 person of finance countersigns within 24 h."
    )
    assert rule_sentence(LADDER[0]).endswith(
        'it runs alone, but only where amount_minor is at most 5000, currency is "EUR" and order_id equals event.order_id.'
    )
    assert rule_sentence(parse_rules([{"tool": "*", "level": "deny"}])[0]) == "any tool: it never runs."
