"""manage.py apply FILE… [--as PERSON] [--dry-run] [--yes] [--once]: put configuration packages in force.

Shows the difference first. Exit codes: 0 applied or nothing to change, 1 wrong, 3 a second person must sign.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from approvals.audit import COMMAND_LINE, Actor
from approvals.configured import applied_before
from approvals.errors import ApprovalError
from integrations.package.applying import Outcome, Result, apply_wish
from integrations.package.diffing import as_text
from integrations.package.fetching import fetch
from integrations.package.planning import Plan, is_empty_installation
from integrations.package.problems import BadPackage
from integrations.package.reading import Loaded, read_packages
from integrations.package.rows import all_rows
from integrations.package.wishes import Wish, wish_of

WAITS = 3


class Command(BaseCommand):
    help = "Apply configuration packages: shows what would change, then changes it, all in one transaction."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", help="YAML package")
        parser.add_argument("--as", dest="person", default="", help="the admin in whose name it is done")
        parser.add_argument("--dry-run", action="store_true", help="only show what would change")
        parser.add_argument("--once", action="store_true", help="leave out what was applied in this very form before")
        parser.add_argument("--yes", action="store_true", help="do not ask, even at a terminal")

    def handle(self, *, files: list[str], person: str, dry_run: bool, yes: bool, once: bool, **_options: Any) -> None:
        user = _person(person)
        first = is_empty_installation(all_rows())
        try:
            wishes = [wish for wish in map(wish_of, _read(files)) if not (once and applied_before(wish.digest))]
            rehearsed = self._rehearse(wishes, user, first=first)
            if dry_run or not self._agreed(rehearsed, yes or first):
                return
            outcomes = self._apply(wishes, user, first=first)
        except BadPackage as error:
            raise CommandError(
                "\n".join(["Nothing was changed.", *(str(found) for found in error.problems)])
            ) from error
        except ApprovalError as error:
            raise CommandError(error.message) from error
        for outcome in outcomes:
            self._tell(outcome)
        waiting = [outcome for outcome in outcomes if outcome.result is Result.WAITS]
        if waiting:
            raise CommandError("\n".join(_waits(outcome) for outcome in waiting), returncode=WAITS)

    def _rehearse(self, wishes: Sequence[Wish], user: User | None, *, first: bool) -> list[Outcome]:
        """Do it all and take it back: the only true preview where one package builds on another."""
        with transaction.atomic():
            outcomes = self._apply(wishes, user, first=first)
            transaction.set_rollback(True)
        for outcome in outcomes:
            self._show(outcome.plan)
        return outcomes

    def _show(self, plan: Plan) -> None:
        self.stdout.write(f"Package {plan.wish.package}")
        self.stdout.write(as_text(list(plan.changes)))
        for note in plan.notes:
            self.stdout.write(f"Note: {note}")

    def _agreed(self, outcomes: Sequence[Outcome], yes: bool) -> bool:
        """Ask only where somebody sits: a script or a supervisor is never kept waiting."""
        nothing = all(outcome.result is Result.NOTHING for outcome in outcomes)
        if yes or nothing or not (sys.stdin.isatty() and sys.stdout.isatty()):
            return True
        return input("Apply this? [y/N] ").strip().lower() in ("y", "yes")

    def _apply(self, wishes: Sequence[Wish], user: User | None, *, first: bool) -> list[Outcome]:
        """Apply all packages or none."""
        actor = Actor.person(user) if user else COMMAND_LINE
        now = timezone.now()
        with transaction.atomic():
            return [apply_wish(wish, actor=actor, user=user, now=now, first=first) for wish in wishes]

    def _tell(self, outcome: Outcome) -> None:
        if outcome.result is Result.APPLIED:
            count = len(outcome.plan.changes)
            self.stdout.write(f"Applied: {count} change{'' if count == 1 else 's'}.")


def _waits(outcome: Outcome) -> str:
    """Return why nothing has changed yet, and where the second person signs."""
    wider = "".join(f"\n    {sentence}" for sentence in outcome.plan.wider)
    return (
        f"Package {outcome.plan.wish.package} gives agents more room than they have, so nothing of it has changed yet:"
        f"{wider}\nA second person signs it under {settings.PUBLIC_URL}/inbox/{outcome.request_id}/"
    )


def _person(name: str) -> User | None:
    if not name:
        return None
    user = get_user_model().objects.filter(username=name, is_active=True).first()
    if user is None:
        raise CommandError(f"There is nobody named {name}.")
    return user


def _read(files: list[str]) -> list[Loaded]:
    """Read every file before the first is applied."""
    return [loaded for file in files for loaded in read_packages(Path(file), fetch=fetch)]
