"""Every sample of every workflow through the real thread: event, trigger, run, policy, tools, practice company."""

import pytest

from integrations.practice.sampling import EXPECTATIONS, SOURCES, samples_of
from tests.practice_company import how_it_ended, play, told


@pytest.mark.parametrize("workflow", sorted(SOURCES))
def test_each_workflow_has_twenty_varied_samples(workflow: str) -> None:
    samples = samples_of(workflow)
    assert len(samples) >= 20
    assert {sample.expect for sample in samples} <= set(EXPECTATIONS)
    assert len({sample.expect for sample in samples}) >= 3


@pytest.mark.slow
@pytest.mark.parametrize("workflow", sorted(SOURCES))
def test_samples_end_as_expected(company: str, workflow: str) -> None:
    wrong = []
    for sample in samples_of(workflow):
        run = play(workflow, sample.payload, sample.setup)
        ended = how_it_ended(run)
        if ended != sample.expect:
            wrong.append(f"{sample.name}: expected {sample.expect}, was {ended}\n{told(run)}")
    assert not wrong, "\n\n".join(wrong)
