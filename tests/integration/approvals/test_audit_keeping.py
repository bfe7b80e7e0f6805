"""Erasure, checkpoints on their way out, the watch over the seal, and the pages and commands that show them."""

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from agents.models import Action
from approvals.audit import SYSTEM, record
from approvals.errors import NotAllowed
from approvals.models import AuditCheckpoint, AuditEvent, AuditSeal, CheckpointDelivery, Notice
from approvals.sealing import delivery
from approvals.sealing.checkpoints import checkpoint_if_due, make_checkpoint
from approvals.sealing.erasure import erase_subject, lift_hold, place_hold
from approvals.sealing.keeping import sign_when_due, warn_when_late
from approvals.sealing.keys import NoKey, signing_key
from approvals.sealing.lag import holder
from approvals.sealing.reading import sealed_records
from approvals.sealing.sealer import keep_sealing, seal_once
from approvals.sealing.verify_audit import Checker
from approvals.services import decide_request
from tests import desk as company
from tests.desk import Desk

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk(settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Desk:
    monkeypatch.setenv("AUDIT_TEST_KEY", "11" * 32)
    settings.AUDIT_KEY = "env:AUDIT_TEST_KEY"
    settings.AUDIT_CHECKPOINTS = (f"folder:{tmp_path / 'outside'}",)
    return company.open_desk()


@pytest.fixture
def as_person(desk: Desk) -> Callable[[str], Client]:
    def signed_in(name: str) -> Client:
        client = Client()
        client.force_login(desk[name])
        return client

    return signed_in


def note(subject: str, verb: str = "lamp.lit", **more: Any) -> AuditEvent:
    record(actor=SYSTEM, verb=verb, subject_type="lamp", subject_id=1, subject=subject, **more)
    return AuditEvent.objects.latest("seq")


def seal() -> None:
    deadline = time.monotonic() + 60
    while AuditEvent.objects.count() != sum(AuditSeal.objects.values_list("count", flat=True)):
        if not seal_once():
            assert time.monotonic() < deadline, holder()
            time.sleep(0.05)


def age(days: int) -> None:
    """Let what is there be older, before it is sealed: no time passes in a test."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE approvals_auditevent DISABLE TRIGGER audit_rows")
        cursor.execute("UPDATE approvals_auditevent SET at = at - make_interval(days => %s) WHERE seq > 0", [days])
        cursor.execute("ALTER TABLE approvals_auditevent ENABLE TRIGGER audit_rows")


def test_erased_rows_are_unreadable_and_the_chain_stays_valid(desk: Desk) -> None:
    note("Kim Example", mail="kim@example.com", digest="ab" * 32)
    note("somebody else")
    age(200)
    note("Kim Example")
    seal()
    done = erase_subject(subject="Kim Example", reason="asked for it, ticket 71", user=desk["admin"])
    assert (done.erased, done.kept) == (1, 1) and "younger than 190 days" in done.sentence
    seal()
    trail = json.dumps(list(sealed_records()))
    assert "kim@example.com" not in trail and trail.count("Kim Example") == 1 and "ab" * 32 not in trail
    report = Checker().check(sealed_records())
    assert report.sound and report.erased == 1, report.problems
    assert AuditEvent.objects.get(verb="audit.erased").data["kept"] == 1


def test_a_row_blanked_without_an_erasure_is_found(desk: Desk) -> None:
    """The negative control of the test above: the same blank row, but no erasure names it."""
    event = note("Kim Example")
    seal()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE approvals_auditevent DISABLE TRIGGER audit_rows")
        cursor.execute(
            "UPDATE approvals_auditevent SET salt = NULL, subject = '', data = '{}' WHERE seq = %s", [event.seq]
        )
        cursor.execute("ALTER TABLE approvals_auditevent ENABLE TRIGGER audit_rows")
    problems = Checker().check(sealed_records()).problems
    assert any(f"row {event.seq}: is blank, and no erasure names it" in problem for problem in problems)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE approvals_auditevent SET actor = 'x'",
        "UPDATE approvals_auditevent SET salt = NULL, subject = '', digest = '', data = '{}', actor = 'x'",
        "UPDATE approvals_auditevent SET salt = NULL, subject = '', digest = '', data = '{}', payload_hash = NULL",
        "UPDATE approvals_auditevent SET subject = ''",
        "DELETE FROM approvals_auditevent",
        "UPDATE approvals_auditseal SET count = 1",
        "DELETE FROM approvals_auditseal",
    ],
)
def test_the_tables_take_an_erasure_and_nothing_else(desk: Desk, statement: str) -> None:
    note("Kim Example")
    age(200)
    seal()
    with pytest.raises(Exception, match="append-only"), connection.cursor() as cursor:
        cursor.execute(statement)


def test_what_is_young_or_held_is_not_erased_even_by_sql(desk: Desk) -> None:
    note("Kim Example")
    blank = "UPDATE approvals_auditevent SET salt = NULL, subject = '', digest = '', data = '{}' WHERE subject = 'Kim Example'"
    with pytest.raises(Exception, match="append-only"), connection.cursor() as cursor:
        cursor.execute(blank)
    age(200)
    hold = place_hold(subject="Kim Example", reason="a case at court", user=desk["admin"])
    with pytest.raises(Exception, match="append-only"), connection.cursor() as cursor:
        cursor.execute(blank)
    with pytest.raises(NotAllowed, match="legal hold"):
        erase_subject(subject="Kim Example", reason="asked", user=desk["admin"])
    lift_hold(hold_id=hold.pk, reason="the case is over", user=desk["admin"])
    assert erase_subject(subject="Kim Example", reason="asked", user=desk["admin"]).erased == 1


def test_only_an_admin_erases_and_the_reason_names_nobody(desk: Desk) -> None:
    for name in ("operator", "manager", "auditor"):
        with pytest.raises(NotAllowed, match="Only an admin"):
            erase_subject(subject="Kim", reason="asked", user=desk[name])
    with pytest.raises(NotAllowed, match="may not name the subject"):
        erase_subject(subject="Kim", reason="kim asked", user=desk["admin"])


def test_a_checkpoint_is_signed_every_hour_and_delivered(desk: Desk, tmp_path: Path) -> None:
    note("a lamp")
    assert checkpoint_if_due() is None
    seal()
    assert checkpoint_if_due() is not None and checkpoint_if_due() is None
    assert delivery.deliver_one() and not delivery.deliver_one()
    kept = json.loads((tmp_path / "outside" / "checkpoint-000000001.json").read_text())
    said = json.loads(kept["document"])
    assert said["count"] == AuditCheckpoint.objects.get().count and said["key"] == signing_key().id
    assert {"org", "seq", "count", "root", "time", "previous", "key"} <= said.keys()


def test_a_failed_delivery_is_told_once_shown_and_tried_again(desk: Desk, settings: Any, as_person: Any) -> None:
    settings.AUDIT_CHECKPOINTS = ("folder:/proc/nowhere", "pigeon:roof")
    note("a lamp")
    seal()
    make_checkpoint()
    while delivery.deliver_one():
        pass
    assert sorted(Notice.objects.filter(kind=delivery.ALERT).values_list("title", flat=True)) == [
        "The signed checkpoint of the audit trail did not reach folder:/proc/nowhere",
        "The signed checkpoint of the audit trail did not reach pigeon:roof",
    ]
    shown = as_person("auditor").get("/audit/checkpoints/").content.decode()
    assert "did not reach" in shown and "pigeon:roof" in shown
    assert "did not get out of the database" in as_person("auditor").get("/audit/").content.decode()
    CheckpointDelivery.objects.update(tried_at="2001-01-01T00:00Z")
    assert delivery.deliver_one() and Notice.objects.filter(kind=delivery.ALERT).count() == 2


@pytest.mark.parametrize("text", ["", "short", "zz" * 32, "-----BEGIN NONSENSE-----"])
def test_a_key_that_is_none_is_told_without_showing_it(desk: Desk, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("AUDIT_TEST_KEY", text)
    with pytest.raises(NoKey) as told:
        signing_key()
    assert not text or text not in told.value.message
    for _ in range(2):
        sign_when_due()
    assert Notice.objects.filter(title="The audit trail is not signed").count() in (0, 1)


def test_who_stalls_the_sealer_is_named(desk: Desk) -> None:
    names = ("host", "port", "user", "password", "dbname")
    given = {name: value for name, value in connection.get_connection_params().items() if name in names}
    with psycopg.connect(**given) as forgotten:
        forgotten.execute("CREATE TEMP TABLE mine (x int)")
        note("a lamp")
        age(1)
        warn_when_late()
        warn_when_late()
        told = Notice.objects.get(kind="delivery.audit_lag")
        assert f"process {forgotten.info.backend_pid}" in told.body or "had a transaction open" in told.body
        forgotten.rollback()


def test_the_page_verifies_shows_the_place_and_exports_with_the_verifier(desk: Desk, as_person: Any) -> None:
    event = note("blue lamp")
    seal()
    client = as_person("auditor")
    assert "rows verified" in client.post("/audit/verify/", follow=True).content.decode()
    opened = client.get(f"/audit/?open={event.seq}").content.decode()
    assert "Place in the chain" in opened and "in seal 1" in opened and "Last verified" in opened
    part = client.post("/audit/verify/", {"from": event.seq, "to": event.seq}, follow=True).content.decode()
    assert "rows verified" in part
    export = b"".join(client.get("/audit/export/sealed/").streaming_content).decode().splitlines()
    assert Checker().check(map(json.loads, export)).sound
    assert b"def main" in client.get("/audit/verifier/").content
    assert signing_key().public in client.get("/audit/keys/").content.decode()
    lines = b"".join(client.get("/audit/export/?format=jsonl&q=blue").streaming_content).decode().splitlines()
    assert [json.loads(line)["subject"] for line in lines] == ["blue lamp"]


@pytest.mark.parametrize("path", ["export/sealed/", "verifier/", "keys/", "checkpoints/", "erasure/"])
def test_who_may_not_is_refused(desk: Desk, as_person: Any, path: str) -> None:
    assert as_person("operator").get(f"/audit/{path}").status_code == 403
    assert as_person("admin").get(f"/audit/{path}").status_code == 200


def test_erasing_and_holding_by_the_page(desk: Desk, as_person: Any) -> None:
    note("Kim Example")
    age(200)
    client = as_person("admin")
    assert client.post("/audit/erasure/erase/", {"subject": "Kim Example"}).status_code == 422
    held = client.post("/audit/holds/", {"subject": "Kim Example", "reason": "a case"}, follow=True).content.decode()
    assert "Kim Example" in held and "Held:" in held
    refused = client.post("/audit/erasure/erase/", {"subject": "Kim Example", "reason": "asked"})
    assert refused.status_code == 422 and "legal hold" in refused.content.decode()
    assert as_person("auditor").post("/audit/erasure/erase/", {"subject": "x", "reason": "y"}).status_code == 403


def test_the_commands_verify_export_and_erase(desk: Desk, tmp_path: Path) -> None:
    note("Kim Example")
    age(200)
    seal()
    said = StringIO()
    call_command("verify_audit", stdout=said)
    call_command("verify_audit", "--export", str(tmp_path / "trail.jsonl"), stdout=said)
    call_command("verify_audit", str(tmp_path / "trail.jsonl"), stdout=said)
    call_command("erase_audit", "Kim Example", "--reason", "asked", "--as", "admin", stdout=said)
    assert said.getvalue().count("SOUND:") == 2 and "1 row erased" in said.getvalue()
    lines = (tmp_path / "trail.jsonl").read_text().replace("Kim Example", "Kim Exemple")
    (tmp_path / "trail.jsonl").write_text(lines)
    with pytest.raises(CommandError, match="not sound"):
        call_command("verify_audit", str(tmp_path / "trail.jsonl"), stdout=said)


def test_the_first_vote_of_several_is_in_nobodys_trail_until_all_are_in(desk: Desk, as_person: Any) -> None:
    request = company.refund_waits(desk)
    rows = type(request).objects.filter(pk=request.pk)
    rows.update(votes_needed=2)
    record(
        actor=SYSTEM,
        verb="decision.approve",
        subject_type="request",
        subject_id=request.pk,
        subject="secret first vote",
    )
    for name in ("second-operator", "admin", "auditor"):
        assert "secret first vote" not in as_person(name).get("/audit/").content.decode(), name
    rows.update(votes_needed=1)
    assert "secret first vote" in as_person("auditor").get("/audit/").content.decode()


def test_a_checkpoint_is_posted_to_a_web_address_through_the_guard(desk: Desk, settings: Any) -> None:
    got: list[bytes] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # noqa: N802
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"127.0.0.1:{server.server_address[1]}"
    settings.AUDIT_CHECKPOINTS = (f"webhook:http://{address}/keep",)
    note("a lamp")
    seal()
    make_checkpoint()
    settings.OUTBOUND_ALLOW = ()
    assert delivery.deliver_one() and not got and delivery.undelivered()
    settings.OUTBOUND_ALLOW = (address,)
    CheckpointDelivery.objects.update(tried_at="2001-01-01T00:00Z")
    assert delivery.deliver_one() and not delivery.undelivered()
    server.shutdown()
    server.server_close()
    assert json.loads(got[0])["document"] == AuditCheckpoint.objects.get().document


def test_no_effect_begins_when_its_audit_row_cannot_be_written(desk: Desk) -> None:
    """Fail closed: a full disk or a broken trail stops the work, it does not blind the trail."""
    request = company.refund_waits(desk)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = 'disk_full'; END $$;"
            "CREATE TRIGGER no_space BEFORE INSERT ON approvals_auditevent FOR EACH ROW EXECUTE FUNCTION no_space();"
        )
    try:
        with pytest.raises(Exception, match="no space left"):
            decide_request(
                request_id=request.pk,
                user=desk["second-operator"],
                vote="approve",
                comment="",
                digest=request.action_digest,
            )
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER no_space ON approvals_auditevent; DROP FUNCTION no_space();")
    request.refresh_from_db()
    assert request.state == "open" and request.decisions.count() == 0
    assert Action.objects.get(pk=request.action_id).state == "pending"


def test_seal_lag_stays_under_two_seconds(desk: Desk) -> None:
    """p99 from the write to the seal, with the sealer as the clock runs it."""
    stop = threading.Event()
    sealer = threading.Thread(target=keep_sealing, args=(stop,))
    sealer.start()
    for number in range(150):
        note(f"lamp {number}")
        time.sleep(0.01)
    seal()
    stop.set()
    sealer.join(5)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM percentile_cont(0.99) WITHIN GROUP (ORDER BY s.sealed_at - e.at))"
            " FROM approvals_auditevent e JOIN LATERAL (SELECT sealed_at FROM approvals_auditseal s"
            " WHERE (s.last_xid, s.last_seq) >= (e.xid, e.seq) ORDER BY s.number LIMIT 1) s ON true"
            " WHERE e.verb = 'lamp.lit'"
        )
        p99_s = float(cursor.fetchone()[0])
    print(f"seal lag p99: {p99_s:.3f} s")
    assert p99_s <= 2.0
