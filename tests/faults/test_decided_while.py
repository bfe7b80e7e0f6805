"""R10: a vote against the clock, a halt, a new policy and a cancelled run at the same instant: one outcome, in a legal
order, and nothing is executed that must not be.

What must not be is told from outside, by the order of audit rows that were written under one lock, never by the engine.
"""

import contextlib
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from agents.errors import MoveRefused
from agents.loop import advance_run
from agents.models import Action, Run
from agents.services import cancel_run
from approvals.audit import COMMAND_LINE
from approvals.errors import ApprovalError
from approvals.expiring import expire_overdue_requests
from approvals.halts import engage_halt, release_halt
from approvals.models import AuditEvent, Halt, PolicyVersion, Request
from approvals.policy_versions import activate_policy
from tests.audit_checker import history_problems
from tests.driving import work
from tests.factories import RULES, person, refund_agent, refund_run
from tests.faults.conversing import LARGE, Clerk, clerk
from tests.faults.copies import copies_of
from tests.faults.deciding import Act, pair, unguarded, voting
from tests.faults.guards_off import any_move, begin_effect, when_one_pauses
from tests.promises import Promise
from tests.shop import Shop

# So many of each go, one by one, into the pause between the looks in Python and those of the database.
WINDOWS, PAUSE_S = 5, 0.15
COUNTS = [100, pytest.param(1_000, marks=[pytest.mark.chaos, pytest.mark.slow])]


@pytest.fixture
def admin(transactional_db: None) -> User:
    return person("admin", "admin")


@pytest.fixture
def waits(shop: Shop, second_operator: User) -> Request:
    """A refund that waits, of an agent whose model refunds and ends, however often it is asked."""
    from agents.providers import registry

    registry.put(Clerk(clerk(LARGE)))
    refund_agent(limits={"turns": 12, "actions": 12, "seconds": 3_000, "parallel_runs": 5_000})
    refund_run("order-1")
    work()
    return Request.objects.get(state="open")


def signed_and_worked(user: User) -> Act:
    """Approve, and be the worker that executes it at once."""
    approve = voting(user, "approve")

    def act(request: Request) -> object:
        with contextlib.suppress(ApprovalError):
            approve(request)
        return _worked(request)

    return act


def _worked(request: Request) -> object:
    """Claim this one run as a worker does, and take it as far as it goes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH c AS (UPDATE agents_run SET state = 'running', fence = fence + 1, lease_owner = 'test',"
            " lease_expires_at = clock_timestamp() + interval '1 minute' WHERE id = %s AND state = 'queued' RETURNING *)"
            " INSERT INTO approvals_auditevent (actor, actor_kind, verb, subject_type, subject_id, subject, run_id, agent,"
            " from_state, to_state, digest, data) SELECT 'test', 'system', 'run.running', 'run', id::text, subject, id, '',"
            " 'queued', 'running', '', '{}' FROM c RETURNING 1",
            [request.run_id],
        )
        if cursor.fetchone():
            advance_run(Run.objects.select_related("agent", "version").get(pk=request.run_id))
    return "worked"


def raced(
    waits: Request, count: int, first: Act, second: Act, *, before: Callable[[Request], object] = id
) -> list[Any]:
    """Let both act on each of so many copies at once. Returns the copies and whatever broke."""
    requests, broken = copies_of(waits, count), list[str]()
    with pair() as two:
        for request in requests:
            before(request)
            told = two.both(first, second, request)
            broken += [repr(one) for one in told if isinstance(one, Exception) and not _is_a_refusal(one)]
    return requests, broken


def _is_a_refusal(error: Exception) -> bool:
    return isinstance(error, ApprovalError | MoveRefused)


def executed(requests: Sequence[Request]) -> list[Action]:
    return list(Action.objects.filter(pk__in=[r.action_id for r in requests], attempts__gt=0))


def somewhen(request: Request) -> None:
    """Wait for nothing or, half of the time, until the vote is in and its worker about."""
    deadline = time.monotonic() + 2 * random.randint(0, 1)
    while time.monotonic() < deadline and Run.objects.filter(pk=request.run_id, state="waiting_person").exists():
        time.sleep(0.002)
    time.sleep(random.random() * 0.04 if deadline > time.monotonic() else 0)


def in_the_window(_: Request) -> None:
    """Wait until the act stands between the looks in Python and those of the database."""
    when_one_pauses()


# The clock


def due_now(request: Request) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE approvals_request SET decide_by = clock_timestamp() + random() * interval '25 ms' WHERE id = %s",
            [request.pk],
        )


def expire(_: Request) -> object:
    """Sweep as the clock does, again and again while it becomes due."""
    return sum(expire_overdue_requests() for _ in range(4))


def two_outcomes(requests: Sequence[Request]) -> list[str]:
    """Requests that have run out although somebody's vote counts, or the other way round."""
    rows = Request.objects.filter(pk__in=[r.pk for r in requests]).prefetch_related("decisions")
    found = []
    for row in rows:
        legal = {"approved": (1, False), "open": (0, False), "expired": (0, False)}
        if len(row.decisions.all()) != legal[row.state][0]:
            found.append(f"{row.state} with {len(row.decisions.all())} votes")
    return found


