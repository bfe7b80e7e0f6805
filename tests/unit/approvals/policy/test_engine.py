from typing import Any

import pytest

from approvals.policy.action import Effect, Mode, Money
from approvals.policy.engine import evaluate
from approvals.policy.verdict import (
    Deny,
    Escalate,
    Level,
    NeedsApproval,
    Trip,
    is_stricter,
    verdict_from_json,
    verdict_to_json,
)
from approvals.states import RequestClass
from tests.unit.approvals.policy.actions import LADDER, PINS, action, refund, rules


@pytest.mark.parametrize(
    ("amount", "currency", "level", "rule"),
    [
        (0, "EUR", "1", 1),
        (5000, "EUR", "1", 1),
        (5001, "EUR", "2", 2),
        (50000, "EUR", "2", 2),
        (50001, "EUR", "3", 3),
        (100, "USD", "3", 3),
        (100, "eur", "3", 3),
        (-100, "EUR", "3", 1),
        ("100", "EUR", "3", 3),
        (True, "EUR", "3", 3),
        (100.5, "EUR", "3", 1),
        (None, "EUR", "3", 3),
        (2**62, "EUR", "3", 3),
    ],
)
def test_ladder_of_amounts(amount: Any, currency: str, level: str, rule: int) -> None:
    verdict = evaluate(refund(amount, currency), LADDER)
    assert (verdict.level.value, verdict.rule.number) == (level, rule)


def test_nothing_matches_then_reads_run_and_writes_wait() -> None:
    read = evaluate(action(effect=Effect.READ, tool="shop.get_order"), LADDER)
    write = evaluate(action(tool="shop.get_order"), LADDER)
    assert (read.level, read.code, read.rule.number) == (Level.ALONE, "default", 0)
    assert (write.level, write.code, write.rule.number) == (Level.PERSON, "default", 0)
    assert isinstance(write, NeedsApproval) and (write.votes, write.deadline_s) == (1, 24 * 3600)


@pytest.mark.parametrize("effect", [effect for effect in Effect if effect is not Effect.READ])
def test_every_effect_but_read_waits_by_default(effect: Effect) -> None:
    assert evaluate(action(effect=effect), ()).level is Level.PERSON


def test_a_read_that_a_rule_names_obeys_it() -> None:
    verdict = evaluate(action(effect=Effect.READ), rules({"level": 3}))
    assert verdict.level is Level.PERSON


@pytest.mark.parametrize(
    ("levels", "wins"),
    [([1, 2], "2"), ([2, 1], "2"), ([1, 3], "3"), ([4, 3, 1], "4"), (["deny", 4], "deny"), ([3, "deny", 1], "deny")],
)
def test_strictest_matching_rule_wins(levels: list[Any], wins: str) -> None:
    found = rules(*({"level": level, "constrain": PINS} for level in levels))
    assert evaluate(refund(), found).level.value == wins


@pytest.mark.parametrize(
    ("weak", "strong"),
    [
        ({}, {"votes": 2}),
        ({}, {"class": "high"}),
        ({}, {"deadline_h": 2}),
        ({}, {"approvers": "finance"}),
        ({"class": "high"}, {"votes": 2}),
    ],
)
def test_of_two_signatures_the_more_demanding_rule_is_named(weak: dict[str, Any], strong: dict[str, Any]) -> None:
    verdict = evaluate(refund(), rules({"level": 3, **weak}, {"level": 3, **strong}))
    assert verdict.rule.number == 2


def test_no_signature_rule_takes_away_what_another_asks_for() -> None:
    found = rules(
        {"level": 3, "class": "high", "approvers": "finance", "deadline_h": 10},
        {"level": 3, "votes": 2, "deadline_h": 30},
    )
    verdict = evaluate(refund(), found)
    assert isinstance(verdict, NeedsApproval)
    asked = (verdict.votes, verdict.cls, verdict.approvers, verdict.deadline_s)
    assert asked == (2, RequestClass.HIGH, "finance", 10 * 3600)


BROKEN = 'args.nothing == "x"'


@pytest.mark.parametrize("level", [1, 2, 3, 4, "deny"])
def test_a_rule_that_errors_counts_as_three(level: Any) -> None:
    verdict = evaluate(refund(), rules({"when": BROKEN, "level": level}))
    assert (verdict.level, verdict.code, verdict.rule.number) == (Level.PERSON, "rule_error", 1)
    assert "nothing" in verdict.why


