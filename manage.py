#!/usr/bin/env python
"""Countersign's command line: `manage.py up` runs everything, `manage.py help` lists the rest."""

import os
import sys

from config.roles import prepare_environment


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    prepare_environment(sys.argv[1] if len(sys.argv) > 1 else "")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
