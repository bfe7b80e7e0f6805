"""Slack, mail and webhooks in files, in the API and in what is exported."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from django.utils import timezone

from approvals.audit import COMMAND_LINE
from approvals.models import AuditEvent
from integrations.models import ChannelLink, Connection
from integrations.package.applying import Result, apply_wish
from integrations.package.exporting import package_document
from integrations.package.fetching import fetch
from integrations.package.planning import make_plan
from integrations.package.problems import BadPackage
from integrations.package.reading import parse_package
from integrations.package.wishes import Wish, wish_of
from tests import desk
from tests.slack import SlackServer, link, slack_connection

pytestmark = pytest.mark.django_db

FILE = """
package: office
teams: [support]
connections:
  - name: slack
    kind: slack
    auth: {bot_token: "env:SLACK_TOKEN", signing_secret: "file:slack-signing"}
    channel: C0123ABCD
    channels: {support: C0456EFGH}
    workspace: T0123ABCD
  - name: mail
    kind: mail
    host: smtp.example.com
    port: 587
    security: starttls
    from: agents@example.com
    auth: {user: agents, password: "env:SMTP_PASSWORD"}
  - name: warehouse
    kind: webhook
    base_url: https://warehouse.example/hooks
    auth: {signing_secret: "env:HOOK_SECRET"}
    kinds: [request, halt]
"""


def _wish(text: str) -> Wish:
    return wish_of(parse_package(text.encode(), file="office.yaml", folder=Path("."), fetch=fetch))


def _apply(text: str = FILE) -> Any:
    return apply_wish(_wish(text), actor=COMMAND_LINE, user=None, now=timezone.now())


def test_a_file_makes_them_and_export_gives_the_same_file() -> None:
    assert _apply().result is Result.APPLIED
    rows = {row.name: row for row in Connection.objects.all()}
    assert rows["slack"].auth_secret == "env:SLACK_TOKEN"
    assert rows["slack"].signing_secret == "file:slack-signing"
    assert rows["slack"].auth_secret_host == "slack.com:443"
    assert rows["mail"].auth_secret_host == "smtp.example.com:587"
    assert rows["warehouse"].options == {"kinds": ["request", "halt"]}
    assert make_plan(_wish(yaml.safe_dump(package_document("office")))).is_empty
    assert make_plan(_wish(FILE)).is_empty


@pytest.mark.parametrize(
    ("was", "written", "says"),
    [
        ("C0123ABCD", "general", "not an id of Slack"),
        ("T0123ABCD", "company.slack.com", "not an id of Slack"),
        ("agents@example.com", '"a@b.c\\nBcc: x@y.z"', "not a mail address"),
        ("agents@example.com", '"a@b.c, d@e.f"', "not a mail address"),
        ("env:SLACK_TOKEN", "xoxb-1234", "never holds one"),
        ("port: 587", "port: 99999", "less than 65536"),
        ("support: C0456EFGH", "nobody: C0456EFGH", "There is no team nobody"),
        ("kind: mail", "kind: fax", "not one of the choices"),
        ("security: starttls", "securty: starttls", "no field securty"),
    ],
)
def test_what_is_wrong_is_said_in_words(was: str, written: str, says: str) -> None:
    with pytest.raises(BadPackage) as refused:
        _apply(FILE.replace(was, written))
    assert says in " ".join(problem.what for problem in refused.value.problems)
    assert not Connection.objects.exists()


def test_new_keys_end_the_links_of_people(slack: SlackServer) -> None:
    office = desk.open_desk()
    connection = slack_connection(slack)
    Connection.objects.update(package="office")
    link(connection, office["operator"], "U07OPERATOR")
    text = FILE.replace("name: slack", "name: office").replace('"env:SLACK_TOKEN"', '"env:OTHER"')
    _apply(text)
    assert not ChannelLink.objects.exists()
    assert AuditEvent.objects.filter(verb="channel.unlinked", subject="operator").exists()


def test_a_changed_address_forgets_what_was_typed_for_the_old_one(slack: SlackServer) -> None:
    slack_connection(slack)
    Connection.objects.update(package="office")
    text = FILE.replace("name: slack", "name: office").replace(
        'auth: {bot_token: "env:SLACK_TOKEN", signing_secret: "file:slack-signing"}', "base_url: https://evil.example"
    )
    outcome = _apply(text)
    row = Connection.objects.get(name="office")
    assert (row.auth_secret, row.signing_secret) == ("", "")
    assert any("typed for another" in note for note in outcome.plan.notes)


def test_a_connection_stays_of_its_kind() -> None:
    _apply()
    with pytest.raises(BadPackage, match="of the kind"):
        _apply(FILE.replace("name: warehouse", "name: x").replace("name: slack", "name: warehouse"))
