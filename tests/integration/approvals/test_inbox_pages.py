"""The inbox over HTTP, without JavaScript: what each person sees and what each post does."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from agents.envelope import opened
from agents.models import Action
from approvals.models import Decision, Request
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


def ballot(request: Request, vote: str = "approve", **more: Any) -> dict[str, Any]:
    return {"vote": vote, "digest": request.action_digest, **more}


def write_past_the_guards(request: Request, value: str) -> None:
    """Change the signed bytes as somebody with the owner's password could."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE agents_action DISABLE TRIGGER USER")
        cursor.execute(f"UPDATE agents_action SET canonical = {value} WHERE id = %s", [request.action_id])
        cursor.execute("ALTER TABLE agents_action ENABLE TRIGGER USER")


def decide(client: Client, request: Request, vote: str = "approve", **more: Any) -> Any:
    return client.post(f"/inbox/{request.pk}/decide/", ballot(request, vote, **more))


def test_the_list_shows_what_waits_for_this_person_and_what_waits_for_others(desk, as_person):
    company.refund_waits(desk)
    page = as_person("second-operator").get("/inbox/").content.decode()
    assert "Refund €640.00 for order 20871" in page
    assert '<span class="num" id="count-mine">1</span>' in page
    page = as_person("operator").get("/inbox/?tab=others").content.decode()
    assert "Refund €640.00 for order 20871" in page and "your limit in finance is €500.00" in page


def test_a_stranger_finds_nothing(desk, as_person):
    request = company.refund_waits(desk)
    client = as_person("stranger")
    assert "20871" not in client.get("/inbox/").content.decode()
    assert client.get(f"/inbox/{request.pk}/").status_code == 404
    assert decide(client, request).status_code == 404


def test_the_card_has_its_parts_in_the_order_of_a_decision(desk, as_person):
    request = company.refund_waits(desk, tell_customer=True)
    page = as_person("second-operator").get(f"/inbox/{request.pk}/").content.decode()
    parts = [
        "cs-effect",
        "What it acts on",
        "Arguments",
        "Why it waits",
        "refund-clerk claims",
        "Foreign text",
        "Reversible?",
        "You sign digest",
    ]
    places = [page.index(part) for part in parts]
    assert places == sorted(places)
    assert "640.00 EUR" in page and "args.amount_minor" in page
    digest = request.action_digest
    assert " ".join(digest[i : i + 8] for i in range(0, 64, 8)) in page


def test_approving_settles_and_goes_to_the_next_with_ten_seconds_to_undo(desk, as_person):
    first, second = company.refund_waits(desk), company.refund_waits(desk, order="20802", amount_minor=51_250)
    client = as_person("second-operator")
    answer = decide(client, first)
    assert answer.status_code == 303 and str(second.pk) in answer["Location"]
    page = client.get(answer["Location"]).content.decode()
    assert "Approved: Refund €640.00 for order 20871" in page and f"/inbox/{first.pk}/undo/" in page
    first.refresh_from_db()
    assert first.state == "approved"
    assert Decision.objects.get(request=first).view_digest == first.view_digest != ""
    client.post(f"/inbox/{first.pk}/undo/")
    first.refresh_from_db()
    assert first.state == "open"


def test_a_person_over_their_limit_sees_a_grey_button_and_the_same_sentence_from_the_server(desk, as_person):
    request = company.refund_waits(desk)
    client = as_person("operator")
    sentence = "This moves €640.00; your limit in finance is €500.00."
    page = client.get(f"/inbox/{request.pk}/").content.decode()
    assert sentence in page and 'disabled aria-describedby="why-not"' in page
    answer = decide(client, request)
    assert answer.status_code == 403 and sentence in answer.content.decode()
    assert not Decision.objects.exists()


def test_an_old_digest_is_refused_and_nothing_is_counted(desk, as_person):
    request = company.refund_waits(desk)
    answer = as_person("second-operator").post(f"/inbox/{request.pk}/decide/", {"vote": "approve", "digest": "0" * 64})
    assert answer.status_code == 409 and not Decision.objects.exists()


def test_the_second_person_is_told_who_was_first_and_when(desk, as_person):
    request = company.refund_waits(desk)
    decide(as_person("second-operator"), request)
    answer = decide(as_person("second-admin"), request)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "second-operator approved this at" in page and "Your vote was not counted" in page
    assert 'name="vote"' not in page


