"""Where a connection leads, as whom, with which operations: for agents that act alone a second admin countersigns it."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from approvals.errors import NotAllowedToDecide
from approvals.models import AuditEvent, Request
from integrations.models import Connection
from tests.integration.api.conftest import program
from tests.integration.integrations.package.conftest import SHOP_API, shop_package
from tests.integration.security.doors import countersign

pytestmark = pytest.mark.django_db
Apply = Callable[..., tuple[int, str]]
ELSEWHERE = "http://127.0.0.1:9999"
OTHER_KEY = {"header": "Authorization", "value": "env:OTHER_TOKEN"}
OTHER_API = {**SHOP_API, "info": {"title": "Shop", "version": "2"}}


@pytest.fixture(autouse=True)
def installed(people: dict[str, User], apply: Apply) -> dict[str, User]:
    code, text = apply(shop_package())
    assert code == 0, text
    return people


def connection(**fields: Any) -> dict[str, Any]:
    return {**shop_package(), "connections": [{**shop_package()["connections"][0], **fields}]}


def stored() -> tuple[str, str, str]:
    row = Connection.objects.get(name="shop")
    return row.base_url, row.auth_secret, row.document


def no_autonomy(apply: Apply) -> None:
    assert apply({**shop_package(), "policy": [{"tool": "shop.*", "level": 3, "approvers": "finance"}]})[0] in (0, 3)
    for request in Request.objects.filter(state="open", kind="proposal"):
        countersign(request, User.objects.get(username="second-admin"))


MOVES = [{"base_url": ELSEWHERE}, {"auth": OTHER_KEY}, {"document": OTHER_API}]


@pytest.mark.parametrize("moved", MOVES, ids=lambda moved: next(iter(moved)))
def test_a_file_waits_until_a_second_admin_signs(
    apply: Apply, installed: dict[str, User], moved: dict[str, Any]
) -> None:
    before = stored()
    code, text = apply(connection(**moved), person="admin")
    assert code == 3 and "agents that act alone" in text
    assert stored() == before
    request = Request.objects.get(kind="proposal", state="open")
    with pytest.raises(NotAllowedToDecide):
        countersign(request, installed["admin"])
    assert stored() == before
    countersign(request, installed["second-admin"])
    assert stored() != before
    assert installed["admin"].pk in Connection.objects.get(name="shop").editors.values()


def test_the_api_answers_that_it_waits(installed: dict[str, User]) -> None:
    moved = {**connection(base_url=ELSEWHERE)["connections"][0]}
    answer = program(installed["admin"]).put("connections/shop/", moved)
    assert answer.status == 202, answer.body
    assert stored()[0] != ELSEWHERE


def test_the_page_says_that_it_waits_and_keeps_no_secret_typed_for_it(installed: dict[str, User]) -> None:
    before, browser = stored(), Client()
    browser.force_login(installed["admin"])
    said = {"base_url": before[0], "timeout_s": "3", "auth_header": "X-Other", "secret": "typed-for-another-account"}
    assert browser.post("/connections/shop/edit/", said).status_code == 303
    page = browser.get("/connections/shop/").content.decode()
    assert "a second admin signs it" in page and "The secret was not kept" in page
    assert stored() == before


def test_a_sole_admin_does_it_at_once_and_it_is_audited(apply: Apply, installed: dict[str, User]) -> None:
    installed["second-admin"].groups.clear()
    code, text = apply(connection(base_url=ELSEWHERE), person="admin")
    assert code == 0, text
    assert stored()[0] == ELSEWHERE
    assert AuditEvent.objects.filter(verb="connection.changed", actor="admin").exists()


def test_the_start_applies_todays_addresses_by_itself(apply: Apply) -> None:
    code, text = apply(connection(base_url=ELSEWHERE))
    assert code == 0, text
    assert stored()[0] == ELSEWHERE


@pytest.mark.parametrize("moved", MOVES, ids=lambda moved: next(iter(moved)))
def test_where_nobody_acts_alone_it_is_done_at_once(apply: Apply, moved: dict[str, Any]) -> None:
    no_autonomy(apply)
    policy = [{"tool": "shop.*", "level": 3, "approvers": "finance"}]
    code, text = apply({**connection(**moved), "policy": policy}, person="admin")
    assert code == 0, text


def test_a_longer_wait_and_a_new_connection_are_done_at_once(apply: Apply) -> None:
    other = deepcopy({**shop_package()["connections"][0], "name": "wms", "tools": {}})
    slower = connection(timeout_s=4.0)
    code, text = apply({**slower, "connections": [*slower["connections"], other]}, person="admin")
    assert code == 0, text


def test_away_and_back_at_another_address_waits_too(apply: Apply, installed: dict[str, User]) -> None:
    Connection.objects.filter(name="shop").update(disabled=True, package="")
    assert apply(connection(base_url=ELSEWHERE), person="admin")[0] == 3
