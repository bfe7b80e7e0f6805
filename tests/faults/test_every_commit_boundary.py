"""R3: a worker may die at any commit, before or after it, and the run ends as if it had not."""

import pytest
from django.contrib.auth.models import User
from django.db import connection

from agents.claims import free_lost_runs
from agents.models import Run
from agents.providers.scripted import ScriptedProvider
from agents.states import RunState
from approvals.models import Request
from approvals.services import decide_request
from tests.audit_checker import history_problems
from tests.driving import work
from tests.factories import DONE, refund_agent, refund_run, says, wants, wants_refund
from tests.faults.crashing import AFTER, BEFORE, DROP, KILL, RAISE, Crasher, in_child
from tests.shop import Shop


def conversation(request: object) -> object:
    """Answer by what has been said so far, as a model would: a restarted worker asks the same question again."""
    turns = sum(type(message).__name__ == "AssistantTurn" for message in request.messages)  # type: ignore[attr-defined]
    return [says("", wants("shop.get_order", order_id="20871")), says("", wants_refund(64_000)), DONE][turns]


def start(model: ScriptedProvider) -> Run:
    model.say(*[conversation] * 60)  # type: ignore[list-item]
    refund_agent()
    return refund_run()


def revive() -> None:
    """Let the lease of whoever died be over, and sweep as the clock does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE agents_run SET lease_expires_at = clock_timestamp() - interval '1 s' WHERE state = 'running'"
        )
    free_lost_runs()


def sign(user: User) -> None:
    request = Request.objects.get(state="open")
    decide_request(request_id=request.pk, user=user, vote="approve", digest=request.action_digest, via="api")


def carry_on(run: Run, signer: User) -> None:
    """Work as the next worker does until the run has ended, signing what waits."""
    for _ in range(4):
        revive()
        work()
        if Request.objects.filter(state="open", kind="approval").exists():
            sign(signer)
    run.refresh_from_db()


# The change's own tier kills at every commit and takes turns with the two gentler ways; `make chaos` does it all.
WAYS = [
    (KILL, 1, 1),
    (RAISE, 1, 2),
    (DROP, 2, 2),
    pytest.param(RAISE, 2, 2, marks=pytest.mark.chaos),
    pytest.param(DROP, 1, 2, marks=pytest.mark.chaos),
]


@pytest.mark.parametrize(("how", "first", "step"), WAYS)
@pytest.mark.parametrize("when", [BEFORE, AFTER])
@pytest.mark.parametrize("phase", ["until it waits", "after the vote"])
def test_dying_at_each_commit_changes_nothing(
    shop: Shop, model: ScriptedProvider, second_operator: User, how: str, first: int, step: int, when: str, phase: str
) -> None:
    at, died = first - step, True
    while died:
        at += step
        run = start(model) if at == first else refund_run()
        if phase == "after the vote":
            work()
            sign(second_operator)
        already = len(shop.refunds)
        died = in_child(work_quietly, crasher=Crasher(at=at, when=when, how=how)) != 0
        carry_on(run, second_operator)
        assert run.state == RunState.COMPLETED, f"commit {at}: {run.state} {run.waiting_for}"
        assert len(shop.refunds) - already == 1, f"commit {at}: {len(shop.refunds) - already} refunds"
    assert at > 5, "too few commits to prove anything"
    assert history_problems() == []


def work_quietly() -> None:
    work()
