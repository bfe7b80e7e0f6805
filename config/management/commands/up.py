from typing import Any

from django.core.management.base import BaseCommand

from config.supervisor.entry import run_light


class Command(BaseCommand):
    help = "Run everything here: embedded servers, web, worker, clock and the practice company."

    def handle(self, *_args: Any, **_options: Any) -> None:
        raise SystemExit(run_light("up"))
