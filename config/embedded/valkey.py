"""The embedded Valkey: doorbells, rate limits and short-lived memory, on a unix socket only."""

import signal
import subprocess
import time

from redis import Redis
from redis.exceptions import RedisError

from config.embedded.accounts import Account
from config.embedded.doors import seen_by
from config.embedded.places import Places
from config.embedded.processes import failed, servers_in, start_server, stop_process
from config.embedded.programs import Programs

READY_WITHIN_S = 30
_STOP = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0))


class Valkey:
    """One embedded server: `start`, `stop`."""

    def __init__(self, here: Places, account: Account, programs: Programs) -> None:
        self._here = here
        self._account = account
        self._programs = programs
        self._log = here.data / "valkey.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server and wait until it answers; one left over by a killed supervisor is stopped first."""
        for process in servers_in(self._here.valkey, "valkey-server"):
            stop_process(process.pid, _STOP)
        self._here.valkey_socket.unlink(missing_ok=True)
        with seen_by(self._account, self._here.valkey, self._here.sockets) as seen:
            self._process = start_server(
                self._command(*seen.names),
                account=self._account,
                folder=self._here.valkey,
                log=self._log,
                stop=signal.SIGTERM,
                handles=seen.handles,
            )
        deadline = time.monotonic() + READY_WITHIN_S
        while not self._answers():
            if not self.alive or time.monotonic() > deadline:
                raise failed("Valkey", self._log)
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop the server after it wrote what it holds; returns when it is gone."""
        if self._process is not None and self._process.poll() is None:
            stop_process(self._process.pid, _STOP)
            self._process.wait(10)
        self._process = None

    def _command(self, folder: str, sockets: str) -> list[str]:
        options = {
            "port": "0",
            "databases": "64",
            "unixsocket": f"{sockets}/{self._here.valkey_socket.name}",
            "unixsocketperm": "700",
            "dir": folder,
            "appendonly": "yes",
            "save": "",
            "daemonize": "no",
            "maxmemory": "128mb",
            "maxmemory-policy": "volatile-lru",
            "loglevel": "warning",
        }
        return [
            str(self._programs.valkey_server),
            *(word for name, value in options.items() for word in (f"--{name}", value)),
        ]

    def _answers(self) -> bool:
        try:
            with Redis(unix_socket_path=str(self._here.valkey_socket), socket_timeout=2) as client:
                return bool(client.ping())
        except (RedisError, OSError):
            return False
