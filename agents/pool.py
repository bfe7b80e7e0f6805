from django.db import connection


def give_back() -> None:
    """Return this thread's database connection to the pool: call it before anything that waits for the network."""
    if not connection.in_atomic_block:
        connection.close()
