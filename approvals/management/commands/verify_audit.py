from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from approvals.audit import COMMAND_LINE
from approvals.sealing.checking import verify_all
from approvals.sealing.keys import public_keys
from approvals.sealing.reading import export_lines
from approvals.sealing.sealer import seal_all
from approvals.sealing.verify_audit import Checker, Report, read_checkpoints, read_export, read_keys, told


class Command(BaseCommand):
    help = "Verify the audit trail here, or an export of it; --export writes one that the stand-alone script reads."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, help="an export; none: the database as it is")
        parser.add_argument("--key", type=Path, help="public keys, one per line; none: those known here")
        parser.add_argument("--checkpoints", type=Path, help="folder of checkpoints kept outside the database")
        parser.add_argument("--export", type=Path, help="write the sealed trail to this file and stop")

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["export"]:
            self._export(options["export"])
            return
        report = self._report(options)
        self.stdout.write(told(report))
        if not report.sound:
            raise CommandError("The audit trail is not sound.", returncode=1)

    def _report(self, options: dict[str, Any]) -> Report:
        folder = options["checkpoints"] or _delivered()
        checkpoints = read_checkpoints(folder) if folder else []
        keys = read_keys(options["key"]) if options["key"] else public_keys()
        if not options["file"]:
            return verify_all(actor=COMMAND_LINE, keys=keys, checkpoints=checkpoints)
        try:
            return Checker(keys=keys, checkpoints=checkpoints).check(read_export(options["file"]))
        except (OSError, ValueError, KeyError, TypeError) as problem:
            raise CommandError(f"{options['file']} is no export that can be read: {problem}", returncode=2) from None

    def _export(self, path: Path) -> None:
        seal_all()
        with path.open("w", encoding="utf-8") as file:
            file.writelines(export_lines())
        keys = path.with_suffix(".pub")
        keys.write_text("".join(f"{text}  # {name}\n" for name, text in public_keys().items()), encoding="utf-8")
        self.stdout.write(f"Written: {path} and {keys}.")


def _delivered() -> Path | None:
    """Return the folder that checkpoints are delivered to, if there is one here."""
    folders = (
        Path(place.removeprefix("folder:")) for place in settings.AUDIT_CHECKPOINTS if place.startswith("folder:")
    )
    return next((folder for folder in folders if folder.is_dir()), None)
