"""The configuration through the API: the same documents and checks as the files."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from agents.models import Agent, Provider
from approvals.models import PolicyVersion, Request
from integrations.models import Connection
from tests.integration.api.conftest import program
from tests.integration.integrations.package.conftest import shop_package
from tests.integration.security.doors import countersign

pytestmark = pytest.mark.django_db
KINDS = ("teams", "groups", "providers", "connections", "agents", "sources", "triggers", "policy")


def install(admin: User) -> None:
    """Put the example piece by piece, in the order in which one needs the other."""
    api, package = program(admin), shop_package()
    things: list[tuple[str, Any]] = [
        *(("teams", {"name": name}) for name in package["teams"]),
        ("groups", {"name": "finance", "people": ["admin"], "limits": {"admin": {"EUR": 50000}}}),
        *(("providers", document) for document in package["providers"]),
        *(("connections", document) for document in package["connections"]),
        *(("agents", document) for document in package["agents"]),
        *(("sources", document) for document in package["sources"]),
        *(("triggers", document) for document in package["triggers"]),
    ]
    for kind, document in things:
        answer = api.post(f"{kind}/", document)
        assert answer.status in (200, 201), answer.body


def test_every_kind_is_written_and_read_back(admin: User) -> None:
    install(admin)
    api = program(admin)
    (agent,) = api.get("agents/?name=refund-clerk&mode=live").body["results"]
    assert agent == {
        **shop_package()["agents"][0],
        "purpose": "",
        "intended_use": "",
        "fallback": [],
        "package": "",
        "disabled": False,
    }
    assert api.get("connections/shop/").body["document"]["info"]["title"] == "Shop"
    assert api.get("connections/").body["results"][0]["document"] is None
    assert api.get("triggers/?source=shop-orders").body["results"][0]["goal"] == "Settle this refund request."
    assert api.get("groups/finance/").body["limits"] == {"admin": {"EUR": 50000}}
    assert [tool["name"] for tool in api.get("tools/?effect=keyed").body["results"]] == ["shop.refund_order"]
    assert api.get("tools/shop.get_order/").body["schema"]["properties"]["order_id"] == {"type": "string"}
    (version,) = api.get("versions/?agent=refund-clerk").body["results"]
    assert (version["number"], version["author"], version["current"]) == (1, "admin", True)


def test_the_same_document_again_changes_nothing(admin: User) -> None:
    install(admin)
    answer = program(admin).put("agents/refund-clerk/", shop_package()["agents"][0])
    assert (answer.status, answer.body["result"], answer.body["changes"]) == (200, "nothing to change", [])


def test_a_change_is_told_field_by_field(admin: User) -> None:
    install(admin)
    answer = program(admin).post("providers/", {**shop_package()["providers"][0], "base_url": "http://127.0.0.1:5000"})
    assert answer.status == 200
    assert answer.body["changes"][0]["lines"] == ['base_url: "http://127.0.0.1:4010/v1" → "http://127.0.0.1:5000"']
    assert Provider.objects.get().base_url == "http://127.0.0.1:5000"


def test_wider_autonomy_waits_for_a_second_person(admin: User, second_admin: User) -> None:
    install(admin)
    wider = {**shop_package()["agents"][0], "confidence_floor": 0.1}
    answer = program(admin).put("agents/refund-clerk/", wider)
    assert (answer.status, answer.body["result"]) == (202, "waits for a second person")
    assert answer.body["wider"]
    request = Request.objects.get(pk=answer.body["request"])
    decision = {"vote": "approve", "digest": request.action_digest}
    assert program(admin).post(f"requests/{request.pk}/decide/", decision).status == 403
    assert Agent.objects.get().current.number == 1
    assert program(second_admin).post(f"requests/{request.pk}/decide/", decision).status == 403
    assert Agent.objects.get().current.number == 1
    countersign(request, second_admin)
    assert Agent.objects.get().current.document["confidence_floor"] == 0.1


def test_rules_are_added_changed_and_taken_away(admin: User) -> None:
    install(admin)
    api = program(admin)
    rule = {"tool": "shop.refund_order", "level": 3, "approvers": "finance", "id": "big-refunds"}
    assert api.post("policy/", rule).status == 201
    assert api.post("policy/", {**rule, "votes": 2}).status == 200
    (found,) = api.get("policy/").body["results"]
    assert (found["votes"], found["level"]) == (2, 3)
    assert found["sentence"] == "shop.refund_order: 2 people of finance countersign within 24 h."
    assert api.get("policy/big-refunds/").body["id"] == "big-refunds"
    # the default for a write is 3 anyway, but two votes are more than one, so a second person is asked
    assert api.delete("policy/big-refunds/").status == 202


def test_all_rules_made_by_hand_are_put_at_once(admin: User) -> None:
    install(admin)
    api = program(admin)
    rules = [{"tool": "shop.*", "level": 3}, {"tool": "*.delete_*", "level": "deny"}]
    assert api.put("policy/", {"rules": rules}).status == 201
    assert api.put("policy/", {"rules": rules}).body["result"] == "nothing to change"
    assert len(PolicyVersion.objects.get(active=True).rules) == 2
    assert api.put("policy/", {"rules": [{"tool": "shop.*", "level": 9}]}).body["code"] == "BAD_RULE"


def test_what_a_package_put_keeps_its_owner(admin: User) -> None:
    install(admin)
    Agent.objects.update(package="shop")
    narrower = {**shop_package()["agents"][0], "mode": "suggest"}
    assert program(admin).put("agents/refund-clerk/", narrower).status == 200
    assert Agent.objects.get().package == "shop"


def test_a_thing_is_retired(admin: User) -> None:
    install(admin)
    api = program(admin)
    refused = api.delete("agents/refund-clerk/")
    assert (refused.status, refused.body["code"]) == (422, "BAD_CONFIGURATION")
    trigger = api.get("triggers/").body["results"][0]["id"]
    assert api.delete(f"triggers/{trigger}/").status == 200
    assert api.delete("agents/refund-clerk/").status == 200
    assert api.get("agents/refund-clerk/").status == 404
    assert Agent.objects.get().disabled


@pytest.mark.parametrize(
    ("kind", "body", "status", "words"),
    [
        ("agents", {"name": "x"}, 400, "team"),
        ("agents", {**shop_package()["agents"][0], "editors": [1]}, 400, "editors"),
        ("agents", {**shop_package()["agents"][0], "team": "nowhere"}, 422, "There is no team nowhere"),
        ("agents", [], 400, "mapping"),
        ("connections", {**shop_package()["connections"][0], "document": "/etc/passwd"}, 422, "cannot be named here"),
        ("connections", {**shop_package()["connections"][0], "document": "http://10.0.0.1/x"}, 422, "10.0.0.1"),
        ("connections", {**shop_package()["connections"][0], "auth": {"header": "A", "value": "plain"}}, 400, "env:NAME"),
        ("sources", {"name": "s", "signature": "stripe", "secret": "plain"}, 400, "env:NAME"),
        ("policy", {"tool": "x", "level": 1, "when": "args.x >"}, 400, "when"),
        ("policy", {"tool": "x", "level": 3, "package": "shop"}, 400, "package"),
        ("triggers", {"source": "a", "agent": "b", "goal": "c"}, 422, "There is no source a"),
        ("groups", {"name": "g", "people": ["ghost"]}, 422, "nobody named ghost"),
    ],
)  # fmt: skip
def test_what_would_not_work_is_refused(admin: User, kind: str, body: Any, status: int, words: str) -> None:
    install(admin)
    answer = program(admin).post(f"{kind}/", body)
    assert answer.status == status, answer.body
    assert words in answer.body["message"]
    assert Connection.objects.count() == 1


def test_a_document_under_another_name_is_refused(admin: User) -> None:
    install(admin)
    answer = program(admin).put("providers/other/", shop_package()["providers"][0])
    assert (answer.status, answer.body["code"]) == (400, "OTHER_NAME")


def test_operators_read_and_do_not_write(admin: User, operator: User) -> None:
    install(admin)
    api = program(operator)
    for kind in KINDS:
        assert api.get(f"{kind}/").status == 200
        assert api.post(f"{kind}/", {}).status == 403
    assert api.put("policy/", {"rules": []}).status == 403
    refused = api.put("agents/refund-clerk/", shop_package()["agents"][0])
    assert (refused.status, refused.body["message"]) == (
        403,
        "Admins configure agents, tools and policy; you are not one.",
    )


def test_no_secret_is_ever_shown(admin: User) -> None:
    from config.secrets import seal

    install(admin)
    sealed = seal("canary-secret")
    Connection.objects.update(auth_secret=sealed)
    text = str([program(admin).get(path).body for path in ("connections/", "connections/shop/", "audit/")])
    assert "canary" not in text
    assert sealed not in text


def test_hours_and_escalation_are_written_read_back_and_countersigned(admin: User, second_admin: User) -> None:
    install(admin)
    api = program(admin)
    hours = {"zone": "Europe/Berlin", "days": [0, 4], "from": "09:00", "to": "17:00", "holidays": []}
    assert api.put("teams/support/", {"name": "support", "hours": hours}).status == 200
    assert api.put("teams/support/", {"name": "support"}).body["result"] == "nothing to change"
    found = api.get("teams/support/").body
    assert (found["hours"], found["escalates_to"], found["package"]) == (hours, "", "")
    wider = api.put("teams/support/", {"name": "support", "escalates_to": "finance"})
    assert (wider.status, api.get("teams/support/").body["escalates_to"]) == (202, "")
    countersign(Request.objects.get(pk=wider.body["request"]), second_admin)
    assert api.get("teams/support/").body["escalates_to"] == "finance"
    bad = api.put("teams/support/", {"name": "support", "hours": {**hours, "days": []}})
    assert (bad.status, list(bad.body["extra"]["fields"])) == (400, ["hours"])
    unknown = api.put("groups/finance/", {"name": "finance", "people": ["admin"], "escalates_to": "board"})
    assert (unknown.status, "There is no group board" in unknown.body["message"]) == (422, True)