@pytest.mark.parametrize("count", COUNTS)
def test_a_vote_against_the_clock(waits: Request, second_operator: User, promise: Promise, count: int) -> None:
    requests, broken = raced(waits, count, voting(second_operator, "approve"), expire, before=due_now)
    wrong = [*broken, *two_outcomes(requests)]
    states = {
        s: Request.objects.filter(pk__in=[r.pk for r in requests], state=s).count() for s in ("approved", "expired")
    }
    promise("a vote against the deadline", tried=count, violations=len(wrong), note=str(states))
    assert wrong == [] and history_problems() == []


def test_without_a_lock_what_ran_out_is_approved(waits: Request, second_operator: User, promise: Promise) -> None:
    requests, _ = raced(waits, 60, unguarded(second_operator, "approve"), expire, before=due_now)
    late = two_outcomes(requests)
    problems = history_problems()
    promise("a vote against the deadline", tried=60, violations=len(problems), control=True)
    assert problems, late


# A halt


def halting(intents: list[str], wait: Act) -> Act:
    """Halt everything, and count inside of it what begins until it is released."""

    def act(request: Request) -> object:
        wait(request)
        with transaction.atomic():
            halt = engage_halt(scope="global", reason="stop", actor=COMMAND_LINE)
            before = _intents()
        time.sleep(0.03 if wait is somewhen else 2 * PAUSE_S)
        if (after := _intents()) != before:
            intents.append(f"{after - before} began after the halt")
        release_halt(halt_id=halt.pk, actor=COMMAND_LINE)
        return "halted"

    return act


def _intents() -> int:
    return AuditEvent.objects.filter(verb__in=["action.executing", "action.sent_again"]).count()


@pytest.mark.parametrize("count", COUNTS)
def test_a_vote_against_a_halt(waits: Request, second_operator: User, shop: Shop, promise: Promise, count: int) -> None:
    after: list[str] = []
    requests, broken = raced(waits, count - WINDOWS, signed_and_worked(second_operator), halting(after, somewhen))
    with begin_effect(pause_s=PAUSE_S):
        more, broke = raced(waits, WINDOWS, signed_and_worked(second_operator), halting(after, in_the_window))
    requests, broken = [*requests, *more], [*broken, *broke]
    work(rounds=count)
    wrong = [*broken, *after, *[str(run) for run in Run.objects.exclude(state="completed").exclude(pk=waits.run_id)]]
    promise(
        "a vote against a halt", tried=count, violations=len(wrong), note=f"{len(executed(requests))} ran, in the end"
    )
    assert wrong == [] and history_problems() == []
    assert len(shop.refunds) == count == Halt.objects.count()


def test_without_the_look_at_halts_it_begins(waits: Request, second_operator: User, promise: Promise) -> None:
    after: list[str] = []
    with begin_effect(without=("halt",), pause_s=PAUSE_S):
        _, broken = raced(waits, WINDOWS, signed_and_worked(second_operator), halting(after, in_the_window))
    assert broken == []
    promise("a vote against a halt", tried=WINDOWS, violations=len(after), control=True)
    assert after


# A new policy


def editing(wait: Act) -> Act:
    """Ask for two signatures, or for one again: each time the rule that asked is another."""
    votes = iter(range(10**6))

    def act(request: Request) -> object:
        wait(request)
        rules = [*RULES[:2], {**RULES[2], "deadline_h": 1 + next(votes) % 700, "votes": 1}]
        return activate_policy(rules=rules, actor=COMMAND_LINE)

    return act


def under_another_rule(requests: Sequence[Request]) -> list[str]:
    """What began after the policy that judged it was replaced: both write their row under one lock, so order tells."""
    changes = list(AuditEvent.objects.filter(verb="policy.activated").order_by("seq").values_list("seq", "subject_id"))
    hashes = {str(version.pk): _hashes(version) for version in PolicyVersion.objects.all()}
    began = dict(AuditEvent.objects.filter(verb="action.executing").values_list("subject_id", "seq"))
    found = []
    for action in Action.objects.filter(pk__in=began):
        active = [pk for seq, pk in changes if seq < began[str(action.pk)]][-1]
        if action.rule_hash not in hashes[active]:
            found.append(f"{action.pk} began under another rule")
    return found


