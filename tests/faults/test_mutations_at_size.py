"""R11 at its size: something bound is changed behind the product's back, between the vote and the act. Nothing runs, and
the audit says so about each.

Columns of the action, of its request and of the votes on it; arguments with and without their digest made anew.
"""

import hashlib
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from agents.models import Action
from agents.providers import registry
from approvals.models import AuditEvent, Request
from approvals.policy.canonical import canonical_bytes
from tests.driving import work
from tests.factories import person, refund_agent, refund_run
from tests.faults.conversing import LARGE, Clerk, clerk
from tests.faults.copies import copies_of
from tests.faults.deciding import voting
from tests.faults.guards_off import begin_effect
from tests.promises import Promise
from tests.shop import Shop

WORDS = "something bound is changed between vote and act"
_ACTION, _REQUEST, _VOTE = "UPDATE agents_action SET {} WHERE id = %(action)s", "UPDATE approvals_request SET {} WHERE id = %(request)s", "UPDATE approvals_decision SET {} WHERE request_id = %(request)s"  # fmt: skip
COLUMNS: dict[str, str] = {
    "digest": _ACTION.format("digest = encode(sha256(random()::text::bytea), 'hex')"),
    "tool": _ACTION.format("tool = 'shop.send_mail'"),
    "tool version": _ACTION.format("tool_version = 'other'"),
    "account": _ACTION.format("account = 'elsewhere#1'"),
    "effect": _ACTION.format("effect = 'read'"),
    "rule": _ACTION.format("rule_id = 'another'"),
    "rule hash": _ACTION.format("rule_hash = repeat('1', 64)"),
    "money": _ACTION.format("money_minor = 1 + (random() * 1000)::int"),
    "currency": _ACTION.format("currency = 'USD'"),
    "key": _ACTION.format("key = 'v1-' || id"),
    "no request": _ACTION.format("request_id = NULL"),
    "request's digest": _REQUEST.format("action_digest = repeat('2', 64)"),
    "another action": _REQUEST.format("action_id = gen_random_uuid()"),
    "consumed": _REQUEST.format("consumed_at = clock_timestamp()"),
    "execution deadline": _REQUEST.format("execute_by = clock_timestamp() - interval '1 s'"),
    "more votes": _REQUEST.format("votes_needed = 2"),
    "barred": _REQUEST.format("barred = ARRAY[%(signer)s]::bigint[]"),
    "approvers": _REQUEST.format("approvers = 'board'"),
    "above the limit": _REQUEST.format("money_minor = 2000000"),
    "vote's digest": _VOTE.format("action_digest = repeat('3', 64)"),
    "vote taken back": _VOTE.format("withdrawn_at = clock_timestamp()"),
    "vote turned": _VOTE.format("vote = 'reject'"),
    "voter": _VOTE.format("user_id = %(bystander)s"),
    "on behalf of": _VOTE.format("on_behalf_of_id = %(bystander)s"),
}


@pytest.fixture
def signed(shop: Shop, second_operator: User) -> Request:
    """A refund that one person has signed and that would run now."""
    registry.put(Clerk(clerk(LARGE)))
    refund_agent(limits={"turns": 12, "actions": 12, "seconds": 3_000, "parallel_runs": 50_000})
    refund_run("order-1")
    work()
    request = Request.objects.get(state="open")
    voting(second_operator, "approve")(request)
    request.refresh_from_db()
    return request


def by_column(sql: str) -> Callable[[random.Random, dict[str, Any]], None]:
    return lambda _rng, known: _do(sql, known)


def arguments(rng: random.Random, known: dict[str, Any]) -> None:
    """Change the bytes that are sent; half of the time with the digest of an attacker who can compute."""
    action = Action.objects.get(pk=known["action"])
    envelope = json.loads(bytes(action.canonical))
    name, value = rng.choice(
        [("amount_minor", 64_000 + rng.randint(1, 900)), ("order_id", str(rng.randint(1, 9))), ("currency", "USD")]
    )
    place = envelope["arguments"] if rng.random() < 0.8 else envelope
    place[name if place is not envelope else "account"] = value
    raw = canonical_bytes(envelope)
    digest = hashlib.sha256(raw).hexdigest() if rng.random() < 0.5 else action.digest
    Action.objects.filter(pk=action.pk).update(canonical=raw, digest=digest)


KINDS = {**{name: by_column(sql) for name, sql in COLUMNS.items()}, "arguments": arguments, "more arguments": arguments}


def _do(sql: str, known: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, known)


def mutated(signed: Request, users: tuple[User, User], count: int) -> dict[str, str]:
    """Return which mutation each of so many signed actions has suffered, all kinds in turn."""
    rng, names = random.Random(count), sorted(KINDS)  # noqa: S311 - the same mutations each time
    suffered = {}
    for number, request in enumerate(copies_of(signed, count)):
        name = names[number % len(names)]
        known = {"action": request.action_id, "request": request.pk, "signer": users[0].pk, "bystander": users[1].pk}
        KINDS[name](rng, known)
        suffered[str(request.action_id)] = name
    return suffered


def worked() -> None:
    for _ in range(400):
        if not work(rounds=1):
            return


def ran(suffered: dict[str, str]) -> list[str]:
    rows = Action.objects.filter(pk__in=suffered, attempts__gt=0).values_list("pk", flat=True)
    return sorted(suffered[str(pk)] for pk in rows)


def unaudited(suffered: dict[str, str], since: int) -> list[str]:
    """Return what was changed and came to nothing without a word in the audit about the action or its request."""
    pairs = Request.objects.filter(action_id__isnull=False).values_list("pk", "action_id")
    of_request = {str(pk): str(action) for pk, action in pairs}
    told = set(AuditEvent.objects.filter(seq__gt=since).values_list("subject_id", flat=True))
    told |= {of_request[pk] for pk in told if pk in of_request}
    return sorted({name for action, name in suffered.items() if action not in told})


@pytest.mark.parametrize("count", [500, pytest.param(10_000, marks=[pytest.mark.chaos, pytest.mark.slow])])
def test_what_was_changed_never_runs_and_is_audited(
    signed: Request, shop: Shop, second_operator: User, promise: Promise, count: int
) -> None:
    bystander = person("bystander", "auditor")
    suffered = mutated(signed, (second_operator, bystander), count)
    since = AuditEvent.objects.latest("seq").seq
    worked()
    executed, silent = ran(suffered), unaudited(suffered, since)
    promise(WORDS, tried=count, violations=len(executed) + len(silent), note=f"{len(KINDS)} kinds")
    assert executed == [] and silent == []
    # The one that was left as it was signed runs.
    assert len(shop.refunds) == 1 and shop.mails == []


def test_without_the_comparisons_some_of_it_runs(
    signed: Request, shop: Shop, second_operator: User, promise: Promise
) -> None:
    """The negative control: the database function compares nothing, and the same harness sees what runs."""
    bystander = person("bystander", "auditor")
    suffered = mutated(signed, (second_operator, bystander), 2 * len(KINDS))
    with begin_effect(without=("digest", "binding", "request", "consumed", "deadline")):
        worked()
    executed = ran(suffered)
    promise(WORDS, tried=len(suffered), violations=len(executed), control=True)
    assert {"key", "arguments", "consumed"} <= set(executed), executed
