from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from approvals.errors import ApprovalError
from approvals.sealing.erasure import erase_subject


class Command(BaseCommand):
    help = "Erase what the audit trail says about one subject (rows older than 190 days). The chain stays valid."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("subject")
        parser.add_argument("--reason", required=True, help="stays in the trail; does not name the subject")
        parser.add_argument("--as", dest="person", required=True, help="the admin who erases")

    def handle(self, *_args: Any, **options: Any) -> None:
        person = get_user_model().objects.filter(username=options["person"]).first()
        if person is None:
            raise CommandError(f"There is no person named {options['person']}.")
        try:
            done = erase_subject(subject=options["subject"], reason=options["reason"], user=person)
        except ApprovalError as error:
            raise CommandError(error.message) from None
        self.stdout.write(done.sentence)
