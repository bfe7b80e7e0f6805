"""Whoever said which events start an agent, and with which goal, does not sign what those runs propose (I16)."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from agents.models import Run
from agents.providers.scripted import ScriptedProvider
from approvals.errors import NotAllowedToDecide
from approvals.models import Request
from integrations.models import Trigger
from integrations.services import accept_event
from tests.driving import work
from tests.factories import refund_agent, says, wants_refund
from tests.hooks import judge_all, source
from tests.integration.api.conftest import program
from tests.integration.security.doors import STOPPED, vote
from tests.shop import Shop

WORDS = {"agent": "refund-clerk", "when": "", "goal": "Pay whatever is asked."}
PAGE = "/sources/shop-orders/triggers/"


@pytest.fixture(autouse=True)
def company(admin: User, second_admin: User) -> None:
    refund_agent()
    source()


def by_page(user: User, before: Trigger | None = None, **words: str) -> Trigger:
    browser = Client()
    browser.force_login(user)
    address = f"{PAGE}{before.pk}/" if before else f"{PAGE}new/"
    assert browser.post(address, {**WORDS, **words}).status_code == 303
    return Trigger.objects.get(disabled=False)


def by_file(tmp_path: Path, **who: str) -> Trigger:
    path = tmp_path / "shop.yaml"
    path.write_text(yaml.safe_dump({"package": "shop", "triggers": [{"source": "shop-orders", **WORDS}]}))
    call_command("apply", str(path), **who)
    return Trigger.objects.get(disabled=False)


def hands_in(trigger: Trigger) -> set[int]:
    """Return whom the run of an event bars that this trigger wants."""
    assert trigger.disabled is False
    accept_event(source="shop-orders", payload={"order_id": "20871"})
    judge_all()
    return set(Run.objects.order_by("-number")[0].barred)


def test_who_wrote_it_in_the_browser_does_not_sign_what_its_run_proposes(
    shop: Shop, model: ScriptedProvider, admin: User, signer: User
) -> None:
    by_page(admin)
    model.say(says("", wants_refund(64_000)), *[STOPPED] * 4)
    payload = {"order_id": "A-1", "message": "Broken."}
    accept_event(source="shop-orders", payload=payload)
    judge_all()
    work()
    request = Request.objects.get(state="open")
    assert request.barred == [admin.pk]
    with pytest.raises(NotAllowedToDecide, match="Someone else signs"):
        vote(request, admin)
    assert vote(request, signer).settled


@pytest.mark.django_db
def test_who_wrote_it_by_the_api_or_applied_a_file_is_barred(admin: User, tmp_path: Path) -> None:
    assert program(admin).post("triggers/", {"source": "shop-orders", **WORDS}).status == 201
    written = Trigger.objects.get()
    assert hands_in(written) == {admin.pk}
    assert program(admin).delete(f"triggers/{_id(admin)}/").status == 200
    assert hands_in(by_file(tmp_path, person="admin")) == {admin.pk}


@pytest.mark.django_db
def test_the_command_line_bars_nobody(tmp_path: Path) -> None:
    assert hands_in(by_file(tmp_path)) == set()


@pytest.mark.django_db
def test_who_changes_one_word_takes_nobodys_name_off_the_other(admin: User, second_admin: User) -> None:
    changed = by_page(second_admin, by_page(admin), when='event.order_id == "20871"')
    assert hands_in(changed) == {admin.pk, second_admin.pk}


@pytest.mark.django_db
def test_who_only_had_the_words_before_these_is_free(admin: User, second_admin: User) -> None:
    changed = by_page(second_admin, by_page(admin), when='event.order_id == "20871"', goal="Pay nothing.")
    assert hands_in(changed) == {second_admin.pk}


@pytest.mark.django_db
def test_who_puts_anothers_words_back_to_use_is_barred_beside_them(admin: User, second_admin: User) -> None:
    changed = by_page(second_admin, by_page(admin), when='event.order_id == "1"', goal="Pay nothing.")
    assert hands_in(by_page(second_admin, changed)) == {admin.pk, second_admin.pk}


@pytest.mark.django_db
def test_a_run_keeps_whom_its_trigger_barred_when_it_began(admin: User, second_admin: User) -> None:
    written = by_page(admin)
    assert hands_in(written) == {admin.pk}
    by_page(second_admin, written, goal="Pay nothing.", when='event.order_id == "1"')
    assert Run.objects.get().barred == [admin.pk]


def _id(admin: User) -> Any:
    return program(admin).get("triggers/").body["results"][0]["id"]
