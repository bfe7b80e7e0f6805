"""A halt is released by two people, in stages: nobody signs what they asked for, and supervision lets no write pass alone."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from agents.models import Action, Run
from agents.providers.scripted import ScriptedProvider
from agents.states import ActionState, RunState
from approvals.audit import COMMAND_LINE
from approvals.errors import AlreadySettled, NotAllowed, NotAllowedToDecide, NotFound
from approvals.halt_release import ask_release, withdraw_outrun
from approvals.halts import RELEASED, SUPERVISED, confirm_halts, engage_halt, release_halt
from approvals.models import AuditEvent, Halt, Request
from approvals.people_changes import change_person
from approvals.services import decide_request
from approvals.states import RequestState
from tests.driving import work
from tests.factories import DONE, person, refund_agent, refund_run, says, wants_refund
from tests.integration.api.conftest import program
from tests.shop import Shop


def halted(scope: str = "global") -> Halt:
    return engage_halt(scope=scope, reason="strange refunds", actor=COMMAND_LINE)


def sign(request: Request | None, user: User, **more: Any) -> None:
    assert request is not None
    given: dict[str, Any] = {"vote": "approve", "digest": request.action_digest, "stepped_up": True, **more}
    decide_request(request_id=request.pk, user=user, **given)


def stage_of(halt: Halt) -> str:
    halt.refresh_from_db()
    return RELEASED if halt.released_at else halt.stage


def test_one_asks_and_another_signs_stage_by_stage(admin: User, second_admin: User) -> None:
    halt = halted()
    for to in (SUPERVISED, RELEASED):
        before = stage_of(halt)
        asked = ask_release(halt_id=halt.pk, user=admin, to=to, why="the shop is back")
        assert stage_of(halt) == before
        with pytest.raises(NotAllowedToDecide):
            sign(asked.request, admin)
        sign(asked.request, second_admin)
        assert stage_of(halt) == to
    verbs = AuditEvent.objects.filter(subject_type="halt").order_by("seq").values_list("verb", flat=True)
    assert list(verbs) == ["halt.engaged", "halt.supervised", "halt.released"]


def test_asked_twice_is_one_request(admin: User, second_admin: User) -> None:
    halt = halted()
    first = ask_release(halt_id=halt.pk, user=admin).request
    again = ask_release(halt_id=halt.pk, user=second_admin).request
    assert first == again and Request.objects.count() == 1


@pytest.mark.parametrize("more", [{"stepped_up": False}, {"via": "api"}, {"via": "slack"}])
def test_a_release_is_signed_in_the_browser_after_signing_in_again(
    admin: User, second_admin: User, more: dict[str, Any]
) -> None:
    halt = halted()
    asked = ask_release(halt_id=halt.pk, user=admin)
    with pytest.raises(NotAllowedToDecide):
        sign(asked.request, second_admin, **more)
    assert stage_of(halt) == "stopped"


def test_who_is_no_admin_neither_asks_nor_signs(admin: User, second_admin: User) -> None:
    halt, operator = halted(), person("an-operator", "operator")
    with pytest.raises(NotAllowed):
        ask_release(halt_id=halt.pk, user=operator)
    asked = ask_release(halt_id=halt.pk, user=admin)
    with pytest.raises(NotAllowedToDecide):
        sign(asked.request, operator)


def test_the_only_admin_is_not_locked_in_and_the_trail_says_that_it_was_one(admin: User) -> None:
    halt = halted()
    with pytest.raises(NotAllowed, match="after signing in again"):
        ask_release(halt_id=halt.pk, user=admin, to=RELEASED)
    assert ask_release(halt_id=halt.pk, user=admin, to=RELEASED, stepped_up=True).done
    assert stage_of(halt) == RELEASED
    assert AuditEvent.objects.filter(verb="halt.released_alone", actor="admin").count() == 1


def test_who_takes_the_other_admin_away_is_not_the_only_one_today(admin: User, second_admin: User) -> None:
    halt = halted()
    change_person(person=second_admin, roles=["operator"], teams=(), active=True, by=admin)
    asked = ask_release(halt_id=halt.pk, user=admin, to=RELEASED, stepped_up=True)
    assert not asked.done
    assert stage_of(halt) == "stopped"
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE approvals_auditevent DISABLE TRIGGER audit_rows")
        cursor.execute("UPDATE approvals_auditevent SET at = at - interval '25 hours' WHERE verb = 'person.changed'")
        cursor.execute("ALTER TABLE approvals_auditevent ENABLE TRIGGER audit_rows")
    assert ask_release(halt_id=halt.pk, user=admin, to=RELEASED, stepped_up=True).done
    assert stage_of(halt) == RELEASED


def test_a_token_of_the_only_admin_and_an_old_session_release_nothing(admin: User) -> None:
    """Whoever holds either would let go on what was stopped because of them."""
    halt, browser = halted(), Client()
    browser.force_login(admin)
    assert program(admin).post(f"halts/{halt.pk}/release/", {}).status == 403
    answer = browser.post(f"/halts/{halt.pk}/release/")
    assert answer["Location"] == "/accounts/reauthenticate/?next=%2Fhalts%2F"
    assert stage_of(halt) == "stopped"


def test_a_rejected_release_changes_nothing(admin: User, second_admin: User) -> None:
    halt = halted()
    sign(ask_release(halt_id=halt.pk, user=admin).request, second_admin, vote="reject", comment="not yet")
    assert stage_of(halt) == "stopped"


def test_what_asked_to_release_an_ended_halt_is_withdrawn(admin: User, second_admin: User) -> None:
    halt = halted()
    asked = ask_release(halt_id=halt.pk, user=admin, to=RELEASED)
    release_halt(halt_id=halt.pk, actor=COMMAND_LINE)
    with pytest.raises(AlreadySettled):
        sign(asked.request, second_admin)
    assert withdraw_outrun() == 1
    assert asked.request is not None
    asked.request.refresh_from_db()
    assert asked.request.state == RequestState.WITHDRAWN


def test_under_supervision_a_person_signs_what_the_policy_would_let_pass(
    shop: Shop, model: ScriptedProvider, admin: User
) -> None:
    refund_agent()
    model.say(says("", wants_refund(4_000)), DONE)
    run, halt = refund_run(), halted()
    work()
    assert shop.calls == {}
    release_halt(halt_id=halt.pk, actor=COMMAND_LINE, to=SUPERVISED)
    work()
    run.refresh_from_db()
    assert (run.state, shop.paid("20871")) == (RunState.WAITING_PERSON, [])
    assert Request.objects.get().level == "3"


def test_what_was_allowed_before_the_halt_is_judged_again_under_supervision(
    shop: Shop, model: ScriptedProvider, admin: User
) -> None:
    """Judged alone before, stopped on the way, released under supervision: it must not slip through as it was."""
    refund_agent()

    def halts_the_tool(_request: Any) -> Any:
        halted("tool:shop.refund_order")
        return says("", wants_refund(4_000))

    model.say(halts_the_tool, DONE)
    refund_run()
    work()
    assert Action.objects.get(tool="shop.refund_order").state == ActionState.ALLOWED
    release_halt(halt_id=Halt.objects.get().pk, actor=COMMAND_LINE, to=SUPERVISED)
    work()
    assert shop.paid("20871") == []
    states = list(
        Action.objects.filter(tool="shop.refund_order").order_by("created_at").values_list("state", flat=True)
    )
    assert states == [ActionState.SUPERSEDED, ActionState.PENDING]
    assert Run.objects.get().state == RunState.WAITING_PERSON


def test_stopping_again_what_works_under_supervision_is_a_halt_of_its_own(admin: User) -> None:
    first = halted()
    release_halt(halt_id=first.pk, actor=COMMAND_LINE, to=SUPERVISED)
    second = halted()
    assert second.pk != first.pk
    assert stage_of(first) == RELEASED and stage_of(second) == "stopped"
    assert halted() == second


@pytest.mark.parametrize("scope", ["tool:shop.refund_ordre", "connection:shopp", "agent:refund-clark", "tool:", "shop"])
def test_a_misspelt_scope_stops_nothing_and_says_so(shop: Shop, admin: User, scope: str) -> None:
    refund_agent()
    with pytest.raises(NotFound):
        halted(scope)
    assert Halt.objects.count() == 0


def test_a_halt_is_confirmed_when_nothing_is_on_its_way_any_more(
    shop: Shop, model: ScriptedProvider, admin: User
) -> None:
    refund_agent()
    seen: list[int] = []

    def while_on_its_way() -> bool:
        """Runs in the shop, between its deed and its answer."""
        halted("connection:shop")
        seen.append(confirm_halts())
        connection.close()
        return False

    shop.hangs = while_on_its_way
    model.say(says("", wants_refund(4_000)), DONE)
    refund_run()
    work()
    assert seen == [0]
    assert confirm_halts() == 1
    assert AuditEvent.objects.filter(verb="halt.confirmed").count() == 1
    assert confirm_halts() == 0


def test_the_page_asks_and_says_who_must_sign(client: Client, admin: User, second_admin: User) -> None:
    halt = halted()
    client.force_login(admin)
    client.post(f"/halts/{halt.pk}/release/", {"to": SUPERVISED, "why": "the shop is back"}, follow=True)
    page = client.get("/halts/").content.decode()
    assert "waits for another admin" in page
    assert stage_of(halt) == "stopped"
