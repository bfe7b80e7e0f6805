"""A refund that waits, votes on it, and the clock turned back or forward in the database."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from agents.providers.scripted import ScriptedProvider
from approvals.audit import COMMAND_LINE
from approvals.bulk import decide_together
from approvals.errors import ApprovalError
from approvals.models import Request
from approvals.policy_versions import activate_policy
from approvals.services import Settlement, decide_request
from integrations.models import Connection
from tests.driving import work
from tests.factories import RULES, refund_agent, refund_run, says, wants_refund
from tests.integration.api.conftest import program
from tests.slack import link, press, send, slack_connection

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


def _page(request: Request, user: User) -> None:
    sent = {"vote": "approve", "digest": request.action_digest, "typed": "640"}
    _signed_in(user).post(f"/inbox/{request.pk}/decide/", sent)


def _api(request: Request, user: User) -> None:
    """As a bot would: with a token that has every scope its owner may give."""
    program(user).post(f"requests/{request.pk}/decide/", {"vote": "approve", "digest": request.action_digest})


def _bulk(request: Request, user: User) -> None:
    with suppress(ApprovalError):
        fresh = User.objects.get(pk=user.pk)
        decide_together(user=fresh, items=[(request.pk, request.action_digest)], vote="approve")


def _edit(request: Request, user: User) -> None:
    with suppress(ApprovalError):
        edited(request, user, 63_999)


def _verb(request: Request, user: User) -> None:
    """The verb that a door would call which does not know better, as just after signing in again."""
    with suppress(ApprovalError):
        countersign(request, user)


def _undo(request: Request, user: User) -> None:
    """Take back what others have decided: its own kind of saying."""
    _signed_in(user).post(f"/inbox/{request.pk}/undo/")


def _slack(request: Request, user: User) -> None:
    """A press that Slack signed, from an account that the person has linked, carrying the right digest."""
    row = Connection.objects.filter(kind="slack").first() or slack_connection(url="http://127.0.0.1:9/api")
    account = f"U{user.pk}PRESSES"
    if not row.links.filter(user=user).exists():
        link(row, user, account)
    value = f"{request.pk}.{request.action_digest}"
    send(Client(), row.name, press(value, "approve", person=account))


def _mail(request: Request, user: User) -> None:
    """The link in a mail, opened and posted by whoever has the mail but not the person's session."""
    for method in (Client().get, Client().head, Client().post):
        method(f"/inbox/{request.pk}/decide/", {"vote": "approve", "digest": request.action_digest})


def _signed_in(user: User) -> Client:
    browser = Client(raise_request_exception=False)
    browser.force_login(user)
    return browser


# Every way by which one person's yes can reach a request. A new channel adds its own: it is then tried with everybody
# who may not sign (test_every_relation_at_every_door.py).
DOORS: dict[str, Callable[[Request, User], None]] = {
    "page": _page,
    "api": _api,
    "bulk": _bulk,
    "edit": _edit,
    "verb": _verb,
    "slack": _slack,
}
# A way by which nobody's yes can come, whoever they are.
NO_DOOR = _mail
UNDO = _undo


def turn(table: str, column: str, by: str, pk: Any) -> None:
    """Move a moment that the database holds; by: an interval such as "-1 second", counted from now."""
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {column} = clock_timestamp() + %s::interval WHERE id = %s", [by, pk])  # noqa: S608
