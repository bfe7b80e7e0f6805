"""manage.py token PERSON --scopes read,run,decide,configure [--days N]: prints an API token as its last line."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from approvals.audit import COMMAND_LINE
from approvals.errors import ApprovalError
from approvals.tokens import DEFAULT_DAYS, Scope, create_token


class Command(BaseCommand):
    help = "Make an API token for a person. Its text is the last line and is shown this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("person", help="user name")
        parser.add_argument("--scopes", default=Scope.READ.value, help=f"comma-separated, out of {','.join(Scope)}")
        parser.add_argument("--days", type=int, default=DEFAULT_DAYS, help="how long it lives")
        parser.add_argument("--name", default="", help="what it is for")

    def handle(self, *, person: str, scopes: str, days: int, name: str, **_options: Any) -> None:
        user = get_user_model().objects.filter(username=person).first()
        if user is None:
            raise CommandError(f"There is nobody named {person}.")
        wanted = [scope.strip() for scope in scopes.split(",") if scope.strip()]
        try:
            token, text = create_token(
                user=user, scopes=wanted, days=days, name=name, actor=COMMAND_LINE, now=timezone.now()
            )
        except ApprovalError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"{person} may {', '.join(token.scopes)} until {token.expires_at:%Y-%m-%d %H:%M} UTC.")
        self.stdout.write(text)
