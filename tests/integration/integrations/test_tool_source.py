"""Connections in the database are tools in every process, as soon as and as long as they say so."""

import json
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from agents.tools.registry import get_tool, tools_matching
from approvals.policy.action import Effect
from integrations.models import Connection
from integrations.openapi.call import host_of

pytestmark = pytest.mark.django_db


def _document(*names: str) -> str:
    paths = {f"/{name}": {"post": {"operationId": name, "responses": {"200": {"description": "ok"}}}} for name in names}
    return json.dumps({"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": paths})


def _connection(name: str = "crm", **more: Any) -> Connection:
    facts = {"kind": "openapi", "base_url": "https://crm.example", "document": _document("write"), **more}
    return Connection.objects.create(name=name, auth_secret_host=host_of(facts["base_url"]), **facts)


def test_tools_appear_with_the_row_and_go_with_it() -> None:
    row = _connection()
    assert list(tools_matching(["crm.*"])) == ["crm.write"]
    row.delete()
    assert tools_matching(["crm.*"]) == {}


def test_tools_follow_every_kind_of_change_at_once() -> None:
    row = _connection()
    before = get_tool("crm.write")
    assert before is not None and before.effect is Effect.BLIND
    Connection.objects.filter(pk=row.pk).update(tools={"write": {"effect": "convergent"}})
    after = get_tool("crm.write")
    assert after is not None and after.effect is Effect.CONVERGENT and after.version != before.version
    Connection.objects.filter(pk=row.pk).update(document=_document("write", "more"))
    assert list(tools_matching(["crm.*"])) == ["crm.more", "crm.write"]
    Connection.objects.filter(pk=row.pk).update(disabled=True)
    assert get_tool("crm.write") is None


def test_unchanged_connections_cost_one_query_and_give_the_same_tools(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    _connection()
    _connection("erp")
    first = get_tool("crm.write")
    with django_assert_num_queries(1):
        assert get_tool("crm.write") is first


def test_one_broken_connection_stops_no_other() -> None:
    _connection()
    _connection("broken", document="{")
    _connection("wrong", tools={"no_such": {}})
    assert get_tool("crm.write") is not None
    assert tools_matching(["broken.*", "wrong.*"]) == {}
