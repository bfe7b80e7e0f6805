"""A press in Slack is a vote: only signed, from a linked person, on exactly what was shown, under every rule of the inbox."""

import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone

from approvals.halts import engage_halt
from approvals.models import AuditEvent, Decision, Notice, Request
from approvals.services import decide_request
from integrations.channels.links import new_code
from integrations.deliveries import deliver_some
from integrations.models import ChannelLink, Connection, Delivery
from tests import desk
from tests.integration.channels.conftest import SECOND
from tests.slack import (
    SlackServer,
    button,
    command,
    form,
    link,
    post,
    pressed,
    send,
    slack_connection,
    text_of,
)

pytestmark = pytest.mark.django_db


def work() -> None:
    while deliver_some():
        pass


def _card(slack: SlackServer) -> dict[str, Any]:
    work()
    return slack.posted[-1]


def _decided() -> int:
    return Decision.objects.count()


def test_a_linked_person_approves_and_the_message_is_locked(
    office: desk.Desk, slack: SlackServer, workspace: Connection, client: Client
) -> None:
    request = desk.refund_waits(office)
    card = _card(slack)
    assert card["channel"] == SECOND
    assert "€640.00" in text_of(card)
    assert "agent's claim (not checked)" in text_of(card)
    assert send(client, "office", pressed(card, "approve", person=SECOND)).status_code == 200
    work()
    vote = Decision.objects.get(request=request)
    assert (vote.user, vote.via, vote.vote) == (office["second-operator"], "slack", "approve")
    (locked,) = slack.updated
    assert "Approved by second-operator" in text_of(locked)
    assert button(locked, "approve") is None
    assert button(locked, "reject") is None
    assert not Delivery.objects.get(request_id=request.pk).live
    assert Notice.objects.filter(kind="request.voted", user=office["second-operator"]).exists()


def test_a_press_that_slack_sends_twice_counts_once(
    office: desk.Desk, slack: SlackServer, workspace: Connection, client: Client
) -> None:
    desk.refund_waits(office)
    card = _card(slack)
    for _ in range(3):
        assert send(client, "office", pressed(card, "approve", person=SECOND)).status_code == 200
    assert _decided() == 1
    assert slack.whispered == []


def test_reject_asks_why_and_the_words_go_back(
    office: desk.Desk, slack: SlackServer, workspace: Connection, client: Client
) -> None:
    request = desk.refund_waits(office)
    card = _card(slack)
    send(client, "office", pressed(card, "reject", person=SECOND))
    assert _decided() == 0
    view = slack.opened[0]["view"]
    answer = send(client, "office", form(view, person=SECOND, code="no_proof", words="There are no photos."))
    assert answer.content == b""
    request.refresh_from_db()
    assert request.state == "rejected"
    assert request.answer == "no proof. There are no photos."
    work()
    assert "Rejected by second-operator" in text_of(slack.updated[-1])


def test_the_same_form_on_what_was_settled_meanwhile_says_so_beside_the_field(
    office: desk.Desk, slack: SlackServer, workspace: Connection, client: Client
) -> None:
    request = desk.refund_waits(office)
    send(client, "office", pressed(_card(slack), "reject", person=SECOND))
    _browser_votes(office, request, "approve")
    answer = send(client, "office", form(slack.opened[0]["view"], person=SECOND))
    assert "second-admin approved this" in answer.json()["errors"]["reason"]
    assert _decided() == 1


def _browser_votes(office: desk.Desk, request: Request, vote: str) -> None:
    decide_request(request_id=request.pk, user=office["second-admin"], vote=vote, digest=request.action_digest)


@pytest.mark.parametrize("vote", ["approve", "reject"])
def test_decided_in_the_browser_rewrites_the_message(
    office: desk.Desk, slack: SlackServer, workspace: Connection, client: Client, vote: str
) -> None:
    request = desk.refund_waits(office)
    card = _card(slack)
    _browser_votes(office, request, vote)
    work()
    assert "by second-admin" in text_of(slack.updated[-1])
    assert button(slack.updated[-1], "approve") is None
    send(client, "office", pressed(card, "approve", person=SECOND))
    assert _decided() == 1
    assert "second-admin" in slack.whispered[-1]


def test_what_is_decided_before_it_is_sent_is_never_sent(
    office: desk.Desk, slack: SlackServer, workspace: Connection
) -> None:
    request = desk.refund_waits(office)
    from integrations.channels.routing import route_some

    route_some()
    _browser_votes(office, request, "approve")
    work()
    assert [said for said in slack.posted if button(said, "approve")] == []
    assert Delivery.objects.get(request_id=request.pk, notice__kind="request.approval").state == "silenced"


def _wrong_signature(client: Client, body: bytes) -> Any:
    return post(client, "/slack/interactions/office/", body, secret="another-secret-of-the-same-length")


def _too_old(client: Client, body: bytes) -> Any:
    return post(client, "/slack/interactions/office/", body, now=timezone.now() - timedelta(minutes=6))


