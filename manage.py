#!/usr/bin/env python
"""Countersign's command line: `manage.py up` runs everything, `manage.py help` lists the rest."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if command in ("up", "web") and not {"-h", "--help"} & set(sys.argv):
        from config.supervisor.entry import run_light

        # These start other processes and need nothing of Django: two seconds less at each start.
        sys.exit(run_light(command))
    from config.env import BadSetting
    from config.roles import prepare_environment

    prepare_environment(command)
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except BadSetting as problem:
        sys.exit(f"manage.py {command}: {problem}")


if __name__ == "__main__":
    main()
