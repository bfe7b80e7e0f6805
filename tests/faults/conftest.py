from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User

from agents.providers import registry
from agents.providers.scripted import ScriptedProvider
from tests.factories import person, shop_connection
from tests.shop import Shop


@pytest.fixture
def shop(transactional_db: None, settings: object) -> Iterator[Shop]:
    """A foreign shop, connected."""
    with Shop() as running:
        settings.OUTBOUND_ALLOW = running.allow  # type: ignore[attr-defined]
        settings.RETRY_BASE_S = 0.01  # type: ignore[attr-defined]
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
def operator(transactional_db: None) -> User:
    return person("operator", "operator", limits={"EUR": 50_000})


@pytest.fixture
def second_operator(transactional_db: None) -> User:
    return person("second-operator", "operator", limits={"EUR": 1_000_000})
