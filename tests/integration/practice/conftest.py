from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User

from tests.factories import person
from tests.practice_company import TOKEN, open_company, practice_server


@pytest.fixture
def address(transactional_db: None, settings: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The practice company's API, running and empty."""
    settings.PRACTICE_TOKEN = TOKEN  # type: ignore[attr-defined]
    with practice_server() as url:
        yield url


@pytest.fixture
def people(transactional_db: None) -> dict[str, User]:
    return {
        "operator": person("operator", "operator", limits={"EUR": 50_000}),
        "second-operator": person("second-operator", "operator", limits={"EUR": 1_000_000}),
        "admin": person("admin", "admin"),
    }


@pytest.fixture
def company(address: str, people: dict[str, User], settings: object, monkeypatch: pytest.MonkeyPatch) -> str:
    """The practice company with its first stock, connected, its four agents at work. Gives its address."""
    monkeypatch.setenv("PRACTICE_TOKEN", TOKEN)
    settings.SECRET_NAMES = ("PRACTICE_TOKEN", "PRACTICE_HOOK_SECRET")  # type: ignore[attr-defined]
    settings.OUTBOUND_ALLOW = (address.removeprefix("http://").replace(":", "/32:"),)  # type: ignore[attr-defined]
    settings.RETRY_BASE_S = 0.01  # type: ignore[attr-defined]
    open_company(address)
    return address
