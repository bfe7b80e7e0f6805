"""Out of office: who signs for whom, for how long, and that two such people are one vote."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from approvals.absences import end_absence, set_absence
from approvals.database_clock import database_now
from approvals.errors import ApprovalError, NotAllowed, NotAllowedToDecide, WrongTime
from approvals.models import Absence, AuditEvent, Decision, Notice, Request
from approvals.people import Signer
from approvals.permissions import can_decide
from approvals.reviewers import revoked_reviewer
from approvals.services import decide_request
from approvals.waiting import mine
from tests import desk as company
from tests.desk import Desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    return company.open_desk()


@pytest.fixture
def as_person(desk: Desk) -> Callable[[str], Client]:
    def signed_in(name: str) -> Client:
        client = Client()
        client.force_login(desk[name])
        return client

    return signed_in


def fresh(user: User) -> User:
    return User.objects.get(pk=user.pk)


def away(desk: Desk, name: str, delegate: str, *, days: float = 1, by: str = "") -> Absence:
    now = database_now()
    made = set_absence(
        user=desk[name],
        delegate=desk[delegate],
        starts_at=now,
        ends_at=now + timedelta(days=days),
        by=fresh(desk[by or name]),
    )
    assert isinstance(made, Absence)
    return made


def vote(request: Request, user: User, how: str = "approve", **more: Any) -> Any:
    given = {"digest": request.action_digest, "via": "api", **more}
    return decide_request(request_id=request.pk, user=fresh(user), vote=how, **given)


def both_say(request: Request, user: User, expected: bool) -> None:
    """`can_decide` and the list's SQL give the same answer."""
    assert can_decide(fresh(user), request) is expected
    assert mine(fresh(user)).filter(pk=request.pk).exists() is expected


def test_the_delegate_signs_within_the_limits_of_who_is_away(desk: Desk) -> None:
    request = company.refund_waits(desk, amount_minor=64_000)
    both_say(request, desk["operator"], False)
    away(desk, "second-operator", "operator")
    both_say(request, desk["operator"], True)
    assert vote(request, desk["operator"]).settled
    decision = Decision.objects.get()
    assert (decision.user, decision.on_behalf_of) == (desk["operator"], desk["second-operator"])
    assert AuditEvent.objects.get(verb="decision.approve").data["on_behalf_of"] == "second-operator"


def test_own_authority_goes_first(desk: Desk) -> None:
    request = company.refund_waits(desk, amount_minor=50_001)
    away(desk, "operator", "second-operator")
    vote(request, desk["second-operator"])
    assert Decision.objects.get().on_behalf_of is None


def test_it_ends_by_itself_and_by_hand(desk: Desk) -> None:
    request = company.refund_waits(desk)
    absence = away(desk, "second-operator", "operator")
    Absence.objects.update(starts_at=database_now() - timedelta(2), ends_at=database_now() - timedelta(1))
    both_say(request, desk["operator"], False)
    Absence.objects.update(starts_at=database_now() + timedelta(1), ends_at=database_now() + timedelta(2))
    both_say(request, desk["operator"], False)
    Absence.objects.update(starts_at=database_now() - timedelta(1))
    both_say(request, desk["operator"], True)
    end_absence(absence_id=absence.pk, by=fresh(desk["second-operator"]))
    both_say(request, desk["operator"], False)


def test_a_stranger_of_another_team_sees_and_signs_only_meanwhile(desk: Desk) -> None:
    request = company.refund_waits(desk)
    absence = away(desk, "second-operator", "stranger")
    both_say(request, desk["stranger"], True)
    assert Signer(fresh(desk["stranger"])).team_ids == {desk.team.pk}
    vote(request, desk["stranger"])
    end_absence(absence_id=absence.pk, by=fresh(desk["stranger"]))
    assert Signer(fresh(desk["stranger"])).team_ids == frozenset()
    request.refresh_from_db()
    assert revoked_reviewer(request) == ""


def test_whoever_is_barred_lends_nothing(desk: Desk) -> None:
    request = company.refund_waits(desk)
    Request.objects.filter(pk=request.pk).update(barred=[desk["second-operator"].pk])
    away(desk, "second-operator", "operator")
    request.refresh_from_db()
    both_say(request, desk["operator"], False)
    with pytest.raises(NotAllowedToDecide, match="cannot lend you their signature"):
        vote(request, desk["operator"])
    Request.objects.filter(pk=request.pk).update(barred=[desk["operator"].pk])
    request.refresh_from_db()
    both_say(request, desk["operator"], False)


@pytest.mark.parametrize("first", ["second-operator", "operator"])
def test_both_are_one_vote(desk: Desk, first: str) -> None:
    request = company.refund_waits(desk, amount_minor=40_000)
    Request.objects.filter(pk=request.pk).update(votes_needed=2)
    away(desk, "second-operator", "operator")
    other = {"operator": "second-operator", "second-operator": "operator"}[first]
    assert not vote(request, desk[first]).settled
    request.refresh_from_db()
    both_say(request, desk[other], False)
    with pytest.raises(NotAllowedToDecide, match="another person's"):
        vote(request, desk[other])


def test_two_delegates_of_one_person_one_after_the_other_are_one_vote(desk: Desk) -> None:
    request = company.refund_waits(desk)
    Request.objects.filter(pk=request.pk).update(votes_needed=2)
    absence = away(desk, "second-operator", "operator")
    vote(request, desk["operator"])
    end_absence(absence_id=absence.pk, by=fresh(desk["second-operator"]))
    away(desk, "second-operator", "stranger")
    with pytest.raises(NotAllowedToDecide, match="another person's"):
        vote(request, desk["stranger"])


