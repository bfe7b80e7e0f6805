"""Tokens: made by a command, kept as a hash, ended by time, scope, revocation and the person's end."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from approvals.audit import COMMAND_LINE, Actor
from approvals.models import ApiToken, AuditEvent
from approvals.tokens import create_token, find_token, revoke_token
from tests.integration.api.conftest import Program, program

pytestmark = pytest.mark.django_db


def made_by_command(*arguments: str) -> str:
    out = StringIO()
    call_command("token", *arguments, stdout=out)
    return out.getvalue().splitlines()[-1]


def test_the_last_line_of_the_command_is_a_token_that_works(operator: User) -> None:
    text = made_by_command("operator", "--scopes", "read,run", "--days", "7")
    token = ApiToken.objects.get()
    assert token.scopes == ["read", "run"]
    assert token.expires_at - timezone.now() < timedelta(days=7)
    assert text not in str(list(ApiToken.objects.values()))
    assert text.rpartition("_")[2] not in str(list(AuditEvent.objects.values()))
    assert Program(text).get("runs/").status == 200


@pytest.mark.parametrize(
    "arguments", [("nobody",), ("operator", "--scopes", "everything"), ("operator", "--days", "0"), ("operator", "--scopes", "")]
)  # fmt: skip
def test_the_command_refuses_with_a_sentence(operator: User, arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match=r"\w+ .*\."):
        made_by_command(*arguments)
    assert not ApiToken.objects.exists()


def test_without_a_token_and_with_a_session_nothing_opens(operator: User) -> None:
    client = Client()
    assert client.get("/api/v1/runs/").status_code == 401
    client.force_login(operator)
    assert client.get("/api/v1/runs/").status_code == 401
    answer = client.post("/api/v1/runs/", {}, content_type="application/json")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert set(answer.json()) == {"code", "message", "extra"}


@pytest.mark.parametrize("spoil", ["expired", "revoked", "switched off", "wrong secret", "cut", "other kind"])
def test_a_token_that_has_ended_is_nobody(operator: User, spoil: str) -> None:
    now = timezone.now()
    token, text = create_token(user=operator, scopes=["read"], days=1, actor=COMMAND_LINE, now=now)
    if spoil == "expired":
        ApiToken.objects.update(expires_at=now)
    if spoil == "revoked":
        revoke_token(token_id=token.pk, user=operator, actor=Actor.person(operator), now=now)
    if spoil == "switched off":
        User.objects.update(is_active=False)
    if spoil == "wrong secret":
        text = text[:-1] + ("A" if text[-1] != "A" else "B")
    if spoil == "cut":
        text = text[:-1]
    if spoil == "other kind":
        text = f"x {text}"
    assert find_token(text, now=timezone.now()) is None
    answer = Program(text).get("runs/")
    assert (answer.status, answer.body["code"]) == (401, "NOT_SIGNED_IN")


def test_a_call_needs_its_scope(operator: User) -> None:
    reader = program(operator, ["read"])
    refused = reader.post("runs/", {"agent": "x", "goal": "y"})
    assert (refused.status, refused.body["code"]) == (403, "SCOPE_MISSING")
    assert refused.body["extra"] == {"scope": "run"}
    assert program(operator, ["decide"]).get("runs/").status == 403


def test_too_many_calls_wait(operator: User, settings: Any, redis_server: Any) -> None:
    settings.API_CALLS_PER_MINUTE = 3
    busy, other = program(operator), program(operator)
    statuses = [busy.get("runs/").status for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    refused = busy.get("runs/")
    assert 1 <= int(refused.headers["Retry-After"]) <= 61
    assert refused.body["code"] == "TOO_MANY_REQUESTS"
    assert other.get("runs/").status == 200


def test_a_token_remembers_when_it_was_used(operator: User) -> None:
    calls = program(operator)
    calls.get("runs/")
    used = ApiToken.objects.get().last_used_at
    assert used is not None
    calls.get("runs/")
    assert ApiToken.objects.get().last_used_at == used  # once a minute is enough
