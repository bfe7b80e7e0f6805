"""Who said what a tool is, or where it acts, does not sign what it would do (I16)."""

from collections.abc import Mapping
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from agents.providers.scripted import ScriptedProvider
from approvals.errors import NotAllowedToDecide
from approvals.models import Request
from integrations.connections import Secret, put_connection, put_override
from integrations.models import Connection
from integrations.package.rows import connection_document
from integrations.tool_source import connection_tools
from tests.integration.security.doors import vote, waiting_refund
from tests.shop import OVERRIDES, Shop

REFUND = "shop.refund_order"


@pytest.fixture(autouse=True)
def of_this_test(second_admin: User) -> None:
    """Nobody is the only admin here."""


def said_of(tool: str, by: User, **said: Any) -> None:
    """Change what is said about one tool."""
    row = Connection.objects.get(name="shop")
    put_override(
        row=row, tool=tool, alias="", override={**OVERRIDES.get(tool, {}), **said}, user=by, now=timezone.now()
    )


def changed(by: User, secret: Secret | None = None, **said: Any) -> None:
    document: Mapping[str, Any] = connection_document(Connection.objects.get(name="shop"))
    put_connection(document={**document, **said}, source="", secret=secret, user=by, now=timezone.now())


def test_who_changed_the_tool_does_not_sign_what_it_proposes(shop: Shop, model: ScriptedProvider, admin: User) -> None:
    said_of("refund_order", admin, sentence="Pay {amount_minor}")
    request = waiting_refund(model)
    assert request.barred == [admin.pk]
    with pytest.raises(NotAllowedToDecide, match="Someone else signs"):
        vote(request, admin)


def test_who_changed_another_tool_may(shop: Shop, model: ScriptedProvider, admin: User, signer: User) -> None:
    said_of("get_order", admin, sentence="Look at it")
    request = waiting_refund(model)
    assert request.barred == []
    assert vote(request, signer).settled


def test_who_entered_the_secret_or_the_address_does_not_sign(
    shop: Shop, model: ScriptedProvider, admin: User, second_admin: User
) -> None:
    changed(admin, Secret("X-Key", "typed-secret-of-the-shop"))
    changed(second_admin, base_url=shop.url.replace("127.0.0.1", "localhost"))
    assert set(connection_tools()[REFUND].editors) == {admin.pk, second_admin.pk}


def test_what_a_colleague_changes_later_takes_nobodys_name_away(
    shop: Shop, model: ScriptedProvider, admin: User, second_admin: User
) -> None:
    said_of("refund_order", admin, sentence="Pay {amount_minor}")
    changed(second_admin, timeout_s=4.0)
    said_of("refund_order", second_admin, sentence="Pay {amount_minor}", timeout_s=2.0)
    assert set(waiting_refund(model).barred) == {admin.pk, second_admin.pk}


def test_who_takes_a_guard_out_of_a_tool_is_its_editor(
    shop: Shop, model: ScriptedProvider, admin: User, second_admin: User
) -> None:
    rule = {"that": "args.amount_minor < 100000", "say": "Too much."}
    said_of("refund_order", second_admin, require=[rule])
    Connection.objects.update(editors={})
    connection = Connection.objects.get(name="shop")
    tools = {**connection.tools, "refund_order": {**connection.tools["refund_order"], "require": [rule]}}
    Connection.objects.update(tools=tools)
    document = connection_document(Connection.objects.get(name="shop"))
    from integrations.editors import note_editors

    row = Connection.objects.get(name="shop")
    without = {name: value for name, value in document["tools"]["refund_order"].items() if name != "require"}
    note_editors(row, document, {**document, "tools": {**document["tools"], "refund_order": without}}, admin.pk)
    assert row.editors == {"tools.refund_order.require": admin.pk}


def test_the_command_line_bars_nobody(shop: Shop, model: ScriptedProvider) -> None:
    assert waiting_refund(model).barred == []
    assert Request.objects.count() == 1
