"""Alike requests decided together: what was on the screen is what is signed, item by item, and each says what became of it."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from approvals.bulk import Became, decide_together, summary, undo_together
from approvals.errors import WrongVote
from approvals.models import AuditEvent, Decision, Request, SavedFilter
from approvals.services import decide_request
from tests import desk as company
from tests.desk import Desk

pytestmark = pytest.mark.django_db
HIGH = 600_000


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


def alike(desk: Desk, count: int) -> list[Request]:
    return [company.refund_waits(desk, order=f"2071{n}", amount_minor=60_000 + n * 100) for n in range(count)]


def items(requests: list[Request]) -> list[tuple[Any, str]]:
    return [(row.pk, row.action_digest) for row in requests]


def test_the_same_rule_tool_and_agent_are_alike_and_high_ones_stand_alone(desk):
    one, two, high = *alike(desk, 2), company.refund_waits(desk, amount_minor=HIGH)
    assert one.alike == two.alike != ""
    assert high.alike == "" and company.question_waits(desk).alike == ""


def test_the_card_of_a_group_shows_what_differs_and_sends_every_digest(desk, as_person):
    rows = alike(desk, 5)
    page = as_person("second-operator").get(f"/inbox/alike/{rows[0].alike}/").content.decode()
    sent = re.findall(r'name="item" value="([^"]+)" checked', page)
    assert sent == [f"{row.pk}:{row.action_digest}" for row in rows]
    heads = re.findall(r"<th>([^<]+)</th>", page)
    assert heads[:2] == ["Order id", "Amount"] and "Currency" not in heads
    assert "Approve <span data-count>5</span>, <span data-sum>€3,010.00</span>" in page


def test_a_value_unlike_all_the_others_is_marked(desk, as_person):
    rows = [company.refund_waits(desk, order=f"3{n}", reason="late" if n != 2 else "gift") for n in range(5)]
    page = as_person("second-operator").get(f"/inbox/alike/{rows[0].alike}/").content.decode()
    assert len(re.findall(r'class=" differs">gift', page)) == 1 and 'differs">late' not in page


def test_a_value_too_long_for_a_table_falls_out_and_cannot_be_sent_with_the_rest(desk, as_person):
    rows = [*alike(desk, 2), company.refund_waits(desk, order="9", reason="x" * 5000)]
    page = as_person("second-operator").get(f"/inbox/alike/{rows[0].alike}/").content.decode()
    assert f"{rows[2].pk}:" not in page and "1 needs a look of its own" in page
    outcomes = decide_together(user=desk["second-operator"], items=items(rows), vote="approve")
    assert [row.became for row in outcomes] == [Became.DONE, Became.DONE, Became.REFUSED]


def test_each_is_its_own_vote_and_the_report_names_who_was_first(desk):
    rows = alike(desk, 4)
    changed = [(rows[0].pk, "0" * 64), *items(rows[1:])]
    decide_request(
        request_id=rows[1].pk,
        user=desk["second-admin"],
        vote="reject",
        digest=rows[1].action_digest,
        comment="carrier refunded already",
    )
    outcomes = decide_together(user=desk["second-operator"], items=changed, vote="approve")
    assert [row.became for row in outcomes] == [Became.CHANGED, Became.SETTLED, Became.DONE, Became.DONE]
    said = summary(outcomes, "approved")
    assert said.startswith("1 changed meanwhile, 1 already rejected by second-admin at ") and "2 approved" in said
    assert Decision.objects.filter(user=desk["second-operator"]).count() == 2
    assert AuditEvent.objects.filter(verb="decision.approve").count() == 2


def test_high_risk_never_goes_with_others_and_neither_does_anything_over_the_limit(desk):
    high = company.refund_waits(desk, amount_minor=HIGH)
    Request.objects.filter(pk=high.pk).update(alike="forged")
    over = company.refund_waits(desk, order="2")
    outcomes = decide_together(user=desk["second-operator"], items=items([high]), vote="approve")
    outcomes += decide_together(user=desk["operator"], items=items([over]), vote="approve")
    assert [row.became for row in outcomes] == [Became.REFUSED, Became.REFUSED]
    assert "your limit in finance is €500.00" in outcomes[1].message
    assert not Decision.objects.exists()


def test_a_stranger_learns_nothing_of_what_stands_there(desk, as_person):
    rows = alike(desk, 2)
    outcomes = decide_together(user=desk["stranger"], items=items(rows), vote="approve")
    assert {row.request for row in outcomes} == {None} and not Decision.objects.exists()
    assert as_person("stranger").get(f"/inbox/alike/{rows[0].alike}/").status_code == 404


def test_what_cannot_be_meant_is_refused_whole(desk):
    rows = items(alike(desk, 2))
    for wrong in ({"vote": "answer"}, {"vote": "reject"}, {"vote": "approve", "items": []}):
        with pytest.raises(WrongVote):
            decide_together(**{"user": desk["second-operator"], "items": rows, **wrong})
    assert not Decision.objects.exists()


def test_all_of_it_can_be_taken_back_in_the_window(desk):
    rows = alike(desk, 3)
    decide_together(user=desk["second-operator"], items=items(rows), vote="approve")
    back = undo_together(user=desk["second-operator"], request_ids=[row.pk for row in rows])
    assert all(row.done for row in back)
    assert set(Request.objects.values_list("state", flat=True)) == {"open"}


def test_over_http_the_report_stands_where_the_card_was_and_undo_takes_back(desk, as_person):
    rows, client = alike(desk, 3), as_person("second-operator")
    sent = {"vote": "approve", "item": [f"{row.pk}:{row.action_digest}" for row in rows[:2]], "list": "alike=1"}
    answer = client.post(f"/inbox/alike/{rows[0].alike}/decide/", sent, headers={"HX-Request": "true"})
    page = answer.content.decode()
    assert answer.status_code == 200 and "2 approved." in page and "€1,201.00 of €1,201.00 approved" in page
    assert 'data-remaining="1"' in page and "Approved 2, €1,201.00" in page
    back = client.post("/inbox/alike/undo/", {"item": [str(row.pk) for row in rows[:2]], "list": "alike=1"})
    assert back.status_code == 303 and back["Location"] == "/inbox/?alike=1"
    assert Request.objects.filter(state="open").count() == 3


def test_a_reject_of_several_needs_a_reason_and_every_run_reads_it(desk, as_person):
    rows, client = alike(desk, 2), as_person("second-operator")
    sent = {"vote": "reject", "item": [f"{row.pk}:{row.action_digest}" for row in rows]}
    address = f"/inbox/alike/{rows[0].alike}/decide/"
    assert client.post(address, sent).status_code == 422
    assert client.post(address, {**sent, "reason_code": "no_proof"}).status_code == 200
    assert set(Request.objects.values_list("state", "answer")) == {("rejected", "no proof")}


def test_in_the_list_a_group_is_one_line_where_the_first_of_it_would_stand(desk, as_person):
    company.question_waits(desk)
    rows = alike(desk, 3)
    page = as_person("second-operator").get("/inbox/?alike=1").content.decode()
    assert f'id="row-alike-{rows[0].alike}"' in page and "3 alike: Refund … for order …" in page
    assert page.count('class="cs-item') == 2


def test_a_list_is_kept_under_a_name_for_its_owner_alone(desk, as_person):
    client = as_person("second-operator")
    client.post("/inbox/filters/", {"name": "big ones", "list": "tab=others&from=500&bogus=1"})
    kept = SavedFilter.objects.get()
    assert (kept.name, kept.query) == ("big ones", "tab=others&from=500")
    as_person("operator").post(f"/inbox/filters/{kept.pk}/delete/")
    assert "big ones" in client.get("/inbox/").content.decode()
    client.post(f"/inbox/filters/{kept.pk}/delete/")
    assert not SavedFilter.objects.exists()


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("from=601", 2),
        ("to=600.50", 1),
        ("from=601&to=601.50", 1),
        ("class=high", 0),
        ("kind=question", 0),
        ("q=20711", 1),
    ],
)
def test_a_filter_narrows_by_money_class_kind_and_words_and_says_what_it_hides(desk, as_person, query, shown):
    alike(desk, 3)
    page = as_person("second-operator").get(f"/inbox/?{query}").content.decode()
    assert page.count('class="cs-item') == shown
    assert f"{3 - shown} hidden by the filter" in page
    assert shown or "The filter hides 3." in page
