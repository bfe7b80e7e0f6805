"""The ready-made packages install at once on an empty installation, and again change nothing."""

from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from agents.models import Agent
from approvals.models import Request

pytestmark = pytest.mark.django_db


def apply(*files: str) -> str:
    out = StringIO()
    call_command("apply", *files, stdout=out)
    return out.getvalue()


def test_they_install_together_and_again_change_nothing(tmp_path: Path) -> None:
    files = sorted(str(path) for path in (settings.BASE_DIR / "agents" / "ready_made").glob("*.yaml"))
    first = apply(*files)
    assert first.count("Applied: ") == len(files), first
    assert Agent.objects.filter(disabled=False).count() >= 4
    assert not Request.objects.exists()
    assert apply(*files).count("Nothing to change.") == len(files)
    exported = StringIO()
    call_command("export", stdout=exported)
    (tmp_path / "all.yaml").write_text(exported.getvalue())
    assert apply(str(tmp_path / "all.yaml")).count("Nothing to change.") == len(files)
