import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from integrations.practice.sampling import SOURCES, Sample, samples_of, stage
from integrations.practice.sender import ANSWER_WITHIN_S, send_event


class Command(BaseCommand):
    help = "Print a sample event with its records made in the shop, ready for run_agent; --send sends it instead."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("workflow", choices=list(SOURCES))
        parser.add_argument("name", nargs="?", default="", help="name or number; without it the names are listed")
        parser.add_argument("--send", action="store_true", help="send it through the signed webhook")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["name"]:
            for sample in samples_of(options["workflow"]):
                self.stdout.write(f"{sample.name}  ({sample.expect})")
            return
        sample, now = self._sample(options["workflow"], options["name"]), timezone.now()
        payload = stage(sample.setup, sample.payload, now=now)
        if not options["send"]:
            self.stdout.write(json.dumps(payload, indent=1, ensure_ascii=False))
            return
        sending = send_event(workflow=sample.workflow, payload=payload, user=None, now=now)
        sending.done.wait(ANSWER_WITHIN_S + 1)
        sending.event.refresh_from_db()
        self.stdout.write(f"{sending.event.status or 'not delivered'} {sending.event.answer}")

    def _sample(self, workflow: str, name: str) -> Sample:
        found = [sample for sample in samples_of(workflow) if sample.name in (name, *_numbered(sample, name))]
        if not found:
            raise CommandError(f"There is no sample {name} for {workflow}. Leave the name out to see them.")
        return found[0]


def _numbered(sample: Sample, name: str) -> tuple[str, ...]:
    return (sample.name,) if name.isdigit() and sample.name.startswith(f"{int(name):02d}-") else ()
