"""Everything about one subject: found, in order, with money and who decided; nothing of a foreign team, whatever its name."""

from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils.html import escape

from agents.models import Action, Run
from approvals.models import Request
from approvals.services import decide_request
from approvals.subject_address import subject_address
from integrations.models import Event
from monitoring.subjects import PER_PAGE
from tests.desk import Desk, open_desk, refund_waits, run_of
from tests.hooks import source

pytestmark = pytest.mark.django_db
HOSTILE = [
    "../../halts",
    "..",
    ".",
    "//evil.example/x",
    "a/../b",
    "a//b",
    "trailing/",
    "?q=1#top",
    "100% sure&more",
    "line\nbreak",
    "<script>alert(1)</script>",
    "javascript:alert(1)",
    "rtl \u202e txt",
    "Grüße an Ümit",
    "customer 1042",
    "mail+tag@example.org",
    "org/team/ticket-7",
    "\\\\server\\share",
    '" onmouseover="x',
    "x" * 200,
]


@pytest.fixture
def office() -> Desk:
    return open_desk()


def _signed_in(office: Desk, name: str = "operator") -> Client:
    client = Client()
    client.force_login(office[name])
    return client


def _decided(office: Desk) -> Request:
    request = refund_waits(office)
    decide_request(
        request_id=request.pk, user=office["second-operator"], vote="reject", digest=request.action_digest, comment="no"
    )
    return request


def test_page_tells_runs_actions_requests_and_events_newest_first(office: Desk) -> None:
    decided, waiting = _decided(office), refund_waits(office, order="20999")
    Event.objects.create(
        source=source("shop"),
        dedupe_key="1",
        body=b"{}",
        subject="customer 1042",
        kind="refund.requested",
    )
    page = _signed_in(office, "admin").get("/subjects/customer 1042/").content.decode()
    for words in (
        f"/inbox/{decided.pk}/",
        f"/inbox/{waiting.pk}/",
        "second-operator",
        "€640.00",
        "refund.requested",
        "Waits now",
    ):
        assert words in page, words
    assert page.index(f"/inbox/{waiting.pk}/") < page.index(f"/inbox/{decided.pk}/")
    for run in Run.objects.all():
        assert f"/runs/{run.pk}/" in page


def test_totals_count_what_was_really_done(office: Desk) -> None:
    refund_waits(office)
    request = refund_waits(office, amount_minor=51_000)
    for state in ("approved", "executing", "succeeded"):
        Action.objects.filter(pk=str(request.action_id)).update(state=state)
    page = _signed_in(office).get("/subjects/customer 1042/").content.decode()
    assert "<dt>Actions done</dt><dd>1</dd><dt>Moved</dt><dd>€510.00</dd>" in page


def test_long_stories_come_in_pages_without_loss(office: Desk) -> None:
    for _ in range(PER_PAGE + 5):
        run_of(office, subject="busy")
    client = _signed_in(office)
    pages = [client.get(f"/subjects/busy/?page={number}").content.decode() for number in (1, 2)]
    for run in Run.objects.all():
        assert sum(f"/runs/{run.pk}/" in page for page in pages) == 1


def test_foreign_team_sees_the_same_404_as_for_what_does_not_exist(office: Desk) -> None:
    refund_waits(office)
    client = _signed_in(office, "stranger")
    assert client.get("/subjects/customer 1042/").status_code == 404
    assert client.get("/subjects/?exact=customer+1042").status_code == 404
    assert "1042" not in client.get("/subjects/?q=104").content.decode().replace('value="104"', "")
    assert client.get("/subjects/nobody/").status_code == 404


def test_search_finds_beginnings_before_parts(office: Desk) -> None:
    for subject in ("order 7", "7 oaks", "old order 77", "ticket 1"):
        run_of(office, subject=subject)
    page = _signed_in(office).get("/subjects/?q=7").content.decode()
    assert page.index("7 oaks") < page.index("old order 77")
    assert "ticket 1" not in page
    fragment = _signed_in(office).get("/subjects/?q=zzz", headers={"HX-Request": "true"}).content.decode()
    assert "No subject of your teams holds these words." in fragment and "<html" not in fragment


@pytest.mark.parametrize("subject", HOSTILE)
def test_every_name_has_an_address_that_leads_to_it_and_nowhere_else(office: Desk, subject: str) -> None:
    run_of(office, subject=subject)
    address = subject_address(subject)
    parts = urlsplit(address)
    assert parts.netloc == "" and parts.path.startswith("/subjects/") and not address.startswith("//")
    assert not {".", ".."} & set(parts.path.split("/"))
    client = _signed_in(office)
    response = client.get(address)
    assert response.status_code == 200
    assert "<script>alert" not in response.content.decode()
    assert f'href="{escape(address)}"' in client.get("/subjects/").content.decode()


def test_zero_bytes_and_endless_names_are_no_error(office: Desk) -> None:
    client = _signed_in(office)
    for address in ("/subjects/?q=%00", "/subjects/?exact=%00", "/subjects/%00/", f"/subjects/{'x' * 3000}/"):
        assert client.get(address).status_code in (200, 404)
