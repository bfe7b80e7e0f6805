"""A draft judged over what agents did: the figures are those of a plain loop, and 100,000 actions take seconds."""

import time
from collections import Counter
from multiprocessing import get_context
from typing import Any

import pytest
from django.db import connection, connections, transaction

from agents.models import Agent
from approvals.models import PolicyReplay
from approvals.policy.engine import evaluate
from approvals.policy.rules import Rule, parse_rules
from approvals.policy.verdict import NeedsApproval, Verdict
from approvals.policy_versions import active_policy
from approvals.ports import Span, actions
from approvals.replays import done_so_far, start_replay, work_on_replay
from tests.factories import RULES, person, refund_agent

DRAFT: list[dict[str, Any]] = [
    {**RULES[0], "when": 'args.currency == "EUR" && args.amount_minor <= 3000', "constrain": {**RULES[0]["constrain"], "amount_minor": {"max": 3000}}},
    {**RULES[1], "when": 'args.currency == "EUR" && args.amount_minor > 3000 && args.amount_minor <= 30000'},
    {**RULES[2], "when": 'args.currency != "EUR" || args.amount_minor > 30000', "votes": 2},
    {"tool": "shop.refund_order", "when": 'event.flags.exists(f, f == "legal")', "level": 4},
    {"tool": "shop.*", "when": "target.refunds_30d >= 3", "level": "deny"},
    {"tool": "mail.send", "when": '!args.to.endsWith("@example.com")', "level": 3},
    {"tool": "shop.delete_*", "level": "deny"},
]  # fmt: skip

# One run for two actions; each of them differs from all others, so that nothing can be judged once for many.
RUNS = """
INSERT INTO agents_run (id, agent_id, version_id, state, mode, goal, input, subject, tainted, reason_code, waiting_for, fence,
    lease_owner, suspect, deaths_alone, urgency, turns, steps_written, active_ms, input_tokens, output_tokens,
    cache_read_tokens, cache_write_tokens, tokens_known, cost_usd, cost_known, reserved_usd, created_at, barred)
SELECT gen_random_uuid(), %(agent)s, %(version)s, 'completed', 'live', 'Settle this.',
    jsonb_build_object('order_id', n::text, 'type', 'refund.requested', 'n', n, 'customer',
        jsonb_build_object('name', 'Customer ' || n, 'email', 'c' || n || '@example.com'),
        'text', 'Two of the four lamps I ordered arrived broken, please give me back what I paid for number ' || n,
        'flags', CASE WHEN n %% 97 = 0 THEN '["legal", "loud"]' ELSE '["loud"]' END::jsonb),
    n::text, true, '', '', 0, '', false, 0, 5, 1, 4, 10, 100, 10, 0, 0, true, 0, true, 0, now() - n * interval '1 minute', '{}'
FROM generate_series(1, %(count)s / 2) n"""
ACTIONS = """
INSERT INTO agents_action (id, run_id, call_id, turn, position, tool, tool_version, connection, account, effect, canonical,
    digest, key, state, level, verdict, judged, rule_id, rule_hash, reason, confidence, sentence, money_minor, currency,
    target, attempts, error, latency_ms, created_at)
SELECT gen_random_uuid(), r.id, 'c' || k, 1, k, t.tool, 'v', 'shop', 'a', 'keyed',
    convert_to(jsonb_build_object('arguments', t.args, 'money', t.money, 'tool', t.tool)::text, 'UTF8'),
    '', gen_random_uuid()::text, 'succeeded', '1', '{}',
    jsonb_build_object('mode', 'live', 'tainted', true, 'confidence_floor', 0.5, 'target_argument', 'order_id', 'authority',
        CASE WHEN k = 1 THEN '["order_id", "amount_minor", "currency"]' ELSE '["to"]' END::jsonb, 'totals',
        '{"actions_in_run": 1, "moved_minor_today": 400}'::jsonb),
    '', '', '', CASE WHEN r.n %% 31 = 0 THEN 0.2 ELSE 0.9 END, 'An action', CASE WHEN k = 1 THEN t.amount END,
    CASE WHEN k = 1 THEN 'EUR' ELSE '' END,
    jsonb_build_object('customer_name', 'Customer ' || r.n, 'total_minor', t.amount, 'refunds_30d', r.n %% 4), 1, '', 5,
    r.created_at
FROM (SELECT *, subject::int AS n FROM agents_run WHERE goal = 'Settle this.' AND subject <> '') r
CROSS JOIN generate_series(1, 2) k
CROSS JOIN LATERAL (SELECT r.n * 7919 %% 60000 AS amount) amount
CROSS JOIN LATERAL (SELECT amount.amount, 'shop.refund_order' AS tool,
        jsonb_build_object('order_id', CASE WHEN r.n %% 53 = 0 THEN 'X' ELSE r.subject END, 'amount_minor', amount.amount,
            'currency', CASE WHEN r.n %% 41 = 0 THEN 'USD' ELSE 'EUR' END) AS args,
        jsonb_build_object('amount_minor', amount.amount, 'currency', 'EUR') AS money WHERE k = 1
    UNION ALL SELECT amount.amount, 'mail.send', jsonb_build_object('to', 'c' || r.n || '@example.' ||
            CASE WHEN r.n %% 5 = 0 THEN 'org' ELSE 'com' END, 'text', 'Dear customer ' || r.n), NULL WHERE k = 2) t"""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("count", "seconds"), [(1_000, 10), pytest.param(100_000, 10, marks=pytest.mark.chaos)])
