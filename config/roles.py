"""Which database role and how many connections a command gets. Read before settings, so it imports nothing of Django."""

import os
from urllib.parse import urlsplit

from config.embedded.places import fill_environment

# These change tables or what a role may do with them.
OWNER_COMMANDS = frozenset({"migrate", "prepare"})
WORKER_CONNECTIONS = "8"


def prepare_environment(command: str) -> None:
    """Set what settings read: the owner's URL where tables change, a pool where threads share connections."""
    fill_environment()
    owner_url = os.environ.get("DATABASE_OWNER_URL", "")
    if command in OWNER_COMMANDS and owner_url and owner_url != os.environ["DATABASE_URL"]:
        os.environ["DATABASE_APP_ROLE"] = urlsplit(os.environ["DATABASE_URL"]).username or ""
        os.environ["DATABASE_URL"] = owner_url
    if command == "worker":
        os.environ.setdefault("DB_POOL", WORKER_CONNECTIONS)