def _hashes(version: PolicyVersion) -> set[str]:
    from approvals.policy.rules import parse_rules

    return {rule.hash for rule in parse_rules(version.rules)}


@pytest.mark.parametrize("count", COUNTS)
def test_a_vote_against_a_new_policy(
    waits: Request, second_operator: User, shop: Shop, promise: Promise, count: int
) -> None:
    requests, broken = _against_edits(waits, second_operator, count - WINDOWS, somewhen)
    with begin_effect(pause_s=PAUSE_S):
        more, broke = _against_edits(waits, second_operator, WINDOWS, in_the_window)
    requests, broken = [*requests, *more], [*broken, *broke]
    wrong = [*broken, *under_another_rule(requests)]
    ran = len(executed(requests))
    promise(
        "a vote against a new policy",
        tried=count,
        violations=len(wrong),
        note=f"{ran} ran, {count - ran} were asked anew",
    )
    assert wrong == [] and history_problems() == []
    assert len(shop.refunds) == ran


def _against_edits(waits: Request, user: User, count: int, wait: Act) -> tuple[list[Request], list[str]]:
    edit, requests, broken = editing(wait), list[Request](), list[str]()
    with pair() as two:
        for _ in range(count):
            request = _asked_now(waits)
            requests.append(request)
            told = two.both(signed_and_worked(user), edit, request)
            broken += [repr(one) for one in told if isinstance(one, Exception) and not _is_a_refusal(one)]
    return requests, broken


def _asked_now(waits: Request) -> Request:
    """Return a request judged by the rules as they are now."""
    before = Request.objects.filter(state="open").exclude(pk=waits.pk).values("pk")
    seen = {row["pk"] for row in before}
    refund_run("order-1")
    work()
    return Request.objects.filter(state="open").exclude(pk__in=[*seen, waits.pk]).get()


def test_without_the_look_at_the_policy_it_begins(waits: Request, second_operator: User, promise: Promise) -> None:
    with begin_effect(without=("policy",), pause_s=PAUSE_S):
        requests, _ = _against_edits(waits, second_operator, WINDOWS, in_the_window)
    wrong = under_another_rule(requests)
    promise("a vote against a new policy", tried=WINDOWS, violations=len(wrong), control=True)
    assert wrong


# A cancelled run


def cancelling(user: User, wait: Act) -> Act:
    def act(request: Request) -> object:
        wait(request)
        return cancel_run(run_id=request.run_id, user=user, reason="enough")

    return act


def begun_after_the_end(requests: Sequence[Request]) -> list[str]:
    """Both lock the run before they write, so the order of their rows is the order in which they happened."""
    ended = dict(AuditEvent.objects.filter(verb="run.cancelled").values_list("run_id", "seq"))
    began = AuditEvent.objects.filter(verb="action.executing", run_id__in=ended).values_list("run_id", "seq")
    return [f"run {pk} had been cancelled" for pk, seq in began if seq > ended[pk]]


@pytest.mark.parametrize("count", COUNTS)
def test_a_vote_against_a_cancelled_run(
    waits: Request, second_operator: User, admin: User, promise: Promise, count: int
) -> None:
    both = signed_and_worked(second_operator)
    requests, broken = raced(waits, count - WINDOWS, both, cancelling(admin, somewhen))
    with begin_effect(pause_s=PAUSE_S):
        more, broke = raced(waits, WINDOWS, both, cancelling(admin, in_the_window))
    requests, broken = [*requests, *more], [*broken, *broke]
    wrong = [*broken, *begun_after_the_end(requests)]
    states = {s: Run.objects.filter(state=s).count() for s in ("cancelled", "completed")}
    promise("a vote against cancelling the run", tried=count, violations=len(wrong), note=str(states))
    assert wrong == [] and history_problems() == []


def test_without_the_fence_a_cancelled_run_acts(
    waits: Request, second_operator: User, admin: User, promise: Promise
) -> None:
    # The action was cancelled with its run: its state and the trigger on it are further guards, and off as well.
    with any_move(), begin_effect(without=("fence", "state"), pause_s=PAUSE_S):
        requests, _ = raced(waits, WINDOWS, signed_and_worked(second_operator), cancelling(admin, in_the_window))
    wrong = begun_after_the_end(requests)
    promise("a vote against cancelling the run", tried=WINDOWS, violations=len(wrong), control=True)
    assert wrong
