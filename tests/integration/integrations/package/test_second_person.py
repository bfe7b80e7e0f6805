"""Wider autonomy waits for a second person; everything else does not."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from agents.models import Agent
from approvals.errors import NotAllowedToDecide, RequestChanged
from approvals.models import PolicyVersion, Request
from approvals.services import decide_request
from tests.integration.integrations.package.conftest import shop_package

pytestmark = pytest.mark.django_db
Apply = Callable[..., tuple[int, str]]


@pytest.fixture(autouse=True)
def installed(people: dict[str, User], apply: Apply) -> dict[str, User]:
    code, text = apply(shop_package())
    assert code == 0, text
    return people


def clerk(**fields: Any) -> dict[str, Any]:
    return {**shop_package(), "agents": [{**shop_package()["agents"][0], **fields}]}


def freer_rule() -> dict[str, Any]:
    policy = shop_package()["policy"]
    when = 'args.currency == "EUR" && args.amount_minor <= 9000'
    return {**shop_package(), "policy": [{**policy[0], "when": when, "constrain": {**policy[0]["constrain"], "amount_minor": {"max": 9000}}}, policy[1]]}  # fmt: skip


def tool(**fields: Any) -> dict[str, Any]:
    connection = shop_package()["connections"][0]
    said = {**connection["tools"]["refund_order"], **fields}
    return {**shop_package(), "connections": [{**connection, "tools": {"refund_order": said}}]}


def waiting() -> Request:
    return Request.objects.get(kind="proposal", state="open")


@pytest.mark.parametrize(
    "wider",
    [
        clerk(limits={"turns": 40, "cost_usd": 0.5, "moved_minor_per_day": {"EUR": 500000}}),
        clerk(confidence_floor=0.2),
        clerk(tools=["shop.*", "crm.*"]),
        freer_rule(),
        {**shop_package(), "policy": shop_package()["policy"][:1]},
        tool(authority=["order_id"]),
        tool(money={"amount": "amount_minor", "currency": "EUR"}),
    ],
)
def test_more_room_waits_and_nothing_changes(apply: Apply, wider: dict[str, Any]) -> None:
    before = PolicyVersion.objects.get(active=True).pk
    code, text = apply(wider, person="admin")
    assert code == 3
    assert f"/inbox/{waiting().pk}/" in text
    assert Agent.objects.get(name="refund-clerk").current.number == 1
    assert PolicyVersion.objects.get(active=True).pk == before


@pytest.mark.parametrize(
    "narrower",
    [
        clerk(mode="suggest"),
        clerk(tools=["shop.get_order"]),
        clerk(instructions="Be kind."),
        {**shop_package(), "policy": [*shop_package()["policy"], {"tool": "shop.*", "level": 3}]},
        {
            **shop_package(),
            "agents": [*shop_package()["agents"], {**shop_package()["agents"][0], "name": "second-clerk"}],
        },
    ],
)
def test_less_room_and_new_agents_are_applied_at_once(apply: Apply, narrower: dict[str, Any]) -> None:
    code, text = apply(narrower, person="admin")
    assert code == 0, text
    assert not Request.objects.filter(kind="proposal").exists()


def test_a_package_of_new_agents_tools_and_their_rules_needs_nobody_else(apply: Apply) -> None:
    connection = {**shop_package()["connections"][0], "name": "wms", "tools": {}}
    agent = {**shop_package()["agents"][0], "name": "picker", "tools": ["wms.*"]}
    package = {
        "package": "wms",
        "connections": [connection],
        "agents": [agent],
        "policy": [{"tool": "wms.refund_order", "level": 1}],
    }
    code, text = apply(package, person="admin")
    assert code == 0, text


def test_the_second_admin_puts_it_in_force_and_the_first_may_not(apply: Apply, installed: dict[str, User]) -> None:
    apply(freer_rule(), person="admin")
    request = waiting()
    shown = "\n".join(text for _, text in request.card["lines"])
    assert "amount_minor <= 9000" in shown
    assert 'constrain: {"amount_minor": {"max": 9000}' in shown
    with pytest.raises(NotAllowedToDecide):
        decide(request, installed["admin"])
    decide(request, installed["second-admin"])
    assert {rule["when"] for rule in PolicyVersion.objects.get(active=True).rules} >= {
        'args.currency == "EUR" && args.amount_minor <= 9000'
    }
    assert "Nothing to change." in apply(freer_rule())[1]


def test_who_proposed_it_is_the_author_of_the_version(apply: Apply, installed: dict[str, User]) -> None:
    apply(clerk(confidence_floor=0.1), person="admin")
    decide(waiting(), installed["second-admin"])
    version = Agent.objects.get(name="refund-clerk").current
    assert version.author == installed["admin"]
    assert installed["admin"].pk in version.editors


def test_applied_twice_it_waits_once(apply: Apply) -> None:
    apply(freer_rule(), person="admin")
    apply(freer_rule(), person="admin")
    assert Request.objects.filter(kind="proposal").count() == 1


def test_what_changed_meanwhile_is_not_put_in_force(apply: Apply, installed: dict[str, User]) -> None:
    apply(clerk(confidence_floor=0.1), person="admin")
    apply(clerk(instructions="Other."), person="admin")
    with pytest.raises(RequestChanged):
        decide(waiting(), installed["second-admin"])
    assert waiting().state == "open"


def test_rejected_it_is_gone(apply: Apply, installed: dict[str, User]) -> None:
    apply(clerk(confidence_floor=0.1), person="admin")
    decide(waiting(), installed["second-admin"], vote="reject")
    assert Agent.objects.get(name="refund-clerk").current.number == 1


def decide(request: Request, user: User, vote: str = "approve") -> None:
    decide_request(request_id=request.pk, user=user, vote=vote, digest=request.action_digest, stepped_up=True)
