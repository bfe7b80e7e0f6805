"""R24: whoever takes three deeds back may be killed at any commit: each is taken back once, and nothing is left stuck.

Where an outcome is not known it waits for a person, and what it may rest on is not touched before that.
"""

from collections import Counter
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from agents.claims import free_lost_runs
from agents.models import Action, Run
from agents.providers.scripted import ScriptedProvider
from agents.states import RUN_ENDED, ActionState
from agents.undo.rollbacks import advance_one, preview_run, start_rollback
from approvals.models import AuditEvent, Request
from integrations.models import Connection
from tests.audit_checker import history_problems
from tests.factories import DONE, refund_run, says, wants_refund
from tests.faults.crashing import AFTER, BEFORE, KILL, Crasher, in_child
from tests.integration.undo.conftest import carry_on, model, operator, paid, shop  # noqa: F401 - fixtures
from tests.promises import Promise
from tests.shop import Shop

WORDS = "kill -9 at every commit of a rollback of three deeds"


def undone(run: Run, user: User, *, at: int, when: str) -> bool:
    """Roll the run back with a worker that dies at this commit, and let others go on. Returns whether it died."""
    start_rollback(preview_run(run_id=run.pk, user=user), reason="paid twice", user=user)
    died = in_child(carry_on, crasher=Crasher(at=at, when=when, how=KILL)) != 0
    for _ in range(3):
        _revive()
        carry_on()
    return died


def _revive() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE agents_run SET lease_expires_at = clock_timestamp() - interval '1 s' WHERE state = 'running'"
        )
    free_lost_runs()


def problems(run: Run, cancelled: list[str]) -> list[str]:
    """Return what was not as it must be: a deed taken back twice or not at all, or something stuck."""
    deeds = Action.objects.filter(run=run, tool="shop.refund_order")
    refunds = {str(deed.result["refund_id"]): deed for deed in deeds if deed.result}
    parked = Request.objects.filter(state="open", kind="unknown_outcome").exists()
    times = Counter(cancelled)
    again = Counter(AuditEvent.objects.filter(verb="action.sent_again").values_list("subject_id", flat=True))
    wrong = []
    for name, deed in refunds.items():
        # What may be sent twice (it is convergent) is, after a crash, and each sending stands in the audit.
        by = Action.objects.filter(compensates=deed, attempts__gt=0)
        if by.count() > 1 or times[name] > 1 + sum(again[str(one.pk)] for one in by):
            wrong.append(f"{name} was taken back {times[name]} times, by {by.count()}")
    if not parked:
        wrong += [f"{name} is {deed.state}" for name, deed in refunds.items() if deed.state != ActionState.COMPENSATED]
    stuck = Run.objects.exclude(state__in=RUN_ENDED).exclude(state__in=("escalated", "waiting_person"))
    return wrong + [f"run {one.number} is stuck: {one.state}" for one in stuck]


def three_deeds(model: ScriptedProvider) -> Run:  # noqa: F811
    model.say(*[says("", wants_refund(1_000 + n, id=f"c{n}")) for n in range(3)], DONE)
    run = refund_run()
    carry_on()
    run.refresh_from_db()
    return run


@pytest.mark.parametrize(
    ("first", "step"), [(4, 9), pytest.param(1, 1, marks=[pytest.mark.chaos, pytest.mark.slow])], ids=["some", "every"]
)
@pytest.mark.parametrize("when", [BEFORE, AFTER])
@pytest.mark.parametrize("effect", ["convergent", pytest.param("blind", marks=[pytest.mark.chaos, pytest.mark.slow])])
def test_killed_at_a_commit_each_deed_is_taken_back_once(
    shop: Shop,  # noqa: F811
    model: ScriptedProvider,  # noqa: F811
    paid: Run,  # noqa: F811
    operator: User,  # noqa: F811
    promise: Promise,
    effect: str,
    when: str,
    first: int,
    step: int,
) -> None:
    _make(effect)
    run, at, died, wrong, kills = paid, first, True, [], 0
    while died:
        before = len(shop.cancelled)
        died = undone(run, operator, at=at, when=when)
        wrong += [f"commit {at}: {told}" for told in problems(run, shop.cancelled[before:])]
        kills, at, run = kills + died, at + step, three_deeds(model)
    promise(WORDS, tried=kills, violations=len(wrong), note="each compensation once, nothing stuck")
    assert wrong == []
    assert at > 20, "too few commits to prove anything"
    assert history_problems() == []


def test_a_player_that_forgets_what_it_sent_is_seen(
    shop: Shop,  # noqa: F811
    paid: Run,  # noqa: F811
    operator: User,  # noqa: F811
    promise: Promise,
) -> None:
    """The negative control: the same deeds taken back once more by somebody who keeps no journal."""
    undone(paid, operator, at=10**6, when=BEFORE)
    wrong = problems(paid, [*shop.cancelled, *_again(shop)])
    promise(WORDS, tried=3, violations=len(wrong), control=True)
    assert len(wrong) == 3


def _make(effect: str) -> None:
    """Let the compensation be one that may be sent twice, or one that nobody may send again: it is parked."""
    row = Connection.objects.get(name="shop")
    row.tools = {**row.tools, "cancel_refund": {**row.tools["cancel_refund"], "effect": effect}}
    row.save()


def _again(shop: Shop) -> list[Any]:  # noqa: F811
    """Call the shop as a blind retry would."""
    from urllib.request import Request as Call
    from urllib.request import urlopen

    before = len(shop.cancelled)
    for name in list(shop.cancelled):
        with urlopen(Call(f"{shop.url}/refunds/{name}/cancel", data=b"{}", method="POST")):  # noqa: S310 - our own server
            pass
    said, shop.cancelled[before:] = shop.cancelled[before:], []
    return said


def test_a_rollback_that_died_before_it_began_is_taken_up(shop: Shop, paid: Run, operator: User) -> None:  # noqa: F811
    start_rollback(preview_run(run_id=paid.pk, user=operator), reason="paid twice", user=operator)
    assert in_child(lambda: (advance_one(), None)[1], crasher=Crasher(at=1, when=BEFORE, how=KILL)) != 0
    carry_on()
    assert sorted(shop.cancelled) == ["R1", "R2", "R3"]
