"""The audit trail over HTTP: who reads what, filters, paging, the row in full, and an export that no spreadsheet runs."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from approvals.audit import SYSTEM, Actor, record
from approvals.audit_pages import PER_PAGE
from approvals.csv_safe import safe_cell
from approvals.models import AuditEvent
from config.ids import new_id
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


def note(subject: str, *, actor: Actor = SYSTEM, verb: str = "thing.done", **more: Any) -> AuditEvent:
    record(actor=actor, verb=verb, subject_type="thing", subject_id="1", subject=subject, **more)
    return AuditEvent.objects.latest("seq")


def page(client: Client, query: str = "") -> str:
    return client.get(f"/audit/{query}").content.decode()


def test_the_newest_row_comes_first_and_opens_in_place(desk: Desk, as_person: Any) -> None:
    note("older lamp")
    event = note("newer lamp", agent="refund-clerk", digest="ab" * 32, why="because")
    client = as_person("auditor")
    listed = page(client)
    assert listed.index("newer lamp") < listed.index("older lamp") and "because" not in listed
    opened = page(client, f"?open={event.seq}")
    assert "because" in opened and "abababab " * 7 in opened


@pytest.mark.parametrize(
    "query",
    [
        "q=blue",
        "actor=kim",
        "verb=lamp.broken",
        "subject=blue",
        "agent=lamp-clerk",
        "q=abab abab",
        "since=2020-01-01&q=blue",
    ],
)
def test_each_filter_finds_its_row_and_no_other(desk: Desk, as_person: Any, query: str) -> None:
    note("green chair")
    note("blue lamp", actor=Actor("kim"), verb="lamp.broken", agent="lamp-clerk", digest="ab" * 32)
    found = page(as_person("auditor"), f"?{query}")
    assert "blue lamp" in found and "green chair" not in found


def test_a_run_is_found_by_its_id(desk: Desk, as_person: Any) -> None:
    run = new_id()
    note("of the run", run_id=run)
    note("of another", run_id=new_id())
    found = page(as_person("admin"), f"?run={run}")
    assert "of the run" in found and "of another" not in found


def test_dates_bound_the_list_and_nonsense_is_told(desk: Desk, as_person: Any) -> None:
    note("blue lamp")
    client = as_person("auditor")
    assert "Nothing fits this filter" in page(client, "?until=2020-01-01")
    told = page(client, "?since=yesterday&run=7&before=x&open=%00&q=%00")
    assert "is not a date" in told and "found by its id" in told and "blue lamp" in told


def test_older_rows_are_a_page_away_and_keep_the_filter(desk: Desk, as_person: Any) -> None:
    for number in range(PER_PAGE + 5):
        note(f"lamp {number:03}")
    client = as_person("auditor")
    first = page(client, "?q=lamp")
    assert "lamp 054" in first and "lamp 004" not in first
    before = AuditEvent.objects.get(subject="lamp 005").seq
    assert f"?q=lamp&amp;before={before}" in first
    older = page(client, f"?q=lamp&before={before}")
    assert "lamp 004" in older and "lamp 005" not in older and ">Newer<" in older


def test_the_list_asks_a_fixed_number_of_questions(desk: Desk, as_person: Any) -> None:
    client = as_person("auditor")
    counts = []
    for size in (2, 40):
        for number in range(size):
            note(f"lamp {number}")
        with CaptureQueriesContext(
            connection,
        ) as asked:
            page(client)
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_others_read_what_they_did_and_what_concerns_their_team(desk: Desk, as_person: Any) -> None:
    request = company.refund_waits(desk)
    note("own deed", actor=Actor.person(desk["stranger"]))
    note("of the run", run_id=request.run_id)
    note("elsewhere", run_id=new_id())
    member, stranger = page(as_person("operator")), page(as_person("stranger"))
    assert "of the run" in member and "elsewhere" not in member and "own deed" not in member
    assert "own deed" in stranger and "of the run" not in stranger and "20871" not in stranger
    assert "Nothing fits this filter" in page(as_person("stranger"), f"?run={request.run_id}")
    assert "own deed" in page(as_person("admin")) and "elsewhere" in page(as_person("auditor"))


@pytest.mark.parametrize(
    ("name", "status"), [("admin", 200), ("auditor", 200), ("operator", 403), ("manager", 403), ("stranger", 403)]
)
def test_who_may_export(desk: Desk, as_person: Any, name: str, status: int) -> None:
    client = as_person(name)
    assert client.get("/audit/export/").status_code == status
    greyed = "Admins and auditors export the trail" in page(client)
    assert greyed is (status == 403)
    assert AuditEvent.objects.filter(verb="audit.exported", actor=name).exists() is (status == 200)


EVIL = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    " =1",
    "a,=1",
    "a;=1",
    "a\n=cmd|' /C calc'!A0",
    '"=1',
    "＝1",
    "a\t@x",
    "'=1",
]


@pytest.mark.parametrize("text", EVIL)
def test_no_cell_starts_a_formula(text: str) -> None:
    for part in (
        safe_cell(text).replace("\r", "\n").replace(";", "\n").replace(",", "\n").replace("\t", "\n").split("\n")
    ):
        assert part.strip(' "')[:1] not in tuple("=+-@＝＋－＠")


def test_the_export_is_the_filtered_list_as_safe_csv(desk: Desk, as_person: Any) -> None:
    note('=HYPERLINK("http://evil")', note='a "quoted" word')
    note("other", verb="other.done")
    answer = as_person("auditor").get("/audit/export/?verb=thing.done")
    assert answer["Content-Type"].startswith("text/csv") and answer["Content-Disposition"].startswith("attachment")
    head, row = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))
    line = dict(zip(head, row, strict=True))
    assert line["subject"] == '\'=HYPERLINK("http://evil")' and line["verb"] == "thing.done"


def test_foreign_text_in_the_trail_is_shown_and_never_run(desk: Desk, as_person: Any) -> None:
    event = note("<img src=x onerror=alert(1)> \u202eevil", hx='<b hx-get="/x">')
    shown = page(as_person("auditor"), f"?open={event.seq}")
    assert "<img src=x" not in shown and "<b hx-get" not in shown and "U+202E" in shown
