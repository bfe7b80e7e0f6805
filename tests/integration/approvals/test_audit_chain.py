"""The chain over the audit trail: what is sealed, what the verifier says, and six kinds of tampering by whoever owns the tables."""

import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from approvals.audit import SYSTEM, record
from approvals.models import AuditCheckpoint, AuditEvent, AuditSeal
from approvals.sealing import verify_audit
from approvals.sealing.checkpoints import as_file, file_name, make_checkpoint
from approvals.sealing.delivery import to_folder
from approvals.sealing.keys import public_keys
from approvals.sealing.lag import holder, seal_lag
from approvals.sealing.reading import export_lines, sealed_records
from approvals.sealing.sealer import keep_sealing, seal_once
from approvals.sealing.verify_audit import Checker, Checkpoint, Report, key_id, read_checkpoints
from tests.promises import Promise
from tests.tampering import KINDS, naive_problems

pytestmark = pytest.mark.django_db(transaction=True)
SCRIPT = Path(verify_audit.__file__)
TAMPERING = "tampering with the audit trail is found"


@pytest.fixture(autouse=True)
def key(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.AUDIT_KEY = "env:AUDIT_TEST_KEY"
    monkeypatch.setenv("AUDIT_TEST_KEY", "11" * 32)


def write(count: int, **more: Any) -> None:
    for number in range(count):
        record(
            actor=SYSTEM,
            verb="lamp.lit",
            subject_type="lamp",
            subject_id=number,
            subject=f"lamp “{number}” \\ ü",
            **more,
        )


def seal(batch: int = 7) -> None:
    """Seal what there is; another test's open transaction on the same server may keep the sealer waiting for a moment."""
    deadline = time.monotonic() + 60
    while AuditEvent.objects.count() != sum(AuditSeal.objects.values_list("count", flat=True)):
        if not seal_once(batch):
            assert time.monotonic() < deadline, holder()
            time.sleep(0.05)


def report(**outside: Any) -> Report:
    return Checker(**outside).check(sealed_records())


def outside() -> dict[str, Any]:
    """Return what lies where the database's owner cannot rewrite it: public keys and checkpoints."""
    kept = [Checkpoint(c.document, c.signature, file_name(c)) for c in AuditCheckpoint.objects.order_by("number")]
    return {"keys": public_keys(), "checkpoints": kept}


def test_everything_written_is_sealed_and_the_chain_holds() -> None:
    write(20, note="tab\there, “quotes”, 1.50\u0000".replace("\0", "\x7f"), nested={"a": [1, None, 2.5, 1e30]})
    seal()
    found = report()
    assert found.sound, found.problems
    assert found.rows == AuditEvent.objects.count() and found.seals == AuditSeal.objects.count() > 2


def test_a_row_that_commits_late_is_sealed_in_its_place() -> None:
    """A sequence alone would have sealed past it."""
    write(1)
    seal()
    with _second_connection() as late:
        late.execute(_INSERT)
        write(3)
        assert seal_once() == 0
        assert seal_lag().rows == 3 and "transaction open" in holder()
        late.commit()
    seal()
    assert report().sound and report().rows == AuditEvent.objects.count()


def test_the_sealer_keeps_up_with_writers() -> None:
    stop = threading.Event()
    sealer = threading.Thread(target=keep_sealing, args=(stop,))
    sealer.start()
    writers = [threading.Thread(target=_write_and_close, args=(60,)) for _ in range(4)]
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()
    seal()
    stop.set()
    sealer.join(5)
    assert report().sound and report().rows == 240


def test_the_writer_has_no_say_in_time_and_transaction() -> None:
    AuditEvent.objects.create(
        actor="x", verb="lamp.lit", subject_type="lamp", subject_id="1", at="2001-01-01T00:00Z", xid=3, salt=b"x"
    )
    row = AuditEvent.objects.get()
    assert row.at.year > 2001 and row.xid > 3 and len(row.salt or b"") == 16


def test_a_dump_read_into_another_server_goes_on_with_the_chain() -> None:
    """Transaction numbers begin low again there; here the old rows are given numbers that no server has reached."""
    write(6)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE approvals_auditevent DISABLE TRIGGER audit_rows")
        cursor.execute("UPDATE approvals_auditevent SET xid = xid + 1000000000000 WHERE seq > 0")
        cursor.execute("ALTER TABLE approvals_auditevent ENABLE TRIGGER audit_rows")
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert seal_once(4) == 4
    write(5)
    seal()
    assert report().sound and report().rows == 11
    assert AuditSeal.objects.latest("number").after_seq > 0


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_twenty_tamperings_of_each_kind_are_found(kind: str) -> None:
    _tamper(kind, 20)


@pytest.mark.chaos
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_thousand_tamperings_of_each_kind_are_found(kind: str, promise: Promise) -> None:
    _tamper(kind, 1_000)
    promise(TAMPERING, tried=1_000, violations=0, note="of each of six kinds")


def test_without_the_chain_most_tamperings_would_stay_unseen(promise: Promise) -> None:
    """The negative control: the same harness with the chain check off."""
    _a_trail()
    random_ = random.Random(7)
    missed = {kind for kind in KINDS for _ in range(10) if not _found(kind, random_, naive_problems)}
    promise(TAMPERING, tried=len(KINDS), violations=len(missed), control=True)
    assert missed >= {"delete", "reorder", "tail cut", "full rewrite", "insert"}
    assert report(**outside()).sound


def _tamper(kind: str, times: int) -> None:
    _a_trail()
    kept = outside()
    assert report(**kept).sound
    random_ = random.Random(len(kind) * 31 + times)
    unseen = [turn for turn in range(times) if not _found(kind, random_, lambda: report(**kept).problems)]
    assert not unseen, f"{kind}: {unseen}"
    assert report(**kept).sound


def _found(kind: str, random_: random.Random, problems: Callable[[], Any]) -> bool:
    with transaction.atomic():
        KINDS[kind](random_)
        seen = bool(problems())
        transaction.set_rollback(True)
    return seen


def _a_trail() -> None:
    write(40, why="because")
    seal(9)
    make_checkpoint()
    seal(9)


def test_a_full_rewrite_needs_the_checkpoint_to_be_seen() -> None:
    _a_trail()
    kept = outside()
    with transaction.atomic():
        KINDS["full rewrite"](random.Random(1))
        alone = Checker().check(record for record in sealed_records() if record["kind"] != "checkpoint")
        against = report(**kept)
        transaction.set_rollback(True)
    assert alone.sound and any("rewritten" in problem for problem in against.problems)


def test_the_stand_alone_script_needs_the_export_the_key_and_nothing_of_ours(tmp_path: Path) -> None:
    _a_trail()
    checkpoint = AuditCheckpoint.objects.get()
    to_folder(str(tmp_path / "outside"), file_name(checkpoint), as_file(checkpoint))
    (tmp_path / "audit.pub").write_text("".join(f"{text} # {name}\n" for name, text in public_keys().items()))
    export = tmp_path / "export.jsonl"
    export.write_text("".join(export_lines()))
    arguments = ["--key", str(tmp_path / "audit.pub"), "--checkpoints", str(tmp_path / "outside")]
    sound = _script(tmp_path, export, *arguments)
    assert sound.returncode == 0 and "SOUND: 4" in sound.stdout, sound.stdout + sound.stderr
    lines = export.read_text().splitlines(keepends=True)
    rows = [index for index, line in enumerate(lines) if '"kind":"row"' in line]
    seq = json.loads(json.loads(lines[rows[10]])["header"])["seq"]
    export.write_text("".join(line for index, line in enumerate(lines) if index != rows[9]))
    bad = _script(tmp_path, export, *arguments)
    assert bad.returncode == 1 and f"row {seq} " in bad.stdout and "NOT SOUND" in bad.stdout
    export.write_text("".join(lines[: rows[20]]))
    assert "ends in the middle" in _script(tmp_path, export).stdout
    export.write_text("{")
    assert _script(tmp_path, export).returncode == 2


def test_without_cryptography_the_chain_alone_is_checked_and_said_so(tmp_path: Path) -> None:
    _a_trail()
    export = tmp_path / "export.jsonl"
    export.write_text("".join(export_lines()))
    (tmp_path / "audit.pub").write_text("\n".join(public_keys().values()))
    bare = _script(tmp_path, export, "--key", str(tmp_path / "audit.pub"), isolated=True)
    assert bare.returncode == 0, bare.stdout + bare.stderr
    assert "signatures were NOT checked: the Python package `cryptography` is absent" in bare.stdout


def test_a_forged_signature_and_a_foreign_key_are_refused() -> None:
    _a_trail()
    real = AuditCheckpoint.objects.get()
    forged = Checkpoint(real.document, "00" * 64, "forged")
    assert "its signature is wrong" in str(report(keys=public_keys(), checkpoints=[forged]).problems)
    other = {key_id("22" * 32): "22" * 32}
    assert "a key that was not given" in str(report(keys=other).problems)


def test_a_rotated_key_leaves_the_old_checkpoints_verifiable(monkeypatch: pytest.MonkeyPatch) -> None:
    _a_trail()
    monkeypatch.setenv("AUDIT_TEST_KEY", "33" * 32)
    write(3)
    seal()
    make_checkpoint()
    assert len(public_keys()) == 2
    seal()
    assert report(**outside()).sound
    assert AuditEvent.objects.filter(verb="audit.key_used").count() == 2


def test_checkpoints_are_read_back_from_where_they_were_delivered(tmp_path: Path) -> None:
    _a_trail()
    made = AuditCheckpoint.objects.get()
    for _ in range(2):
        to_folder(str(tmp_path), file_name(made), as_file(made))
    assert [c.text for c in read_checkpoints(tmp_path)] == [made.document]
    with pytest.raises(FileExistsError):
        to_folder(str(tmp_path), file_name(made), "something else")


def _script(folder: Path, *arguments: Any, isolated: bool = False) -> "subprocess.CompletedProcess[str]":
    """Run a copy of the script, far away from the product; isolated: without any installed package."""
    copy = folder / "verify_audit.py"
    copy.write_bytes(SCRIPT.read_bytes())
    flags = ["-S", "-E"] if isolated else []
    command = [sys.executable, *flags, str(copy), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=60)


_INSERT = (
    "INSERT INTO approvals_auditevent (actor, actor_kind, verb, subject_type, subject_id, subject, agent, from_state,"
    " to_state, digest, data) VALUES ('x', 'system', 'tested', 'test', '1', '', '', '', '', '', '{}')"
)


def _second_connection() -> "psycopg.Connection[Any]":
    names = ("host", "port", "user", "password", "dbname")
    given = {name: value for name, value in connection.get_connection_params().items() if name in names}
    return psycopg.connect(**given)


def _write_and_close(count: int) -> None:
    try:
        for _ in range(count):
            with transaction.atomic():
                write(1)
    finally:
        connection.close()
