from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from approvals.audit import COMMAND_LINE
from approvals.errors import ApprovalError
from approvals.halts import GLOBAL, engage_halt


class Command(BaseCommand):
    help = "Stop agents at once, also when the web is down: all of them, or one agent, tool or connection."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("scope", nargs="?", default=GLOBAL, help="global, agent:NAME, tool:NAME or connection:NAME")
        parser.add_argument("--reason", default="halted from the command line")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            halt = engage_halt(scope=options["scope"], reason=options["reason"], actor=COMMAND_LINE)
        except ApprovalError as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"Halted {halt.scope} since {halt.engaged_at:%Y-%m-%d %H:%M:%S} UTC: {halt.reason}")
