"""Where the embedded servers keep things. Plain paths: asking creates nothing, so that settings may ask."""

import hashlib
import json
import os
import tempfile
from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path

DATABASE, SUPERUSER, OWNER, APP = "countersign", "postgres", "countersign_owner", "countersign_app"
ROOT_FOLDER = Path("/var/lib/countersign")
# A socket's path has room for about 104 bytes, and PostgreSQL adds its own file name.
LONGEST_SOCKET_FOLDER = 85


@dataclass(frozen=True)
class Places:
    """One data folder and what lies in it."""

    data: Path

    @property
    def postgres(self) -> Path:
        return self.data / "postgres"

    @property
    def valkey(self) -> Path:
        return self.data / "valkey"

    @property
    def programs(self) -> Path:
        return self.data / "programs"

    @property
    def keys(self) -> Path:
        return self.data / "keys"

    @property
    def environment(self) -> Path:
        """Keys made at the first start and what the running installation was started with; readable by its owner alone."""
        return self.keys / "environment.json"

    @property
    def sockets(self) -> Path:
        """Return the sockets' folder: in the data folder, or a short one of the same name when that path is too long."""
        inside = self.data / "run"
        if len(os.fsencode(inside)) <= LONGEST_SOCKET_FOLDER:
            return inside
        name = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"countersign-{name}"

    @property
    def valkey_socket(self) -> Path:
        return self.sockets / "valkey.sock"

    def database_url(self, role: str, database: str = DATABASE) -> str:
        return f"postgresql://{role}@/{database}?host={self.sockets}"

    @property
    def redis_url(self) -> str:
        return f"unix://{self.valkey_socket}?db=0"


def places() -> Places:
    """Return the places under COUNTERSIGN_DATA, or under the default folder of whoever asks."""
    given = os.environ.get("COUNTERSIGN_DATA", "")
    return Places((Path(given).expanduser() if given else _default_folder()).absolute())


def fill_environment(environment: MutableMapping[str, str] = os.environ) -> None:
    """Point what is not set at the data folder's servers and keys, so that each command finds the running installation."""
    here = places()
    for name, value in kept_environment(here).items():
        if not environment.get(name) and not environment.get(f"{name}_FILE"):
            environment[name] = value
    if not environment.get("DATABASE_URL"):
        environment["DATABASE_URL"] = here.database_url(APP)
        environment.setdefault("DATABASE_OWNER_URL", here.database_url(OWNER))
    if not environment.get("REDIS_URL"):
        environment["REDIS_URL"] = here.redis_url


def kept_environment(here: Places) -> dict[str, str]:
    """Return what the data folder keeps of the environment; nothing where it is missing or not ours to read."""
    try:
        kept = json.loads(here.environment.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): str(value) for name, value in kept.items()} if isinstance(kept, dict) else {}


def _default_folder() -> Path:
    if os.geteuid() == 0:
        return ROOT_FOLDER
    home = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return Path(home) / "countersign"
