#!/usr/bin/env python3
"""Verify an export of Countersign's audit trail. Stands alone: needs Python 3.11, and `cryptography` for signatures.

    python verify_audit.py EXPORT.jsonl --key audit.pub --checkpoints FOLDER

Finds every edit, insertion, deletion and reordering of rows, and, against checkpoints kept outside the database, a cut
tail and a rewritten chain. Rows that were erased by the rules stay valid. Exit code: 0 sound, 1 not sound, 2 not readable.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

FORMAT = "countersign-audit-1"
MARK_BYTES = 8
MOST_PROBLEMS = 20
Record = Mapping[str, Any]


def genesis(org: str) -> bytes:
    """Return what the chain of this installation begins with."""
    return sha256(f"{FORMAT}|{org}".encode()).digest()


def leaf_of(header: str, payload_hash: bytes) -> bytes:
    return sha256(header.encode() + b"\n" + payload_hash).digest()


def seal_of(running: bytes, *, number: int, count: int, total: int, sealed_at: str) -> bytes:
    """Return the hash that ends a batch: its rows' chain and what the seal says of itself."""
    return sha256(running + f"{number}|{count}|{total}|{sealed_at}".encode()).digest()


@dataclass(frozen=True)
class Report:
    """What was found. Sound means: no problem; `notes` say what could not be looked at."""

    rows: int
    erased: int
    seals: int
    checkpoints: int
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def sound(self) -> bool:
        return not self.problems


@dataclass(frozen=True)
class Checkpoint:
    """A signed statement of what the chain was."""

    text: str
    signature: str
    place: str

    @property
    def said(self) -> dict[str, Any]:
        said = json.loads(self.text)
        if not isinstance(said, dict):
            raise ValueError("a checkpoint is an object")
        return said


@dataclass
class Checker:
    """Reads an export record by record. `checkpoints` come from outside; `keys` maps key id to public key, in hex."""

    keys: Mapping[str, str] = field(default_factory=dict)
    checkpoints: list[Checkpoint] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._outside = len(self.checkpoints)
        self._running = b""
        self._org = ""
        self._whole = True
        self._ended = False
        self._rows = self._total = self._seals = 0
        self._seal: Record | None = None
        self._marks: Sequence[bytes] = ()
        self._at = 0
        self._told = False
        self._at_seal: dict[int, str] = {}
        self._erased: set[int] = set()
        self._accounted: set[int] = set()

    def check(self, records: Iterable[Record]) -> Report:
        """Return the report on a whole export."""
        for record in records:
            self._take(record)
            if len(self.problems) >= MOST_PROBLEMS:
                break
        else:
            self._end()
        return Report(
            self._rows, len(self._erased), self._seals, len(self.checkpoints), tuple(self.problems), tuple(self.notes)
        )

    def _take(self, record: Record) -> None:
        kind = record["kind"]
        if kind == "row":
            self._row(record)
        elif kind == "seal":
            self._begin_seal(record)
        elif kind == "checkpoint":
            self.checkpoints.append(Checkpoint(record["document"], record["signature"], "the export"))
        elif kind == "head":
            self._begin(record)
        elif kind == "end":
            self._ended = True

    def _begin(self, head: Record) -> None:
        if head["format"] != FORMAT:
            raise ValueError(f"this script reads {FORMAT}, not {head['format']}")
        self._org = str(head["org"])
        self._running = genesis(self._org)
        start = head.get("start")
        if start:
            self._whole = False
            self._running, self._total, self._seals = bytes.fromhex(start["chain"]), start["total"], start["seal"]
            self.notes.append(f"this is a part: what came before place {start['total'] + 1:,} was not looked at")

    def _row(self, row: Record) -> None:
        payload_hash = bytes.fromhex(row["hash"])
        header: str = row["header"]
        leaf = leaf_of(header, payload_hash)
        self._running = sha256(self._running + leaf).digest()
        self._rows += 1
        self._at += 1
        if self._seal is None:
            self._first(f"{_name(header)}: comes before any seal")
        elif self._at > len(self._marks):
            self._first(f"{_name(header)}: was not there when {_words(self._seal)} was made")
        elif leaf[:MARK_BYTES] != self._marks[self._at - 1]:
            self._first(f"{_name(header)}: is not what was sealed at place {self._total + self._at:,}")
        self._payload(row, header, payload_hash)

    def _payload(self, row: Record, header: str, payload_hash: bytes) -> None:
        salt, payload = row["salt"], row["payload"]
        if salt is None:
            self._erased.add(json.loads(header)["seq"])
        elif sha256(bytes.fromhex(salt) + payload.encode()).digest() != payload_hash:
            self._first(f"{_name(header)}: its subject, digest or data is not what was written")
        elif '"audit.erased"' in header and json.loads(header)["verb"] == "audit.erased":
            self._accounted.update(json.loads(payload)["data"].get("rows", ()))

    def _begin_seal(self, seal: Record) -> None:
        self._finish_seal()
        self._seal, self._at, self._told = seal, 0, False
        raw = bytes.fromhex(seal["marks"])
        self._marks = [raw[i : i + MARK_BYTES] for i in range(0, len(raw), MARK_BYTES)]
        if seal["number"] != self._seals + 1:
            self._first(f"{_words(seal)}: seal {self._seals + 1} is missing before it")
        if bytes.fromhex(seal["previous"]) != self._running:
            self._first(f"{_words(seal)}: does not follow from what comes before it")
        self._seals, self._running = seal["number"], bytes.fromhex(seal["previous"])

    def _finish_seal(self) -> None:
        seal = self._seal
        if seal is None:
            return
        if self._at != seal["count"] or len(self._marks) != seal["count"]:
            self._first(f"{_words(seal)}: has {self._at} of its {seal['count']} rows")
        self._total += seal["count"]
        if seal["total"] != self._total:
            self._first(f"{_words(seal)}: counts {seal['total']} rows so far, there are {self._total}")
        made = seal_of(
            self._running,
            number=seal["number"],
            count=seal["count"],
            total=seal["total"],
            sealed_at=seal["sealed_at"],
        )
        if made.hex() != seal["chain"]:
            self._first(f"{_words(seal)}: its hash is not that of its rows")
        # Go on from what it claims, so that one bad batch does not make every later one look bad.
        self._running, self._total, self._seal = bytes.fromhex(seal["chain"]), seal["total"], None
        self._at_seal[seal["total"]] = seal["chain"]

    def _first(self, problem: str) -> None:
        """Tell the first problem of each batch: the rest follows from it."""
        if not self._told:
            self._told = True
            self.problems.append(problem)

    def _end(self) -> None:
        self._finish_seal()
        if not self._ended:
            self.problems.append("the file ends in the middle: its last line is missing")
        lost = sorted(self._erased - self._accounted) if self._whole else []
        if lost:
            self.problems.append(f"row {lost[0]}: is blank, and no erasure names it ({len(lost)} such)")
        for checkpoint in self.checkpoints:
            self._checkpoint(checkpoint)
        self._say_what_is_open()

    def _checkpoint(self, checkpoint: Checkpoint) -> None:
        said = checkpoint.said
        name = f"checkpoint {said['number']} ({checkpoint.place})"
        wrong = self._signature(checkpoint, said["key"])
        if wrong:
            self.problems.append(f"{name}: {wrong}")
        elif said["org"] != self._org:
            self.problems.append(f"{name}: is of another installation")
        elif not self._whole and said["count"] not in self._at_seal:
            return
        elif said["count"] > self._total:
            cut = said["count"] - self._total
            self.problems.append(f"{name}: the tail is cut: {said['count']:,} rows were sealed then, {cut:,} are gone")
        elif said["count"] and self._at_seal.get(said["count"]) != said["root"]:
            self.problems.append(f"{name}: the chain was rewritten at or before row {said['count']:,}")

    def _signature(self, checkpoint: Checkpoint, key_id: str) -> str:
        """Return what is wrong with the signature; "" when it is right or cannot be checked (a note says so)."""
        if not self.keys:
            self._note("signatures were NOT checked: no public key was given")
            return ""
        if key_id not in self.keys:
            return f"signed with a key that was not given ({key_id})"
        try:
            from cryptography.exceptions import InvalidSignature
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        except ImportError:
            self._note("signatures were NOT checked: the Python package `cryptography` is absent")
            return ""
        try:
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.keys[key_id]))
            key.verify(bytes.fromhex(checkpoint.signature), checkpoint.text.encode())
        except (InvalidSignature, ValueError):
            return "its signature is wrong"
        return ""

    def _say_what_is_open(self) -> None:
        if not self._outside:
            self._note("no checkpoint from outside was given: a cut tail or a rewritten chain may stay unseen")
        last = max((c.said["count"] for c in self.checkpoints), default=0)
        if self._whole and self._total > last:
            self._note(f"{self._total - last:,} rows are newer than the last checkpoint: the chain alone covers them")

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)


