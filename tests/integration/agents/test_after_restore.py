"""A database that starts lower than the marker was restored: everything stops, nothing is done twice, people lead back."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from agents.models import Action, Run
from approvals.audit import SYSTEM, record
from approvals.halts import open_halts
from approvals.installation import installation_id
from approvals.models import AuditSeal, Notice, Request
from approvals.sealing import marker
from approvals.sealing.marker import Marker, accept_present, keep_marker, read_marker, restored_from, write_marker
from approvals.sealing.restored import stop_if_restored
from approvals.sealing.sealer import seal_all
from tests import desk as company
from tests.desk import Desk

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk(settings: Any, tmp_path: Path) -> Desk:
    settings.AUDIT_MARKER = str(tmp_path / "marker.json")
    return company.open_desk()


def _from_the_past() -> None:
    """Leave a marker of what this database was before an older copy of it took its place."""
    total = AuditSeal.objects.count()
    write_marker(Marker(str(installation_id()), total + 5, 10_000, "ab" * 32))


def test_everything_under_way_becomes_unknown_and_every_run_pauses(desk: Desk) -> None:
    request = company.refund_waits(desk)
    _from_the_past()
    assert "10,000 audit rows were sealed before" in stop_if_restored()
    request.refresh_from_db()
    run = Run.objects.get(pk=request.run_id)
    action = Action.objects.get(pk=request.action_id)
    assert (request.state, run.state, run.reason_code, action.state) == ("withdrawn", "paused", "restored", "unknown")
    assert [halt.scope for halt in open_halts()] == ["global"] and "restored" in open_halts()[0].reason
    assert Request.objects.filter(kind="unknown_outcome", state="open", action_id=action.pk).count() == 1
    assert Notice.objects.filter(kind="halt.restored", title__contains="restored").count() == 1


def test_it_happens_once_and_the_marker_stays_until_people_are_through(desk: Desk) -> None:
    company.refund_waits(desk)
    _from_the_past()
    for _ in range(3):
        assert stop_if_restored()
    keep_marker()
    assert Notice.objects.filter(kind="halt.restored").count() == 1
    kept = read_marker()
    assert kept and kept.total == 10_000


def test_the_command_leads_back(desk: Desk) -> None:
    request = company.refund_waits(desk)
    _from_the_past()
    said = StringIO()
    call_command("after_restore", stdout=said)
    assert "Unknown outcomes to settle in the inbox: 1" in said.getvalue()
    with pytest.raises(CommandError, match="Settle them first"):
        call_command("after_restore", "--resume", "--as", "admin", stdout=said)
    with pytest.raises(CommandError, match="needs an admin"):
        call_command("after_restore", "--resume", "--as", "operator", stdout=said)
    Request.objects.filter(kind="unknown_outcome").update(state="resolved")
    call_command("after_restore", "--resume", "--as", "admin", stdout=said)
    assert Run.objects.get(pk=request.run_id).state == "queued"
    assert restored_from(read_marker()) == ""


def test_a_failover_and_an_untouched_database_trip_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-by has everything that is older than a moment; the marker trails by ten seconds for that reason."""
    record(actor=SYSTEM, verb="lamp.lit", subject_type="lamp", subject_id=1)
    seal_all()
    keep_marker()
    assert read_marker() is None or stop_if_restored() == ""
    accept_present()
    assert read_marker() is not None and stop_if_restored() == ""
    assert not open_halts()


def test_the_marker_of_another_installation_says_nothing(desk: Desk) -> None:
    write_marker(Marker("another", 99, 99, "ab" * 32))
    assert stop_if_restored() == "" and not open_halts()


def test_another_history_of_the_same_length_is_a_restore_too(desk: Desk) -> None:
    record(actor=SYSTEM, verb="lamp.lit", subject_type="lamp", subject_id=1)
    while not AuditSeal.objects.exists():
        seal_all()
    accept_present()
    kept = read_marker()
    assert kept is not None
    write_marker(Marker(kept.org, kept.seal, kept.total, "cd" * 32))
    assert "is another than the one" in stop_if_restored()


def test_outside_of_a_restore_the_database_refuses_these_moves(desk: Desk) -> None:
    request = company.refund_waits(desk)
    with pytest.raises(Exception, match="may not move"), connection.cursor() as cursor:
        cursor.execute("UPDATE agents_action SET state = 'unknown' WHERE id = %s", [request.action_id])


def test_a_folder_that_cannot_be_written_stops_nothing(desk: Desk, settings: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings.AUDIT_MARKER = str(tmp_path / "file" / "marker.json")
    write_marker(Marker("x", 1, 1, "00"))
    assert marker.read_marker() is None
