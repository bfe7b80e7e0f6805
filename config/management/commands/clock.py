from typing import Any

from django.core.management.base import BaseCommand

from config.clock import run_clock


class Command(BaseCommand):
    help = "Run what is due by itself: expiry, sweep. Start as many as you like; one leads, the others stand by."

    def handle(self, *_args: Any, **_options: Any) -> None:
        run_clock()
