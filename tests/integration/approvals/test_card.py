"""The card of a request: what it shows, what it takes without deciding, and what cannot be signed from it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from agents.models import Action
from approvals.audit import COMMAND_LINE
from approvals.database_clock import database_now
from approvals.models import AuditEvent, Decision, Request, Snooze, Viewing
from approvals.policy_versions import activate_policy
from approvals.presence import look, looked_ms, lookers
from approvals.services import decide_request
from approvals.similar import similar_to
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


def page(client: Client, request: Request, query: str = "") -> str:
    return client.get(f"/inbox/{request.pk}/{query}", headers={"HX-Request": "true"}).content.decode()


def decided(desk: Desk, vote: str, *, by: str = "second-operator", comment: str = "", **refund: Any) -> Request:
    request = company.refund_waits(desk, **refund)
    digest = request.action_digest
    decide_request(request_id=request.pk, user=desk[by], vote=vote, digest=digest, comment=comment, via="api")
    request.refresh_from_db()
    return request


# ---------- presence and time ----------


def test_others_are_told_who_looks_and_nobody_that_they_look_themselves(desk, as_person):
    request = company.refund_waits(desk)
    as_person("second-operator").post(f"/inbox/{request.pk}/looking/")
    answer = as_person("operator").post(f"/inbox/{request.pk}/looking/").content.decode()
    assert "second-operator" in answer and "is looking" in answer and "operator, " not in answer
    assert "second-operator is looking" in page(as_person("operator"), request)


def test_who_went_away_is_not_shown_and_their_time_stands_still(desk):
    request, now = company.refund_waits(desk), database_now()
    look(request, desk["operator"], now)
    look(request, desk["operator"], now + timedelta(seconds=6))
    assert looked_ms(request.pk, desk["operator"], now + timedelta(seconds=8)) == 8_000
    assert lookers(request, desk["admin"], now + timedelta(seconds=20)) == ["operator"]
    assert lookers(request, desk["admin"], now + timedelta(seconds=22)) == []
    look(request, desk["operator"], now + timedelta(seconds=100))
    assert Viewing.objects.get().looked_ms == 6_000


def test_a_look_is_written_at_most_every_five_seconds(desk):
    request, now = company.refund_waits(desk), database_now()
    for second in range(5):
        look(request, desk["operator"], now + timedelta(seconds=second))
    assert Viewing.objects.get().seen_at == now


def test_the_time_on_the_card_is_kept_with_the_vote(desk, as_person):
    request = company.refund_waits(desk)
    look(request, desk["second-operator"], database_now() - timedelta(seconds=7))
    as_person("second-operator").post(
        f"/inbox/{request.pk}/decide/", {"vote": "approve", "digest": request.action_digest}
    )
    assert 7_000 <= (Decision.objects.get().looked_ms or 0) < 12_000


def test_looking_stops_once_it_is_settled_and_finds_nothing_for_another_team(desk, as_person):
    request = decided(desk, "reject", comment="no")
    assert as_person("operator").post(f"/inbox/{request.pk}/looking/").status_code == 286
    waiting = company.refund_waits(desk, order="2")
    assert as_person("stranger").post(f"/inbox/{waiting.pk}/looking/").status_code == 404
    assert not Viewing.objects.exists()


# ---------- similar decisions ----------


def test_similar_decisions_come_nearest_first_with_words_figures_and_outcome(desk, as_person):
    decided(desk, "approve", order="1", amount_minor=61_000, comment="photos match")
    decided(desk, "approve", order="2", amount_minor=90_000)
    decided(desk, "reject", order="3", amount_minor=65_000, comment="no proof")
    decided(desk, "approve", order="4", amount_minor=400_000)
    Action.objects.filter(money_minor=61_000).update(state="executing")
    Action.objects.filter(money_minor=61_000).update(state="failed")
    request = company.refund_waits(desk)
    found = similar_to(request, now=database_now())
    assert [past.request.money_minor for past in found.rows] == [65_000, 61_000, 90_000]
    assert found.sentence == "4 in 90 days: 3 approved, 1 rejected"
    assert (found.rows[1].comment, found.rows[1].outcome, found.rows[1].by) == (
        "photos match",
        "failed",
        "second-operator",
    )
    html = page(as_person("second-operator"), request)
    assert "no proof" in html and "4 in 90 days" in html


def test_an_edited_one_shows_what_was_changed(desk):
    request = company.refund_waits(desk, order="1")
    arguments = {"order_id": "1", "amount_minor": 60_000, "currency": "EUR"}
    decide_request(
        request_id=request.pk,
        user=desk["second-operator"],
        vote="approve",
        digest=request.action_digest,
        arguments=arguments,
    )
    found = similar_to(company.refund_waits(desk), now=database_now())
    assert found.sentence == "1 in 90 days: 1 edited"
    assert list(found.rows[0].changes[0]) == ["amount_minor", "64000", "60000"]
    assert AuditEvent.objects.get(verb="action.edited").data["changes"] == [["amount_minor", "64000", "60000"]]


def test_another_team_s_decisions_and_the_request_itself_are_no_context(desk):
    other = decided(desk, "approve", order="1")
    Request.objects.filter(pk=other.pk).update(team=None)
    request = company.refund_waits(desk)
    assert similar_to(request, now=database_now()) is None
    assert similar_to(request, now=database_now() + timedelta(days=91)) is None


def test_a_thousand_past_decisions_cost_the_same_questions_as_three(desk, django_assert_max_num_queries):
    for number in range(3):
        decided(desk, "approve", order=str(number))
    request = company.refund_waits(desk)
    with django_assert_max_num_queries(7):
        similar_to(request, now=database_now())


# ---------- what decides nothing ----------


def test_a_request_is_given_taken_and_put_aside_from_the_card(desk, as_person):
    request, client = company.refund_waits(desk), as_person("operator")
    assert "second-operator" in page(client, request, "?do=assign")
    client.post(f"/inbox/{request.pk}/assign/", {"to": "second-operator"})
    client.post(f"/inbox/{request.pk}/take/")
    client.post(f"/inbox/{request.pk}/snooze/", {"until": "1h"})
    request.refresh_from_db()
    assert request.assignee == desk["second-operator"] and request.held_by == desk["operator"]
    assert Snooze.objects.get().user == desk["operator"]
    client.post(f"/inbox/{request.pk}/give-back/")
    client.post(f"/inbox/{request.pk}/snooze/", {"wake": "1"})
    request.refresh_from_db()
    assert request.held_by is None and not Snooze.objects.exists()
    assert request.state == "open" and not Decision.objects.exists()


@pytest.mark.parametrize(
    ("path", "data", "said"),
    [
        ("assign", {"to": "auditor"}, "Operators and admins decide"),
        ("assign", {"to": "nobody-there"}, "no such person"),
        ("snooze", {"until": "forever"}, "Choose for how long."),
        ("look", {}, "names nothing that could be read again"),
    ],
)
def test_what_cannot_be_done_is_said_on_the_card(desk, as_person, path, data, said):
    request, client = company.refund_waits(desk), as_person("second-operator")
    answer = client.post(f"/inbox/{request.pk}/{path}/", data, follow=True)
    assert said in answer.content.decode()


def test_an_auditor_reads_the_card_and_is_offered_nothing(desk, as_person):
    request = company.refund_waits(desk)
    html = page(as_person("auditor"), request)
    assert "data-key=" not in html.replace('data-key="e"', "") and "look again" not in html
    for path in ("assign", "snooze", "look", "give-back"):
        as_person("auditor").post(f"/inbox/{request.pk}/{path}/", {"to": "", "until": "1h"})
    request.refresh_from_db()
    assert request.assignee is None and not Snooze.objects.exists()


# ---------- hidden first votes ----------


def test_the_first_vote_is_hidden_from_others_and_shown_to_who_cast_it(desk, as_person):
    request = company.refund_waits(desk, amount_minor=600_000)
    decide_request(
        request_id=request.pk,
        user=desk["second-operator"],
        vote="approve",
        digest=request.action_digest,
        comment="lamps seen",
        stepped_up=True,
    )
    other, own = page(as_person("second-admin"), request), page(as_person("second-operator"), request)
    assert "1 of 2" in other and "lamps seen" not in other and "you approved at" not in other
    assert "you approved at" in own and "lamps seen" in own


# ---------- what is signed ----------


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE approvals_request SET votes_needed = 2",
        "UPDATE approvals_request SET risk = 'low'",
        "UPDATE approvals_request SET rule = jsonb_set(rule, '{text}', '\"anything goes\"')",
        "UPDATE approvals_request SET title = 'Refund nothing'",
        "UPDATE approvals_request SET card = jsonb_set(card, '{claim,text}', '\"all fine\"')",
        "UPDATE approvals_request SET approvers = ''",
    ],
)
def test_whatever_the_card_shows_is_bound_by_its_view_digest(desk, as_person, sql):
    request = company.refund_waits(desk)
    assert "not what was to be signed" not in page(as_person("second-operator"), request)
    with connection.cursor() as cursor:
        cursor.execute(sql)
    assert "not what was to be signed" in page(as_person("second-operator"), request)
    as_person("second-operator").post(
        f"/inbox/{request.pk}/decide/", {"vote": "approve", "digest": request.action_digest}
    )
    assert not Decision.objects.exists()


def test_the_card_says_that_its_rule_is_gone_and_offers_no_approval(desk, as_person):
    request = company.refund_waits(desk)
    activate_policy(rules=[{**company.RULES[0], "deadline_h": 3}], actor=COMMAND_LINE)
    html = page(as_person("second-operator"), request)
    assert 'id="moved"' in html and "judged again in a moment" in html
    answer = as_person("second-operator").post(
        f"/inbox/{request.pk}/decide/", {"vote": "approve", "digest": request.action_digest}
    )
    assert answer.status_code == 409 and not Decision.objects.exists()


# ---------- the edit form ----------


def test_a_row_added_on_the_form_decides_nothing_and_keeps_what_was_typed(desk, as_person, monkeypatch):
    line = {"type": "object", "properties": {"sku": {"type": "string"}}, "required": ["sku"]}
    monkeypatch.setitem(company.SCHEMA["properties"], "lines", {"type": "array", "items": line})
    request = company.refund_waits(desk, lines=[{"sku": "A"}])
    sent = {"digest": request.action_digest, "mode": "edit", "arg-reason": "typed meanwhile", "rows-lines": "0"}
    answer = as_person("second-operator").post(f"/inbox/{request.pk}/decide/", {**sent, "grow": "lines"})
    html = answer.content.decode()
    assert answer.status_code == 200 and 'name="arg-lines[1].sku"' in html and "typed meanwhile" in html
    assert not Decision.objects.exists() and Request.objects.get().state == "open"
    signed = {**sent, "rows-lines": "0 1", "arg-lines[1].sku": "B", "vote": "approve"}
    as_person("second-operator").post(f"/inbox/{request.pk}/decide/", signed)
    following = Request.objects.get(state="approved")
    assert [row[0] for row in following.card["changes"]] == ["lines[1].sku", "reason"]


def test_signing_in_again_brings_back_what_was_typed_and_no_vote(desk, as_person):
    request, client = company.refund_waits(desk, amount_minor=600_000), as_person("second-operator")
    typed = {"digest": request.action_digest, "mode": "edit", "arg-amount_minor": "5500.00", "typed": "5500.00"}
    sent = client.post(f"/inbox/{request.pk}/decide/", {**typed, "vote": "approve"})
    assert "reauthenticate" in sent["Location"] and not Decision.objects.exists()
    html = client.get(f"/inbox/{request.pk}/").content.decode()
    assert html.count('value="5500.00"') == 2 and "changed" in html
    assert 'value="5500.00"' not in client.get(f"/inbox/{request.pk}/").content.decode()