@pytest.mark.parametrize("level", [1, 4, "deny"])
def test_a_broken_rule_hides_neither_weaker_nor_stricter_ones(level: Any) -> None:
    broken = {"when": BROKEN, "level": level}
    assert evaluate(refund(), rules(broken, {"level": 1, "constrain": PINS})).level is Level.PERSON
    assert evaluate(refund(), rules(broken, {"level": "deny"})).level is Level.DENY


def test_a_condition_that_is_no_bool_counts_as_three() -> None:
    assert evaluate(refund(), rules({"when": "args.order_id", "level": 1})).code == "rule_error"


def test_facts_that_cannot_be_shown_to_conditions_count_as_three() -> None:
    odd = action(arguments={"order_id": "A-1", "x": object()})
    assert evaluate(odd, rules({"when": 'args.order_id == "A-1"', "level": 1})).code == "rule_error"


def test_a_defect_in_the_engine_asks_a_person() -> None:
    verdict = evaluate(action(), [object()])  # type: ignore[list-item]
    assert (verdict.level, verdict.code) == (Level.PERSON, "fault")


@pytest.mark.parametrize(("mode", "level"), [(Mode.LIVE, "1"), (Mode.SHADOW, "1"), (Mode.SUGGEST, "3")])
def test_suggest_mode_lets_no_write_pass(mode: Mode, level: str) -> None:
    verdict = evaluate(refund(mode=mode), LADDER)
    assert verdict.level.value == level
    assert evaluate(action(mode=mode, effect=Effect.READ, tool="shop.x"), LADDER).level is Level.ALONE


def test_suggest_mode_leaves_stricter_verdicts_alone() -> None:
    assert evaluate(refund(mode=Mode.SUGGEST), rules({"level": "deny"})).level is Level.DENY


@pytest.mark.parametrize(
    ("said", "floor", "level"),
    [
        (0.7, 0.7, "1"),
        (0.69, 0.7, "3"),
        (None, 0.7, "3"),
        (None, 0.0, "1"),
        (95.0, 0.7, "3"),
        (True, 0.7, "3"),
        (1.0, 0.7, "1"),
        (0.0, 0.0, "1"),
    ],
)
def test_confidence_only_tightens(said: float | None, floor: float, level: str) -> None:
    verdict = evaluate(refund(confidence=said, confidence_floor=floor), LADDER)
    assert verdict.level.value == level
    assert verdict.code == ("confidence" if level == "3" else "rule")


def test_a_confidence_that_is_no_number_waits() -> None:
    assert evaluate(refund(confidence=float("nan")), LADDER).level is Level.PERSON


def test_confidence_never_makes_a_strict_verdict_weaker() -> None:
    for level in (3, 4, "deny"):
        assert evaluate(refund(confidence=1.0), rules({"level": level})).level.value == str(level)


def test_low_confidence_does_not_stop_a_read() -> None:
    assert evaluate(action(effect=Effect.READ, tool="shop.get", confidence=0.1), ()).level is Level.ALONE


def test_tightened_verdict_is_signed_under_the_strictest_terms_of_the_matching_rules() -> None:
    found = rules(
        {"level": 1, "constrain": PINS, "class": "high", "approvers": "finance"},
        {"level": 2, "constrain": PINS, "votes": 2},
    )
    verdict = evaluate(refund(confidence=0.1), found)
    assert isinstance(verdict, NeedsApproval)
    assert (verdict.votes, verdict.cls, verdict.approvers) == (2, RequestClass.HIGH, "finance")


@pytest.mark.parametrize(
    ("when", "level"),
    [
        ('args.currency == "EUR"', "1"),
        ('args.currency in ["EUR", "USD"]', "1"),
        ("args.amount_minor <= 5000", "3"),
        ('args.currency != "USD"', "3"),
        ("", "3"),
    ],
)
def test_money_in_a_currency_the_rule_does_not_name_waits(when: str, level: str) -> None:
    found = rules({"level": 1, "when": when})
    verdict = evaluate(refund(tainted=False), found)
    assert verdict.level.value == level
    assert verdict.code == ("rule" if level == "1" else "money")


def test_a_currency_that_the_tool_fixes_needs_no_naming() -> None:
    fixed = action(arguments={"order_id": "A-1", "amount_minor": 10}, money=Money(10, "EUR"), tainted=False)
    assert evaluate(fixed, rules({"level": 1, "when": "args.amount_minor <= 5000"})).level is Level.ALONE


