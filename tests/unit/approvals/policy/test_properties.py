"""What must hold for any rules and any action."""

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from approvals.policy.action import Effect, Mode, Money, ProposedAction
from approvals.policy.engine import evaluate
from approvals.policy.rules import Rule, parse_rules
from approvals.policy.verdict import Level, NeedsApproval, Verdict, verdict_from_json, verdict_to_json
from approvals.policy.widening import widens
from approvals.states import RequestClass

CONDITIONS = [
    "", "true", "false", "tainted", 'args.currency == "EUR"', "args.amount_minor <= 5000", "args.amount_minor > 300",
    'args.currency == "EUR" && args.amount_minor <= 5000', 'args.currency != "EUR" || args.amount_minor > 300',
    'args.order_id == event.order_id', "args.missing == 1", "args.amount_minor / 0 > 1", "target.total_minor >= args.amount_minor",
    "args.items.exists(i, i == 3)", 'mode == "live"',
]  # fmt: skip
PINS: list[Any] = [
    None,
    {"order_id": "event.order_id"},
    {"order_id": "event.order_id", "amount_minor": {"max": 5000}, "currency": ["EUR"]},
    {"order_id": ["A-1", "B-2"], "amount_minor": {"max": 300}, "currency": ["EUR", "USD"]},
]

rule_documents = st.fixed_dictionaries(
    {
        "tool": st.sampled_from(["shop.refund", "shop.*", "*", "crm.note"]),
        "when": st.sampled_from(CONDITIONS),
        "level": st.sampled_from([1, 2, 3, 4, "deny"]),
        "class": st.sampled_from(["normal", "high"]),
        "approvers": st.sampled_from(["", "finance"]),
        "votes": st.integers(1, 3),
        "constrain": st.sampled_from(PINS),
    }
)
policies = st.lists(rule_documents, max_size=6).map(parse_rules)
odd = st.sampled_from(
    ["A-1", "B-2", "EUR", "USD", "", None, True, -1, 0, 300, 301, 5000, 5001, 10**9, Decimal("0.5"), [], {}, 2**70]
)
actions = st.builds(
    ProposedAction,
    tool=st.sampled_from(["shop.refund", "crm.note", "mail.send"]),
    effect=st.sampled_from(list(Effect)),
    arguments=st.fixed_dictionaries(
        {}, optional={"order_id": odd, "amount_minor": odd, "currency": odd, "items": st.lists(odd, max_size=3)}
    ),
    authority=st.sampled_from([(), ("order_id",), ("order_id", "amount_minor", "currency")]),
    agent=st.just("clerk"),
    mode=st.sampled_from(list(Mode)),
    subject=st.sampled_from(["", "A-1"]),
    tainted=st.booleans(),
    confidence=st.none() | st.floats(allow_nan=True),
    confidence_floor=st.sampled_from([0.0, 0.7]),
    event=st.none() | st.fixed_dictionaries({"order_id": odd}),
    target=st.none() | st.fixed_dictionaries({"total_minor": odd}),
    totals=st.just({}),
    money=st.none() | st.builds(Money, st.integers(-10, 10**6), st.sampled_from(["EUR", "USD"])),
)


def demands(verdict: Verdict) -> tuple[int, int, bool]:
    if isinstance(verdict, NeedsApproval):
        return verdict.level.strictness, verdict.votes, verdict.cls is RequestClass.HIGH
    return verdict.level.strictness, 0, False


def no_looser(after: Verdict, before: Verdict) -> bool:
    if after.level is not before.level:
        return after.level.strictness > before.level.strictness
    return all(new >= old for new, old in zip(demands(after), demands(before), strict=True))


@settings(max_examples=400)
@given(actions, policies)
def test_the_engine_is_total_and_its_verdicts_survive_json(action: ProposedAction, rules: tuple[Rule, ...]) -> None:
    verdict = evaluate(action, rules)
    assert verdict.code != "fault"
    assert verdict.why and verdict.rule.hash
    assert verdict_from_json(verdict_to_json(verdict)) == verdict


@settings(max_examples=400)
@given(actions, policies, rule_documents)
def test_another_rule_never_loosens_unless_nothing_matched(
    action: ProposedAction, rules: tuple[Rule, ...], document: dict[str, Any]
) -> None:
    before, after = evaluate(action, rules), evaluate(action, (*rules, *parse_rules([document])))
    assert before.rule.number == 0 or no_looser(after, before)


@given(actions, policies, st.randoms(use_true_random=False))
def test_the_order_of_rules_does_not_matter(action: ProposedAction, rules: tuple[Rule, ...], chance: Any) -> None:
    shuffled = list(rules)
    chance.shuffle(shuffled)
    assert demands(evaluate(action, shuffled)) == demands(evaluate(action, rules))


@given(actions, policies)
def test_deny_wins_wherever_it_stands(action: ProposedAction, rules: tuple[Rule, ...]) -> None:
    deny = parse_rules([{"tool": "*", "level": "deny"}])
    assert evaluate(action, (*rules, *deny)).level is Level.DENY
    assert evaluate(action, (*deny, *rules)).level is Level.DENY


@given(actions, policies)
def test_a_tainted_run_is_never_freer_than_a_clean_one(action: ProposedAction, rules: tuple[Rule, ...]) -> None:
    from dataclasses import replace

    plain = tuple(rule for rule in rules if "tainted" not in rule.when)
    clean, tainted = (evaluate(replace(action, tainted=flag), plain) for flag in (False, True))
    assert no_looser(tainted, clean)


@given(actions, policies)
def test_confidence_is_never_a_licence(action: ProposedAction, rules: tuple[Rule, ...]) -> None:
    from dataclasses import replace

    sure, unsure = evaluate(replace(action, confidence=1.0), rules), evaluate(action, rules)
    assert no_looser(unsure, sure)


@given(policies)
def test_the_same_policy_widens_nothing(rules: tuple[Rule, ...]) -> None:
    assert widens(rules, tuple(reversed(rules))) == []


@settings(max_examples=600)
@given(actions, policies, policies)
def test_what_widens_nothing_frees_no_write(
    action: ProposedAction, old: tuple[Rule, ...], new: tuple[Rule, ...]
) -> None:
    mixed = (*old, *new) if len(new) % 2 else (*old[1:], *new)
    if action.is_write and not widens(old, mixed):
        before, after = evaluate(action, old), evaluate(action, mixed)
        assert after.level.strictness >= before.level.strictness
