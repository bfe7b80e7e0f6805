import os
import socket
import stat
import time
from pathlib import Path

import pytest

from config.embedded.accounts import Account, CannotStart
from config.embedded.folders import FolderLock
from config.embedded.places import Places, kept_environment
from config.supervisor import ports
from config.supervisor.children import Child, Register, python
from config.supervisor.keys import keep, keys_of


def test_keys_are_made_once_and_kept_for_the_owner_alone(tmp_path: Path) -> None:
    here = Places(tmp_path)
    here.keys.mkdir()
    first = keys_of(here, {})
    keep(here, first)
    assert keys_of(here, {}) == first == kept_environment(here)
    assert stat.S_IMODE(here.environment.stat().st_mode) == 0o600


def test_key_from_the_environment_wins(tmp_path: Path) -> None:
    assert keys_of(Places(tmp_path), {"DEMO_PASSWORD": "mine"})["DEMO_PASSWORD"] == "mine"


def test_key_that_lies_in_a_file_of_ones_own_is_not_made(tmp_path: Path) -> None:
    assert "SECRET_KEY" not in keys_of(Places(tmp_path), {"SECRET_KEY_FILE": "/run/secrets/key"})


def test_second_supervisor_on_one_data_folder_is_told_what_to_do(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path)
    with pytest.raises(CannotStart, match="already runs on the data folder .* COUNTERSIGN_DATA="):
        FolderLock(tmp_path)
    lock.release()
    FolderLock(tmp_path).release()
    assert list(tmp_path.iterdir()) == []


def test_taken_port_is_named_with_another_one_to_take() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CannotStart, match=f"Port {port} is taken .*PORT={port + 1} make run"):
            ports.check_free("127.0.0.1", port, wait_s=0)


def test_practice_port_stays_the_one_of_the_last_start_while_it_is_free() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        assert ports.practice_port((0, port)) != port
    assert ports.practice_port((0, port)) == port


def test_account_of_another_may_pass_open_folders_only(tmp_path: Path) -> None:
    lent = Account(name="nobody", uid=os.getuid() + 4321, gid=os.getgid() + 4321, lent=True)
    closed = tmp_path / "closed" / "inner"
    closed.mkdir(parents=True)
    closed.chmod(0o755)
    (tmp_path / "closed").chmod(0o700)
    assert not lent.can_enter(closed)
    assert lent.can_enter(Path("/usr/bin"))


def _child(code: str) -> Child:
    return Child(name="test", command=python("-c", code), environment=dict(os.environ), folder=Path("/"))


def test_pause_before_a_restart_doubles_and_is_forgotten_after_a_healthy_while() -> None:
    child = _child("raise SystemExit(3)")
    child.start()
    assert child.process is not None
    child.process.wait(10)
    now = time.monotonic()
    assert [child.bury(now), child.bury(now), child.bury(now)] == [0.5, 1.0, 2.0]
    assert not child.due(now)
    assert child.due(now + 2.0)
    assert child.bury(now + 60) == 0.5


def test_lines_come_whole_even_when_written_in_pieces() -> None:
    code = "import sys,time; w=sys.stdout; w.write('one\\ntw'); w.flush(); time.sleep(.3); w.write('o\\n'); w.flush()"
    child = _child(code)
    child.start()
    seen: list[str] = []
    deadline = time.monotonic() + 10
    while len(seen) < 2 and time.monotonic() < deadline:
        seen += child.lines()
    child.kill_tree()
    assert seen == ["one", "two"]


def test_leftover_of_a_killed_supervisor_is_stopped_but_a_number_used_again_is_not(tmp_path: Path) -> None:
    left, stranger = _child("import time; time.sleep(60)"), _child("import time; time.sleep(60)")
    left.start()
    stranger.start()
    register = Register(tmp_path / "processes.json")
    register.write([left])
    assert left.process is not None and stranger.process is not None
    # The stranger's number stands in the file, with the moment at which another process of that number began.
    text = (tmp_path / "processes.json").read_text()
    (tmp_path / "processes.json").write_text(text.replace("]]", f"], [{stranger.process.pid}, 1.0]]"))
    assert register.stop_leftovers() == 1
    assert left.process.wait(5) != 0
    assert stranger.alive
    left.kill_tree()
    stranger.kill_tree()
