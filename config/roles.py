"""Which database role and which connections a command gets. Read before settings, so it imports nothing of Django."""

import os

OWNER_COMMANDS = frozenset({"migrate", "grant"})
WORKER_CONNECTIONS = "8"


def prepare_environment(command: str) -> None:
    """Set what settings read: the owner's URL where tables change, a pool where threads share connections."""
    from config.embedded.places import fill_environment

    if command != "up":
        fill_environment()
    owner_url = os.environ.get("DATABASE_OWNER_URL", "")
    if command in OWNER_COMMANDS and owner_url:
        os.environ["DATABASE_URL"] = owner_url
    if command == "worker":
        os.environ.setdefault("DB_POOL", WORKER_CONNECTIONS)
