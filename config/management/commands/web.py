from typing import Any

from django.core.management.base import BaseCommand

from config.supervisor.entry import run_light


class Command(BaseCommand):
    help = "Serve the pages and the API with gunicorn."

    def handle(self, *_args: Any, **_options: Any) -> None:
        raise SystemExit(run_light("web"))
