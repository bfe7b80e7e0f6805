"""What waits while the world, the rule or the tool changes: a successor takes its place, and nobody signs the old one."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from agents.models import Action, Run
from agents.overtaken import overtaken, supersede_overtaken
from agents.providers.scripted import ScriptedProvider
from approvals.audit import COMMAND_LINE
from approvals.database_clock import database_now
from approvals.errors import RequestChanged
from approvals.halts import engage_halt
from approvals.models import AuditEvent, Decision, Request
from approvals.policy_versions import activate_policy, active_policy
from approvals.services import decide_request
from integrations.models import Connection
from tests.driving import hurry, work
from tests.factories import RULES, person, refund_agent, refund_run, says, wants_refund
from tests.shop import OVERRIDES, Shop

CHECK = {"by": "get_order", "compare": ["refunded_minor", "status"], "after": {"refunded_minor": "+amount_minor"}}
DONE = says('{"decision": "stopped"}')


@pytest.fixture
def signer(transactional_db: None) -> User:
    return person("second-operator", "operator", limits={"EUR": 1_000_000, "USD": 1_000_000})


def told(shop: Shop, **values: Any) -> None:
    """The order as the foreign shop has it now."""
    shop.records["20871"] = values


@pytest.fixture
def waits(shop: Shop, model: ScriptedProvider, signer: User) -> Request:
    """A refund that waits, with a world check on its order."""
    tools = {**OVERRIDES, "refund_order": {**OVERRIDES["refund_order"], "check": CHECK}}
    Connection.objects.update(tools=tools)
    told(shop, refunded_minor=0, status="delivered")
    refund_agent()
    model.say(says("", wants_refund(64_000)), *[DONE] * 3)
    refund_run()
    work()
    return Request.objects.get()


def rules(*, deadline_h: int = 24, level: int = 3, also: tuple[dict[str, Any], ...] = ()) -> None:
    last = {**RULES[2], "deadline_h": deadline_h}
    last = last if level == 3 else {"tool": last["tool"], "when": last["when"], "level": "deny"}
    activate_policy(rules=[*RULES[:2], last, *also], actor=COMMAND_LINE)


def approve(request: Request, user: User) -> Any:
    return decide_request(request_id=request.pk, user=user, vote="approve", digest=request.action_digest, via="api")


def successor_of(request: Request) -> Request:
    request.refresh_from_db()
    assert request.state == "withdrawn" and request.successor_id
    return Request.objects.get(pk=request.successor_id)


def test_a_changed_rule_supersedes_what_waits_and_the_successor_shows_the_difference_and_runs(
    waits: Request, signer: User, shop: Shop
):
    rules(deadline_h=4)
    with pytest.raises(RequestChanged, match="rule"):
        approve(waits, signer)
    assert not Decision.objects.exists()
    assert supersede_overtaken() and not supersede_overtaken()
    following = successor_of(waits)
    assert following.state == "open" and following.action_digest != waits.action_digest
    assert [row[0] for row in following.card["changes"]] == ["Rule"]
    assert following.card["changes"][0][1] != following.card["changes"][0][2]
    assert list(Action.objects.order_by("created_at").values_list("state", flat=True)) == ["superseded", "pending"]
    approve(following, signer)
    hurry(Run.objects.get())
    work()
    assert shop.paid("20871") == [64_000]


def test_a_rule_that_runs_out_supersedes_what_waits_on_the_day_after(waits: Request):
    def judged_by_a_rule_until(day: date) -> bool:
        """Return whether an action that this very rule had judged is found."""
        activate_policy(rules=[*RULES[:2], {**RULES[2], "until": day.isoformat()}], actor=COMMAND_LINE)
        rule = active_policy().rules[2]
        Action.objects.update(rule_id=rule.id, rule_hash=rule.hash)
        return supersede_overtaken()

    today = database_now().date()
    assert not judged_by_a_rule_until(today)
    assert judged_by_a_rule_until(today - timedelta(days=1))
    assert successor_of(waits).rule["number"] == 0 and "run out" in Request.objects.get(pk=waits.pk).answer
    assert not supersede_overtaken()


def test_a_rule_that_denies_ends_what_waits_and_the_run_goes_on(waits: Request, shop: Shop):
    rules(level=0)
    assert supersede_overtaken()
    waits.refresh_from_db()
    assert waits.state == "withdrawn" and waits.successor_id is None
    work()
    assert Run.objects.get().state == "completed" and not shop.refunds


def test_a_changed_tool_supersedes_what_waits(waits: Request, signer: User):
    tools = Connection.objects.get().tools
    Connection.objects.update(
        tools={**tools, "refund_order": {**tools["refund_order"], "sentence": "Pay back {money}"}}
    )
    with pytest.raises(RequestChanged, match="tool"):
        approve(waits, signer)
    assert supersede_overtaken()
    following = successor_of(waits)
    assert following.title == "Pay back €640.00" and following.card["changes"][0][0] == "Tool"


def test_a_tool_that_is_gone_calls_off_what_waits(waits: Request, shop: Shop):
    Connection.objects.all().delete()
    assert supersede_overtaken()
    waits.refresh_from_db()
    assert waits.state == "withdrawn" and "no longer exists" in waits.answer
    assert Action.objects.get().state == "cancelled"
    work()
    assert Run.objects.get().state == "completed" and not shop.refunds


# ---------- the world check on the card ----------


def look_again(waits: Request, user: User) -> Any:
    client = Client()
    client.force_login(user)
    return client.post(f"/inbox/{waits.pk}/look/")


def test_an_unrelated_rule_and_the_same_world_leave_what_waits_alone(waits: Request, signer: User, shop: Shop):
    check = waits.card["check"]
    assert check["rows"] == [["Refunded", "€0.00", "€640.00"], ["Status", "delivered", ""]]
    assert check["tool"] == "get_order" and check["read_at"]
    rules(also=({"tool": "shop.send_mail", "level": 3, "approvers": "finance", "votes": 1},))
    assert not supersede_overtaken()
    before = shop.calls["get_order"]
    assert look_again(waits, signer)["Location"] == f"/inbox/{waits.pk}/"
    assert shop.calls["get_order"] == before + 1
    assert AuditEvent.objects.filter(verb="request.looked_again").count() == 1
    assert approve(waits, signer).settled


def test_looking_again_at_a_changed_world_opens_a_successor_with_the_difference(
    waits: Request, signer: User, shop: Shop
):
    told(shop, refunded_minor=10_000, status="delivered")
    answer = look_again(waits, signer)
    following = successor_of(waits)
    assert answer["Location"] == f"/inbox/{following.pk}/"
    assert following.card["changes"] == [["Refunded", "€0.00", "€100.00"]]
    assert following.card["check"]["rows"][0] == ["Refunded", "€100.00", "€740.00"]


def test_a_world_that_changed_after_the_vote_never_runs(waits: Request, signer: User, shop: Shop):
    approve(waits, signer)
    told(shop, refunded_minor=64_000, status="refunded")
    hurry(Run.objects.get())
    work()
    assert not shop.refunds
    assert successor_of(waits).card["changes"] == [
        ["Refunded", "€0.00", "€640.00"],
        ["Status", "delivered", "refunded"],
    ]


def test_under_a_halt_nothing_is_read_and_it_is_judged_again_afterwards(waits: Request, shop: Shop, signer: User):
    engage_halt(scope="connection:shop", reason="drill", user=signer)
    rules(deadline_h=4)
    before = shop.calls["get_order"]
    assert not supersede_overtaken()
    assert overtaken(active_policy()) == [waits.action_id]
    look_again(waits, signer)
    assert look_again(waits, person("stranger", "operator", team="elsewhere")).status_code == 404
    assert shop.calls["get_order"] == before
