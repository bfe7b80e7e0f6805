"""The pages of events and sources: who sees and may do what, and that foreign text stays text."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from agents.models import Run
from approvals.models import AuditEvent
from config.secrets import reveal
from integrations.models import Event, Source, Trigger
from tests.factories import person
from tests.hooks import SCHEMA, deliver, judge_all, only_event, refund, source, trigger
from tests.unit.integrations.webhook_vectors import secret_of

pytestmark = pytest.mark.django_db
ROLES = ("operator", "admin", "manager", "auditor")
NASTY = "<script>alert(1)</script><img src=x onerror=alert(2)>\u202e"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def event(clerk: None) -> Event:
    """One invalid event about a broken refund, from shop-orders."""
    trigger(source(schema=SCHEMA))
    deliver(Client(), b'{"type":"refund.requested"}')
    judge_all()
    return only_event()


def posts(event: Event) -> dict[str, dict[str, Any]]:
    name, own = event.source.name, Trigger.objects.get()
    return {
        f"/events/{event.pk}/correct/": {"payload": '{"type":"refund.requested","order_id":"1"}'},
        f"/events/{event.pk}/replay/": {},
        f"/events/{event.pk}/discard/": {"reason": "no"},
        "/sources/new/": {"name": "other", "signature": "github", "rate_per_minute": 10, "max_bytes": 1000},
        f"/sources/{name}/edit/": {"signature": "github", "rate_per_minute": 10, "max_bytes": 1000},
        f"/sources/{name}/secret/": {"secret": "whsec_bmV3IHNlY3JldA==", "keep_h": "24"},
        f"/sources/{name}/test/": {"payload": "{}"},
        f"/sources/{name}/triggers/new/": {"agent": "refund-clerk", "when": "", "goal": "Look."},
        f"/sources/{name}/triggers/{own.pk}/": {"agent": "refund-clerk", "when": "", "goal": "Look."},
        f"/sources/{name}/triggers/{own.pk}/retire/": {},
        f"/sources/{name}/retire/": {},
    }


@pytest.mark.parametrize("role", ROLES)
def test_everyone_of_the_team_reads(event: Event, role: str) -> None:
    client = signed_in(person("someone", role))
    for path in ("/events/", f"/events/{event.pk}/", "/sources/", "/sources/shop-orders/"):
        assert client.get(path).status_code == 200, path


@pytest.mark.parametrize("role", ROLES)
def test_each_role_does_what_it_may_and_is_told_why_not(event: Event, role: str) -> None:
    client = signed_in(person("someone", role))
    for path, data in posts(event).items():
        handles = path.startswith("/events/")
        may = role == "admin" or (role == "operator" and handles)
        if may:
            continue
        answer = client.post(path, data)
        assert answer.status_code == 403, path
        assert f"signed in as {role}" in answer.content.decode(), path
    assert Event.objects.get().state == ("invalid" if role not in {"operator", "admin"} else Event.objects.get().state)


@pytest.mark.parametrize("role", ["manager", "auditor"])
def test_what_a_person_may_not_do_is_greyed_with_the_sentence(event: Event, role: str) -> None:
    client = signed_in(person("someone", role))
    page = client.get(f"/events/{event.pk}/").content.decode()
    assert f"Operators and admins correct and run events; you are signed in as {role}." in page
    assert "<textarea" not in page
    page = client.get("/sources/shop-orders/").content.decode()
    assert f"Admins change sources and triggers; you are signed in as {role}." in page
    assert 'type="password"' not in page


def test_stranger_from_another_team_finds_nothing(event: Event) -> None:
    client = signed_in(person("stranger", "operator", team="sales"))
    assert "shop-orders" not in client.get("/events/").content.decode()
    assert "shop-orders" not in client.get("/sources/").content.decode()
    for path in (f"/events/{event.pk}/", "/sources/shop-orders/", "/sources/shop-orders/edit/"):
        assert client.get(path).status_code == 404, path
    for path, data in posts(event).items():
        if path != "/sources/new/":
            assert client.post(path, data).status_code == 404, path


def test_nobody_without_a_sign_in_gets_anywhere(event: Event) -> None:
    for path in ("/events/", f"/events/{event.pk}/", "/sources/", "/sources/shop-orders/", *posts(event)):
        assert Client().get(path).status_code == 302, path


def test_reading_a_page_that_acts_changes_nothing(event: Event, admin: User) -> None:
    client = signed_in(admin)
    for path in posts(event):
        if not path.endswith(("/new/", "/edit/", f"/{Trigger.objects.get().pk}/")):
            assert client.get(path).status_code == 405, path


def test_foreign_text_stays_text(clerk: None, admin: User) -> None:
    trigger(source(schema={"type": "object", "properties": {"n": {"type": "integer"}}}))
    body = json.dumps({"type": NASTY, "order_id": NASTY, "n": NASTY}, ensure_ascii=False).encode()
    deliver(Client(), body, **{"User-Agent": "<b>agent</b>"})
    judge_all()
    client = signed_in(admin)
    for path in ("/events/", f"/events/{only_event().pk}/", "/sources/shop-orders/"):
        page = client.get(path).content.decode()
        assert "<script>alert" not in page and "<img src=x" not in page and "<b>agent" not in page, path
        assert "\u202e" not in page, path


def test_bytes_that_are_no_text_are_shown_as_what_they_are(clerk: None, admin: User) -> None:
    source()
    deliver(Client(), b"\xff\xfe\x00raw", content_type="application/octet-stream")
    judge_all()
    assert "\\xff\\xfe" in signed_in(admin).get(f"/events/{only_event().pk}/").content.decode()


def test_list_filters_by_verdict_source_time_and_words(event: Event, admin: User) -> None:
    source("other")
    deliver(Client(), refund("77001"), source="other")
    judge_all()
    client = signed_in(admin)

    def shown(query: str) -> set[str]:
        rows = client.get(f"/events/?{query}").context["rows"]
        return {row.event.source.name for row in rows}

    assert shown("") == {"shop-orders", "other"}
    assert shown("verdict=invalid") == {"shop-orders"}
    assert shown("verdict=ignored") == shown("source=other") == shown("q=77001") == {"other"}
    assert shown(f"q={event.pk}") == {"shop-orders"}
    assert shown("verdict=duplicate") == set()
    assert shown("verdict=nonsense&when=nonsense") == {"shop-orders", "other"}
    assert shown("q=%00") == {"shop-orders", "other"}


def test_list_says_nothing_new_until_something_is(event: Event, admin: User) -> None:
    client = signed_in(admin)
    version = client.get("/events/").context["version"]
    live = {"HX-Request": "true"}
    assert client.get(f"/events/?v={version}", headers=live).status_code == 204
    deliver(Client(), b'{"type":"refund.requested"}')
    fresh = client.get(f"/events/?v={version}", headers=live)
    assert fresh.status_code == 200
    assert b"duplicate" in fresh.content and b"<html" not in fresh.content


def test_query_count_of_the_list_does_not_grow_with_its_rows(
    event: Event, admin: User, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        deliver(Client(), refund(str(number)), event_id=f"e{number}")
    judge_all()
    client = signed_in(admin)
    with django_assert_max_num_queries(20):
        client.get("/events/")


def test_correction_with_problems_comes_back_with_what_was_typed(event: Event, operator: User) -> None:
    answer = signed_in(operator).post(f"/events/{event.pk}/correct/", {"payload": '{"type": 7}'})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "It still has problems" in page and "order_id" in page and "{&quot;type&quot;: 7}" in page


def test_correct_and_replay_from_the_page(event: Event, operator: User) -> None:
    client = signed_in(operator)
    payload = '{\r\n "type": "refund.requested",\r\n "order_id": "20871"\r\n}'
    assert client.post(f"/events/{event.pk}/correct/", {"payload": payload}).status_code == 303
    judge_all()
    page = client.get(f"/events/{event.pk}/").content.decode()
    assert f"run {Run.objects.get().number}, refund-clerk" in page
    assert "As corrected" in page


def test_discarding_and_running_again_from_the_page(event: Event, operator: User) -> None:
    client = signed_in(operator)
    assert client.post(f"/events/{event.pk}/discard/", {"reason": "Theirs."}).status_code == 303
    assert client.post(f"/events/{event.pk}/discard/", {"reason": "Twice."}).status_code == 409
    assert client.post(f"/events/{event.pk}/replay/").status_code == 303
    assert only_event().state == "received"


# --- sources


def test_new_source_takes_deliveries_at_once_and_hides_its_secret(clerk: None, admin: User) -> None:
    client, secret = signed_in(admin), secret_of("standard_webhooks")
    answer = client.post(
        "/sources/new/",
        {
            "name": "web-shop",
            "signature": "standard_webhooks",
            "secret": secret,
            "subject": "event.order_id",
            "schema": json.dumps(SCHEMA),
            "rate_per_minute": 600,
            "max_bytes": 5000,
        },
    )
    assert answer.status_code == 303, answer.context["form"].errors if answer.context else answer.content
    row = Source.objects.get(name="web-shop")
    assert row.secret.startswith("enc:") and reveal(row.secret) == secret
    assert row.schema == SCHEMA
    assert deliver(Client(), source="web-shop").status_code == 202
    page = client.get("/sources/web-shop/").content.decode()
    assert secret not in page and "https://countersign.example/hooks/web-shop/" in page
    assert secret not in json.dumps(list(AuditEvent.objects.values()), default=str)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "new"),
        ("name", "shop-orders"),
        ("name", "not a slug"),
        ("signature", "rot13"),
        ("subject", "order id"),
        ("schema", "{"),
        ("schema", '{"type": "objekt"}'),
        ("schema", '{"$ref": "https://evil.example/schema.json"}'),
        ("schema", '{"a":1,"a":2}'),
        ("rate_per_minute", "0"),
        ("max_bytes", "99999999999"),
    ],
)
def test_source_that_is_not_sound_is_refused_at_its_field(clerk: None, admin: User, field: str, value: str) -> None:
    source()
    data = {"name": "fine", "signature": "github", "rate_per_minute": "10", "max_bytes": "1000", field: value}
    answer = signed_in(admin).post("/sources/new/", data)
    assert answer.status_code == 422
    assert answer.context["form"].errors[field]
    assert Source.objects.count() == 1


def test_editing_keeps_the_secret(clerk: None, admin: User) -> None:
    row = source()
    data = {"signature": "github", "subject": "event.id", "rate_per_minute": "10", "max_bytes": "1000"}
    assert signed_in(admin).post("/sources/shop-orders/edit/", data).status_code == 303
    changed = Source.objects.get()
    assert (changed.signature, changed.subject, changed.secret) == ("github", "event.id", row.secret)


def test_rotation_keeps_the_previous_secret_good_for_the_chosen_time(clerk: None, admin: User) -> None:
    source()
    new = "whsec_bmV3IHNlY3JldCBuZXcgc2VjcmV0"
    client = signed_in(admin)
    assert client.post("/sources/shop-orders/secret/", {"secret": new, "keep_h": "24"}).status_code == 303
    assert deliver(Client(), secret=new, event_id="a").status_code == 202
    assert deliver(Client(), event_id="b").status_code == 202
    client.post("/sources/shop-orders/secret/", {"secret": new, "keep_h": "0"})
    assert deliver(Client(), event_id="c").status_code == 401
    assert client.post("/sources/shop-orders/secret/", {"secret": "", "keep_h": "0"}).status_code == 422


def test_retired_source_is_404_for_its_sender_and_its_events_stay(event: Event, admin: User) -> None:
    client = signed_in(admin)
    assert client.post("/sources/shop-orders/retire/").status_code == 303
    assert deliver(Client(), event_id="late").status_code == 404
    assert not Trigger.objects.filter(disabled=False).exists()
    assert client.get(f"/events/{event.pk}/").status_code == 200


def test_trigger_is_added_changed_and_retired(clerk: None, admin: User) -> None:
    source()
    client = signed_in(admin)
    data = {"agent": "refund-clerk", "when": 'event.type == "refund.requested"', "goal": "Settle it."}
    assert client.post("/sources/shop-orders/triggers/new/", data).status_code == 303
    made = Trigger.objects.get(disabled=False)
    data["when"] = ""
    assert client.post(f"/sources/shop-orders/triggers/{made.pk}/", data).status_code == 303
    changed = Trigger.objects.get(disabled=False)
    assert changed.when == ""
    assert client.post(f"/sources/shop-orders/triggers/{changed.pk}/retire/").status_code == 303
    assert not Trigger.objects.filter(disabled=False).exists()
    assert client.get(f"/sources/shop-orders/triggers/{changed.pk}/").status_code == 404


@pytest.mark.parametrize("when", ["event.type ==", "nobody.knows", "1 + 1", "event.a.map(x, x.map(y, y))"])
def test_condition_that_is_none_is_refused_with_its_place(clerk: None, admin: User, when: str) -> None:
    source()
    data = {"agent": "refund-clerk", "when": when, "goal": "Settle it."}
    answer = signed_in(admin).post("/sources/shop-orders/triggers/new/", data)
    assert answer.status_code == 422
    assert answer.context["form"].errors["when"]


def test_page_of_a_source_with_an_odd_schema_still_opens(clerk: None, admin: User) -> None:
    for number, schema in enumerate(
        [{"type": ["string", "null"]}, {"properties": {"a": {"$ref": "#"}}}, {"allOf": []}]
    ):
        source(f"s{number}", schema=schema)
        assert signed_in(admin).get(f"/sources/s{number}/").status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("signature", ["standard_webhooks", "github", "twilio", "hubspot"])
def test_test_delivery_goes_over_http_and_belongs_to_its_sender(
    clerk: None, admin: User, live_server: Any, settings: Any, signature: str
) -> None:
    settings.PUBLIC_URL = live_server.url
    trigger(source(signature=signature))
    client = signed_in(admin)
    host, _, port = live_server.url.removeprefix("http://").partition(":")
    answer = client.post(
        "/sources/shop-orders/test/",
        {"payload": refund().decode()},
        headers={"Host": f"{host}:{port}"},
        SERVER_PORT=port,
    )
    shown = answer.context["answer"]
    assert (shown.status, shown.problem) == (202, ""), shown
    judge_all()
    event = only_event()
    assert str(event.pk) == shown.event_id
    assert event.given_by == Run.objects.get().initiator == admin


def test_mark_of_a_test_delivery_cannot_be_made_by_others(clerk: None) -> None:
    source()
    assert deliver(Client(), **{"X-Countersign-Test": "forged"}).status_code == 401
    assert not Event.objects.exists()
