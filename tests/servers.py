"""A PostgreSQL and a Valkey for one test session, started before Django reads its settings. Loaded by `-p tests.servers`.

DATABASE_URL and REDIS_URL name servers of one's own instead. Workers of xdist inherit what the first process started.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from config.embedded.places import OWNER, Places
from config.embedded.postgres import CARELESS
from config.embedded.servers import Servers

_FOLDER, _WORKER = "COUNTERSIGN_DATA", "PYTEST_XDIST_WORKER"
_NO_SERVER_NEEDED = ("tests/unit",)


class _Session:
    servers: Servers | None = None
    folder: Path | None = None


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    # A wrapper runs before pytest-django's own hook, which imports the settings.
    if _WORKER in os.environ:
        _use_own_redis_database(int(os.environ[_WORKER].removeprefix("gw")))
    elif not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL")):
        _start(_wants_servers(early_config))
    return (yield)


def pytest_unconfigure() -> None:
    if _Session.servers is not None:
        _Session.servers.stop()
    if _Session.folder is not None:
        shutil.rmtree(_Session.folder, ignore_errors=True)


def _start(wanted: bool) -> None:
    _Session.folder = Path(tempfile.mkdtemp(prefix="cs-test-"))
    os.environ[_FOLDER] = str(_Session.folder)
    here = Places(_Session.folder)
    own = {"DATABASE_URL": here.database_url(OWNER), "REDIS_URL": here.redis_url}
    missing = {name: url for name, url in own.items() if not os.environ.get(name)}
    os.environ.update(missing)
    if wanted:
        _Session.servers = Servers(
            here, postgres="DATABASE_URL" in missing, valkey="REDIS_URL" in missing, settings=CARELESS
        )
        _Session.servers.start()


def _wants_servers(config: pytest.Config) -> bool:
    """Return whether any test asked for may touch a server: pure tests start without."""
    asked = [argument for argument in config.known_args_namespace.file_or_dir if not argument.startswith("-")]
    return not asked or not all(argument.removeprefix("./").startswith(_NO_SERVER_NEEDED) for argument in asked)


def _use_own_redis_database(number: int) -> None:
    """Give each xdist worker its own numbered database, so that one may empty it under another's feet."""
    url = os.environ["REDIS_URL"]
    if url.startswith("unix:"):
        os.environ["REDIS_URL"] = f"{url.partition('?')[0]}?db={number + 1}"
    else:
        os.environ["REDIS_URL"] = urlunsplit(urlsplit(url)._replace(path=f"/{number + 1}"))
