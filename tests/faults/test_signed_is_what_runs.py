"""R11: any change to anything bound, made behind the product's back, means that nothing runs."""

import hashlib
import json
import random

import pytest
from django.contrib.auth.models import User
from django.db import connection

from agents.models import Action
from agents.providers.scripted import ScriptedProvider
from approvals.models import AuditEvent, Request
from approvals.policy.canonical import canonical_bytes
from approvals.services import decide_request
from tests.driving import work
from tests.factories import refund_agent, refund_run, says, wants_refund
from tests.shop import Shop

SQL = {
    "digest": "UPDATE agents_action SET digest = repeat('0', 64)",
    "tool": "UPDATE agents_action SET tool = 'shop.send_mail'",
    "tool version": "UPDATE agents_action SET tool_version = 'other'",
    "account": "UPDATE agents_action SET account = 'elsewhere#1'",
    "effect": "UPDATE agents_action SET effect = 'read'",
    "rule": "UPDATE agents_action SET rule_id = 'another'",
    "rule hash": "UPDATE agents_action SET rule_hash = repeat('1', 64)",
    "money": "UPDATE agents_action SET money_minor = 1",
    "currency": "UPDATE agents_action SET currency = 'USD'",
    "key": "UPDATE agents_action SET key = 'v1-mine'",
    "request's digest": "UPDATE approvals_request SET action_digest = repeat('2', 64)",
    "consumed": "UPDATE approvals_request SET consumed_at = clock_timestamp()",
    "run": "UPDATE agents_action SET request_id = NULL",
    "expiry": "UPDATE approvals_request SET execute_by = clock_timestamp() - interval '1 minute'",
    "allowed without a vote": "UPDATE agents_action SET verdict = jsonb_set(verdict, '{level}', '\"1\"')"
    ", request_id = gen_random_uuid()",
}


def approved_refund(model: ScriptedProvider, signer: User) -> Action:
    refund_agent()
    model.say(says("", wants_refund(64_000)), *[says('{"decision": "stopped"}')] * 3)
    refund_run()
    work()
    request = Request.objects.get()
    decide_request(request_id=request.pk, user=signer, vote="approve", digest=request.action_digest, via="api")
    return Action.objects.get()


def change(action: Action, sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.parametrize("what", SQL)
def test_changed_column_between_vote_and_act_stops_it(
    shop: Shop, model: ScriptedProvider, second_operator: User, what: str
) -> None:
    change(approved_refund(model, second_operator), SQL[what])
    work()
    assert shop.refunds == {} and shop.mails == []


def test_unchanged_runs(shop: Shop, model: ScriptedProvider, second_operator: User) -> None:
    approved_refund(model, second_operator)
    work()
    assert shop.paid("20871") == [64_000]


@pytest.mark.parametrize("fix_digest", [False, True])
def test_changed_arguments_in_the_bytes_stop_it(
    shop: Shop, model: ScriptedProvider, second_operator: User, fix_digest: bool
) -> None:
    """Also when the attacker recomputes the action's digest: the vote was on another."""
    action = approved_refund(model, second_operator)
    rng = random.Random(7)  # noqa: S311 - a fixed sequence of mutations
    envelope = json.loads(bytes(action.canonical))
    for _ in range(20):
        changed = json.loads(json.dumps(envelope))
        field = rng.choice(["amount_minor", "order_id", "currency"])
        changed["arguments"][field] = {
            "amount_minor": 64_000 + rng.randint(1, 900),
            "order_id": "9",
            "currency": "USD",
        }[field]
        raw = canonical_bytes(changed)
        digest = hashlib.sha256(raw).hexdigest() if fix_digest else action.digest
        with connection.cursor() as cursor:
            cursor.execute("UPDATE agents_action SET canonical = %s, digest = %s", [raw, digest])
        work()
    assert shop.refunds == {}


def test_refusal_is_audited(shop: Shop, model: ScriptedProvider, second_operator: User) -> None:
    change(approved_refund(model, second_operator), SQL["key"])
    work()
    assert AuditEvent.objects.filter(verb="action.refused", data__code="binding_changed").exists()


def test_changed_rule_supersedes_and_unrelated_edit_does_not(
    shop: Shop, model: ScriptedProvider, second_operator: User
) -> None:
    from approvals.audit import COMMAND_LINE
    from approvals.policy_versions import activate_policy
    from tests.factories import RULES

    approved_refund(model, second_operator)
    unrelated = {"tool": "crm.*", "level": 3}
    activate_policy(rules=[*RULES, unrelated], actor=COMMAND_LINE)
    work()
    assert shop.paid("20871") == [64_000]


def test_changed_rule_asks_again(shop: Shop, model: ScriptedProvider, second_operator: User) -> None:
    from approvals.audit import COMMAND_LINE
    from approvals.policy_versions import activate_policy
    from tests.factories import RULES

    approved_refund(model, second_operator)
    activate_policy(rules=[*RULES[:2], {**RULES[2], "votes": 2}], actor=COMMAND_LINE)
    work()
    assert shop.refunds == {}
    assert Request.objects.get(state="open").votes_needed == 2
    assert Request.objects.get(state="withdrawn").successor_id == Request.objects.get(state="open").pk
