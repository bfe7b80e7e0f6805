"""No list asks more the longer it is: every page and call of query_counts.py, with 3 rows of everything and with 30."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agents.models import Agent, Provider
from agents.services import publish_agent_version
from approvals.audit import SYSTEM, Actor
from approvals.database_clock import database_now
from approvals.halts import engage_halt
from approvals.models import ApproverGroup, GroupMember, Team
from approvals.notices import tell
from approvals.policy_versions import activate_policy
from approvals.tokens import create_token
from integrations.models import Connection
from tests import desk
from tests.architecture.query_counts import CALLS, PAGES
from tests.factories import RULES, person
from tests.hooks import SCHEMA, deliver, judge_all, refund, source, trigger
from tests.shop import DOCUMENT, OVERRIDES

FEW, MANY = 3, 30
ALL_IN_ONE_PAGE = "?limit=100"


@pytest.mark.django_db
def test_no_list_asks_more_the_longer_it_is() -> None:
    office = desk.open_desk()
    admin = office["admin"]
    browser = Client()
    browser.force_login(admin)
    for number in range(FEW):
        _one_more_of_everything(office, number)
    few = _measured(browser, admin)
    for number in range(FEW, MANY):
        _one_more_of_everything(office, number)
    assert _measured(browser, admin) == few
    assert few == {**PAGES, **CALLS}


def _token(admin: Any) -> str:
    now = database_now()
    return create_token(user=admin, scopes=["read", "configure"], actor=Actor.person(admin), now=now)[1]


def _measured(browser: Client, admin: Any) -> dict[str, int]:
    pages = {path: _asked(browser, path, path) for path in PAGES}
    # A fresh one: a token notes its use once a minute, and that write is not what is counted here.
    program = Client(headers={"Authorization": f"Bearer {_token(admin)}"})
    return pages | {path: _asked(program, path, path + ALL_IN_ONE_PAGE) for path in CALLS}


def _asked(client: Client, path: str, address: str) -> int:
    client.get(address)
    with CaptureQueriesContext(connection) as asked:
        response = client.get(address)
    assert response.status_code == 200, f"{path}: {response.status_code}"
    return len(asked)


def _one_more_of_everything(office: desk.Desk, number: int) -> None:
    team = Team.objects.create(name=f"team-{number}")
    someone = person(f"person-{number}", "operator", team=team.name)
    group = ApproverGroup.objects.create(name=f"group-{number}")
    GroupMember.objects.create(group=group, user=someone, limits={"EUR": 50_000})
    _token(office["admin"])
    agent = _agent(team, number)
    _connection(number)
    Provider.objects.create(name=f"provider-{number}", kind="openai", prices={"m": {"input": "1", "output": "2"}})
    activate_policy(rules=[*RULES, *_rules(number)], actor=SYSTEM)
    _work(desk.Desk(team, agent, office.people), number)
    tell(kind="run", title=f"Refunded {number}", subject=str(number), team=team)
    engage_halt(scope=f"agent:agent-{number}", reason="tried", user=office["admin"])


def _rules(number: int) -> list[Mapping[str, Any]]:
    return [{"tool": f"shop-{n}.send_mail", "level": 3, "approvers": f"group-{n}"} for n in range(number + 1)]


def _agent(team: Team, number: int) -> Agent:
    agent = Agent.objects.create(name=f"agent-{number}", team=team, purpose="Settles refunds.")
    document = {
        "instructions": "Settle it.",
        "model": f"provider-{number}/m",
        "tools": [f"shop-{number}.*", desk.REFUND],
        "mode": "live",
    }
    publish_agent_version(agent=agent, document=document, actor=SYSTEM)
    return agent


def _connection(number: int) -> None:
    Connection.objects.create(
        name=f"shop-{number}",
        kind="openapi",
        base_url="https://shop.example",
        document=json.dumps(DOCUMENT),
        tools=OVERRIDES,
    )


def _work(office: desk.Desk, number: int) -> None:
    trigger(source(f"source-{number}", schema=SCHEMA), agent=office.agent.name)
    deliver(Client(), refund(str(number)), source=f"source-{number}")
    deliver(Client(), b'{"type": "broken"}', source=f"source-{number}", event_id="evt_2")
    judge_all()
    desk.refund_waits(office, order=str(number))
    desk.question_waits(office)
