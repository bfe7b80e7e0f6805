"""manage.py prepare: what stands between an empty database and a product one can sign in to. Changes nothing twice."""

from io import StringIO
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from approvals.people_demo import ensure_demo_people, join_empty_teams
from config import env
from integrations.practice.packages import ready_made
from integrations.practice.seeding import seed

READY_MADE = Path(settings.BASE_DIR) / "agents" / "ready_made"


class Command(BaseCommand):
    help = "Migrate; with DEMO, make the demo people and apply the ready-made packages. Part of every `up`."

    def handle(self, *_args: Any, **_options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        self.stdout.write("database schema is current")
        if settings.DEMO:
            self._demonstrate()

    def _demonstrate(self) -> None:
        made = ensure_demo_people(password=env.secret("DEMO_PASSWORD"))
        self.stdout.write(f"demo people are there ({made} made now)")
        seed(now=timezone.now())
        self.stdout.write("the practice company is open")
        with ready_made(READY_MADE, url=settings.PRACTICE_URL) as packages:
            if packages:
                self._apply(packages)
        join_empty_teams()

    def _apply(self, packages: list[str]) -> None:
        """Apply what comes with the product, once: what people have changed since is theirs, and a start undoes nothing."""
        said = StringIO()
        try:
            call_command("apply", *packages, yes=True, once=True, stdout=said)
        except CommandError as error:
            # Newer files that ask for a second person, or clash with what people made, are no reason not to start.
            self.stdout.write(f"ready-made packages are not as their files say: {error}")
            return
        self.stdout.write(f"ready-made packages were applied ({len(packages)})")
