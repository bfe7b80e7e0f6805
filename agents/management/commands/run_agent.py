import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from agents.claims import claim_one
from agents.errors import NoSuchAgent
from agents.foreground import lines_of
from agents.loop import advance_run
from agents.models import Run
from agents.services import start_run
from approvals.audit import COMMAND_LINE
from config import bounded_json


class Command(BaseCommand):
    help = "Run an agent on the JSON object in FILE (- for standard input), in the foreground, and tell what it does."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("agent")
        parser.add_argument("file")
        parser.add_argument("--goal", default="Do your work on this event.")
        parser.add_argument("--subject", default="")
        parser.add_argument("--as", dest="person", default="", help="who starts it; that person may not sign for it")

    def handle(self, *_args: Any, **options: Any) -> None:
        person = self._person(options["person"])
        try:
            run = start_run(
                agent=options["agent"],
                goal=options["goal"],
                input=self._payload(options["file"]),
                subject=options["subject"],
                initiator=person,
                actor=None if person else COMMAND_LINE,
                claimable=False,
            )
        except NoSuchAgent as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"Run {run.number} of {run.agent.name} v{run.version.number}, {run.mode} ({run.pk})")
        self._work(run)

    def _work(self, run: Run) -> None:
        claimed = claim_one(run.pk, "foreground")
        if claimed is not None:
            advance_run(claimed)
        for line in lines_of(run.pk):
            self.stdout.write(line)

    def _payload(self, name: str) -> Any:
        raw = sys.stdin.buffer.read() if name == "-" else self._bytes(name)
        try:
            value = bounded_json.loads(raw)
        except bounded_json.BadJson as error:
            raise CommandError(f"{name} is not JSON: {error.message}") from None
        if not isinstance(value, dict):
            raise CommandError(
                f"{name} must hold one JSON object, the event's payload. It holds {json.dumps(value)[:60]}"
            )
        return value

    def _bytes(self, name: str) -> bytes:
        try:
            return Path(name).read_bytes()
        except OSError as error:
            raise CommandError(f"{name} cannot be read: {error.strerror}") from None

    def _person(self, name: str) -> Any:
        if not name:
            return None
        person = get_user_model().objects.filter(username=name).first()
        if person is None:
            raise CommandError(f"There is no person named {name}.")
        return person