def test_a_reject_needs_a_reason_and_the_agent_reads_it(desk, as_person):
    request = company.refund_waits(desk)
    client = as_person("second-operator")
    assert decide(client, request, "reject").status_code == 422
    answer = decide(client, request, "reject", reason_code="amount_too_high", comment="Propose €320.00.")
    assert answer.status_code == 303
    request.refresh_from_db()
    assert (request.state, request.answer) == ("rejected", "amount too high. Propose €320.00.")


def test_an_edit_downward_counts_and_what_was_typed_is_what_is_signed(desk, as_person):
    request = company.refund_waits(desk)
    client = as_person("second-operator")
    assert 'name="arg-amount_minor" value="640.00"' in client.get(f"/inbox/{request.pk}/?do=edit").content.decode()
    answer = decide(client, request, mode="edit", **{"arg-amount_minor": "600.00", "arg-order_id": "20871"})
    assert answer.status_code == 303
    request.refresh_from_db()
    successor = Request.objects.exclude(pk=request.pk).get()
    assert (request.state, successor.state, successor.money_minor) == ("withdrawn", "approved", 60_000)


def test_an_edit_upward_waits_for_someone_else(desk, as_person):
    request = company.refund_waits(desk)
    decide(as_person("second-operator"), request, mode="edit", **{"arg-amount_minor": "650.00"})
    successor = Request.objects.exclude(pk=request.pk).get()
    assert (successor.state, successor.money_minor) == ("open", 65_000)
    assert desk["second-operator"].pk in successor.barred


@pytest.mark.parametrize("typed", ["6,40", "640.005", "six", "1e5"])
def test_an_amount_that_is_none_is_refused_beside_its_field(desk, as_person, typed):
    request = company.refund_waits(desk)
    answer = decide(as_person("second-operator"), request, mode="edit", **{"arg-amount_minor": typed})
    page = answer.content.decode()
    assert answer.status_code == 422 and f'value="{typed}"' in page and "cs-note cs-error" in page
    assert Request.objects.count() == 1


def test_what_the_schema_refuses_stands_beside_its_field(desk, as_person):
    request = company.refund_waits(desk)
    answer = decide(as_person("second-operator"), request, mode="edit", **{"arg-order_id": "x" * 41})
    assert answer.status_code == 422 and "must have at most 40 characters" in answer.content.decode()


def test_a_high_request_asks_for_the_amount_and_for_the_password_again(desk, as_person):
    request = company.refund_waits(desk, amount_minor=600_000)
    client = as_person("second-operator")
    assert "Type <b" in client.get(f"/inbox/{request.pk}/").content.decode()
    assert decide(client, request, typed="600").status_code == 422
    answer = decide(client, request, typed="6,000.00")
    assert answer.status_code == 303 and answer["Location"].startswith("/accounts/reauthenticate/")
    assert not Decision.objects.exists()
    client.post(answer["Location"], {"password": company.PASSWORD})
    assert decide(client, request, typed="6000").status_code == 303
    assert Decision.objects.get().vote == "approve"
    page = as_person("second-admin").get(f"/inbox/{request.pk}/").content.decode()
    assert "stays hidden" in page and "second-operator" not in page


def test_a_huge_argument_is_folded_and_must_be_opened(desk, as_person):
    request = company.refund_waits(desk, reason="line\n" * 4000 + "and the rest to IBAN DE00")
    client = as_person("second-operator")
    page = client.get(f"/inbox/{request.pk}/").content.decode()
    assert "data-must-open" in page and "and the rest to IBAN DE00" in page
    assert decide(client, request).status_code == 422
    assert decide(client, request, opened="reason").status_code == 303


def test_an_argument_that_the_schema_does_not_know_is_shown_raw_and_marked(desk, as_person):
    request = company.refund_waits(desk, sneaky={"to": "mallory"})
    page = as_person("second-operator").get(f"/inbox/{request.pk}/").content.decode()
    assert "mallory" in page and "cannot be explained" in page


@pytest.mark.django_db(transaction=True)
def test_bytes_changed_in_the_database_cannot_be_approved(desk, as_person):
    request = company.refund_waits(desk)
    write_past_the_guards(request, "convert_to(replace(convert_from(canonical, 'UTF8'), '64000', '94000'), 'UTF8')")
    client = as_person("second-operator")
    assert "not what was to be signed" in client.get(f"/inbox/{request.pk}/").content.decode()
    assert decide(client, request).status_code == 422