def _unsigned(client: Client, body: bytes) -> Any:
    return client.post("/slack/interactions/office/", body, content_type="application/x-www-form-urlencoded")


def _changed_after_signing(client: Client, body: bytes) -> Any:
    from integrations.webhooks import signatures
    from tests.slack import SIGNING_SECRET

    signed = signatures.sign("slack", body, SIGNING_SECRET, event_id="", now=timezone.now(), url="").headers
    kind = "application/x-www-form-urlencoded"
    return client.post("/slack/interactions/office/", body + b"&x=1", content_type=kind, headers=dict(signed))


def _compressed(client: Client, body: bytes) -> Any:
    return post(client, "/slack/interactions/office/", body, headers={"Content-Encoding": "gzip"})


def _too_long(client: Client, body: bytes) -> Any:
    return post(client, "/slack/interactions/office/", body + b"&pad=" + b"x" * 300_000)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (_wrong_signature, 401),
        (_too_old, 401),
        (_unsigned, 401),
        (_changed_after_signing, 401),
        (_compressed, 415),
        (_too_long, 413),
    ],
)
def test_what_slack_did_not_sign_decides_nothing(
    office: desk.Desk, slack: SlackServer, workspace: Connection, client: Client, sent: Any, status: int
) -> None:
    desk.refund_waits(office)
    body = urlencode({"payload": json.dumps(pressed(_card(slack), "approve", person=SECOND))}).encode()
    assert sent(client, body).status_code == status
    assert _decided() == 0


def test_the_same_bytes_signed_right_do_decide(
    office: desk.Desk, slack: SlackServer, workspace: Connection, client: Client
) -> None:
    """The control of the test above."""
    desk.refund_waits(office)
    body = urlencode({"payload": json.dumps(pressed(_card(slack), "approve", person=SECOND))}).encode()
    assert post(client, "/slack/interactions/office/", body).status_code == 200
    assert _decided() == 1


def test_who_is_not_linked_or_elsewhere_decides_nothing(
    office: desk.Desk, slack: SlackServer, workspace: Connection, client: Client
) -> None:
    desk.refund_waits(office)
    card = _card(slack)
    send(client, "office", pressed(card, "approve", person="U07NOBODY"))
    send(client, "office", pressed(card, "approve", person=SECOND, workspace="T99FOREIGN"))
    assert _decided() == 0
    assert "not linked" in slack.whispered[0]
    assert "workspace" in slack.whispered[1]


def test_the_same_id_in_another_workspace_is_somebody_else(
    office: desk.Desk, slack: SlackServer, workspace: Connection, client: Client
) -> None:
    """Also where the connection names no workspace."""
    Connection.objects.filter(pk=workspace.pk).update(options={"channel": "", "channels": {}, "workspace": ""})
    desk.refund_waits(office)
    send(client, "office", pressed(_card(slack), "approve", person=SECOND, workspace="T99FOREIGN"))
    assert _decided() == 0


def test_another_digest_decides_nothing(
    office: desk.Desk, slack: SlackServer, workspace: Connection, client: Client
) -> None:
    request = desk.refund_waits(office)
    payload = pressed(_card(slack), "approve", person=SECOND)
    payload["actions"][0]["value"] = f"{request.pk}.{'0' * 64}"
    send(client, "office", payload)
    for odd in ("", "x", f"{request.pk}", f"{request.pk}.{request.action_digest.upper()}"):
        payload["actions"][0]["value"] = odd
        send(client, "office", payload)
    assert _decided() == 0


def test_what_may_not_be_signed_by_this_person_is_refused_with_the_sentence(
    office: desk.Desk, slack: SlackServer, workspace: Connection, client: Client
) -> None:
    request = desk.refund_waits(office)
    card = _card(slack)
    for name, account, sentence in (
        ("operator", "U07OPERATOR", "your limit"),
        ("manager", "U07MANAGER", "Operators and admins decide"),
        ("stranger", "U07STRANGER", "There is no such request"),
    ):
        link(workspace, office[name], account)
        send(client, "office", pressed(card, "approve", person=account))
        assert sentence in slack.whispered[-1]
    Request.objects.filter(pk=request.pk).update(barred=[office["second-operator"].pk])
    send(client, "office", pressed(card, "approve", person=SECOND))
    assert _decided() == 0


def test_a_switched_off_person_decides_nothing(
    office: desk.Desk, slack: SlackServer, workspace: Connection, client: Client
) -> None:
    desk.refund_waits(office)
    card = _card(slack)
    office["second-operator"].is_active = False
    office["second-operator"].save()
    send(client, "office", pressed(card, "approve", person=SECOND))
    assert _decided() == 0


