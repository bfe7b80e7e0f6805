"""The embedded servers in folders that make it hard for them."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from redis import Redis

from config.embedded.accounts import CannotStart
from config.embedded.places import APP, DATABASE, OWNER, Places
from config.embedded.postgres import CARELESS
from config.embedded.servers import Servers

pytestmark = pytest.mark.xdist_group("supervisor")


@pytest.fixture
def top() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="cs-emb-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


def _works(here: Places) -> None:
    with psycopg.connect(here.database_url(OWNER)) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (x int)")
        connection.execute("INSERT INTO kept VALUES (1)")
    with Redis.from_url(here.redis_url) as client:
        client.incr("kept")


def test_folder_whose_parents_are_closed_to_others_is_used_as_it_is(top: Path) -> None:
    top.chmod(0o700)
    here = Places(top / "closed" / "data")
    here.data.parent.mkdir(mode=0o700)
    servers = Servers(here, settings=CARELESS)
    for round_ in (1, 2):
        servers.start()
        _works(here)
        with psycopg.connect(here.database_url(APP)) as connection:
            assert connection.execute("SELECT current_database()").fetchone() == (DATABASE,)
        servers.stop()
        assert round_
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (top, here.data.parent)] == [0o700, 0o700]


def test_very_long_path_gets_its_sockets_elsewhere(top: Path) -> None:
    top.chmod(0o755)
    here = Places(top / ("long-" * 12) / ("name-" * 12) / "data")
    here.data.mkdir(parents=True)
    servers = Servers(here, settings=CARELESS)
    servers.start()
    _works(here)
    servers.stop()
    assert here.sockets.parent == Path(tempfile.gettempdir())
    shutil.rmtree(here.sockets, ignore_errors=True)


def test_initdb_that_was_killed_half_way_begins_again(top: Path) -> None:
    top.chmod(0o755)
    here = Places(top / "data")
    (here.data / "postgres.draft" / "base").mkdir(parents=True)
    servers = Servers(here, settings=CARELESS)
    servers.start()
    _works(here)
    servers.stop()
    assert not (here.data / "postgres.draft").exists()


def test_data_of_another_major_is_refused_untouched(top: Path) -> None:
    top.chmod(0o755)
    here = Places(top / "data")
    here.postgres.mkdir(parents=True)
    (here.postgres / "PG_VERSION").write_text("16\n")
    with pytest.raises(CannotStart, match="written by PostgreSQL 16, this release brings 18"):
        Servers(here, settings=CARELESS).start()
    assert [file.name for file in here.postgres.iterdir()] == ["PG_VERSION"]


def test_neither_server_listens_on_tcp_and_others_cannot_reach_the_sockets(top: Path) -> None:
    import psutil

    top.chmod(0o755)
    here = Places(top / "data")
    servers = Servers(here, settings=CARELESS)
    servers.start()
    try:
        mine = [p for p in psutil.Process().children(recursive=True) if p.name() in ("postgres", "valkey-server")]
        assert mine
        assert [c for p in mine for c in p.net_connections("inet") if c.status == psutil.CONN_LISTEN] == []
        assert stat.S_IMODE(here.sockets.stat().st_mode) == 0o700
        assert stat.S_IMODE(here.keys.stat().st_mode) == 0o700
        if os.geteuid() == 0:
            assert all(p.uids().real != 0 for p in mine), "nothing of root's listens"
    finally:
        servers.stop()
