"""Both embedded servers as one thing to start and stop."""

from collections.abc import Callable

from config.embedded.accounts import server_account
from config.embedded.folders import FolderLock, make_data_folder, make_server_folders
from config.embedded.places import Places
from config.embedded.postgres import Postgres
from config.embedded.programs import find_programs
from config.embedded.valkey import Valkey

Step = Callable[[str], None]


class Servers:
    """PostgreSQL and Valkey in one data folder, held by this process until `stop`."""

    def __init__(
        self, here: Places, *, postgres: bool = True, valkey: bool = True, settings: dict[str, str] | None = None
    ) -> None:
        self.here = here
        self._settings = settings
        self._wants_postgres = postgres
        self._wants_valkey = valkey
        self._lock: FolderLock | None = None
        self.postgres: Postgres | None = None
        self.valkey: Valkey | None = None

    def start(self, say: Step = lambda _line: None) -> None:
        """Take the data folder and start what is wanted, saying each step.

        Raises CannotStart with a sentence; nothing runs then.
        """
        try:
            self._start(say)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop both, database last, and let go of the data folder."""
        for server in (self.valkey, self.postgres):
            if server is not None:
                server.stop()
        if self._lock is not None:
            self._lock.release()
        self._lock = self.postgres = self.valkey = None

    def dead(self) -> list[str]:
        """Return the names of servers that ended by themselves."""
        named = (("PostgreSQL", self.postgres), ("Valkey", self.valkey))
        return [name for name, server in named if server is not None and not server.alive]

    def restart_dead(self) -> None:
        for server in (self.postgres, self.valkey):
            if server is not None and not server.alive:
                server.start()

    def _start(self, say: Step) -> None:
        make_data_folder(self.here)
        self._lock = FolderLock(self.here.data)
        if not (self._wants_postgres or self._wants_valkey):
            return
        account = server_account()
        make_server_folders(self.here, account)
        if account.lent:
            say(f"started by root: the servers run as {account.name}, with their files in {self.here.data}")
        programs = find_programs(self.here, account)
        if self._wants_postgres:
            self._start_postgres(Postgres(self.here, account, programs, self._settings), say)
        if self._wants_valkey:
            self.valkey = Valkey(self.here, account, programs)
            self.valkey.start()
            say("Valkey answers")

    def _start_postgres(self, postgres: Postgres, say: Step) -> None:
        self.postgres = postgres
        if postgres.make():
            say("database files made")
        postgres.start()
        postgres.ensure_roles()
        say("PostgreSQL answers")
