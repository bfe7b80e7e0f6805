"""Everybody against everything: roles, scopes, and people of another team. Generated over all addresses."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.urls import URLPattern, URLResolver, get_resolver

from agents.models import Action, AgentVersion
from agents.providers.scripted import ScriptedProvider
from approvals.models import Request
from approvals.tokens import Scope
from integrations.models import Event, Source, Trigger
from integrations.package.rows import rows_of
from tests.driving import work
from tests.factories import person, refund_agent, refund_run, says, wants_refund
from tests.integration.api.conftest import program
from tests.shop import Shop

METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")


def patterns(resolver: Any = None, prefix: str = "") -> Iterator[tuple[str, str, Any]]:
    """Yield path, name and view of every call of the API."""
    for entry in (resolver or get_resolver("config.api_urls")).url_patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from patterns(entry, path)
        elif isinstance(entry, URLPattern):
            yield f"/{path}", entry.name or "", entry.callback.view_class  # type: ignore[attr-defined]


CALLS = list(patterns())


@pytest.fixture
def theirs(shop: Shop, model: ScriptedProvider) -> dict[str, str]:
    """One thing of each kind that belongs to the team support, by the name of its address."""
    person("insider", "operator")
    refund_agent()
    source = Source.objects.create(name="orders", signature="stripe")
    Trigger.objects.create(source=source, agent="refund-clerk", goal="Settle.")
    event = Event.objects.create(source=source, dedupe_key="1", body=b"{}", body_sha256="0" * 64)
    model.say(says("", wants_refund(64_000)))
    run = refund_run()
    work()
    return {
        "request": str(Request.objects.get().pk),
        "decide": str(Request.objects.get().pk),
        "run": str(run.pk),
        "cancel-run": str(run.pk),
        "action": str(Action.objects.get().pk),
        "version": str(AgentVersion.objects.get().pk),
        "event": str(event.pk),
        "tool": "shop.refund_order",
        "team": "support",
        "group": "none",
        "provider": "none",
        "connection": "shop",
        "agent": "refund-clerk",
        "source": "orders",
        "trigger": next(iter(rows_of("triggers"))),
        "rule": "none",
        # Halts belong to no team; everybody sees them.
        "halt_release": str(UUID(int=0)),
    }


def addressed(path: str, name: str, theirs: dict[str, str]) -> str:
    before, _, rest = path.partition("<")
    return before + theirs[name] + rest.partition(">")[2]


def test_every_call_on_one_thing_answers_404_to_another_team(theirs: dict[str, str], stranger: User) -> None:
    api = program(stranger)
    seen = 0
    for path, name, view in CALLS:
        if "<" not in path:
            continue
        for method in METHODS:
            if not hasattr(view, method.lower()):
                continue
            body = {"vote": "reject", "digest": "x"} if name == "decide" else {}
            answer = api.call(method, addressed(path, name, theirs), body if method != "GET" else None)
            assert answer.status == 404, f"{method} {path} answered {answer.status}: {answer.body}"
            seen += 1
    assert seen >= 20


def test_no_list_shows_a_thing_of_another_team(theirs: dict[str, str], stranger: User) -> None:
    api = program(stranger)
    for path, name, view in CALLS:
        if "<" in path or not hasattr(view, "get") or name in ("audit-export", "labels-export", "policy", "halts"):
            continue
        answer = api.get(path)
        assert answer.status == 200, path
        own = {"people": ["stranger"], "teams": ["elsewhere"], "groups": ["finance"]}.get(name, [])
        names = [row.get("username") or row.get("name") or row.get("id") for row in answer.body["results"]]
        assert names == own, path


@pytest.mark.parametrize("filter_", ["state=open", "mine=1", "agent=refund-clerk", "title=Refund"])
def test_no_filter_opens_the_wall(theirs: dict[str, str], stranger: User, filter_: str) -> None:
    assert program(stranger).get(f"requests/?{filter_}").body["results"] == []


@pytest.mark.django_db
def test_every_call_asks_for_its_scope_and_for_a_token(operator: User) -> None:
    for path, _name, view in CALLS:
        address = re.sub(r"<uuid:\w+>", str(UUID(int=0)), path.replace("<path:name>", "x").replace("<str:name>", "x"))
        for method in METHODS:
            if not hasattr(view, method.lower()):
                continue
            scope = view.scopes[method]
            others = [other for other in Scope if other != scope]
            answer = program(operator, others).call(method, address, {})
            assert (answer.status, answer.body["code"]) == (403, "SCOPE_MISSING"), f"{method} {path}"
            assert program(operator).call(method, address, {}, Authorization="").status == 401


ROLES = ("operator", "manager", "auditor", "admin")  # who may most comes last: what is deleted is gone


@pytest.mark.parametrize(
    ("method", "path", "body", "allowed"),
    [
        ("POST", "runs/", {"agent": "refund-clerk", "goal": "x"}, {"operator", "admin"}),
        ("POST", "events/", {"source": "orders", "payload": {}}, {"operator", "admin"}),
        ("POST", "halts/", {"scope": "agent:refund-clerk", "reason": "x"}, {"operator", "admin"}),
        ("POST", "providers/", {"name": "p", "kind": "openai"}, {"admin"}),
        ("PUT", "policy/", {"rules": [{"tool": "x.y", "level": 3}]}, {"admin"}),
        ("DELETE", "connections/shop/", None, {"admin"}),
        ("GET", "audit/", None, set(ROLES)),
        ("GET", "audit/export/", None, {"admin", "auditor"}),
        ("GET", "runs/", None, set(ROLES)),
        ("GET", "people/", None, set(ROLES)),
    ],
)
def test_each_role_may_what_it_may(
    theirs: dict[str, str], method: str, path: str, body: Any, allowed: set[str]
) -> None:
    for role in ROLES:
        answer = program(person(f"one-{role}", role)).call(method, path, body)
        expected = answer.status < 300
        assert expected == (role in allowed), f"{role}: {answer.status} {answer.body}"
        if role not in allowed:
            assert answer.status == 403
            assert answer.body["message"].endswith(".")
