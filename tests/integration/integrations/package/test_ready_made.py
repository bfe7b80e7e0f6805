"""The ready-made packages install at once on an empty installation, and again change nothing."""

from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from agents.models import Agent
from agents.services import publish_agent_version
from approvals.audit import COMMAND_LINE
from approvals.models import Request
from approvals.people_demo import ensure_demo_people

pytestmark = pytest.mark.django_db


def apply(*files: str, once: bool = False) -> str:
    out = StringIO()
    call_command("apply", *files, once=once, stdout=out)
    return out.getvalue()


@pytest.fixture(autouse=True)
def demo(db: None) -> None:
    """The people whom the rules name."""
    ensure_demo_people(password="practice-only")


def files() -> list[str]:
    return sorted(str(path) for path in (settings.BASE_DIR / "agents" / "ready_made").glob("*.yaml"))


def test_applied_once_they_leave_alone_what_people_changed_since() -> None:
    apply(*files(), once=True)
    agent = Agent.objects.get(name="refund-clerk")
    document = {**agent.current.document, "mode": "suggest"}
    publish_agent_version(agent=agent, document=document, actor=COMMAND_LINE)
    assert apply(*files(), once=True) == ""
    agent.refresh_from_db()
    assert agent.current.document["mode"] == "suggest"


def test_they_install_together_and_again_change_nothing(tmp_path: Path) -> None:
    first = apply(*files())
    assert first.count("Applied: ") == len(files()), first
    assert Agent.objects.filter(disabled=False).count() >= 4
    assert not Request.objects.exists()
    assert apply(*files()).count("Nothing to change.") == len(files())
    exported = StringIO()
    call_command("export", stdout=exported)
    (tmp_path / "all.yaml").write_text(exported.getvalue())
    # one more: the demonstration's own group
    assert apply(str(tmp_path / "all.yaml")).count("Nothing to change.") == len(files()) + 1
