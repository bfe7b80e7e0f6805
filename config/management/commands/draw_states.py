from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.state_diagrams import draw, outdated


class Command(BaseCommand):
    help = "Draw the state diagrams in the README files from the code. --check only says whether they are current."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing, fail when one is not current")

    def handle(self, *_args: Any, check: bool, **_options: Any) -> None:
        if not check:
            draw(settings.BASE_DIR)
        elif old := outdated(settings.BASE_DIR):
            raise CommandError(f"Not as the code says: {', '.join(old)}. Run: manage.py draw_states")
