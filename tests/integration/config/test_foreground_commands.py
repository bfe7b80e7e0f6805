import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from approvals.people_demo import ensure_demo_people
from integrations.practice.models import Order
from tests.practice_company import TOKEN, open_company, practice_server


def test_document_of_the_practice_company_is_current() -> None:
    call_command("practice_document", check=True)


@pytest.mark.django_db
def test_practice_seed_fills_the_company() -> None:
    call_command("practice_seed", fresh=True, stdout=StringIO())
    assert Order.objects.count() > 5


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "sentence"), [("[1]", "must hold one JSON object"), ("{", "is not JSON"), ('{"a": NaN}', "is not JSON")]
)
def test_run_agent_refuses_what_is_no_event(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "event.json").write_text(text)
    with pytest.raises(CommandError, match=sentence):
        call_command("run_agent", "refund-clerk", str(tmp_path / "event.json"))


@pytest.mark.django_db(transaction=True)
def test_run_agent_tells_what_the_agent_did(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PRACTICE_TOKEN = TOKEN
    settings.SECRET_NAMES = ("PRACTICE_TOKEN", "PRACTICE_HOOK_SECRET")
    monkeypatch.setenv("PRACTICE_TOKEN", TOKEN)
    monkeypatch.setenv("PRACTICE_HOOK_SECRET", "whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0")
    (tmp_path / "event.json").write_text(json.dumps({"type": "refund.requested", "order_id": "no-such-order"}))
    said = StringIO()
    with practice_server() as url:
        settings.PRACTICE_URL = url
        settings.OUTBOUND_ALLOW = (url.removeprefix("http://"),)
        ensure_demo_people(password="a-long-enough-pass-1")
        open_company(url)
        call_command("run_agent", "refund-clerk", str(tmp_path / "event.json"), stdout=said)
    lines = said.getvalue().splitlines()
    assert lines[0].startswith("Run ") and "refund-clerk" in lines[0]
    assert len(lines) > 2
