"""What a stranger's shop, desk and form send, signed and through the door: where each of them ends."""

import json
from pathlib import Path
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone

from agents.models import Run
from integrations.models import Event
from integrations.practice.sampling import SOURCES, stage
from integrations.services import process_event
from tests.driving import work
from tests.hooks import deliver
from tests.practice_company import how_it_ended, told

FIXTURES = Path(__file__).parents[2] / "fixtures" / "practice" / "outside"
SECRET = "whsec_bXktcHJhY3RpY2Utc2VjcmV0LTEyMzQ="


def _send(client: Client, workflow: str, number: int, case: dict[str, object]) -> UUID:
    """Post the payload as its sender would and return the event's id."""
    payload = stage(case["setup"], case["payload"], now=timezone.now())  # type: ignore[arg-type]
    answer = deliver(
        client,
        json.dumps(payload, ensure_ascii=False).encode(),
        source=SOURCES[workflow],
        secret=SECRET,
        event_id=f"evt_{workflow}_{number}",
    )
    assert answer.status_code == 202, answer.content
    return UUID(answer.json()["id"])


@pytest.mark.slow
@pytest.mark.parametrize("workflow", sorted(SOURCES))
def test_signed_payloads_of_strangers_end_where_the_mission_says(
    company: str, client: Client, monkeypatch: pytest.MonkeyPatch, workflow: str
) -> None:
    monkeypatch.setenv("PRACTICE_HOOK_SECRET", SECRET)
    cases = json.loads((FIXTURES / f"{workflow}.json").read_text(encoding="utf-8"))
    sent = [_send(client, workflow, number, case) for number, case in enumerate(cases)]
    wrong = []
    for event_id, case in zip(sent, cases, strict=True):
        process_event(event_id=event_id)
        work(rounds=40)
        run = Run.objects.get(pk=Event.objects.get(pk=event_id).run_ids[0])
        if (ended := how_it_ended(run)) != case["expect"]:
            wrong.append(f"{case['title']}: expected {case['expect']}, was {ended}\n{told(run)}")
    assert not wrong, "\n\n".join(wrong)
