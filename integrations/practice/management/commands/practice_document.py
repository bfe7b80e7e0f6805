from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integrations.practice.openapi import DOCUMENT_PATH, document_text


class Command(BaseCommand):
    help = "Write the OpenAPI document of the practice company. --check only says whether it is current."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing, fail when it is not current")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = document_text()
        if not options["check"]:
            DOCUMENT_PATH.write_text(wanted, encoding="utf-8")
        elif DOCUMENT_PATH.read_text(encoding="utf-8") != wanted:
            raise CommandError("The document is not current. Run: manage.py practice_document")