def _words(seal: Record) -> str:
    return f"seal {seal['number']} of {seal['sealed_at']}"


def _name(header: str) -> str:
    try:
        said = json.loads(header)
        return f"row {said['seq']} ({said['at']}, {said['verb']})"
    except (ValueError, KeyError, TypeError):
        return "a row whose header cannot be read"


def read_export(path: Path) -> Iterator[Record]:
    """Yield the records of an export, one line each."""
    with path.open("rb") as lines:
        for line in lines:
            yield json.loads(line)


def read_keys(path: Path) -> dict[str, str]:
    """Return key id → public key in hex, from a file with one key per line (text after # is for people)."""
    words = (line.partition("#")[0].strip().lower() for line in path.read_text(encoding="utf-8").splitlines())
    return {key_id(word): word for word in words if word}


def key_id(public_key: str) -> str:
    return sha256(bytes.fromhex(public_key)).hexdigest()[:16]


def read_checkpoints(folder: Path) -> list[Checkpoint]:
    """Return the checkpoints that were delivered into a folder (or saved there from mails), oldest first."""
    found = []
    for path in sorted(folder.glob("*.json")):
        kept = json.loads(path.read_text(encoding="utf-8"))
        found.append(Checkpoint(kept["document"], kept["signature"], path.name))
    return found


def told(report: Report) -> str:
    """Return the report as text for people."""
    lines = [f"PROBLEM  {problem}" for problem in report.problems]
    lines += [f"note     {note}" for note in report.notes]
    counts = (
        f"{report.rows:,} rows ({report.erased:,} erased), {report.seals:,} seals, {report.checkpoints:,} checkpoints"
    )
    lines.append(f"{'SOUND' if report.sound else 'NOT SOUND'}: {counts}.")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Verify an export of Countersign's audit trail.")
    parser.add_argument("export", type=Path)
    parser.add_argument("--key", type=Path, help="public keys, one per line, in hex")
    parser.add_argument("--checkpoints", type=Path, help="folder with the checkpoints that were delivered outside")
    given = parser.parse_args(arguments)
    try:
        checker = Checker(
            keys=read_keys(given.key) if given.key else {},
            checkpoints=read_checkpoints(given.checkpoints) if given.checkpoints else [],
        )
        report = checker.check(read_export(given.export))
    except (OSError, ValueError, KeyError, TypeError) as problem:
        print(f"NOT READABLE: {type(problem).__name__}: {problem}")
        return 2
    print(told(report))
    return 0 if report.sound else 1


if __name__ == "__main__":
    sys.exit(main())
