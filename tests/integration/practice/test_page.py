"""The practice page: what it shows, who may press what, and what a press records."""

import json

from django.contrib.auth.models import User
from django.test import Client

from approvals.models import AuditEvent
from integrations.practice.models import Fault, Mail, Order, SentEvent
from integrations.practice.sampling import samples_of
from integrations.practice.shop_view import TABS
from tests.practice_company import play


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def form_of(workflow: str = "refunds") -> dict[str, str]:
    sample = samples_of(workflow)[0]
    return {"workflow": workflow, "sample": sample.name, "payload": json.dumps(sample.payload)}


def test_every_tab_shows_after_the_seed(company: str, people: dict[str, User]) -> None:
    client = signed_in(people["operator"])
    for tab in TABS:
        answer = client.get(f"/practice/?tab={tab}")
        assert answer.status_code == 200, tab
        assert b"Send a sample" in answer.content


def test_change_leads_to_the_run_that_made_it(company: str, people: dict[str, User]) -> None:
    sample = samples_of("refunds")[0]
    run = play("refunds", sample.payload, sample.setup)
    page = signed_in(people["operator"]).get("/practice/").content.decode()
    assert f"/runs/{run.pk}/" in page and "refund-clerk" in page


def test_sending_a_sample_records_who_pressed_and_signs(
    company: str, people: dict[str, User], settings: object
) -> None:
    settings.PUBLIC_URL = "http://127.0.0.1:9"  # type: ignore[attr-defined]
    settings.PRACTICE_HOOK_SECRET = "whsec_c2VjcmV0"  # type: ignore[attr-defined]
    before = Order.objects.count()

    answer = signed_in(people["operator"]).post("/practice/send/", form_of())

    sent = SentEvent.objects.get()
    assert answer.status_code == 303
    assert sent.pressed_by == "operator"
    assert sent.payload["order_id"] != "$order"
    assert Order.objects.count() == before + 1
    assert AuditEvent.objects.filter(verb="practice.event_sent", actor="operator", subject_id=sent.delivery_id).exists()
    assert "operator" not in json.dumps(sent.payload)


def test_sending_what_is_no_json_object_says_so(company: str, people: dict[str, User]) -> None:
    answer = signed_in(people["operator"]).post("/practice/send/", {**form_of(), "payload": "[1]"})
    assert answer.status_code == 422
    assert "JSON object" in answer.content.decode()
    assert not SentEvent.objects.exists()


def test_manager_may_look_and_not_press(company: str, people: dict[str, User]) -> None:
    from tests.factories import person

    client = signed_in(person("manager", "manager"))
    assert client.get("/practice/").status_code == 200
    assert client.post("/practice/send/", form_of()).status_code == 403
    assert client.post("/practice/faults/", {"operation": "get_order", "kind": "slow"}).status_code == 403
    assert not SentEvent.objects.exists() and not Fault.objects.exists()


def test_admin_sets_and_clears_a_fault(company: str, people: dict[str, User]) -> None:
    client = signed_in(people["admin"])
    assert (
        client.post("/practice/faults/", {"operation": "refund_order", "kind": "slow", "seconds": "1"}).status_code
        == 303
    )
    assert Fault.objects.get().kind == "slow"
    assert (
        client.post("/practice/faults/", {"operation": "refund_order", "kind": "", "seconds": "0"}).status_code == 303
    )
    assert not Fault.objects.exists()
    assert AuditEvent.objects.filter(verb="practice.fault_set").count() == 2


def test_a_clicked_mail_becomes_an_event(company: str, people: dict[str, User], settings: object) -> None:
    settings.PUBLIC_URL = "http://127.0.0.1:9"  # type: ignore[attr-defined]
    from django.utils import timezone

    mail = Mail.objects.create(to="a@b.example", subject="s", body="b", sent_at=timezone.now())
    assert signed_in(people["operator"]).post(f"/practice/mail/{mail.pk}/clicked/").status_code == 303
    assert SentEvent.objects.get().payload["type"] == "mail.clicked"


def test_a_stranger_is_sent_to_sign_in(company: str) -> None:
    for path in ("/practice/", "/practice/send/", "/practice/faults/", "/practice/tickets/T-501/remind/"):
        answer = Client().get(path)
        assert answer.status_code == 302 and "/accounts/login/" in answer["Location"]
