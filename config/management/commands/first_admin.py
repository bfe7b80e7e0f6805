import os
import sys
from getpass import getpass
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from approvals.people_demo import AlreadyThere, make_first_admin


class Command(BaseCommand):
    help = "Make the first administrator of an installation; asks for the password, or reads it from a pipe."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")

    def handle(self, *, name: str, **_options: Any) -> None:
        try:
            make_first_admin(name=name, password=_password())
        except AlreadyThere:
            raise CommandError(
                "There is an administrator already, or that name is taken. Administrators make further people in the browser."
            ) from None
        except ValidationError as problem:
            raise CommandError(" ".join(problem.messages)) from None
        self.stdout.write(f"{name} can sign in as administrator.")


def _password() -> str:
    if not os.isatty(sys.stdin.fileno()):
        return sys.stdin.readline().rstrip("\n")
    password = getpass("Password: ")
    if password != getpass("Again: "):
        raise CommandError("The two passwords differ.")
    return password
