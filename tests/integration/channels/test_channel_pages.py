"""The pages of channels: who sees and changes what, and that no secret is ever on one."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from approvals.models import AuditEvent, Profile
from config.secrets import reveal
from integrations.deliveries import deliver_some
from integrations.models import ChannelLink, Connection, Delivery
from tests import desk
from tests.slack import SIGNING_SECRET, TOKEN, SlackServer, command, link

pytestmark = pytest.mark.django_db


@pytest.fixture
def enter(client: Client) -> Callable[[User], Client]:
    def entered(user: User) -> Client:
        client.force_login(user)
        return client

    return entered


def _failed(office: desk.Desk, slack: SlackServer) -> Delivery:
    slack.refuse("channel_not_found")
    desk.refund_waits(office)
    deliver_some()
    return Delivery.objects.get()


def test_an_admin_adds_slack_and_its_secrets_are_never_shown(office: desk.Desk, slack: SlackServer, enter: Any) -> None:
    admin = enter(office["admin"])
    given = {
        "name": "team-chat",
        "bot_token": TOKEN,
        "signing_secret": SIGNING_SECRET,
        "workspace": "T07COMPANY",
        "channel": "",
        "base_url": slack.url,
    }
    assert admin.post("/connections/new/slack/", given).status_code == 303
    row = Connection.objects.get(name="team-chat")
    assert (reveal(row.auth_secret), reveal(row.signing_secret)) == (TOKEN, SIGNING_SECRET)
    for path in ("/connections/team-chat/", "/connections/team-chat/edit/", "/connections/", "/audit/"):
        said = admin.get(path).content.decode()
        assert TOKEN not in said
        assert SIGNING_SECRET not in said
    assert admin.post("/connections/team-chat/test/").status_code == 303
    row.refresh_from_db()
    assert row.test_report["findings"][0]["state"] == "ok"


def test_a_new_signing_secret_ends_the_links(
    office: desk.Desk, workspace: Connection, slack: SlackServer, enter: Any
) -> None:
    admin = enter(office["admin"])
    same = {"workspace": "T07COMPANY", "channel": "", "base_url": slack.url, "bot_token": "", "signing_secret": ""}
    admin.post("/connections/office/edit/", {**same, "channel": "C0123ABCD"})
    assert ChannelLink.objects.exists()
    admin.post("/connections/office/edit/", {**same, "signing_secret": "one-that-the-admin-knows"})
    assert not ChannelLink.objects.exists()


@pytest.mark.parametrize(
    ("kind", "given", "field"),
    [
        ("slack", {"workspace": "company.slack.com"}, "workspace"),
        (
            "mail",
            {"host": "smtp.example.com", "port": "587", "security": "starttls", "sender": "a@b.c\r\nBcc: d@e.f"},
            "sender",
        ),
        ("webhook", {"base_url": "ftp://x"}, "base_url"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(
    office: desk.Desk, enter: Any, kind: str, given: dict[str, str], field: str
) -> None:
    answer = enter(office["admin"]).post(f"/connections/new/{kind}/", {"name": "new", **given})
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert not Connection.objects.filter(name="new").exists()


@pytest.mark.parametrize("name", ["operator", "manager", "auditor", "stranger"])
def test_only_admins_set_channels_up(office: desk.Desk, workspace: Connection, enter: Any, name: str) -> None:
    person = enter(office[name])
    for path in ("/connections/new/slack/", "/connections/new/mail/", "/connections/office/edit/"):
        assert person.get(path).status_code in (403, 404)
        assert person.post(path, {"name": "x", "signing_secret": "known"}).status_code in (403, 404)
    assert reveal(Connection.objects.get().signing_secret) == SIGNING_SECRET


def test_a_person_sees_their_own_deliveries_and_an_admin_all(
    office: desk.Desk, workspace: Connection, slack: SlackServer, enter: Any
) -> None:
    row = _failed(office, slack)
    assert "channel_not_found" in enter(office["second-operator"]).get("/deliveries/").content.decode()
    assert "channel_not_found" not in enter(office["stranger"]).get("/deliveries/").content.decode()
    for end in ("retry", "discard"):
        assert enter(office["stranger"]).post(f"/deliveries/{row.pk}/{end}/", {"reason": "x"}).status_code == 403
        assert enter(office["auditor"]).post(f"/deliveries/{row.pk}/{end}/", {"reason": "x"}).status_code == 403
    admin = enter(office["admin"])
    assert admin.post(f"/deliveries/{row.pk}/discard/", {"reason": " "}).status_code == 409
    assert admin.post(f"/deliveries/{row.pk}/retry/").status_code == 303
    deliver_some()
    assert Delivery.objects.get(pk=row.pk).state == "sent"
    assert admin.post(f"/deliveries/{row.pk}/retry/").status_code == 409


def test_settings_are_kept_and_say_so_in_the_audit(office: desk.Desk, enter: Any) -> None:
    person = enter(office["operator"])
    assert person.get("/profile/notifications/").status_code == 200
    given = {"mail": ["needs_me"], "digest": "weekly", "digest_hour": "7", "quiet_from": "22:00", "quiet_to": "06:30"}
    assert person.post("/profile/notifications/", given).status_code == 303
    kept = Profile.objects.get(user=office["operator"]).notify
    assert kept == {
        "slack": [],
        "mail": ["needs_me"],
        "digest": "weekly",
        "digest_hour": 7,
        "quiet": ["22:00", "06:30"],
    }
    assert AuditEvent.objects.filter(verb="person.notify_changed").exists()
    assert person.post("/profile/notifications/", {**given, "quiet_to": ""}).status_code == 422
    assert person.post("/profile/notifications/", {**given, "mail": ["everything"]}).status_code == 422


def test_the_code_on_the_page_links_who_sends_it(office: desk.Desk, workspace: Connection, enter: Any) -> None:
    person = enter(office["operator"])
    page = person.post("/profile/notifications/office/code/")
    assert page["Cache-Control"] == "no-store"
    assert (
        "Linked to operator"
        in command(Client(), "office", f"link {page.context['code']}", person="U07OP").json()["text"]
    )
    mine = ChannelLink.objects.get(user=office["operator"])
    assert enter(office["stranger"]).post(f"/profile/notifications/links/{mine.pk}/unlink/").status_code == 403
    assert enter(office["admin"]).post(f"/profile/notifications/links/{mine.pk}/unlink/").status_code == 303
    assert not ChannelLink.objects.filter(user=office["operator"]).exists()


def test_one_person_never_links_anothers_account(office: desk.Desk, workspace: Connection) -> None:
    with pytest.raises(Exception, match="channel_account_once"):
        link(workspace, office["operator"], "U07SECOND")
