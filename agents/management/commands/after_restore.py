from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from agents.after_restore import paused_runs, resume, unsettled
from approvals.halts import GLOBAL, open_halts
from approvals.people import signer
from approvals.sealing.marker import marker_file, read_marker, restored_from
from approvals.sealing.restored import stop_if_restored


class Command(BaseCommand):
    help = "After a database was restored from a copy: stops everything, says what is open, and lets it go on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--resume", action="store_true", help="let the paused runs go on; the last step but one")
        parser.add_argument("--as", dest="person", help="the admin who resumes")

    def handle(self, *_args: Any, **options: Any) -> None:
        why = stop_if_restored()
        if options["resume"]:
            self._resume(options["person"])
            return
        self.stdout.write(f"Restored from a copy: {why}." if why else "Nothing says that this database was restored.")
        self.stdout.write(self._kept())
        self._guide()

    def _kept(self) -> str:
        kept = read_marker()
        if kept is None:
            return f"There is no marker at {marker_file()}: this machine cannot tell whether a copy was restored."
        return f"The marker at {marker_file()} knows {kept.total:,} sealed audit rows (seal {kept.seal:,})."

    def _guide(self) -> None:
        halted = any(halt.scope == GLOBAL for halt in open_halts())
        self.stdout.write(f"1. Unknown outcomes to settle in the inbox: {unsettled()}.")
        self.stdout.write(f"2. Runs that wait for `manage.py after_restore --resume --as ADMIN`: {paused_runs()}.")
        self.stdout.write(f"3. The global halt is {'engaged: release it last' if halted else 'released'}.")

    def _resume(self, name: str | None) -> None:
        person = get_user_model().objects.filter(username=name).first() if name else None
        if person is None or not signer(person).is_admin:
            raise CommandError("Resuming needs an admin: --as NAME.")
        left = unsettled()
        if left:
            raise CommandError(
                f"{left} unknown outcomes wait in the inbox. Settle them first; then nothing runs twice."
            )
        count = resume(user=person)
        assert not restored_from(read_marker())  # noqa: S101 - resume has just taken the present for the truth
        self.stdout.write(f"{count} runs are queued again. They begin once the global halt is released.")
