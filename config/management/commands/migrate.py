from typing import Any

from django.conf import settings
from django.core.management.commands.migrate import Command as Migrate
from django.db import connections

from config.grants import append_only_tables, grant_to, read_only_tables


class Command(Migrate):
    """Django's migrate; where the tables belong to another role than the app's, the app's role gets its rights."""

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if settings.DATABASE_APP_ROLE and not options.get("plan") and not options.get("check_unapplied"):
            used = connections[options["database"]]
            grant_to(settings.DATABASE_APP_ROLE, used, append_only_tables(), read_only_tables())
