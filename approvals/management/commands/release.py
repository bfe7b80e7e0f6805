from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from approvals.errors import ApprovalError
from approvals.halt_release import TO, ask_release, open_release
from approvals.halts import GLOBAL, SUPERVISED, open_halts
from approvals.models import Halt, Request
from approvals.permissions import COMMAND_LINE
from approvals.services import decide_request


class Command(BaseCommand):
    help = "Let halted work go on, also when the web is down. One admin asks, another signs: run it once as each."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("scope", nargs="?", default=GLOBAL)
        parser.add_argument("--as", dest="person", required=True, help="the admin who asks, then the one who signs")
        parser.add_argument("--to", choices=TO, default=SUPERVISED, help="supervised: a person signs every write")
        parser.add_argument("--why", default="", help="what the second admin should know")

    def handle(self, *_args: Any, **options: Any) -> None:
        person = get_user_model().objects.filter(username=options["person"], is_active=True).first()
        if person is None:
            raise CommandError(f"There is no active person named {options['person']}.")
        halt = next((halt for halt in open_halts() if halt.scope == options["scope"]), None)
        if halt is None:
            raise CommandError(f"{options['scope']} is not halted.")
        try:
            self.stdout.write(_released(halt, person, options["to"], options["why"]))
        except ApprovalError as error:
            raise CommandError(error.message) from None


def _released(halt: Halt, person: User, to: str, why: str) -> str:
    waiting = open_release(halt, to)
    if waiting is not None and person.pk not in waiting.barred:
        return _signed(waiting, person)
    asked = ask_release(halt_id=halt.pk, user=person, to=to, why=why, stepped_up=True)
    if asked.done:
        return f"{halt.scope}: {to}. There is no second admin to ask."
    return (
        f"{halt.scope}: asked for. Another admin signs, in the inbox or with: release {halt.scope} --to {to} --as NAME"
    )


def _signed(waiting: Request, person: User) -> str:
    settled = decide_request(
        request_id=waiting.pk,
        user=person,
        vote="approve",
        digest=waiting.action_digest,
        via=COMMAND_LINE,
        stepped_up=True,
    )
    return settled.message
