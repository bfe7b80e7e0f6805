"""What every test has: PostgreSQL and Valkey (see tests/servers.py), fast password hashes, Debian's browser, no foreign sockets."""

import os
import shutil
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from redis import Redis

from agents.tools import registry

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_BROWSER_MISSING = "The browser tests need Chromium and find none. Install it:  apt-get install -y chromium"
_LOCAL = ("127.0.0.1", "::1", "localhost")


def pytest_configure() -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.SECRET_KEYS = ("2Xd8Y0cqHnXcWcZlW2Zk1l7m0sVbq3yqv3o1k6tQb1E=",)


@pytest.fixture(autouse=True)
def only_local_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection that would leave the machine: a test that needs the world is a wrong test."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and str(address[0]) not in _LOCAL:
            raise AssertionError(f"a test tried to reach {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def tool_sources_as_before() -> Iterator[None]:
    """Take away the tool sources that a test registered: the registry belongs to the process."""
    kept = list(registry._sources)
    yield
    registry._sources[:] = kept


@pytest.fixture
def redis_server() -> Iterator[Redis]:
    """The session's Redis-protocol server, emptied before and after."""
    with Redis.from_url(settings.REDIS_URL) as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture(scope="session")
def django_db_keepdb(request: pytest.FixtureRequest) -> bool:
    """Do not drop test databases of the session's own server: it goes as a whole, whoever is still connected."""
    return "cs-test-" in os.environ["DATABASE_URL"] or bool(request.config.getvalue("reuse_db"))


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        pytest.fail(_BROWSER_MISSING, pytrace=False)
    # Playwright's loop makes Django take the test's own thread for an async one.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    return {"executable_path": path, "args": ["--no-sandbox"]}


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Let the test runner empty tables between tests: of all guards only the one against TRUNCATE is put aside.

    The test of that guard puts it back for itself.
    """
    guards = {"auditevent": "audit_table", "auditseal": "seal_table", "auditcheckpoint": "checkpoint_table"}
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        for table, guard in guards.items():
            cursor.execute(f"ALTER TABLE approvals_{table} DISABLE TRIGGER {guard}")
