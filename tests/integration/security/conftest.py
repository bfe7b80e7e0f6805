"""The foreign shop and the scripted model of the loop's tests, and the people of a small company."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from agents.providers import registry
from agents.providers.scripted import ScriptedProvider
from tests.factories import person, shop_connection
from tests.shop import Shop


@pytest.fixture
def shop(transactional_db: None, settings: Any) -> Iterator[Shop]:
    """A foreign shop, connected."""
    with Shop() as running:
        settings.OUTBOUND_ALLOW = running.allow
        settings.RETRY_BASE_S = 0.01
        shop_connection(running)
        yield running


@pytest.fixture
def model() -> Iterator[ScriptedProvider]:
    """The scripted model "scripted/one"."""
    provider = ScriptedProvider()
    registry.put(provider)
    yield provider
    registry.remove("scripted")


@pytest.fixture
def signer(transactional_db: None) -> User:
    return person("second-operator", "operator", limits={"EUR": 1_000_000})


@pytest.fixture
def other_signer(transactional_db: None) -> User:
    return person("third-operator", "operator", limits={"EUR": 1_000_000})


@pytest.fixture
def admin(transactional_db: None) -> User:
    return person("admin", "admin")


@pytest.fixture
def second_admin(transactional_db: None) -> User:
    return person("second-admin", "admin")