def test_negative_money_never_runs_alone() -> None:
    verdict = evaluate(refund(-5, tainted=False), rules({"level": 1, "when": 'args.currency == "EUR"'}))
    assert (verdict.level, verdict.code) == (Level.PERSON, "money")


def test_trips_name_the_part_that_was_met_and_its_value() -> None:
    assert evaluate(refund(64000), LADDER).trips == (Trip("args.amount_minor > 50000", "64000"),)
    assert evaluate(refund(64000, "USD"), LADDER).trips == (
        Trip('args.currency != "EUR"', '"USD"'),
        Trip("args.amount_minor > 50000", "64000"),
    )


@pytest.mark.parametrize(
    ("when", "trips"),
    [
        ('"EUR" == args.currency', [('"EUR" == args.currency', '"EUR"')]),
        ('args.currency in ["EUR"]', [('args.currency in ["EUR"]', '"EUR"')]),
        ("!(args.amount_minor > 5000)", [("!(args.amount_minor > 5000)", "true")]),
        ('(tainted && (mode == "live" || args.x == 1))', [("tainted", "true"), ('mode == "live"', '"live"')]),
        ("tainted ? args.amount_minor > 5 : false", [("tainted ? args.amount_minor > 5 : false", "true")]),
        ("", []),
    ],
)
def test_trips_of_other_shapes(when: str, trips: list[tuple[str, str]]) -> None:
    verdict = evaluate(refund(), rules({"level": 3, "when": when}))
    assert [(trip.expression, trip.value) for trip in verdict.trips] == trips


def test_a_long_value_is_cut_with_its_length() -> None:
    long = refund(order_id="x" * 5000)
    trip = evaluate(long, rules({"level": 3, "when": 'args.order_id != "A"'})).trips[0]
    assert trip.value.endswith("(5002 characters)") and len(trip.value) < 300


def test_deny_and_escalate_tell_the_model_the_note_and_never_the_condition() -> None:
    denied = evaluate(
        refund(), rules({"level": "deny", "when": "args.amount_minor > 77", "note": "Closed on Sundays."})
    )
    handed = evaluate(refund(), rules({"level": 4, "when": "args.amount_minor > 77"}))
    assert isinstance(denied, Deny) and denied.reason == "Closed on Sundays."
    assert isinstance(handed, Escalate) and "77" not in handed.reason


@pytest.mark.parametrize(
    ("pattern", "tool", "matches"),
    [
        ("shop.refund_order", "shop.refund_order", True),
        ("shop.*", "shop.refund_order", True),
        ("shop.*", "shopx.refund_order", False),
        ("*", "anything.at_all", True),
        ("shop.delete_*", "shop.delete_all", True),
        ("shop.delete_*", "shop.undelete_all", False),
        ("shop.refund_order", "shopXrefund_order", False),
        ("shop.refund_order", "shop.refund_order\n", False),
    ],
)
def test_tool_patterns(pattern: str, tool: str, matches: bool) -> None:
    assert (evaluate(action(tool=tool), rules({"tool": pattern, "level": "deny"})).level is Level.DENY) is matches


@pytest.mark.parametrize("found", [LADDER, rules({"level": "deny"}), rules({"level": 4}), ()])
def test_every_verdict_survives_json(found: Any) -> None:
    for amount in (100, 6000, 64000):
        verdict = evaluate(refund(amount), found)
        assert verdict_from_json(verdict_to_json(verdict)) == verdict


@pytest.mark.parametrize(
    ("old", "new", "stricter"),
    [
        ({"level": 1}, {"level": 2}, True),
        ({"level": 3}, {"level": 3, "votes": 2}, True),
        ({"level": 3}, {"level": 3, "class": "high"}, True),
        ({"level": 3}, {"level": 3, "approvers": "finance"}, True),
        ({"level": 3, "approvers": "finance"}, {"level": 3, "approvers": "legal"}, True),
        ({"level": 3, "approvers": "finance"}, {"level": 3}, False),
        ({"level": 3}, {"level": 3, "deadline_h": 1}, False),
        ({"level": 3, "votes": 2}, {"level": 3}, False),
        ({"level": "deny"}, {"level": 4}, False),
        ({"level": 3}, {"level": 3}, False),
    ],
)
def test_what_counts_as_stricter_at_execution(old: dict[str, Any], new: dict[str, Any], stricter: bool) -> None:
    before, after = (evaluate(refund(), rules({"constrain": PINS, **rule})) for rule in (old, new))
    assert is_stricter(after, before) is stricter
