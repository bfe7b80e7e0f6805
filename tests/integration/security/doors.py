"""A refund that waits, votes on it, and the clock turned back or forward in the database."""

from typing import Any

from django.contrib.auth.models import User
from django.db import connection

from agents.providers.scripted import ScriptedProvider
from approvals.audit import COMMAND_LINE
from approvals.models import Request
from approvals.policy_versions import activate_policy
from approvals.services import Settlement, decide_request
from tests.driving import work
from tests.factories import RULES, refund_agent, refund_run, says, wants_refund

STOPPED = says('{"decision": "stopped"}')


def waiting_refund(
    model: ScriptedProvider, *, rules: Any = None, amount_minor: int = 64_000, lines: int = 4, **facts: Any
) -> Request:
    """Return the open request for a refund that a person must sign; lines: how often the model then says it stops."""
    refund_agent()
    if rules is not None:
        activate_policy(rules=rules, actor=COMMAND_LINE)
    model.say(says("", wants_refund(amount_minor)), *[STOPPED] * lines)
    refund_run(**facts)
    work()
    return Request.objects.get(state="open")


def two_votes() -> list[dict[str, Any]]:
    """Return the rules with two signatures on what is large."""
    return [*RULES[:2], {**RULES[2], "votes": 2}]


def vote(request: Request, user: User, how: str = "approve", *, via: str = "api", **more: Any) -> Settlement:
    given = {"digest": request.action_digest, **more}
    # Nobody is remembered from one page to the next.
    fresh = User.objects.get(pk=user.pk)
    return decide_request(request_id=request.pk, user=fresh, vote=how, via=via, **given)


def countersign(request: Request, user: User, how: str = "approve", **more: Any) -> Settlement:
    """Vote as after signing in again in the browser: the one door for what is of class high."""
    return vote(request, user, how, via="browser", stepped_up=True, **more)


def edited(request: Request, user: User, amount_minor: int, order_id: str = "20871") -> Settlement:
    arguments = {"order_id": order_id, "amount_minor": amount_minor, "currency": "EUR"}
    return vote(request, user, arguments=arguments)


def turn(table: str, column: str, by: str, pk: Any) -> None:
    """Move a moment that the database holds; by: an interval such as "-1 second", counted from now."""
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {column} = clock_timestamp() + %s::interval WHERE id = %s", [by, pk])  # noqa: S608
