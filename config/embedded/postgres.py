"""The embedded PostgreSQL: on a unix socket only, made once, recovered after any death of its own or of its starter."""

import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from config.embedded.accounts import Account, CannotStart
from config.embedded.doors import seen_by
from config.embedded.places import APP, DATABASE, OWNER, SUPERUSER, Places
from config.embedded.processes import failed, server_environment, servers_in, start_server, stop_process
from config.embedded.programs import POSTGRES_MAJOR, Programs

# A long recovery after a crash is normal; nothing is gained by giving up on it.
READY_WITHIN_S = 120
# SIGINT: "fast", ends sessions and writes a checkpoint. SIGQUIT: at once, recovered at the next start.
_STOP = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 5.0))
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "logging_collector": "off",
    "log_min_messages": "warning",
    "timezone": "UTC",
    "default_transaction_isolation": "read committed",
}
# Only for tests: their data may go with the machine.
CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Postgres:
    """One embedded server: `start`, `url`, `stop`."""

    def __init__(
        self, here: Places, account: Account, programs: Programs, settings: dict[str, str] | None = None
    ) -> None:
        self._here = here
        self._account = account
        self._programs = programs
        self._settings = SETTINGS | (settings or {})
        self._log = here.data / "postgres.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def make(self) -> bool:
        """Create the database files where there are none; return whether they were made now."""
        if (self._here.postgres / "PG_VERSION").exists():
            self._check_major()
            return False
        draft = self._here.data / "postgres.draft"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        self._account.own(draft, 0o700)
        self._run_initdb(draft)
        # Renamed only when complete: a start that was killed in the middle begins again.
        draft.rename(self._here.postgres)
        (self._here.data / "postgres.major").write_text(f"{POSTGRES_MAJOR}\n", encoding="utf-8")
        return True

    def start(self) -> None:
        """Start the server and wait until it answers; a server left over by a killed supervisor is stopped first."""
        self._clear_leftovers()
        deadline = time.monotonic() + READY_WITHIN_S
        self._process = self._spawn()
        while not self._answers():
            if not self.alive and not self._may_try_again(deadline):
                raise failed("PostgreSQL", self._log)
            time.sleep(0.05)

    def ensure_roles(self) -> None:
        """Create the owner and the app role and the database, where missing."""
        with self._connect() as connection:
            for role, extra in ((OWNER, "CREATEDB"), (APP, "")):
                if not _there(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", role):
                    connection.execute(sql.SQL("CREATE ROLE {} LOGIN " + extra).format(sql.Identifier(role)))
            if not _there(connection, "SELECT 1 FROM pg_database WHERE datname = %s", DATABASE):
                connection.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(OWNER))
                )

    def stop(self) -> None:
        """Stop the server cleanly; returns when it is gone."""
        if self._process is not None and self._process.poll() is None:
            stop_process(self._process.pid, _STOP)
            self._process.wait(10)
        self._process = None

    def _spawn(self) -> subprocess.Popen[bytes]:
        options = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        with seen_by(self._account, self._here.postgres, self._here.sockets) as seen:
            data, sockets = seen.names
            return start_server(
                [str(self._programs.postgres_bin / "postgres"), "-D", data, "-k", sockets, *options],
                account=self._account,
                folder=self._here.data,
                log=self._log,
                stop=signal.SIGINT,
                handles=seen.handles,
            )

    def _may_try_again(self, deadline: float) -> bool:
        """Start again after a second: helpers of a killed server hold its memory until they notice that it is gone."""
        if time.monotonic() > deadline or "still in use" not in self._end_of_log():
            return False
        time.sleep(1)
        self._clear_leftovers()
        self._process = self._spawn()
        return True

    def _end_of_log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")[-2000:] if self._log.exists() else ""

    def _clear_leftovers(self) -> None:
        for process in servers_in(self._here.postgres, "postgres"):
            stop_process(process.pid, _STOP)
        # PostgreSQL believes any live process with the number in these files to be its server.
        (self._here.postgres / "postmaster.pid").unlink(missing_ok=True)
        for left in self._here.sockets.glob(".s.PGSQL.*"):
            left.unlink(missing_ok=True)

    def _answers(self) -> bool:
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _connect(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(
            host=str(self._here.sockets), user=SUPERUSER, dbname="postgres", connect_timeout=2, autocommit=True
        )

    def _check_major(self) -> None:
        found = (self._here.postgres / "PG_VERSION").read_text(encoding="utf-8").strip()
        if found != str(POSTGRES_MAJOR):
            raise CannotStart(
                f"The data in {self._here.postgres} was written by PostgreSQL {found}, this release brings {POSTGRES_MAJOR}. "
                "Dump it with the old release and load it with this one; the README says how."
            )

    def _run_initdb(self, target: Path) -> None:
        options: dict[str, Any] = self._account.process_options()
        words = ("--auth=trust", "--encoding=UTF8", "--no-instructions", "-U", SUPERUSER)
        with seen_by(self._account, target) as seen:
            done = subprocess.run(
                [str(self._programs.postgres_bin / "initdb"), *words, "-D", *seen.names],
                cwd=target,
                env=server_environment(),
                pass_fds=seen.handles,
                capture_output=True,
                text=True,
                check=False,
                **options,
            )
        if done.returncode:
            raise CannotStart(f"PostgreSQL's initdb failed in {target}:\n{done.stderr.strip()[-2000:]}")


def _there(connection: "psycopg.Connection[Any]", question: str, name: str) -> bool:
    return connection.execute(question.encode(), [name]).fetchone() is not None
