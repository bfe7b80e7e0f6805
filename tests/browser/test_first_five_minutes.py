"""The main thread as a newcomer sees it: a signed webhook, one who may not sign, one who may, one refund, one story.

Everything from outside: HTTP, the sign-in form, the pages. The refund is counted by the company that pays it.
"""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from agents.models import Run
from approvals.models import Request
from approvals.people_demo import ensure_demo_people, join_empty_teams
from integrations.practice.sampling import stage
from integrations.practice.sender import signature_headers
from tests.driving import hurry, work
from tests.hooks import judge_all
from tests.practice_company import TOKEN, open_company, practice_server

SECRET = "whsec_bXktcHJhY3RpY2Utc2VjcmV0LTEyMzQ="
PASSWORD = "first-five-minutes"
WANTED = {
    "type": "refund.requested",
    "order_id": "$order",
    "customer": {"name": "Anna Keller", "email": "anna.keller@example.com"},
    "amount": "640,00 €",
    "reason": "Seit dem ersten Tag undicht.",
}
MACHINE = {"$order": {"lines": {"ESP-640": 1}, "shipped_days_ago": 12}}
SignIn = Callable[..., Page]


@pytest.fixture
def company(transactional_db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The practice company with its agents at work, as `make run` leaves it. Gives its address."""
    monkeypatch.setenv("PRACTICE_TOKEN", TOKEN)
    monkeypatch.setenv("PRACTICE_HOOK_SECRET", SECRET)
    settings.PRACTICE_TOKEN = TOKEN
    settings.SECRET_NAMES = ("PRACTICE_TOKEN", "PRACTICE_HOOK_SECRET")
    ensure_demo_people(password=PASSWORD)
    with practice_server() as url:
        settings.OUTBOUND_ALLOW = (url.removeprefix("http://").replace(":", "/32:"),)
        open_company(url)
        join_empty_teams()
        yield url


@pytest.fixture
def sign_in(browser: Browser, live_server: LiveServer) -> Iterator[SignIn]:
    contexts = []
    errors: list[str] = []

    def signed_in(name: str, *, javascript: bool = True) -> Page:
        context = browser.new_context(base_url=live_server.url, java_script_enabled=javascript)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("response", lambda answer: errors.append(answer.url) if answer.status >= 500 else None)
        page.goto("/accounts/login/")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.locator("form .btn-primary").first.click()
        page.wait_for_url(re.compile(r"^(?!.*login)"))
        return page

    yield signed_in
    for context in contexts:
        context.close()
    assert errors == []


def refund_wanted(server: LiveServer) -> str:
    """Deliver the event as the shop would and let the workers work; return the order's number."""
    payload = stage(MACHINE, WANTED, now=timezone.now())
    body, now = json.dumps(payload, ensure_ascii=False).encode(), datetime.now(UTC)
    headers = signature_headers(SECRET, delivery_id=f"msg_{payload['order_id']}", body=body, now=now)
    url = f"{server.url}/hooks/practice-orders/"
    answer = httpx2.post(
        url, content=body, headers={**headers, "Content-Type": "application/json"}, timeout=30, trust_env=False
    )
    assert (answer.status_code, answer.json()["status"]) == (202, "accepted")
    judge_all()
    work()
    return str(payload["order_id"])


def paid(company: str, order: str) -> list[int]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = httpx2.get(f"{company}/orders/{order}", headers=headers, timeout=30, trust_env=False)
    return [refund["amount_minor"] for refund in answer.json()["refunds"]]


def carry_on(request: Request) -> Run:
    run = Run.objects.get(pk=str(request.run_id))
    hurry(run)
    work()
    run.refresh_from_db()
    return run


def test_a_refund_of_640_is_refused_to_one_and_signed_by_the_other(
    company: str, sign_in: SignIn, live_server: LiveServer
) -> None:
    order = refund_wanted(live_server)
    request = Request.objects.get(state="open")

    page = sign_in("operator")
    page.goto(f"/inbox/{request.pk}/")
    expect(page.locator("main")).to_contain_text("This moves €640.00; your limit in finance is €500.00.")
    assert page.get_by_role("button", name="Approve €640.00").filter(visible=True).count() == 0 or (
        page.get_by_role("button", name="Approve €640.00").is_disabled()
    )
    assert paid(company, order) == []

    page = sign_in("second-operator")
    page.goto("/inbox/")
    page.get_by_role("button", name="Approve €640.00").click()
    expect(page.locator("#undo")).to_contain_text(f"Approved: Refund €640.00 for order {order}")
    assert carry_on(request).state == "completed"
    assert paid(company, order) == [64_000]

    page.goto(f"/runs/{request.run_id}/")
    expect(page.locator("main")).to_contain_text("second-operator")
    page.go_back()
    page.go_forward()
    expect(page.locator("main")).to_contain_text("completed", ignore_case=True)


def test_the_auditor_reads_the_whole_story_of_it(company: str, sign_in: SignIn, live_server: LiveServer) -> None:
    order = refund_wanted(live_server)
    request = Request.objects.get(state="open")
    page = sign_in("second-operator")
    page.goto(f"/inbox/{request.pk}/")
    page.get_by_role("button", name="Approve €640.00").click()
    expect(page.locator("#undo")).to_contain_text("Approved")
    carry_on(request)

    page = sign_in("auditor")
    answer = page.request.get(f"/audit/export/?run={request.run_id}")
    told = answer.text()
    for verb in (
        "run.queued",
        "action.proposed",
        "action.pending",
        "request.opened",
        "decision.approve",
        "request.approved",
        "action.executing",
        "action.succeeded",
        "run.completed",
    ):
        assert verb in told, verb
    assert request.action_digest in told and "view_digest" in told
    page.goto(f"/audit/?run={request.run_id}")
    expect(page.locator("main")).to_contain_text("second-operator")
    assert paid(company, order) == [64_000]


@pytest.mark.parametrize("javascript", [True, False])
def test_an_operator_pays_what_his_limit_allows_by_editing_downward(
    company: str, sign_in: SignIn, live_server: LiveServer, javascript: bool
) -> None:
    order = refund_wanted(live_server)
    request = Request.objects.get(state="open")
    page = sign_in("operator", javascript=javascript)
    page.goto(f"/inbox/{request.pk}/")
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Amount").fill("400.00")
    page.get_by_role("button", name="Approve as edited").click()
    expect(page.locator("#undo")).to_contain_text("€400.00")
    carry_on(request)
    assert paid(company, order) == [40_000]
