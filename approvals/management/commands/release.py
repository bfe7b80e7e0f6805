from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from approvals.errors import ApprovalError
from approvals.halts import GLOBAL, open_halts, release_halt


class Command(BaseCommand):
    help = "Let halted work go on. Needs the name of an admin."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("scope", nargs="?", default=GLOBAL)
        parser.add_argument("--as", dest="person", required=True, help="the admin who releases it")

    def handle(self, *_args: Any, **options: Any) -> None:
        person = get_user_model().objects.filter(username=options["person"]).first()
        if person is None:
            raise CommandError(f"There is no person named {options['person']}.")
        halt = next((halt for halt in open_halts() if halt.scope == options["scope"]), None)
        if halt is None:
            raise CommandError(f"{options['scope']} is not halted.")
        try:
            release_halt(halt_id=halt.pk, user=person)
        except ApprovalError as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"Released {halt.scope}.")
