from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from integrations.practice import seeding


class Command(BaseCommand):
    help = "Fill the practice company. What agents did stays; dates move along. --fresh empties it first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--fresh", action="store_true", help="empty the practice company first")

    def handle(self, *args: Any, **options: Any) -> None:
        counts = seeding.seed(now=timezone.now(), fresh=options["fresh"])
        self.stdout.write(", ".join(f"{count} {kind}" for kind, count in counts.items()))
