"""manage.py export [--package P] [--by-hand NAME]: write what is configured as files for `apply`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations.package.exporting import as_yaml, package_document, packages


class Command(BaseCommand):
    help = "Write packages as YAML. Applied again they change nothing. Secrets that were typed in are not part of it."

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--package", default="", help="only this one")
        which.add_argument(
            "--by-hand", default="", metavar="NAME", help="what people made in the browser, as package NAME"
        )

    def handle(self, *, package: str, by_hand: str, **_options: Any) -> None:
        if package and package not in packages():
            raise CommandError(f"There is no package {package}. There are: {', '.join(packages()) or 'none'}.")
        names = [package or by_hand] if package or by_hand else packages()
        documents = [as_yaml(package_document(name, by_hand=bool(by_hand))) for name in names]
        self.stdout.write("---\n".join(documents), ending="")
