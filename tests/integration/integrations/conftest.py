import pytest
from django.contrib.auth.models import User

from tests.factories import person, refund_agent


@pytest.fixture(autouse=True)
def public_url(settings: object) -> None:
    settings.PUBLIC_URL = "https://countersign.example"  # type: ignore[attr-defined]


@pytest.fixture
def operator(db: None) -> User:
    return person("operator", "operator")


@pytest.fixture
def admin(db: None) -> User:
    return person("admin", "admin")


@pytest.fixture
def clerk(db: None) -> None:
    """The agent refund-clerk of the team support."""
    refund_agent()
