"""The database's clock: leases, deadlines and windows are judged by it alone, so a worker's wrong clock harms nobody."""

from datetime import datetime

from django.db import connection


def database_now() -> datetime:
    """Return the database's time at this moment (not at the start of the transaction)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row: tuple[datetime] = cursor.fetchone()
    return row[0]