def test_there_are_no_chains(desk: Desk) -> None:
    request = company.refund_waits(desk)
    away(desk, "operator", "stranger")
    with pytest.raises(NotAllowed, match="away themselves"):
        away(desk, "second-operator", "operator")
    Absence.objects.all().delete()
    away(desk, "second-operator", "operator")
    away(desk, "operator", "stranger")
    both_say(request, desk["operator"], True)
    both_say(request, desk["stranger"], False)


def test_a_role_is_not_lent(desk: Desk) -> None:
    away(desk, "admin", "operator")
    assert not Signer(fresh(desk["operator"])).is_admin and not Signer(fresh(desk["operator"])).sees_all


def test_who_loses_authority_lends_none_and_the_vote_falls_at_execution(desk: Desk) -> None:
    request = company.refund_waits(desk)
    absence = away(desk, "second-operator", "operator")
    vote(request, desk["operator"])
    end_absence(absence_id=absence.pk, by=fresh(desk["operator"]))
    request.refresh_from_db()
    assert revoked_reviewer(request) == ""
    desk["second-operator"].approver_memberships.all().delete()
    assert "operator may no longer sign this" in revoked_reviewer(request)


def test_a_delegate_who_is_switched_off_takes_the_vote_along(desk: Desk) -> None:
    request = company.refund_waits(desk)
    away(desk, "second-operator", "operator")
    vote(request, desk["operator"])
    User.objects.filter(pk=desk["operator"].pk).update(is_active=False)
    request.refresh_from_db()
    assert revoked_reviewer(request)


def test_forged_rows_of_two_votes_behind_which_one_person_stands_do_not_execute(desk: Desk) -> None:
    request = company.refund_waits(desk)
    Request.objects.filter(pk=request.pk).update(votes_needed=2)
    given = {"request": request, "vote": "approve", "action_digest": request.action_digest}
    Decision.objects.create(user=desk["operator"], on_behalf_of=desk["second-operator"], **given)
    Decision.objects.create(user=desk["second-operator"], **given)
    request.refresh_from_db()
    assert "one person's" in revoked_reviewer(request)


@pytest.mark.parametrize(
    ("who", "delegate", "from_h", "to_h", "by", "error"),
    [
        ("operator", "operator", 0, 5, "operator", NotAllowed),
        ("operator", "auditor", 0, 5, "operator", NotAllowed),
        ("operator", "manager", 0, 5, "operator", NotAllowed),
        ("operator", "second-operator", 5, 4, "operator", WrongTime),
        ("operator", "second-operator", -48, 4, "operator", WrongTime),
        ("operator", "second-operator", 0, 24 * 91, "operator", WrongTime),
        ("operator", "second-operator", 0, 5, "second-operator", NotAllowed),
        ("operator", "admin", 0, 5, "admin", NotAllowed),
    ],
)
def test_what_makes_no_sense_is_refused(
    desk: Desk, who: str, delegate: str, from_h: int, to_h: int, by: str, error: type[ApprovalError]
) -> None:
    now = database_now()
    with pytest.raises(error):
        set_absence(
            user=desk[who],
            delegate=desk[delegate],
            starts_at=now + timedelta(hours=from_h),
            ends_at=now + timedelta(hours=to_h),
            by=fresh(desk[by]),
        )
    assert not Absence.objects.exists()


def test_one_at_a_time(desk: Desk) -> None:
    away(desk, "operator", "second-operator")
    with pytest.raises(NotAllowed, match="has a delegate already"):
        away(desk, "operator", "stranger")


def test_on_the_profile_it_is_set_told_and_ended(desk: Desk, as_person: Any) -> None:
    client, now = as_person("operator"), database_now()
    body = {"delegate": desk["second-operator"].pk, "starts_at": _typed(now), "ends_at": _typed(now + timedelta(3))}
    wrong = client.post("/profile/absence/", {**body, "ends_at": _typed(now - timedelta(3))})
    assert wrong.status_code == 422 and "ends after it begins" in wrong.content.decode()
    assert client.post("/profile/absence/", body).status_code == 303
    assert "second-operator" in client.get("/profile/").content.decode()
    assert Notice.objects.filter(user=desk["second-operator"], kind="absence").exists()
    absence = Absence.objects.get()
    assert as_person("stranger").post(f"/profile/absences/{absence.pk}/end/").status_code == 404
    assert client.post(f"/profile/absences/{absence.pk}/end/").status_code == 303
    assert set(AuditEvent.objects.filter(verb__startswith="absence.").values_list("verb", flat=True)) == {
        "absence.set",
        "absence.ended",
    }


def test_an_admin_sets_it_for_another_with_a_second_admins_signature(desk: Desk, as_person: Any) -> None:
    now = database_now()
    body = {"delegate": desk["operator"].pk, "starts_at": _typed(now), "ends_at": _typed(now + timedelta(3))}
    url = f"/people/{desk['second-operator'].pk}/absence/"
    assert as_person("operator").post(url, body).status_code == 403
    assert as_person("admin").post(url, body).status_code == 303
    assert not Absence.objects.exists()
    proposal = Request.objects.get(kind="proposal")
    vote(proposal, desk["second-admin"], via="browser", stepped_up=True)
    assert Absence.objects.get().delegate == desk["operator"]


def _typed(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M")
