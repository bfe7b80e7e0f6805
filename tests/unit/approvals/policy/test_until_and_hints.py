"""Rules that run out; arguments and doubts for editors; differences field by field; what a replay may not guess."""

from datetime import date
from typing import Any

import pytest

from approvals.policy.action import Effect
from approvals.policy.arguments import arguments_of, hints
from approvals.policy.difference import changes
from approvals.policy.engine import evaluate
from approvals.policy.replay import Past, Replay, Tally
from approvals.policy.rules import RuleError, parse_rules, rule_document, rule_hash, rule_sentence
from approvals.policy.widening import widens
from tests.unit.approvals.policy.actions import PINS, refund, rules

FREE: dict[str, Any] = {"tool": "*", "when": 'args.currency == "EUR"', "level": 1, "constrain": PINS}
LAST = {"until": "2026-12-31"}


@pytest.mark.parametrize(
    ("today", "level"), [(date(2026, 12, 31), "1"), (date(2027, 1, 1), "3"), (None, "3"), (date(2026, 1, 1), "1")]
)
def test_a_free_rule_counts_to_its_last_day_and_on_no_unknown_day(today: date | None, level: str) -> None:
    assert evaluate(refund(), rules(FREE | LAST), today=today).level == level


def test_a_strict_rule_that_runs_out_holds_on_an_unknown_day() -> None:
    both = rules(FREE, {"tool": "*", "level": "deny", **LAST})
    assert evaluate(refund(), both).level == "deny"
    assert evaluate(refund(), both, today=date(2027, 1, 1)).level == "1"


def test_a_last_day_is_part_of_what_judges_and_absent_from_rules_without_one() -> None:
    plain, dated = rules(FREE)[0], rules(FREE | LAST)[0]
    assert "until" not in rule_document(plain) and rule_document(dated)["until"] == "2026-12-31"
    assert rule_hash(plain) != rule_hash(dated)
    assert rule_sentence(dated).endswith(", until 2026-12-31.")
    assert parse_rules([rule_document(dated)]) == (dated,)


@pytest.mark.parametrize("until", ["31.12.2026", "2026-13-01", 20261231, "tomorrow"])
def test_a_last_day_has_one_spelling(until: Any) -> None:
    with pytest.raises(RuleError) as refused:
        rules({"tool": "*", "level": 1, "until": until})
    assert refused.value.field == "until"


@pytest.mark.parametrize(
    ("old", "new", "wider"),
    [
        ({"level": 1, **LAST}, {"level": 1}, True),
        ({"level": 1}, {"level": 1, **LAST}, False),
        ({"level": 1, **LAST}, {"level": 1, "until": "2027-01-01"}, True),
        ({"level": "deny"}, {"level": "deny", **LAST}, True),
        ({"level": "deny", **LAST}, {"level": "deny"}, False),
    ],
)
def test_more_time_for_freedom_and_less_for_strictness_are_wider(
    old: dict[str, Any], new: dict[str, Any], wider: bool
) -> None:
    assert bool(widens(rules({"tool": "*"} | old), rules({"tool": "*"} | new))) is wider


SCHEMA = {
    "properties": {
        "amount_minor": {"type": "integer"},
        "currency": {"type": "string", "enum": ["EUR", "USD"]},
        "to": {"type": "object", "properties": {"street": {"type": "string"}}},
    }
}


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("args.amount_minr > 5", ["amount_minor"]),
        ('args.currency == "EURO"', ["EUR"]),
        ("args.to.stret == 'x'", [""]),
        ("args.amount_minor > 5 && has(args.to.street)", []),
        ('args.currency.startsWith("E")', []),
        ("args.amount_minor >", []),
    ],
)
def test_doubts(text: str, instead: list[str]) -> None:
    found = hints(text, {"shop.refund": arguments_of(SCHEMA)})
    assert (
        [hint.instead for hint in found] in (instead, []) if "stret" in text else [h.instead for h in found] == instead
    )


def test_differences_name_each_field() -> None:
    old = rules({"tool": "*", "level": 3, "id": "r-1"})
    new = rules({"tool": "*", "level": 3, "id": "r-1", "votes": 2, **LAST})
    assert [(one.kind, one.fields) for one in changes(old, new)] == [
        ("changed", (("votes", "1", "2"), ("until", "nothing", "2026-12-31")))
    ]


def test_a_replay_does_not_guess() -> None:
    tally = Tally()
    judge = Replay(
        rules(FREE), rules(FREE, {"tool": "*", "when": "totals.actions_in_run > 3", "level": 3}), today=date(2026, 1, 1)
    )
    unkept = frozenset({"totals", "authority"})
    judge.count([Past(None, "approved", unkept, None), Past(refund(), "approved", unkept, None)], tally)  # type: ignore[arg-type]
    assert (tally.judged, sum(tally.unjudged.values())) == (0, 2)
    read = refund(effect=Effect.READ)
    Replay(rules(), rules(), today=date(2026, 1, 1)).count([Past(read, "not_asked", unkept, None)], tally)  # type: ignore[arg-type]
    assert (tally.judged, tally.same) == (1, 1)


def test_a_tally_survives_json_and_adds_up() -> None:
    one = Tally.of({"judged": 3, "same": 1, "moves": {"1>3": 2}, "people": {"1>3": {"approved": 2}}})
    one.add(Tally.of(Tally.of(one.to_json()).to_json()))
    assert (one.judged, one.same, one.moves["1>3"], one.people["1>3"]["approved"]) == (6, 2, 4, 4)