def test_high_class_is_only_opened_in_the_browser(
    office: desk.Desk, slack: SlackServer, workspace: Connection, client: Client
) -> None:
    request = desk.refund_waits(office, amount_minor=600_000)
    assert request.cls == "high"
    card = _card(slack)
    assert button(card, "approve") is None
    assert button(card, "reject") is None
    assert button(card, "open")["url"].endswith(f"/inbox/{request.pk}/")  # type: ignore[index]
    forged = pressed(card, "approve", person=SECOND)
    forged["actions"][0]["value"] = f"{request.pk}.{request.action_digest}"
    send(client, "office", forged)
    assert _decided() == 0
    assert "browser" in slack.whispered[-1]


def test_a_halted_action_is_not_approved_from_a_message(
    office: desk.Desk, slack: SlackServer, workspace: Connection, client: Client
) -> None:
    desk.refund_waits(office)
    card = _card(slack)
    engage_halt(scope="global", reason="Something is wrong.", user=office["admin"])
    send(client, "office", pressed(card, "approve", person=SECOND))
    assert _decided() == 0
    assert "halted" in slack.whispered[-1]


def test_what_does_not_fit_is_read_in_the_browser(
    office: desk.Desk, slack: SlackServer, workspace: Connection, client: Client
) -> None:
    request = desk.refund_waits(office, reason="x" * 5000)
    card = _card(slack)
    assert button(card, "approve") is None
    forged = pressed(card, "approve", person=SECOND)
    forged["actions"][0]["value"] = f"{request.pk}.{request.action_digest}"
    send(client, "office", forged)
    assert _decided() == 0


def test_the_first_of_two_votes_stays_hidden(
    office: desk.Desk, slack: SlackServer, workspace: Connection, client: Client
) -> None:
    request = desk.refund_waits(office)
    Request.objects.filter(pk=request.pk).update(votes_needed=2)
    card = _card(slack)
    send(client, "office", pressed(card, "approve", person=SECOND))
    work()
    assert _decided() == 1
    assert slack.updated == []
    assert "1 more" in slack.whispered[-1]


HOSTILE = (
    "<!channel> <@U1> <https://evil.example|click> *bold* @here \u202egnp.exe https://evil.example javascript:alert(1)"
)


def test_foreign_text_can_do_nothing_in_slack(office: desk.Desk, slack: SlackServer, workspace: Connection) -> None:
    desk.refund_waits(office, claim=HOSTILE, order=HOSTILE[:40])
    card = _card(slack)
    said = json.dumps(card)
    assert "mrkdwn" not in {block["text"]["type"] for block in card["blocks"] if "text" in block}
    for bad in ("<!", "<@", "<http", "https://evil", "javascript:", "@here", "\\u202e"):
        assert bad not in said, bad
    assert "U+202E" in said
    assert (card["unfurl_links"], card["link_names"], card["parse"]) == (False, False, "none")


def test_url_verification_is_answered_after_its_signature(
    slack: SlackServer, workspace: Connection, client: Client
) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "3eZbrw1aB"}).encode()
    path, kind = "/slack/interactions/office/", "application/json"
    assert post(client, path, body, content_type=kind).json() == {"challenge": "3eZbrw1aB"}
    assert client.post(path, body, content_type=kind).status_code == 401
    assert post(client, "/slack/interactions/nobody/", body, content_type=kind).status_code == 404


def test_a_code_from_the_profile_links_the_account_that_sends_it(
    office: desk.Desk, slack: SlackServer, workspace: Connection, client: Client
) -> None:
    code = new_code(connection=workspace, user=office["operator"], now=timezone.now())
    wrong = command(client, "office", "link AAAAAAAAAA", person="U07OPERATOR")
    assert "not known" in wrong.json()["text"]
    assert (
        "Linked to operator" in command(client, "office", f"link {code.lower()}", person="U07OPERATOR").json()["text"]
    )
    assert ChannelLink.objects.get(user=office["operator"]).address.endswith("/U07OPERATOR")
    assert "not known" in command(client, "office", f"link {code}", person="U07OTHER").json()["text"]
    assert AuditEvent.objects.filter(verb="channel.linked", subject="operator").count() == 1


def test_a_code_ends_after_ten_minutes_and_takes_nobodys_account(
    office: desk.Desk, slack: SlackServer, workspace: Connection, client: Client
) -> None:
    old = new_code(connection=workspace, user=office["operator"], now=timezone.now() - timedelta(minutes=11))
    assert "not known" in command(client, "office", f"link {old}", person="U07OPERATOR").json()["text"]
    code = new_code(connection=workspace, user=office["operator"], now=timezone.now())
    assert "another person" in command(client, "office", f"link {code}", person=SECOND).json()["text"]
    assert ChannelLink.objects.get(address__endswith=SECOND).user == office["second-operator"]


def test_a_connection_without_signing_secret_takes_nothing(office: desk.Desk, client: Client) -> None:
    connection = slack_connection(None, name="bare")
    Connection.objects.filter(pk=connection.pk).update(signing_secret="")
    assert command(client, "bare", "link ABCDEFGHJK", person=SECOND).status_code == 503
