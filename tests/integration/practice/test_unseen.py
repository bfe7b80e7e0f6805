"""A sceptic's payloads: odd types, other languages, missing fields, threats and orders to the agent. Not shown as samples."""

import json
from pathlib import Path

import pytest

from integrations.practice.sampling import SOURCES
from tests.practice_company import how_it_ended, play, told

FIXTURES = Path(__file__).parents[2] / "fixtures" / "practice"


@pytest.mark.slow
@pytest.mark.parametrize("workflow", sorted(SOURCES))
def test_sceptics_payloads_end_as_a_careful_clerk_would(company: str, workflow: str) -> None:
    wrong = []
    for case in json.loads((FIXTURES / f"{workflow}.json").read_text(encoding="utf-8")):
        run = play(workflow, case["payload"], case["setup"])
        ended = how_it_ended(run)
        if ended != case["expect"]:
            wrong.append(f"{case['title']}: expected {case['expect']}, was {ended}\n{told(run)}")
    assert not wrong, "\n\n".join(wrong)
