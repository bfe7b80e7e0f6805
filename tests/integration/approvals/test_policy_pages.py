"""The policy over HTTP, without JavaScript: reading, drafting, saving, a second person, going back, trying."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from approvals.models import AuditEvent, PolicyVersion, Request
from approvals.policy_versions import active_policy
from tests import desk as company
from tests.desk import REFUND, Desk

pytestmark = pytest.mark.django_db

FIELDS = {
    "tool": REFUND,
    "level": "3",
    "approvers": "finance",
    "votes": "1",
    "deadline_h": "24",
    "cls": "normal",
    "when": "args.amount_minor > 40000",
    "constrain": "",
    "note": "",
}


@pytest.fixture
def desk() -> Desk:
    return company.open_desk()


@pytest.fixture
def as_person(desk: Desk) -> Callable[[str], Client]:
    def signed_in(name: str) -> Client:
        client = Client()
        client.force_login(desk[name])
        return client

    return signed_in


def first_rule() -> str:
    return active_policy().rules[0].id


def put(client: Client, rule: str = "", **changes: Any) -> Any:
    return client.post("/policy/rule/", {**FIELDS, "rule": rule, **changes})


def save(client: Client, note: str = "Smaller refunds wait too.") -> Any:
    return client.post("/policy/save/", {"note": note})


def stepped_up(client: Client) -> Client:
    """The session as it is just after the person typed the password."""
    client.post("/accounts/reauthenticate/", {"password": company.PASSWORD})
    return client


def test_rules_read_as_sentences(desk: Desk, as_person: Any) -> None:
    page = as_person("operator").get("/policy/").content.decode()
    assert "amount_minor is over 50000" in page
    assert "1 person of finance countersigns within 24 h" in page


@pytest.mark.parametrize("name", ["operator", "manager", "auditor", "stranger"])
def test_who_is_no_admin_reads_and_sees_why_not_more(desk: Desk, as_person: Any, name: str) -> None:
    client = as_person(name)
    page = client.get("/policy/?rule=1").content.decode()
    assert "Admins change the policy; you are signed in as" in page
    assert '<fieldset class="stack" disabled>' in page and "Keep in the draft" not in page
    number = active_policy().number
    for url in ("/policy/rule/", "/policy/rule/remove/", "/policy/save/", f"/policy/versions/{number}/return/"):
        refused = client.post(url, FIELDS | {"rule": first_rule()})
        assert refused.status_code == 403 and "Admins change the policy" in refused.content.decode()
    assert client.get("/policy/save/").status_code == 403
    assert active_policy().number == number


def test_a_stricter_rule_is_in_force_at_once(desk: Desk, as_person: Any) -> None:
    client, before = as_person("admin"), active_policy().number
    assert put(client, first_rule()).status_code == 303
    assert active_policy().number == before  # a draft is not in force
    assert "draft, 1 change" in client.get("/policy/").content.decode()
    review = client.get("/policy/save/").content.decode()
    assert "amount_minor is over 40000" in review and "every call is judged as strictly as before" in review
    assert save(client).status_code == 303
    version = PolicyVersion.objects.get(active=True)
    assert (version.number, version.author, version.note) == (before + 1, desk["admin"], "Smaller refunds wait too.")
    assert AuditEvent.objects.filter(verb="policy.activated", actor="admin").exists()
    assert "draft," not in client.get("/policy/").content.decode()


def test_saving_asks_why(desk: Desk, as_person: Any) -> None:
    client = as_person("admin")
    put(client, first_rule())
    refused = save(client, note="  ")
    assert refused.status_code in (400, 422) and "Write why the policy changes" in refused.content.decode()


def test_a_freer_rule_waits_for_a_second_admin(desk: Desk, as_person: Any) -> None:
    client, before = stepped_up(as_person("admin")), active_policy().number
    put(client, first_rule(), when="args.amount_minor > 90000")
    assert "No longer held to" in client.get("/policy/save/").content.decode()
    answer = save(client, note="Refunds up to 900 were always approved.")
    request = Request.objects.get(kind="proposal")
    assert answer.status_code == 303 and answer["Location"] == f"/inbox/{request.pk}/"
    assert active_policy().number == before
    signed = {"vote": "approve", "digest": request.action_digest, "typed": "approve"}
    assert client.post(f"/inbox/{request.pk}/decide/", signed).status_code == 403
    second = as_person("second-admin")
    # Whoever may sign is asked to sign in again; only who may not is refused.
    assert "/accounts/reauthenticate/" in second.post(f"/inbox/{request.pk}/decide/", signed)["Location"]
    assert active_policy().number == before
    stepped_up(second)
    card = second.get(f"/inbox/{request.pk}/").content.decode()
    assert "amount_minor is over 90000" in card and "Refunds up to 900 were always approved." in card
    second.post(f"/inbox/{request.pk}/decide/", signed)
    version = PolicyVersion.objects.get(active=True)
    assert (version.number, version.author) == (before + 1, desk["admin"])
    assert "Countersigned by second-admin" in version.note


def test_a_freer_policy_needs_a_fresh_sign_in(desk: Desk, as_person: Any) -> None:
    client = Client()
    client.force_login(desk["admin"])
    put(client, first_rule(), when="args.amount_minor > 90000")
    answer = save(client)
    assert answer.status_code == 303 and "reauthenticate" in answer["Location"]
    assert not Request.objects.filter(kind="proposal").exists()


def test_a_proposal_that_the_policy_outran_is_not_put_in_force(desk: Desk, as_person: Any) -> None:
    client = stepped_up(as_person("admin"))
    put(client, first_rule(), when="args.amount_minor > 90000")
    save(client)
    request = Request.objects.get(kind="proposal")
    put(client, first_rule(), when="args.amount_minor > 10000")
    save(client)
    number = active_policy().number
    second = stepped_up(as_person("second-admin"))
    signed = {"vote": "approve", "digest": request.action_digest, "typed": "approve"}
    answer = second.post(f"/inbox/{request.pk}/decide/", signed)
    assert answer.status_code == 409
    request.refresh_from_db()
    assert (active_policy().number, request.state) == (number, "open")


def test_a_draft_that_was_outrun_cannot_be_saved(desk: Desk, as_person: Any) -> None:
    slow, quick = as_person("admin"), as_person("second-admin")
    put(slow, first_rule(), when="args.amount_minor > 30000")
    put(quick, first_rule(), when="args.amount_minor > 20000")
    save(quick)
    assert "cannot be saved" in slow.get("/policy/").content.decode()
    assert save(slow).status_code == 409
    assert active_policy().rules[0].when == "args.amount_minor > 20000"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"when": "args.amount_minor >"}, "ends too early"),
        ({"when": "args.amount_minor > limit"}, "limit is not known here"),
        ({"when": "confidence > 0.9", "level": "1"}, "may only make a rule stricter"),
        ({"constrain": "amount_minor {max: 5}"}, "its name, a colon"),
        ({"constrain": "amount_minor: {max: 5.5}"}, "whole numbers"),
        ({"constrain": "currency: EUR"}, "a fixed value goes in a list"),
        ({"constrain": "currency: [EUR"}, "put texts in quotes"),
        ({"tool": "shop refund"}, "Name a tool"),
        ({"votes": "9"}, "less than or equal to 5"),
        ({"deadline_h": "0"}, "given in hours"),
        ({"approvers": "nobody"}, "Select a valid choice"),
    ],
)
def test_a_wrong_rule_comes_back_with_what_was_typed(
    desk: Desk, as_person: Any, change: dict[str, str], said: str
) -> None:
    client = as_person("admin")
    answer = put(client, first_rule(), **change)
    page = answer.content.decode()
    assert answer.status_code == 422 and said in page.replace("&quot;", '"')
    assert client.get("/policy/save/").status_code == 303  # nothing was kept


def test_an_error_stands_at_its_character(desk: Desk, as_person: Any) -> None:
    client = as_person("admin")
    page = client.post("/policy/condition/", {"when": "args.a > 1\n&& args.b > limit"}).content.decode()
    assert '&amp;&amp; args.b &gt; <span class="err">limit</span>' in page and "Line 2:" in page
    page = client.post("/policy/condition/", {"when": "args.a > 1"}).content.decode()
    assert "a is over 1" in page and "err" not in page


def test_what_is_typed_is_never_markup(desk: Desk, as_person: Any) -> None:
    client = as_person("admin")
    evil = "<img src=x onerror=alert(1)>"
    put(client, "", note=evil, when=f'args.a == "{evil}"')
    for url in ("/policy/?rule=3", "/policy/save/"):
        page = client.get(url).content.decode()
        assert "<img src=x" not in page and "&lt;img src=x" in page
    assert "<img src=x" not in client.post("/policy/condition/", {"when": evil}).content.decode()


def test_a_rule_can_be_added_and_taken_out(desk: Desk, as_person: Any) -> None:
    client, count = as_person("admin"), len(active_policy().rules)
    assert (
        put(client, "", tool="desk.*", level="deny", when="", approvers="")["Location"] == f"/policy/?rule={count + 1}"
    )
    save(client)
    assert len(active_policy().rules) == count + 1
    client.post("/policy/rule/remove/", {"rule": active_policy().rules[-1].id})
    assert "any of desk.*: it never runs" in client.get("/policy/save/").content.decode()
    client.post("/policy/discard/")
    assert client.get("/policy/save/").status_code == 303


def test_one_press_returns_to_an_earlier_version(desk: Desk, as_person: Any) -> None:
    client = stepped_up(as_person("admin"))
    start = active_policy()
    put(client, first_rule(), when="args.amount_minor > 40000 || args.amount_minor > 50000")
    save(client)
    page = client.get(f"/policy/versions/{start.number}/").content.decode()
    assert "What returning would change" in page and "Return to this version" in page
    answer = client.post(f"/policy/versions/{start.number}/return/")
    assert answer.status_code == 303  # that is freer: the second person decides
    assert Request.objects.filter(kind="proposal").count() == 1
    strict = active_policy().number
    put(client, "", tool="desk.*", level="deny", when="", approvers="")
    save(client)
    deny = active_policy().number
    client.post(f"/policy/versions/{strict}/return/")
    assert active_policy().number == deny
    assert client.post("/policy/versions/999/return/").status_code == 404
    listing = client.get("/policy/versions/").content.decode()
    assert all(f">v{number}</a>" in listing for number in (start.number, strict, deny))


def test_trying_a_call_says_why_each_rule_answers_as_it_does(desk: Desk, as_person: Any) -> None:
    client = as_person("auditor")
    call = {"tool": REFUND, "effect": "keyed", "mode": "live", "arguments": '{"amount_minor": 64000}', "tainted": "on"}
    page = client.post("/policy/try/", call).content.decode()
    assert "Rule 1 asks a person." in page and "1 vote, finance" in page and "does not hold" in page
    assert "<code>64000</code>" in page
    bad = client.post("/policy/try/", call | {"arguments": '{"a": 1, "a": 2}'})
    assert bad.status_code == 422 and "appears twice" in bad.content.decode()


def test_trying_compares_the_draft_with_what_is_in_force(desk: Desk, as_person: Any) -> None:
    client = as_person("admin")
    put(client, "", level="deny", when="", approvers="")
    call = {"tool": REFUND, "effect": "keyed", "mode": "live", "arguments": '{"amount_minor": 64000}'}
    page = client.post("/policy/try/", call).content.decode()
    assert "in force now:" in page and "Rule 3 denies this." in page
