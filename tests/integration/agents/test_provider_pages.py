"""Providers as admins set them up. A key goes in and never comes out."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from agents.models import Provider
from agents.providers import registry
from approvals.models import AuditEvent
from config.secrets import reveal, seal
from tests import desk as company
from tests.desk import Desk
from tests.vendors import VendorServer

pytestmark = pytest.mark.django_db
As = Callable[[str], Client]
FIELDS = {
    "name": "house",
    "kind": "openai_chat",
    "base_url": "https://models.example.com/v1",
    "api_key": "sk-very-secret",
}


@pytest.fixture
def desk(db: None) -> Desk:
    return company.open_desk()


@pytest.fixture
def as_person(desk: Desk) -> As:
    def sign_in(name: str) -> Client:
        client = Client()
        client.force_login(desk[name])
        return client

    return sign_in


@pytest.fixture
def vendor(settings: Any) -> Iterator[VendorServer]:
    with VendorServer() as server:
        settings.OUTBOUND_ALLOW = server.allow
        yield server
    registry.forget()


def test_a_key_is_stored_sealed_and_never_shown_or_written_to_the_audit_trail(as_person: As) -> None:
    admin = as_person("admin")
    assert admin.post("/providers/new/", FIELDS).status_code == 303
    row = Provider.objects.get()
    assert row.api_key.startswith("enc:") and reveal(row.api_key) == "sk-very-secret"
    for url in ("/providers/", "/providers/house/"):
        text = admin.get(url).content.decode()
        assert "sk-very-secret" not in text and "stored encrypted" in text
        assert row.api_key not in text
    trail = str(list(AuditEvent.objects.filter(subject_type="provider").values()))
    assert "provider.created" in trail and "sk-very-secret" not in trail and row.api_key not in trail


def test_a_form_that_is_refused_does_not_send_the_key_back(as_person: As) -> None:
    answer = as_person("admin").post("/providers/new/", {**FIELDS, "base_url": "ftp://x"})
    assert answer.status_code == 422 and "sk-very-secret" not in answer.content.decode()


def test_an_empty_key_keeps_the_stored_one(as_person: As) -> None:
    admin = as_person("admin")
    admin.post("/providers/new/", FIELDS)
    admin.post("/providers/house/", {**FIELDS, "api_key": "", "prices": "llama input 0.1 output 0.4"})
    row = Provider.objects.get()
    assert reveal(row.api_key) == "sk-very-secret"
    assert row.prices == {"llama": {"input": "0.1", "output": "0.4"}}
    assert "llama input 0.1 output 0.4" in admin.get("/providers/house/").content.decode()


@pytest.mark.parametrize("url", ["https://elsewhere.example.com/v1", "https://models.example.com:8443/v1", ""])
def test_another_host_asks_for_its_key_again(url: str, as_person: As) -> None:
    admin = as_person("admin")
    admin.post("/providers/new/", {**FIELDS, "kind": "openai"})
    answer = admin.post("/providers/house/", {**FIELDS, "kind": "openai", "base_url": url, "api_key": ""})
    assert answer.status_code == 422 and "another host" in answer.content.decode()
    assert Provider.objects.get().base_url == FIELDS["base_url"]
    admin.post("/providers/house/", {**FIELDS, "kind": "openai", "base_url": url, "api_key": "sk-two"})
    assert reveal(Provider.objects.get().api_key) == "sk-two"


def test_another_path_of_the_same_host_keeps_the_key(as_person: As) -> None:
    admin = as_person("admin")
    admin.post("/providers/new/", FIELDS)
    admin.post("/providers/house/", {**FIELDS, "base_url": "https://models.example.com/v2", "api_key": ""})
    assert reveal(Provider.objects.get().api_key) == "sk-very-secret"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "offline"}, "name"),
        ({"name": "a b"}, "name"),
        ({"kind": "offline"}, "kind"),
        ({"base_url": ""}, "base_url"),
        ({"base_url": "models.example.com"}, "base_url"),
        ({"base_url": "https://me:pw@models.example.com/"}, "base_url"),
        ({"base_url": "https://models.example.com/?key=1"}, "base_url"),
        ({"prices": "llama 3 15"}, "prices"),
        ({"prices": "llama input 3"}, "prices"),
        ({"prices": "llama input -3 output 1"}, "prices"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(change: dict[str, str], field: str, as_person: As) -> None:
    answer = as_person("admin").post("/providers/new/", {**FIELDS, **change})
    assert answer.status_code == 422 and field in answer.context["form"].errors
    assert not Provider.objects.exists()


def test_a_name_is_taken_once(as_person: As) -> None:
    admin = as_person("admin")
    admin.post("/providers/new/", FIELDS)
    assert admin.post("/providers/new/", FIELDS).status_code == 422


@pytest.mark.parametrize("name", ["operator", "manager", "auditor"])
def test_only_admins_change_providers_and_the_page_says_so(name: str, as_person: As) -> None:
    as_person("admin").post("/providers/new/", FIELDS)
    person = as_person(name)
    assert "Admins change agents and providers" in person.get("/providers/house/").content.decode()
    assert person.get("/providers/").status_code == 200
    assert person.get("/providers/new/").status_code == 403
    for url in ("/providers/new/", "/providers/house/", "/providers/house/try/"):
        assert person.post(url, {**FIELDS, "api_key": "sk-mine"}).status_code == 403
    assert reveal(Provider.objects.get().api_key) == "sk-very-secret"


def test_a_stranger_does_not_learn_which_agents_use_it(as_person: As, desk: Desk) -> None:
    Provider.objects.create(
        name="offline-twin", kind="openai_chat", base_url="https://x.example.com", api_key=seal("k")
    )
    from agents.services import publish_agent_version
    from approvals.audit import SYSTEM

    document = {**desk.agent.current.document, "model": "offline-twin/m"}
    publish_agent_version(agent=desk.agent, document=document, actor=SYSTEM)
    assert "refund-clerk" in as_person("operator").get("/providers/").content.decode()
    assert "refund-clerk" not in as_person("stranger").get("/providers/").content.decode()


def test_asking_a_provider_shows_what_it_says_and_what_it_cost(as_person: As, vendor: VendorServer) -> None:
    admin = as_person("admin")
    prices = "llama input 1 output 1"
    admin.post("/providers/new/", {**FIELDS, "base_url": vendor.url("openai_chat"), "prices": prices})
    vendor.say(text="ready")
    page = admin.post("/providers/house/try/", {"model": "llama"}).content.decode()
    assert "ready" in page and "$0.0001" in page
    assert vendor.requests[0].headers["authorization"] == "Bearer sk-very-secret"


def test_asking_a_provider_that_refuses_says_why(as_person: As, vendor: VendorServer) -> None:
    admin = as_person("admin")
    admin.post("/providers/new/", {**FIELDS, "base_url": vendor.url("openai_chat")})
    vendor.fail(401, message="bad key sk-very-secret")
    page = admin.post("/providers/house/try/", {"model": "llama"}).content.decode()
    assert "does not accept the key" in page and "sk-very-secret" not in page
    assert "Write the name of a model" in admin.post("/providers/house/try/", {"model": ""}).content.decode()


def test_a_private_address_is_refused_with_the_sentence_that_says_what_to_set(as_person: As, settings: Any) -> None:
    settings.OUTBOUND_ALLOW = []
    admin = as_person("admin")
    admin.post("/providers/new/", {**FIELDS, "base_url": "http://169.254.169.254/v1"})
    page = admin.post("/providers/house/try/", {"model": "llama"}).content.decode()
    assert "OUTBOUND_ALLOW" in page
    registry.forget()
