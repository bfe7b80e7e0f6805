"""Notes and questions on the card: posted, drawn live, refused with a sentence, and hidden from other teams."""

import pytest
from django.test import Client

from agents.asking import answer_one
from approvals.models import Remark
from approvals.remarks import LONGEST, ask_agent, remarks_of, version_of
from tests.desk import Desk, hand_off_waits, open_desk, refund_waits

pytestmark = pytest.mark.django_db
LIVE = {"HX-Request": "true"}


@pytest.fixture
def office() -> Desk:
    return open_desk()


def _signed_in(office: Desk, name: str = "operator") -> Client:
    client = Client()
    client.force_login(office[name])
    return client


def test_question_and_answer_come_back_as_fragment_and_page(office: Desk) -> None:
    request, client = refund_waits(office), _signed_in(office)
    asked = client.post(f"/inbox/{request.pk}/ask/", {"text": "Why <b>this</b>?"}, headers=LIVE).content.decode()
    assert "Why &lt;b&gt;this&lt;/b&gt;?" in asked and "the answer comes by itself" in asked
    known = version_of(remarks_of(request))
    assert client.get(f"/inbox/{request.pk}/remarks/?v={known}", headers=LIVE).status_code == 204
    assert answer_one()
    drawn = client.get(f"/inbox/{request.pk}/remarks/?v={known}", headers=LIVE).content.decode()
    assert "refund-clerk claims" in drawn and "offline model" in drawn and "<html" not in drawn
    page = client.get(f"/inbox/{request.pk}/").content.decode()
    assert "refund-clerk claims" in page and "1 of 10 questions" in page
    request.refresh_from_db()
    assert request.state == "open" and request.decisions.count() == 0


def test_hand_offs_are_asked_about_too_and_notes_stand_beside(office: Desk) -> None:
    request, client = hand_off_waits(office), _signed_in(office)
    assert client.post(f"/inbox/{request.pk}/note/", {"text": "Rang them up."}).status_code == 303
    assert client.post(f"/inbox/{request.pk}/ask/", {"text": "What is it about?"}).status_code == 303
    assert answer_one()
    page = client.get(f"/inbox/{request.pk}/").content.decode()
    assert "Rang them up." in page and "refund-clerk claims" in page


@pytest.mark.parametrize("text", ["", "   ", "x" * (LONGEST + 1)], ids=["nothing", "blank", "too long"])
def test_what_cannot_be_said_is_refused_beside_the_field(office: Desk, text: str) -> None:
    request, client = refund_waits(office), _signed_in(office)
    for verb in ("ask", "note"):
        refused = client.post(f"/inbox/{request.pk}/{verb}/", {"text": text}, headers=LIVE)
        assert refused.status_code == 422 and b'role="alert"' in refused.content
    assert not Remark.objects.exists()


@pytest.mark.parametrize(("name", "status"), [("stranger", 404), ("auditor", 403), ("manager", 403)])
def test_nobody_else_asks_or_notes(office: Desk, name: str, status: int) -> None:
    request, client = refund_waits(office), _signed_in(office, name)
    for verb in ("ask", "note"):
        assert client.post(f"/inbox/{request.pk}/{verb}/", {"text": "Why?"}).status_code == status
    assert client.get(f"/inbox/{request.pk}/remarks/").status_code == (404 if status == 404 else 200)
    assert not Remark.objects.exists()


def test_failure_is_said_with_a_way_to_ask_again(office: Desk) -> None:
    request, client = refund_waits(office), _signed_in(office)
    question = ask_agent(request_id=request.pk, user=office["operator"], text="Why?")
    Remark.objects.filter(pk=question.pk).update(state="failed", problem="No model could be reached: busy.")
    page = client.get(f"/inbox/{request.pk}/").content.decode()
    assert "No model could be reached: busy." in page and "Ask again" in page
    client.post(f"/inbox/{request.pk}/ask/", {"text": "Why?"})
    assert Remark.objects.filter(state="waiting").count() == 1
