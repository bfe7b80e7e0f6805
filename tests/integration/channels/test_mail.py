"""Mail over a real SMTP server: who gets one, what it says, what its link can do, and what happens when it cannot be sent."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from approvals.models import AuditEvent, Decision, Notice, Profile, Request
from approvals.notices import tell
from approvals.services import decide_request
from integrations.channels.routing import route_some
from integrations.deliveries import deliver_mail, deliver_some, discard_delivery, retry_delivery
from integrations.models import Connection, Delivery, DigestMark
from tests import desk
from tests.mailbox import DeafServer, Mailbox, mail_connection
from tests.slack import SlackServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def box(settings: Any) -> Iterator[Mailbox]:
    with Mailbox() as running:
        settings.OUTBOUND_ALLOW = [*settings.OUTBOUND_ALLOW, *running.allow]
        settings.MAIL_DELAY_S = 0
        yield running


@pytest.fixture
def post(box: Mailbox, office: desk.Desk) -> Connection:
    for user in office.people.values():
        user.email = f"{user.username}@example.com"
        user.save()
    return mail_connection(box.port)


def work() -> None:
    while deliver_some() or deliver_mail():
        pass


def _again() -> None:
    """Let the pause before the next attempt be over."""
    Delivery.objects.update(next_at=timezone.now() - timedelta(seconds=1))
    work()


def test_only_who_may_decide_gets_a_mail_and_it_says_what_is_signed(
    office: desk.Desk, box: Mailbox, post: Connection
) -> None:
    request = desk.refund_waits(office)
    work()
    assert sorted(box.recipients) == ["second-admin@example.com", "second-operator@example.com"]
    mail = box.mails[0]
    text = mail.get_content()
    assert "€640.00" in text
    assert "The agent's claim (not checked):" in text
    assert "written by an AI system" in text
    assert f"/inbox/{request.pk}/" in text
    assert mail.get_content_type() == "text/plain"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "countersign" in mail["List-Id"].lower()
    assert mail["From"] == "agents@example.com"


def test_a_mail_waits_a_moment_and_falls_silent_when_it_is_decided_meanwhile(
    office: desk.Desk, box: Mailbox, post: Connection, settings: Any
) -> None:
    settings.MAIL_DELAY_S = 15
    request = desk.refund_waits(office)
    work()
    assert box.mails == []
    decide_request(request_id=request.pk, user=office["second-admin"], vote="approve", digest=request.action_digest)
    _again()
    asked = Delivery.objects.filter(notice__kind="request.approval")
    assert set(asked.values_list("state", flat=True)) == {"silenced"}
    assert box.mails == []


@pytest.mark.parametrize(
    "text",
    [
        "a\r\nBcc: thief@evil.example",
        "a\nSubject: other",
        "a\r\n\r\n<h1>x</h1>",
        "{{ 7*7 }} %(x)s {0}",
        "\u202etxt.exe",
    ],
)
def test_foreign_text_stays_text(office: desk.Desk, box: Mailbox, post: Connection, text: str) -> None:
    desk.refund_waits(office, claim=text)
    tell(kind="halt", title=f"All agents halted: {text}")
    work()
    assert box.mails
    for mail in box.mails:
        assert mail["Bcc"] is None
        assert mail["To"].addresses[0].addr_spec.endswith("@example.com")
        assert not mail.is_multipart()
        assert "\n" not in str(mail["Subject"])
        assert "\u202e" not in mail.as_string()
    assert not [name for name in box.recipients if "evil" in name]
    assert "49" not in box.mails[0]["Subject"]


@pytest.mark.parametrize("address", ["a@b.c\r\nBcc: x@y.z", "a@b.c, d@e.f", "nobody", "a b@c.d", "<a@b.c>", ""])
def test_an_address_that_is_not_exactly_one_gets_nothing(
    office: desk.Desk, box: Mailbox, post: Connection, address: str
) -> None:
    office["second-operator"].email = address
    office["second-operator"].save()
    desk.refund_waits(office)
    work()
    asked = Delivery.objects.filter(notice__kind="request.approval", state="sent")
    assert list(asked.values_list("address", flat=True)) == ["second-admin@example.com"]
    assert set(box.recipients) <= {"second-admin@example.com", "admin@example.com"}


def test_a_person_turns_mail_off(office: desk.Desk, box: Mailbox, post: Connection) -> None:
    for name in ("second-operator", "second-admin"):
        Profile.objects.create(user=office[name], notify={"mail": []})
    desk.refund_waits(office)
    work()
    assert box.mails == []


def test_quiet_hours_hold_what_is_no_halt(office: desk.Desk, box: Mailbox, post: Connection) -> None:
    now = timezone.now()
    quiet = [f"{now - timedelta(hours=1):%H:%M}", f"{now + timedelta(hours=2):%H:%M}"]
    for name in ("second-operator", "second-admin"):
        Profile.objects.create(user=office[name], notify={"quiet": quiet, "mail": ["needs_me", "halt"]})
    desk.refund_waits(office)
    tell(kind="halt", title="All agents halted.")
    work()
    assert {mail["Subject"] for mail in box.mails} == {"All agents halted."}
    assert Delivery.objects.filter(state="waiting", next_at__gt=now + timedelta(minutes=90)).count() == 2


def _one_halt(office: desk.Desk) -> Delivery:
    Profile.objects.create(user=office["operator"], notify={"mail": ["halt"]})
    tell(kind="halt", title="All agents halted.", user=office["operator"])
    work()
    return Delivery.objects.get(notice__kind="halt")


@pytest.mark.parametrize("reply", ["451 try later", "421 busy"])
def test_a_temporary_no_is_tried_again_until_it_is_taken(
    office: desk.Desk, box: Mailbox, post: Connection, reply: str
) -> None:
    box.refuse_mail(reply)
    row = _one_halt(office)
    assert row.state == "failed"
    assert reply[:3] in row.error
    assert row.next_at > timezone.now()
    _again()
    assert Delivery.objects.get().state == "sent"
    assert len(box.mails) == 1


def test_a_cut_connection_is_tried_again(office: desk.Desk, box: Mailbox, post: Connection) -> None:
    box.cut()
    assert _one_halt(office).state == "failed"
    _again()
    assert len(box.mails) == 1


def test_a_recipient_that_does_not_exist_is_given_up_and_the_admins_are_told_once(
    office: desk.Desk, box: Mailbox, post: Connection
) -> None:
    box.refuse_recipient("550 no such person")
    row = _one_halt(office)
    assert row.state == "gave_up"
    told = Notice.objects.filter(kind="delivery.failed")
    assert sorted(told.values_list("user__username", flat=True)) == ["admin", "second-admin"]
    assert AuditEvent.objects.filter(verb="delivery.gave_up").count() == 1


def test_after_a_day_it_is_given_up(office: desk.Desk, box: Mailbox, post: Connection) -> None:
    box.refuse_mail("451 later")
    box.refuse_mail("451 later")
    _one_halt(office)
    Delivery.objects.update(created_at=timezone.now() - timedelta(days=1, minutes=1))
    Delivery.objects.update(next_at=timezone.now() - timedelta(seconds=1))
    deliver_mail()
    assert Delivery.objects.get(notice__kind="halt").state == "gave_up"


def test_a_server_that_never_answers_is_left_in_time(office: desk.Desk, settings: Any) -> None:
    deaf = DeafServer()
    settings.OUTBOUND_ALLOW = [f"127.0.0.1:{deaf.port}"]
    office["operator"].email = "operator@example.com"
    office["operator"].save()
    mail_connection(deaf.port)
    row = _one_halt(office)
    deaf.close()
    assert row.state == "failed"
    assert "timed out" in row.error


def test_an_address_inside_is_not_called_unless_it_is_allowed(
    office: desk.Desk, box: Mailbox, post: Connection, settings: Any
) -> None:
    settings.OUTBOUND_ALLOW = []
    row = _one_halt(office)
    assert row.state == "failed"
    assert "OUTBOUND_ALLOW" in row.error
    assert box.mails == []


def test_encryption_that_the_server_does_not_offer_is_not_done_without(
    office: desk.Desk, box: Mailbox, post: Connection
) -> None:
    Connection.objects.filter(pk=post.pk).update(options={**post.options, "security": "starttls"})
    row = _one_halt(office)
    assert row.state == "failed"
    assert "no encryption" in row.error
    assert box.mails == []


def test_people_try_again_and_discard_with_a_reason(office: desk.Desk, box: Mailbox, post: Connection) -> None:
    box.refuse_recipient("550 no such person")
    row = _one_halt(office)
    retry_delivery(delivery_id=row.pk, user=office["admin"])
    work()
    assert "operator@example.com" in box.recipients
    Delivery.objects.filter(pk=row.pk).update(state="failed")
    discard_delivery(delivery_id=row.pk, user=office["admin"], reason="He knows.")
    row.refresh_from_db()
    assert (row.state, row.close_reason, row.closed_by) == ("discarded", "He knows.", office["admin"])
    assert set(AuditEvent.objects.filter(subject_type="delivery").values_list("verb", flat=True)) == {
        "delivery.gave_up",
        "delivery.retried",
        "delivery.discarded",
    }


def test_a_digest_says_what_waits_and_is_never_empty(office: desk.Desk, box: Mailbox, post: Connection) -> None:
    Profile.objects.create(user=office["second-operator"], notify={"digest": "daily", "mail": []})
    deliver_some()
    assert DigestMark.objects.get().due_at is not None
    DigestMark.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    work()
    assert box.mails == []
    for order in ("1", "2"):
        desk.refund_waits(office, order=order)
    Delivery.objects.all().delete()
    DigestMark.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    Notice.objects.filter(kind="request.approval").update(routed_at=timezone.now())
    work()
    (mail,) = box.mails
    assert mail["Subject"] == "2 requests wait for you"
    assert "€1,280.00" in mail.get_content()
    mark = DigestMark.objects.get()
    assert mark.due_at is not None
    assert mark.due_at > timezone.now()


PREFETCH = {"Purpose": "prefetch", "Sec-Purpose": "prefetch;prerender", "X-Moz": "prefetch", "User-Agent": "SafeLinks"}


@pytest.mark.parametrize("headers", [{}, PREFETCH])
@pytest.mark.parametrize("end", ["", "decide/", "undo/", "take/", f"decide/?vote=approve&digest={'0' * 64}"])
@pytest.mark.parametrize("signed_in", [False, True])
def test_opening_a_link_decides_nothing(
    office: desk.Desk, client: Client, end: str, headers: dict[str, str], signed_in: bool
) -> None:
    request = desk.refund_waits(office)
    if signed_in:
        client.force_login(office["second-operator"])
    for method in (client.get, client.head):
        method(f"/inbox/{request.pk}/{end}", {"vote": "approve", "digest": request.action_digest}, headers=headers)
        method(f"/slack/interactions/office/?request={request.pk}", headers=headers)
    request.refresh_from_db()
    assert request.state == "open"
    assert not Decision.objects.exists()


def test_a_post_without_a_session_decides_nothing(office: desk.Desk, client: Client) -> None:
    request = desk.refund_waits(office)
    answer = client.post(f"/inbox/{request.pk}/decide/", {"vote": "approve", "digest": request.action_digest})
    assert answer.status_code == 302
    assert Request.objects.get(pk=request.pk).state == "open"


def test_what_nobody_routed_for_a_day_is_no_news(office: desk.Desk, post: Connection) -> None:
    tell(kind="halt", title="Long ago.")
    Notice.objects.update(created_at=timezone.now() - timedelta(days=2))
    assert not route_some()


def test_slack_failures_wait_as_long_as_slack_asks(
    office: desk.Desk, slack: SlackServer, workspace: Connection
) -> None:
    slack.fail(429, retry_after="120")
    desk.refund_waits(office)
    deliver_some()
    row = Delivery.objects.get()
    assert (row.state, row.error) == ("failed", "Slack asks us to slow down.")
    assert timedelta(seconds=100) < row.next_at - timezone.now() < timedelta(seconds=125)
    slack.refuse("invalid_auth")
    _again()
    assert "Enter the bot token again" in Delivery.objects.get().error
    slack.refuse("invalid_blocks")
    _again()
    assert Delivery.objects.get().state == "gave_up"