def test_a_question_is_answered(desk, as_person):
    request = company.question_waits(desk)
    client = as_person("operator")
    assert decide(client, request, "answer", answer="").status_code == 400
    assert decide(client, request, "answer", answer="Invoice 4402.").status_code == 303
    request.refresh_from_db()
    assert (request.state, request.answer) == ("answered", "Invoice 4402.")


def test_a_hand_off_is_taken_and_given_back_or_closed(desk, as_person):
    request = company.hand_off_waits(desk)
    client = as_person("operator")
    assert client.post(f"/inbox/{request.pk}/take/").status_code == 303
    assert "operator has it" in as_person("second-operator").get("/inbox/").content.decode()
    request.refresh_from_db()
    assert request.holder == desk["operator"]


def test_looking_at_any_address_of_a_request_changes_nothing(desk, as_person):
    request = company.refund_waits(desk)
    client = as_person("second-operator")
    for path in ("", "decide/", "undo/", "take/", "?do=reject", "?vote=approve&digest=" + request.action_digest):
        client.get(f"/inbox/{request.pk}/{path}")
        client.head(f"/inbox/{request.pk}/{path}")
    request.refresh_from_db()
    assert request.state == "open" and not Decision.objects.exists()


def test_a_post_without_the_token_is_refused(desk):
    request = company.refund_waits(desk)
    client = Client(enforce_csrf_checks=True)
    client.force_login(desk["second-operator"])
    for path in ("decide/", "undo/", "take/"):
        assert client.post(f"/inbox/{request.pk}/{path}", ballot(request)).status_code == 403


def test_the_live_part_says_nothing_until_something_changes(desk, as_person):
    request = company.refund_waits(desk)
    client = as_person("second-operator")
    version = client.get("/inbox/").context["version"]
    assert client.get(f"/inbox/changes/?v={version}").status_code == 204
    decide(as_person("second-admin"), request, "reject", comment="no")
    answer = client.get(f"/inbox/changes/?v={version}")
    assert answer.status_code == 200 and "rejected by second-admin" in answer.content.decode()


def test_the_person_sees_times_in_their_own_zone(desk, as_person):
    client = as_person("operator")
    client.post("/profile/time-zone/", {"time_zone": "Asia/Tokyo"})
    request = company.question_waits(desk)
    assert "JST" in client.get(f"/inbox/{request.pk}/").content.decode()
    assert client.post("/profile/time-zone/", {"time_zone": "Mars/Olympus"}).status_code == 422


def test_a_hundred_lying_claims_change_no_displayed_argument(desk, as_person):
    client = as_person("second-operator")
    for index in range(100):
        claim = f"Refund of only €{index}.00. Arguments: amount 1.00 EUR. </dl><dl><dt>Amount</dt><dd>1.00 EUR</dd>"
        request = company.refund_waits(desk, amount_minor=64_000 + index, order=f"order-{index}", claim=claim)
        page = client.get(f"/inbox/{request.pk}/").content.decode()
        signed = opened(Action.objects.get(pk=request.action_id).canonical)["arguments"]
        box = page[page.index('id="arguments"') : page.index("</section>", page.index('id="arguments"'))]
        shown = re.findall(r'<bdi class="cs-text">(.*?)</bdi>', box)
        assert shown[:2] == [signed["order_id"], f"{signed['amount_minor'] / 100:.2f} EUR"]
        assert "only" not in box


def test_an_edited_high_request_asks_for_the_edited_amount(desk, as_person):
    request = company.refund_waits(desk, amount_minor=600_000)
    client = as_person("second-operator")
    edit = {"mode": "edit", "arg-amount_minor": "5,500.00"}
    assert decide(client, request, typed="6000", **edit).status_code == 422
    assert decide(client, request, typed="5500", **edit)["Location"].startswith("/accounts/reauthenticate/")


@pytest.mark.django_db(transaction=True)
def test_bytes_that_are_no_json_any_more_leave_a_card_that_says_so(desk, as_person):
    request = company.refund_waits(desk)
    write_past_the_guards(request, "'garbage'")
    client = as_person("second-operator")
    assert "not what was to be signed" in client.get(f"/inbox/{request.pk}/").content.decode()
    assert decide(client, request).status_code == 422


def test_a_very_long_title_is_shortened_in_lists_and_says_so(desk, as_person):
    request = company.refund_waits(desk)
    Request.objects.filter(pk=request.pk).update(title="word " * 2000)
    page = as_person("second-operator").get("/inbox/").content.decode()
    assert "10,000 characters in all" in page
