"""`manage.py up` through every way of dying: nothing stays behind, and the next start goes on where it was."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from config.embedded.places import Places
from config.embedded.processes import runs

BASE = Path(__file__).resolve().parent.parent.parent
READY_WITHIN_S, GONE_WITHIN_S = 180, 30
pytestmark = pytest.mark.xdist_group("supervisor")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(true: Callable[[], object], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.1)


class Installation:
    """One data folder and port; starts `manage.py up` on it as often as wanted."""

    def __init__(self, folder: Path) -> None:
        self.here = Places(folder)
        self.port = _free_port()
        self.log = folder.parent / f"{folder.name}.log"
        self.running: subprocess.Popen[bytes] | None = None
        self.seen: dict[int, psutil.Process] = {}

    def start(self, command: list[str] | None = None, **more: str) -> "subprocess.Popen[bytes]":
        own = {"COUNTERSIGN_DATA": str(self.here.data), "PORT": str(self.port), "DEMO": "0", "WORKER_THREADS": "2"}
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(
                command or [sys.executable, "manage.py", "up"], cwd=BASE, env=kept | own | more, stdout=log, stderr=log
            )
        return self.running

    def ready(self, status: str = "ok") -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2) as answer:
                return f'"status": "{status}"'.encode() in answer.read()
        except (urllib.error.URLError, OSError):
            return False

    def wait_ready(self) -> None:
        assert self.running is not None
        running = self.running
        _wait(lambda: self.ready() or running.poll() is not None, READY_WITHIN_S, f"ready\n{self.said()}")
        assert running.poll() is None, self.said()
        self.note_processes()

    def note_processes(self) -> None:
        assert self.running is not None
        tree = psutil.Process(self.running.pid).children(recursive=True)
        self.seen |= {process.pid: process for process in tree}

    def has_new(self, role: str, killed: Mapping[str, psutil.Process]) -> bool:
        self.note_processes()
        try:
            return self.process("manage.py", role).pid != killed[role].pid
        except StopIteration:
            return False

    def process(self, *words: str) -> psutil.Process:
        return next(p for p in self.seen.values() if runs(p) and all(w in " ".join(p.cmdline()) for w in words))

    def wait_gone(self) -> None:
        _wait(lambda: not self.left(), GONE_WITHIN_S, f"gone: {self.left()}\n{self.said()}")

    def left(self) -> list[str]:
        return [str(p) for p in self.seen.values() if runs(p)]

    def said(self) -> str:
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""

    def manage(self, *arguments: str) -> str:
        environment = dict(os.environ) | {"COUNTERSIGN_DATA": str(self.here.data), "PORT": str(self.port)}
        for name in ("DATABASE_URL", "REDIS_URL", "DATABASE_OWNER_URL"):
            environment.pop(name, None)
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=BASE,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.stdout + done.stderr

    def leave_mark(self) -> None:
        self.manage("shell", "-c", "from approvals.models import Team; Team.objects.create(name='mark')")

    def has_mark(self) -> bool:
        return "found 1" in self.manage(
            "shell", "-c", "from approvals.models import Team; print('found', Team.objects.filter(name='mark').count())"
        )

    def end(self) -> None:
        for process in [*self.seen.values(), *([psutil.Process(self.running.pid)] if self._lives() else [])]:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        if self.running is not None:
            self.running.wait(10)

    def _lives(self) -> bool:
        return self.running is not None and self.running.poll() is None


@pytest.fixture
def installation() -> Iterator[Installation]:
    # Not pytest's tmp_path: its parent is closed to the account that root lends to the servers.
    top = Path(tempfile.mkdtemp(prefix="cs-up-"))
    top.chmod(0o755)
    made = Installation(top / "data")
    yield made
    made.end()
    shutil.rmtree(top, ignore_errors=True)


def test_sigterm_stops_everything_and_the_next_start_finds_its_data(installation: Installation) -> None:
    first = installation.start()
    installation.wait_ready()
    installation.leave_mark()
    first.send_signal(signal.SIGTERM)
    assert first.wait(GONE_WITHIN_S) == 0
    installation.wait_gone()
    assert "nothing is left running" in installation.said()
    second = installation.start()
    installation.wait_ready()
    assert installation.has_mark(), "data is kept"
    second.send_signal(signal.SIGINT)
    assert second.wait(GONE_WITHIN_S) == 0
    installation.wait_gone()


def test_kill_9_of_the_supervisor_takes_its_processes_along_and_the_next_start_works(
    installation: Installation,
) -> None:
    first = installation.start()
    installation.wait_ready()
    installation.leave_mark()
    first.kill()
    first.wait(10)
    installation.start()
    installation.wait_gone()
    installation.wait_ready()
    assert installation.has_mark()


def test_kill_9_of_everything_with_the_pid_file_naming_a_stranger_is_recovered(installation: Installation) -> None:
    first = installation.start()
    installation.wait_ready()
    installation.leave_mark()
    installation.end()
    first.wait(10)
    installation.wait_gone()
    pid_file = installation.here.postgres / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    stranger = _sleeper_of_the_owner_of(pid_file)
    try:
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        installation.start()
        installation.wait_ready()
        assert installation.has_mark()
        assert stranger.poll() is None, "a process that merely has the number is left alone"
    finally:
        stranger.kill()
        stranger.wait(10)


def _sleeper_of_the_owner_of(file: Path) -> "subprocess.Popen[bytes]":
    # The dangerous stranger is a process of PostgreSQL's own account: its own check would believe in that one.
    facts = file.stat()
    account: Any = {"user": facts.st_uid, "group": facts.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    return subprocess.Popen(["sleep", "300"], cwd="/", **account)


def test_killed_parts_are_started_again(installation: Installation) -> None:
    installation.start()
    installation.wait_ready()
    killed = {
        "worker": installation.process("manage.py", "worker"),
        "postgres": installation.process("postgres", "-D"),
        "valkey": installation.process("valkey-server"),
    }
    for process in killed.values():
        process.kill()
    _wait(lambda: not any(runs(p) for p in killed.values()), 10, "killed")
    _wait(lambda: installation.has_new("worker", killed), READY_WITHIN_S, f"a new worker\n{installation.said()}")
    _wait(installation.ready, READY_WITHIN_S, f"ready again\n{installation.said()}")
    assert "started again" in installation.said()


def test_sigterm_to_make_alone_stops_everything_and_so_does_its_death(installation: Installation) -> None:
    makefile = installation.here.data.parent / "Makefile"
    makefile.write_text(f"run:\n\t@COUNTERSIGN_STOP_WITH_PARENT=1 exec {sys.executable} manage.py up\n")
    command = ["make", "-C", str(BASE), "-f", str(makefile), "run"]
    first = installation.start(command)
    installation.wait_ready()
    first.send_signal(signal.SIGTERM)
    first.wait(GONE_WITHIN_S)
    installation.wait_gone()
    second = installation.start(command)
    installation.wait_ready()
    second.kill()
    installation.wait_gone()


def test_taken_port_and_taken_data_folder_are_sentences_not_tracebacks(installation: Installation) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", installation.port))
        taken.listen()
        assert installation.start().wait(30) == 1
    assert f"Port {installation.port} is taken by another program" in installation.said()
    assert "Traceback" not in installation.said()
    installation.start()
    installation.wait_ready()
    other = subprocess.run(
        [sys.executable, "manage.py", "up"],
        cwd=BASE,
        env={"PATH": os.environ["PATH"], "COUNTERSIGN_DATA": str(installation.here.data), "PORT": str(_free_port())},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert other.returncode == 1
    assert "already runs on the data folder" in other.stderr
    assert installation.ready(), "the first one is not disturbed"
