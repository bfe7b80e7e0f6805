"""Agents and their versions as people see and change them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from agents.models import Agent, Run
from approvals.models import AuditEvent, Halt, Request
from tests import desk as company
from tests.desk import Desk
from tests.integration.security.doors import countersign

pytestmark = pytest.mark.django_db
PAGES = ("/agents/", "/agents/refund-clerk/", "/agents/refund-clerk/versions/", "/agents/refund-clerk/versions/1/")
As = Callable[[str], Client]


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


def _form(client: Client, **changes: Any) -> dict[str, Any]:
    """Return what the form would post as it stands, with changes."""
    page = client.get("/agents/refund-clerk/edit/").context
    values = {name: page["form"][name].value() for name in page["form"].fields}
    return {
        **{k: "" if v is None else v for k, v in values.items()},
        "base": page["base"],
        "note": "Because.",
        **changes,
    }


def _save(client: Client, form: dict[str, Any]) -> Any:
    preview = client.post("/agents/refund-clerk/edit/", form).context["preview"]
    return client.post("/agents/refund-clerk/edit/", {**form, "save": preview.digest})


@pytest.mark.parametrize("name", ["operator", "admin", "manager", "auditor"])
def test_everyone_of_the_team_reads_agents(name: str, as_person: As) -> None:
    for url in (*PAGES, "/agents/refund-clerk/edit/", "/agents/refund-clerk/start/"):
        assert as_person(name).get(url).status_code == 200, url


def test_a_stranger_finds_nothing_and_nobody_sees_it_without_signing_in(as_person: As) -> None:
    stranger = as_person("stranger")
    assert "refund-clerk" not in stranger.get("/agents/").content.decode()
    for url in (*PAGES[1:], "/agents/refund-clerk/edit/", "/agents/refund-clerk/start/"):
        assert stranger.get(url).status_code == 404, url
        assert Client().get(url).status_code == 302, url
    assert stranger.post("/agents/refund-clerk/halt/", {"reason": "x"}).status_code == 404


def test_the_page_says_what_the_agent_may_do_and_under_which_rules(as_person: As) -> None:
    page = as_person("operator").get("/agents/refund-clerk/")
    assert [row.name for row in page.context["tools"]] == [company.REFUND]
    assert page.context["tools"][0].levels == ("3",)
    assert "offline/refunds" in page.content.decode()
    assert "none yet" in page.content.decode(), "a figure without a sample is not a zero"


def test_a_version_is_saved_only_after_its_difference_was_shown(as_person: As, desk: Desk) -> None:
    admin = as_person("admin")
    form = _form(admin, instructions="Settle it politely.")
    shown = admin.post("/agents/refund-clerk/edit/", form)
    assert shown.status_code == 200 and [field.name for field in shown.context["preview"].fields] == ["instructions"]
    assert Agent.objects.get().current.number == 1
    saved = admin.post("/agents/refund-clerk/edit/", {**form, "save": shown.context["preview"].digest})
    assert saved.status_code == 302 or saved.status_code == 303
    current = Agent.objects.get().current
    assert (current.number, current.document["instructions"], current.author) == (
        2,
        "Settle it politely.",
        desk["admin"],
    )
    assert AuditEvent.objects.filter(verb="agent.published", agent="refund-clerk").latest("pk").data["version"] == 2


def test_a_form_that_changed_after_it_was_shown_is_shown_again(as_person: As) -> None:
    admin = as_person("admin")
    form = _form(admin, instructions="Settle it politely.")
    digest = admin.post("/agents/refund-clerk/edit/", form).context["preview"].digest
    other = admin.post("/agents/refund-clerk/edit/", {**form, "instructions": "Pay everybody.", "save": digest})
    assert other.status_code == 200 and other.context["preview"].digest != digest
    assert Agent.objects.get().current.number == 1


def test_saving_what_is_unchanged_makes_no_version(as_person: As) -> None:
    admin = as_person("admin")
    preview = admin.post("/agents/refund-clerk/edit/", _form(admin)).context["preview"]
    assert preview.fields == []
    _save(admin, _form(admin))
    assert Agent.objects.get().current.number == 1


def test_every_field_of_a_document_survives_an_edit(as_person: As, desk: Desk) -> None:
    from agents.services import publish_agent_version
    from approvals.audit import SYSTEM

    document = {
        "instructions": "Settle it.\n\nBe brief.",
        "model": "offline/refunds",
        "fallback": ["a/b", "c/d"],
        "tools": ["desk.*", "shop.get_order"],
        "outcome": {"type": "object", "properties": {"n": {"type": "number", "maximum": 0.5}}},
        "confidence_floor": 0.7,
        "limits": {
            "turns": 3,
            "cost_usd": 0.5,
            "cost_usd_per_day": 20,
            "moved_minor_per_day": {"EUR": 500000, "JPY": 900},
        },
        "mode": "suggest",
        "intended_use": "Refunds.",
    }
    publish_agent_version(agent=desk.agent, document=document, actor=SYSTEM)
    admin = as_person("admin")
    assert admin.post("/agents/refund-clerk/edit/", _form(admin)).context["preview"].fields == []


@pytest.mark.parametrize(
    "change",
    [
        {"tools": "desk.*\nshop.*"},
        {"turns": "500"},
        {"moved_per_day": ""},
        {"confidence_floor": "0"},
    ],
)
def test_widening_waits_for_a_second_admin(change: dict[str, str], as_person: As, desk: Desk) -> None:
    admin = as_person("admin")
    _save(admin, _form(admin, turns="10", moved_per_day="EUR 100.00", confidence_floor="0.5"))
    before = Agent.objects.get().current.number
    answer = _save(admin, _form(admin, **change))
    request = Request.objects.get(kind="proposal")
    assert str(request.pk) in answer["Location"] and Agent.objects.get().current.number == before
    card = as_person("second-admin").get(f"/inbox/{request.pk}/").content.decode()
    assert "may do more" in card and "You started this" not in card
    assert "You started this" in admin.get(f"/inbox/{request.pk}/").content.decode()
    countersign(request, desk["second-admin"])
    current = Agent.objects.get().current
    assert current.number == before + 1
    assert current.editors == [desk["admin"].pk]


def test_mode_live_is_a_widening_and_shadow_is_not(as_person: As) -> None:
    admin = as_person("admin")
    _save(admin, _form(admin, mode="shadow"))
    assert Agent.objects.get().current.document["mode"] == "shadow"
    assert "Mode goes" in admin.post("/agents/refund-clerk/edit/", _form(admin, mode="live")).content.decode()


def test_asking_twice_for_the_same_widening_gives_one_request(as_person: As) -> None:
    admin = as_person("admin")
    for _ in range(2):
        _save(admin, _form(admin, tools="desk.*\nshop.*"))
    assert Request.objects.filter(kind="proposal").count() == 1


def test_a_proposal_is_void_when_another_version_came_in_force(as_person: As, desk: Desk) -> None:
    from approvals.errors import RequestChanged

    admin = as_person("admin")
    _save(admin, _form(admin, tools="desk.*\nshop.*"))
    _save(admin, _form(admin, instructions="Settle it politely."))
    request = Request.objects.get(kind="proposal")
    with pytest.raises(RequestChanged, match="Version 2"):
        countersign(request, desk["second-admin"])
    assert Agent.objects.get().current.document["instructions"] == "Settle it politely."


def test_an_edit_of_an_older_version_is_not_saved_over_a_newer_one(as_person: As) -> None:
    admin = as_person("admin")
    mine = _form(admin, instructions="Mine.")
    _save(admin, _form(admin, instructions="Theirs."))
    answer = _save(admin, mine)
    assert answer.status_code == 409 and "came in force while you edited" in answer.content.decode()
    assert Agent.objects.get().current.document["instructions"] == "Theirs."


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"instructions": " "}, "instructions"),
        ({"model": "gpt"}, "model"),
        ({"fallback": "gpt"}, "model"),
        ({"mode": "wild"}, "mode"),
        ({"turns": "0"}, "turns"),
        ({"moved_per_day": "EUR lots"}, "moved_per_day"),
        ({"moved_per_day": "5000"}, "moved_per_day"),
        ({"outcome": "[]"}, "outcome"),
        ({"outcome": '{"type": "object", "type": "array"}'}, "outcome"),
        ({"confidence_floor": "2"}, "confidence_floor"),
        ({"note": ""}, "note"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(change: dict[str, str], field: str, as_person: As) -> None:
    admin = as_person("admin")
    answer = admin.post("/agents/refund-clerk/edit/", _form(admin, **change))
    assert answer.status_code == 422 and field in answer.context["form"].errors
    assert Agent.objects.get().current.number == 1


@pytest.mark.parametrize("name", ["operator", "manager", "auditor"])
def test_only_admins_change_agents_and_the_page_says_so(name: str, as_person: As) -> None:
    person = as_person(name)
    page = person.get("/agents/refund-clerk/edit/").content.decode()
    assert "Admins change agents" in page and "Show what changes" not in page
    form = {**_form(as_person("admin")), "instructions": "Mine."}
    assert person.post("/agents/refund-clerk/edit/", form).status_code == 403
    assert person.post("/agents/new/", {"name": "mine"}).status_code == 403
    assert person.get("/agents/new/").status_code == 403
    assert person.post("/agents/refund-clerk/switch/", {"disabled": "1"}).status_code == 403
    assert Agent.objects.get().current.number == 1


def test_two_versions_stand_beside_each_other(as_person: As) -> None:
    admin = as_person("admin")
    _save(admin, _form(admin, instructions="Settle it.\nBe brief."))
    page = admin.get("/agents/refund-clerk/versions/2/").content.decode()
    assert "Be brief." in page and "v1" in page
    assert admin.get("/agents/refund-clerk/versions/1/?against=2").status_code == 200
    assert admin.get("/agents/refund-clerk/versions/9/").status_code == 404


def test_an_earlier_version_comes_back_as_a_new_one(as_person: As) -> None:
    admin = as_person("admin")
    _save(admin, _form(admin, instructions="Worse."))
    page = admin.get("/agents/refund-clerk/edit/?from=1").context
    values = {name: page["form"][name].value() or "" for name in page["form"].fields}
    assert values["note"] == "Back to version 1."
    _save(admin, {**values, "base": page["base"]})
    current = Agent.objects.get().current
    assert (current.number, current.document["instructions"]) == (3, "Settle it.")


def test_a_run_by_hand_starts_and_bars_whoever_started_it(as_person: As, desk: Desk) -> None:
    answer = as_person("operator").post(
        "/agents/refund-clerk/start/", {"goal": "Settle this.", "input": '{"order_id": "1", "x": 0.1}', "subject": "1"}
    )
    run = Run.objects.get()
    assert answer["Location"] == f"/runs/{run.pk}/"
    assert (run.initiator, run.input["order_id"], run.subject) == (desk["operator"], "1", "1")


@pytest.mark.parametrize("text", ["", "not json", "[1]", '{"a": 1, "a": 2}', '{"a": "\\u0000"}'])
def test_an_event_that_is_no_object_starts_nothing(text: str, as_person: As) -> None:
    answer = as_person("operator").post("/agents/refund-clerk/start/", {"goal": "g", "input": text})
    assert answer.status_code == 422 and not Run.objects.exists()


@pytest.mark.parametrize("name", ["manager", "auditor"])
def test_who_may_not_start_or_halt_is_told_why(name: str, as_person: As) -> None:
    person = as_person(name)
    assert "Operators and admins start and halt agents" in person.get("/agents/refund-clerk/").content.decode()
    assert person.post("/agents/refund-clerk/start/", {"goal": "g", "input": "{}"}).status_code == 403
    person.post("/agents/refund-clerk/halt/", {"reason": "because"})
    assert not Halt.objects.exists() and not Run.objects.exists()


def test_the_agents_own_halt_and_its_release(as_person: As) -> None:
    operator, admin = as_person("operator"), as_person("admin")
    operator.post("/agents/refund-clerk/halt/", {"reason": "It pays twice."})
    page = operator.get("/agents/refund-clerk/").content.decode()
    assert "It pays twice." in page and "Only an admin asks for a release" in page
    operator.post("/agents/refund-clerk/release/")
    assert Halt.objects.filter(released_at__isnull=True, scope="agent:refund-clerk").exists()
    admin.post("/agents/refund-clerk/release/")
    assert Halt.objects.filter(released_at__isnull=True, stage="stopped").exists(), "a second admin signs first"
    assert Request.objects.get(kind="proposal").title == "Let agent refund-clerk work again under supervision"


def test_a_new_agent_begins_in_suggest_and_can_be_edited(as_person: As, desk: Desk) -> None:
    admin = as_person("admin")
    form = {
        "name": "lead-clerk",
        "team": desk.team.pk,
        "instructions": "Sort leads.",
        "model": "offline/leads",
        "mode": "suggest",
    }
    assert admin.post("/agents/new/", {**form, "mode": "live"}).status_code == 422
    assert admin.post("/agents/new/", form)["Location"] == "/agents/lead-clerk/"
    made = Agent.objects.get(name="lead-clerk")
    assert (made.current.number, made.current.document["mode"]) == (1, "suggest")
    assert admin.post("/agents/new/", form).status_code == 422


def test_switched_off_takes_no_work_and_comes_back(as_person: As) -> None:
    admin = as_person("admin")
    admin.post("/agents/refund-clerk/switch/", {"disabled": "1"})
    answer = as_person("operator").post("/agents/refund-clerk/start/", {"goal": "g", "input": "{}"})
    assert answer.status_code == 422 and not Run.objects.exists()
    admin.post("/agents/refund-clerk/switch/", {"disabled": "0"})
    assert not Agent.objects.get().disabled


def test_what_a_person_wrote_can_do_nothing_on_the_page(as_person: As) -> None:
    admin = as_person("admin")
    evil = '<script>alert(1)</script><img src=x onerror="alert(1)">\u202egpj.exe'
    _save(admin, _form(admin, instructions=evil, note=evil))
    for url in (*PAGES, "/agents/refund-clerk/versions/2/", "/agents/refund-clerk/edit/"):
        text = admin.get(url).content.decode()
        assert "<script>alert" not in text and "<img src=x" not in text, url
