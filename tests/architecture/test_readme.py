"""The README is tried: its example is applied, its settings are those that the code reads, what it points at is there."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command

from agents.models import Agent
from approvals.people_demo import ensure_demo_people
from integrations.models import Connection, Trigger
from tests.shop import DOCUMENT

BASE = Path(settings.BASE_DIR)
TEXT = (BASE / "README.md").read_text(encoding="utf-8")
READMES = sorted(path for path in BASE.glob("*/README.md")) + [BASE / "README.md"]
_READ = re.compile(r'env\.(?:text|secret|integer|boolean|listing|web_address|database|redis_address)\(\s*"([A-Z_]+)"')


@pytest.mark.django_db
def test_the_example_of_an_own_system_can_be_applied(tmp_path: Path, settings: Any) -> None:
    settings.SECRET_NAMES = ("LOCAL_KEY", "SHOP_TOKEN", "SHOP_HOOK_SECRET")
    ensure_demo_people(password="a-long-password")
    settings.OUTBOUND_ALLOW = ("127.0.0.1:4010", "127.0.0.1:9000")
    example = re.search(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert example
    (tmp_path / "shop.openapi.json").write_text(json.dumps(DOCUMENT), encoding="utf-8")
    (tmp_path / "my-shop.yaml").write_text(example.group(1), encoding="utf-8")
    call_command("apply", str(tmp_path / "my-shop.yaml"), yes=True)
    assert Connection.objects.get().name == "shop"
    assert Agent.objects.get().current is not None
    assert Trigger.objects.get().agent == "my-refund-clerk"


def test_every_setting_that_is_read_is_told() -> None:
    files = [path for app in ("config", "agents", "approvals", "integrations") for path in (BASE / app).rglob("*.py")]
    read = {name for path in files for name in _READ.findall(path.read_text(encoding="utf-8"))}
    assert len(read) > 20
    assert sorted(name for name in read if f"`{name}`" not in TEXT) == []


@pytest.mark.parametrize("path", READMES, ids=lambda path: str(path.relative_to(BASE)))
def test_what_a_readme_points_at_is_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    folder = path.parent
    named = re.findall(r"`((?:[a-z_]+/)*[a-z_]+(?:\.py|/))`", text)
    gone = [link for link in links if not (folder / link).exists()]
    gone += [name for name in named if not any((place / name).exists() for place in (folder, BASE, *folder.glob("*/")))]
    assert gone == []


def test_no_promise_is_larger_than_what_holds() -> None:
    assert "exactly once" not in TEXT.lower()
