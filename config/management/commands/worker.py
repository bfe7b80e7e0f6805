from typing import Any

from django.core.management.base import BaseCommand

from config.worker.process import run_worker


class Command(BaseCommand):
    help = "Work on runs and events: many at once in the threads of this process. Start as many as there is work for."

    def handle(self, *_args: Any, **_options: Any) -> None:
        run_worker()