def test_a_replay_counts_what_a_plain_loop_counts(count: int, seconds: float) -> None:
    admin = person("admin", "admin")
    _past(refund_agent(), count)
    draft = parse_rules(DRAFT)
    replay = start_replay(rules=draft, base=active_policy().number, user=admin)
    steps, took_s = _worked(replay)
    print(f"{count} actions replayed in {took_s:.2f} s, seen on the way: {steps}")
    replay.refresh_from_db()
    assert (replay.state, replay.done, replay.total) == ("done", count, count)
    assert took_s < seconds
    moves, same = _plain_loop(replay, active_policy().rules, draft)
    assert Counter(replay.result["moves"]) == moves
    assert (replay.result["same"], replay.result["judged"]) == (same, count)
    assert replay.result["unjudged"] == {}
    assert len(moves) > 3 and same > 0  # a loop that found nothing would prove nothing


def _worked(replay: PolicyReplay) -> tuple[list[int], float]:
    """Work as two worker processes do, and return how far it was seen to be meanwhile and the seconds it took."""
    steps, began = [0], time.monotonic()
    connections.close_all()  # what is forked must not share one
    crew = [get_context("fork").Process(target=_work) for _ in range(2)]
    for worker in crew:
        worker.start()
    while any(worker.is_alive() for worker in crew):
        steps.append(done_so_far(PolicyReplay.objects.get(pk=replay.pk)))
        crew[0].join(0.2)
    return steps, time.monotonic() - began


def _work() -> None:
    connections.close_all()
    while work_on_replay():
        pass


def _plain_loop(replay: PolicyReplay, before: tuple[Rule, ...], after: tuple[Rule, ...]) -> tuple[Counter[str], int]:
    moves: Counter[str] = Counter()
    same, today = 0, replay.until.date()
    with transaction.atomic():
        for past in actions().past(Span(replay.since, replay.until)):
            assert past.proposed is not None
            old, new = (evaluate(past.proposed, rules, today=today) for rules in (before, after))
            if _seen(old) == _seen(new):
                same += 1
            else:
                moves[f"{old.level}>{new.level}"] += 1
    return moves, same


def _seen(verdict: Verdict) -> tuple[Any, ...]:
    if not isinstance(verdict, NeedsApproval):
        return (verdict.level,)
    return verdict.level, verdict.approvers, verdict.votes, verdict.cls, verdict.deadline_s


def _past(agent: Agent, count: int) -> None:
    agent.refresh_from_db()
    with connection.cursor() as cursor:
        cursor.execute(RUNS, {"agent": agent.pk, "version": agent.current_id, "count": count})
        cursor.execute(ACTIONS.replace("%%", "%"))
        cursor.execute("ANALYZE agents_run; ANALYZE agents_action")
