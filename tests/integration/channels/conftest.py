from collections.abc import Iterator
from typing import Any

import pytest

from integrations.models import Connection
from tests import desk
from tests.slack import SlackServer, link, slack_connection


@pytest.fixture
def office(db: None) -> desk.Desk:
    return desk.open_desk()


@pytest.fixture
def slack(settings: Any) -> Iterator[SlackServer]:
    with SlackServer() as server:
        settings.OUTBOUND_ALLOW = [*settings.OUTBOUND_ALLOW, *server.allow]
        yield server


@pytest.fixture
def workspace(slack: SlackServer, office: desk.Desk) -> Connection:
    """A Slack connection in which the second operator, who may sign the desk's refunds, is linked."""
    connection = slack_connection(slack)
    link(connection, office["second-operator"], SECOND)
    return connection


SECOND = "U07SECOND"
