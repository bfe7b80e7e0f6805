"""A program with a token, and the foreign shop of the loop's tests."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from agents.providers import registry
from agents.providers.scripted import ScriptedProvider
from approvals.audit import COMMAND_LINE
from approvals.tokens import Scope, create_token
from tests.factories import person, shop_connection
from tests.shop import Shop

ALL = tuple(Scope)


@dataclass
class Answer:
    status: int
    body: Any
    headers: Any


class Program:
    """Calls /api/v1/ with one token."""

    def __init__(self, token: str) -> None:
        self._client = Client(raise_request_exception=False)
        self._token = token

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        response = self._client.generic(
            method,
            path if path.startswith("/") else f"/api/v1/{path}",
            raw,
            content_type="application/json",
            headers={"Authorization": f"Bearer {self._token}", **{k.replace("_", "-"): v for k, v in headers.items()}},
        )
        text = b"".join(response) if response.streaming else response.content
        found = json.loads(text) if text and "json" in response.headers.get("Content-Type", "") else text
        return Answer(response.status_code, found, response.headers)

    def get(self, path: str) -> Answer:
        return self.call("GET", path)

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.call("POST", path, {} if body is None else body, **headers)

    def put(self, path: str, body: Any) -> Answer:
        return self.call("PUT", path, body)

    def delete(self, path: str) -> Answer:
        return self.call("DELETE", path)


def program(user: User, scopes: Sequence[str] = ALL, *, days: int = 30) -> Program:
    _, text = create_token(user=user, scopes=scopes, days=days, actor=COMMAND_LINE, now=timezone.now())
    return Program(text)


@pytest.fixture
def operator(db: None) -> User:
    return person("operator", "operator", limits={"EUR": 50_000})


@pytest.fixture
def second_operator(db: None) -> User:
    return person("second-operator", "operator", limits={"EUR": 1_000_000})


@pytest.fixture
def admin(db: None) -> User:
    return person("admin", "admin")


@pytest.fixture
def second_admin(db: None) -> User:
    return person("second-admin", "admin")


@pytest.fixture
def stranger(db: None) -> User:
    return person("stranger", "operator", team="elsewhere", limits={"EUR": 1_000_000})


@pytest.fixture
def shop(transactional_db: None, settings: Any) -> Iterator[Shop]:
    with Shop() as running:
        settings.OUTBOUND_ALLOW = running.allow
        settings.RETRY_BASE_S = 0.01
        shop_connection(running)
        yield running


@pytest.fixture
def model() -> Iterator[ScriptedProvider]:
    provider = ScriptedProvider()
    registry.put(provider)
    yield provider
    registry.remove("scripted")


Make = Callable[..., Program]
