"""Connections over HTTP, without JavaScript: what each person sees and what each post does."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from agents.tools.registry import get_tool
from approvals.models import AuditEvent, Request
from approvals.policy.action import Effect
from config.secrets import reveal
from integrations.models import Connection
from tests.factories import person, refund_agent
from tests.integration.security.doors import countersign
from tests.shop import DOCUMENT, OVERRIDES
from tests.stranger import Stranger, answer, stranger
from tests.unit.integrations.foreign import foreign

pytestmark = pytest.mark.django_db
SECRET = "canary-4711"


@pytest.fixture
def other(settings: Settings) -> Iterator[Stranger]:
    settings.OUTBOUND_ALLOW = ("127.0.0.0/8",)
    with stranger() as running:
        yield running


@pytest.fixture
def people() -> dict[str, Any]:
    roles = {
        "admin": "admin",
        "second-admin": "admin",
        "operator": "operator",
        "manager": "manager",
        "auditor": "auditor",
    }
    made = {name: person(name, role) for name, role in roles.items()}
    return {**made, "stranger": person("stranger", "operator", team="elsewhere")}


@pytest.fixture
def as_person(people: dict[str, Any]) -> Callable[[str], Client]:
    def signed_in(name: str) -> Client:
        client = Client()
        client.force_login(people[name])
        return client

    return signed_in


def shop(**more: Any) -> Connection:
    facts = {"base_url": "https://shop.example", "document": json.dumps(DOCUMENT), "tools": OVERRIDES, **more}
    return Connection.objects.create(name="shop", kind="openapi", **facts)


def typed(**more: Any) -> dict[str, Any]:
    return {"name": "library", "document_text": foreign("library.yaml"), "timeout_s": "3", **more}


def test_admin_adds_a_foreign_document_by_text_and_its_tools_are_there(as_person: Callable[[str], Client]) -> None:
    answered = as_person("admin").post("/connections/new/", typed(auth_header="Authorization", secret=SECRET))
    assert (answered.status_code, answered["Location"]) == (303, "/connections/library/")
    row = Connection.objects.get(name="library")
    assert (row.base_url, row.auth_secret_host) == ("https://library.example/api", "library.example:443")
    assert reveal(row.auth_secret) == SECRET and SECRET not in row.auth_secret
    tool = get_tool("library.lend")
    assert tool is not None and tool.effect is Effect.BLIND
    assert not any(SECRET in json.dumps(event.data) for event in AuditEvent.objects.all())


def test_admin_adds_a_document_by_file_and_by_address(as_person: Callable[[str], Client], other: Stranger) -> None:
    file = SimpleUploadedFile("garden.json", foreign("garden.json").encode())
    by_file = {"name": "garden", "document_file": file, "base_url": other.url, "timeout_s": "3"}
    assert as_person("admin").post("/connections/new/", by_file).status_code == 303
    other.on("GET /ledger.json", answer(200, foreign("ledger.json").encode()))
    by_address = {"name": "ledger", "document_url": f"{other.url}/ledger.json", "base_url": other.url, "timeout_s": "3"}
    assert as_person("admin").post("/connections/new/", by_address).status_code == 303
    assert Connection.objects.get(name="ledger").document_source == f"{other.url}/ledger.json"
    assert get_tool("ledger.pay") is not None and get_tool("garden.getPlantById") is not None


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"document_text": ""}, "Give the OpenAPI document"),
        ({"document_text": "openapi: 2"}, "3.0 or 3.1"),
        ({"document_url": "https://x.example/a.json"}, "one way only"),
        ({"document_text": "", "document_url": "http://169.254.169.254/"}, "OUTBOUND_ALLOW"),
        ({"name": "no dots.please"}, "This is not a name."),
        ({"name": "new"}, "taken by a page"),
        ({"base_url": "ftp://x"}, "This is not an address."),
        ({"base_url": "https://user:pw@x"}, "This is not an address."),
        ({"secret": "x"}, "Say which header"),
        ({"auth_header": "Bad Header", "secret": "x"}, "not the name of an HTTP header"),
        ({"timeout_s": "600"}, "less than or equal to 60"),
    ],
)
def test_adding_something_wrong_says_what_to_do_and_changes_nothing(
    wrong: dict[str, str], says: str, as_person: Callable[[str], Client]
) -> None:
    answered = as_person("admin").post("/connections/new/", typed(**wrong))
    assert answered.status_code == 422
    assert says in answered.content.decode()
    assert not Connection.objects.exists()


def test_secret_is_never_shown_again(as_person: Callable[[str], Client]) -> None:
    admin = as_person("admin")
    admin.post("/connections/new/", typed(auth_header="Authorization", secret=SECRET))
    stored = Connection.objects.get().auth_secret
    for page in ("/connections/", "/connections/library/", "/connections/library/edit/"):
        text = admin.get(page).content.decode()
        assert SECRET not in text and stored not in text
    refused = admin.post(
        "/connections/library/edit/", {"base_url": "nonsense", "timeout_s": "3", "auth_header": "A", "secret": SECRET}
    )
    assert refused.status_code == 422 and SECRET not in refused.content.decode()


def test_changed_host_asks_for_the_secret_again(as_person: Callable[[str], Client]) -> None:
    admin = as_person("admin")
    admin.post("/connections/new/", typed(auth_header="Authorization", secret=SECRET))
    moved = {"base_url": "https://evil.example/api", "timeout_s": "3", "auth_header": "Authorization"}
    answered = admin.post("/connections/library/edit/", moved)
    assert answered.status_code == 422 and "Enter the secret again" in answered.content.decode()
    assert Connection.objects.get().base_url == "https://library.example/api"
    assert admin.post("/connections/library/edit/", {**moved, "secret": "another"}).status_code == 303
    row = Connection.objects.get()
    assert (reveal(row.auth_secret), row.auth_secret_host) == ("another", "evil.example:443")


def test_reference_to_a_secret_is_asked_for_again_too(as_person: Callable[[str], Client]) -> None:
    admin = as_person("admin")
    admin.post("/connections/new/", typed(auth_header="Authorization", secret="env:LIBRARY_TOKEN"))
    assert Connection.objects.get().auth_secret == "env:LIBRARY_TOKEN"
    moved = {"base_url": "https://evil.example/api", "timeout_s": "3", "auth_header": "Authorization"}
    assert admin.post("/connections/library/edit/", moved).status_code == 422


def test_editing_keeps_secret_document_and_overrides(as_person: Callable[[str], Client]) -> None:
    admin = as_person("admin")
    admin.post("/connections/new/", typed(auth_header="Authorization", secret=SECRET))
    kept = Connection.objects.get()
    admin.post(
        "/connections/library/edit/", {"base_url": kept.base_url, "timeout_s": "9", "auth_header": "Authorization"}
    )
    row = Connection.objects.get()
    assert (row.timeout_s, row.auth_secret, row.document) == (9, kept.auth_secret, kept.document)


def test_tool_form_shows_what_is_said_and_saves_it_unchanged(as_person: Callable[[str], Client]) -> None:
    row, admin = shop(), as_person("admin")
    page = admin.get("/connections/shop/tools/refund_order/")
    form = page.context["form"]
    said = {name: value for name, value in form.initial.items() if value not in (None, "", False)}
    assert admin.post("/connections/shop/tools/refund_order/", said).status_code == 303
    row.refresh_from_db()
    assert row.tools["refund_order"] == OVERRIDES["refund_order"]


def test_tool_form_keeps_a_path_inside_an_argument_that_a_file_declared(as_person: Callable[[str], Client]) -> None:
    row = shop(tools={"send_mail": {"effect": "blind", "authority": ["to", "text.inner"]}})
    form = as_person("admin").get("/connections/shop/tools/send_mail/").context["form"]
    said = {name: value for name, value in form.initial.items() if value not in (None, "", False)}
    assert as_person("admin").post("/connections/shop/tools/send_mail/", said).status_code == 303
    row.refresh_from_db()
    assert row.tools["send_mail"]["authority"] == ["to", "text.inner"]


def test_saying_less_strict_waits_for_a_second_admin_and_then_holds(as_person: Callable[[str], Client]) -> None:
    shop()
    refund_agent()
    said = {"effect": "read"}
    assert as_person("admin").post("/connections/shop/tools/send_mail/", said, follow=True).status_code == 200
    before = get_tool("shop.send_mail")
    assert before is not None and before.effect is Effect.BLIND
    request = Request.objects.get(kind="proposal")
    page = as_person("admin").get("/connections/shop/tools/send_mail/").content.decode()
    assert "selected" in page
    countersign(request, User.objects.get(username="second-admin"))
    after = get_tool("shop.send_mail")
    assert after is not None and after.effect is Effect.READ


def test_saying_more_strict_holds_at_once(as_person: Callable[[str], Client]) -> None:
    shop()
    refund_agent()
    as_person("admin").post("/connections/shop/tools/get_order/", {"effect": "blind"})
    tool = get_tool("shop.get_order")
    assert tool is None or tool.effect is Effect.READ, "refund_order still looks its target up with get_order"
    as_person("admin").post("/connections/shop/tools/send_mail/", {"effect": "blind"})
    mail = get_tool("shop.send_mail")
    assert mail is not None and mail.authority == ("to", "text")


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"effect": "keyed"}, "a keyed tool needs the header"),
        ({"effect": "queryable"}, "A queryable tool needs"),
        ({"money_amount": "total", "money_currency": "EUR"}, "no argument total"),
        ({"target_argument": "to"}, "is missing"),
        ({"sentence": "Mail {nobody}"}, "no argument nobody"),
    ],
)
def test_saying_something_wrong_is_told_beside_the_field(
    said: dict[str, str], says: str, as_person: Callable[[str], Client]
) -> None:
    row = shop()
    answered = as_person("admin").post("/connections/shop/tools/send_mail/", said)
    assert answered.status_code == 422
    assert says.lower() in answered.content.decode().lower()
    assert list(answered.context["form"].errors) != ["__all__"]
    row.refresh_from_db()
    assert row.tools == OVERRIDES


@pytest.mark.parametrize("name", ["operator", "auditor"])
def test_others_see_everything_and_are_told_why_they_may_not_change_it(
    name: str, as_person: Callable[[str], Client]
) -> None:
    shop()
    refund_agent()
    client = as_person(name)
    for page in ("/connections/", "/connections/shop/", "/connections/shop/tools/refund_order/"):
        text = client.get(page).content.decode()
        assert f"Admins change connections; you are signed in as {name}." in text
    posts = {
        "/connections/new/": typed(),
        "/connections/shop/edit/": {"base_url": "https://evil.example", "timeout_s": "3"},
        "/connections/shop/tools/send_mail/": {"effect": "read"},
        "/connections/shop/retire/": {},
    }
    for address, body in posts.items():
        assert client.post(address, body).status_code == 403, address
    assert client.get("/connections/new/").status_code == 403
    row = Connection.objects.get()
    assert (row.tools, row.base_url, row.disabled) == (OVERRIDES, "https://shop.example", False)


def test_a_stranger_from_another_team_finds_nothing(as_person: Callable[[str], Client]) -> None:
    shop()
    refund_agent()
    client = as_person("stranger")
    assert "shop.example" not in client.get("/connections/").content.decode()
    for address in ("/connections/shop/", "/connections/shop/tools/send_mail/", "/connections/shop/edit/"):
        assert client.get(address).status_code == 404
    for address in ("test/", "retire/", "edit/", "tools/send_mail/"):
        assert client.post(f"/connections/shop/{address}").status_code == 404


def test_nobody_enters_without_signing_in() -> None:
    shop()
    for address in ("/connections/", "/connections/shop/", "/connections/new/", "/connections/shop/tools/send_mail/"):
        assert Client().get(address).status_code == 302


def test_retiring_takes_the_tools_away_and_keeps_the_row(as_person: Callable[[str], Client]) -> None:
    shop()
    assert as_person("admin").post("/connections/shop/retire/").status_code == 303
    assert Connection.objects.get().disabled
    assert get_tool("shop.send_mail") is None
    assert as_person("admin").get("/connections/shop/").status_code == 200


def test_document_that_no_longer_reads_is_shown_with_the_reason(as_person: Callable[[str], Client]) -> None:
    shop(document="{}")
    page = as_person("admin").get("/connections/shop/")
    assert page.status_code == 200 and "It offers no tools." in page.content.decode()
    assert as_person("admin").get("/connections/").status_code == 200


def test_hostile_document_can_do_nothing_on_our_pages(as_person: Callable[[str], Client]) -> None:
    document = json.loads(json.dumps(DOCUMENT))
    nasty = '<img src=x onerror=alert(1)><b hx-post="/x" hx-trigger="load">\u202e'
    document["info"]["title"] = nasty
    document["paths"]["/mails"]["post"]["description"] = nasty
    shop(document=json.dumps(document), tools={})
    for page in ("/connections/", "/connections/shop/", "/connections/shop/tools/send_mail/"):
        text = as_person("admin").get(page).content.decode()
        assert "<img src=x" not in text and "<b hx-post" not in text and "\u202e" not in text


# --- test now


def findings(row: Connection) -> dict[str, str]:
    row.refresh_from_db()
    return {part["name"]: part["state"] for part in row.test_report["findings"]}


def garden(other: Stranger, **more: Any) -> Connection:
    document = json.loads(foreign("garden.json"))
    ok = {"200": {"description": "ok"}}
    document["paths"]["/health"] = {"get": {"operationId": "health", "responses": ok}}
    document["paths"]["/all"] = {"get": {"operationId": "all", "responses": ok}}
    facts = {
        "document": json.dumps(document),
        "base_url": other.url,
        "auth_header": "X-Key",
        "auth_secret": "env:GARDEN",
        "auth_secret_host": f"127.0.0.1:{other.port}",
    }
    return Connection.objects.create(name="garden", kind="openapi", **{**facts, **more})


@pytest.fixture
def secret(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SECRET_NAMES = ("GARDEN",)
    monkeypatch.setenv("GARDEN", SECRET)


def test_test_now_when_all_is_well_asks_the_health_operation_and_nothing_else(
    other: Stranger, secret: None, as_person: Callable[[str], Client]
) -> None:
    other.on("GET /health", answer(200, {"ok": True}))
    row = garden(other)
    assert as_person("admin").post("/connections/garden/test/").status_code == 303
    assert set(findings(row).values()) == {"ok"}
    assert [(asked.method, asked.target, asked.headers["X-Key"]) for asked in other.asked] == [
        ("GET", "/health", SECRET)
    ]
    assert AuditEvent.objects.filter(verb="connection.tested", subject_id="garden").exists()


@pytest.mark.parametrize(
    ("change", "failed"),
    [
        ({"document": "{"}, "Document"),
        ({"base_url": "http://10.0.0.1"}, "Address"),
        ({"base_url": "http://127.0.0.1:9"}, "Connection"),
        ({"auth_secret": ""}, "Secret"),
        ({"auth_secret_host": "other.example:443"}, "Secret"),
        ({"auth_secret": "env:NOT_LISTED"}, "Secret"),
    ],
)
def test_test_now_says_which_step_failed_and_tries_no_later_one(
    change: dict[str, str], failed: str, other: Stranger, secret: None, as_person: Callable[[str], Client]
) -> None:
    row = garden(other, **change)
    as_person("admin").post("/connections/garden/test/")
    found = findings(row)
    assert found[failed] == "failed"
    after = list(found)[list(found).index(failed) + 1 :]
    assert all(found[name] == "skipped" for name in after)
    assert other.asked == []


@pytest.mark.parametrize(
    ("status", "advice"),
    [(401, "check the secret"), (404, "check the path"), (302, "redirects are not followed"), (500, "ask its owner")],
)
def test_test_now_says_what_to_do_about_the_answer(
    status: int, advice: str, other: Stranger, secret: None, as_person: Callable[[str], Client]
) -> None:
    other.on("GET /health", answer(status, {}))
    row = garden(other)
    as_person("admin").post("/connections/garden/test/")
    assert findings(row)["A question"] == "failed"
    assert advice in as_person("admin").get("/connections/garden/").content.decode()


def test_test_now_when_no_get_is_free_of_arguments_asks_nothing(
    other: Stranger, as_person: Callable[[str], Client]
) -> None:
    row = garden(other, document=foreign("garden.json"), auth_header="", auth_secret="")
    as_person("admin").post("/connections/garden/test/")
    assert (findings(row)["Secret"], findings(row)["A question"]) == ("skipped", "skipped")
    assert other.asked == []


def test_test_now_goes_step_by_step_with_htmx(
    other: Stranger, secret: None, as_person: Callable[[str], Client]
) -> None:
    other.on("GET /health", answer(200, {}))
    row, admin = garden(other), as_person("admin")
    htmx = {"HTTP_HX_REQUEST": "true"}
    first = admin.post("/connections/garden/test/", **htmx).content.decode()
    assert "Testing…" in first and 'hx-trigger="load"' in first and "<html" not in first
    for done in range(1, 6):
        step = admin.post("/connections/garden/test/", {"go_on": "1"}, **htmx).content.decode()
        assert len(findings(row)) == done
    assert 'hx-trigger="load"' not in step and "Test now" in step


def test_test_now_that_was_left_half_way_goes_on_for_nobody_who_opens_the_page(
    other: Stranger, secret: None, as_person: Callable[[str], Client]
) -> None:
    row = garden(other)
    as_person("admin").post("/connections/garden/test/", HTTP_HX_REQUEST="true")
    for name in ("admin", "auditor"):
        page = as_person(name).get("/connections/garden/").content.decode()
        assert 'hx-trigger="load"' not in page and "not tried" in page
    answered = as_person("auditor").post("/connections/garden/test/", {"go_on": "1"}, HTTP_HX_REQUEST="true")
    assert answered.status_code == 403
    assert findings(row) == {}


def test_test_now_is_for_operators_and_admins(
    other: Stranger, secret: None, as_person: Callable[[str], Client]
) -> None:
    garden(other)
    assert as_person("auditor").post("/connections/garden/test/").status_code == 403
    assert (
        "Operators and admins test connections; you are signed in as auditor."
        in as_person("auditor").get("/connections/garden/").content.decode()
    )
    assert other.asked == []
