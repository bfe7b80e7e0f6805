from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """Return a UUID that grows with time, so that indexes stay dense. Never reused, also after a restore."""
    return uuid7()
