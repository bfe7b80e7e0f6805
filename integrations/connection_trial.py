"""Test now: is the connection there, may it be called, does it let us in? Step by step, and never a write."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User

from agents.tools.base import CallContext, ToolError
from approvals.audit import Actor, record
from approvals.people import signer
from approvals.policy.action import Effect
from config.secrets import SecretMissing
from integrations.connections import check_can_try
from integrations.http.probe import ProbeFailed, find_address, open_connection
from integrations.models import Connection
from integrations.openapi.call import auth_headers, send
from integrations.openapi.document import BadDocument
from integrations.openapi.operations import Operation
from integrations.openapi.overrides import BadOverrides, ToolOverride, effect_of
from integrations.openapi.tools import ConnectionTools
from integrations.tool_source import account_of, offered_by

STEP_S = 5.0
_HEALTH = ("health", "healthz", "ping", "status", "ready", "alive")


@dataclass(frozen=True, slots=True)
class Finding:
    """One step: state is ok, failed or skipped; text says what was found or what to do."""

    name: str
    state: str
    text: str


def run_trial(*, row: Connection, user: User, now: datetime) -> list[Finding]:
    """Try every step and keep the report."""
    begin_trial(row=row, user=user, now=now)
    while not is_done(row):
        next_step(row=row, user=user)
    return findings_of(row)


def begin_trial(*, row: Connection, user: User, now: datetime) -> None:
    """Empty the report; the steps follow one by one. Raises NotYours."""
    check_can_try(signer(user), row)
    record(
        actor=Actor.person(user),
        verb="connection.tested",
        subject_type="connection",
        subject_id=row.name,
        subject=row.name,
    )
    _keep(row, {"findings": [], "done": False}, now)


def next_step(*, row: Connection, user: User) -> None:
    """Try the next step and add what was found; after a failure the rest is skipped. Raises NotYours."""
    check_can_try(signer(user), row)
    found = findings_of(row)
    if is_done(row):
        return
    name, look = _STEPS[len(found)]
    if any(finding.state == "failed" for finding in found):
        finding = Finding(name, "skipped", "Not tried: mend what failed first.")
    else:
        finding = _tried(name, look, row)
    findings = [asdict(part) for part in (*found, finding)]
    _keep(row, {**(row.test_report or {}), "findings": findings, "done": len(findings) == len(_STEPS)}, row.tested_at)


def findings_of(row: Connection) -> list[Finding]:
    """Return the report so far, in order."""
    return [Finding(**part) for part in (row.test_report or {}).get("findings", [])]


def is_done(row: Connection) -> bool:
    return row.test_report is None or len(findings_of(row)) >= len(_STEPS)


def coming_steps(row: Connection) -> list[str]:
    """Return the names of the steps that are still to come."""
    return [] if row.test_report is None else [name for name, _ in _STEPS[len(findings_of(row)) :]]


class _Failed(Exception):
    pass


class _Skipped(Exception):
    pass


def _tried(name: str, look: Callable[[Connection], str], row: Connection) -> Finding:
    try:
        return Finding(name, "ok", look(row))
    except _Skipped as reason:
        return Finding(name, "skipped", str(reason))
    except (_Failed, ProbeFailed, BadDocument, BadOverrides, SecretMissing, ToolError) as reason:
        return Finding(name, "failed", str(reason))


def _document(row: Connection) -> str:
    offered = offered_by(row)
    left_out = f", {len(offered.left_out)} operations left out" if offered.left_out else ""
    return f"{len(offered.tools)} tools{left_out}."


def _address(row: Connection) -> str:
    return f"{', '.join(find_address(row.base_url, timeout_s=STEP_S))}: may be called."


def _connection(row: Connection) -> str:
    return f"{open_connection(row.base_url, timeout_s=STEP_S)}."


def _secret(row: Connection) -> str:
    if not row.auth_header:
        raise _Skipped("The connection has no secret.")
    if not row.auth_secret:
        raise _Failed(f"No secret is set for the header {row.auth_header}. Enter it under Edit.")
    auth_headers(account_of(row))
    return f"It is there, for the header {row.auth_header}."


def _question(row: Connection) -> str:
    """Ask one harmless question: a declared health operation, or the first read that needs no arguments."""
    offered = offered_by(row)
    operation = _harmless(offered)
    if operation is None:
        raise _Skipped("The document has no GET that needs no arguments, so nothing was asked.")
    binding = offered.bindings[f"{row.name}.{operation.name}"]
    answer = send(binding, {}, CallContext(key="", attempt=1, deadline_s=STEP_S))
    asked = f"GET {operation.path} answered {answer.status}"
    if 200 <= answer.status < 300:
        return f"{asked} in {answer.latency_ms} ms."
    raise _Failed(f"{asked}. {_advice(answer.status)}")


def _harmless(offered: ConnectionTools) -> Operation | None:
    fitting = [
        operation
        for name, operation in offered.operations.items()
        if operation.method == "GET"
        and not operation.required
        and effect_of(operation, offered.overrides.get(name, ToolOverride())) is Effect.READ
    ]
    healthy = [o for o in fitting if o.path.rstrip("/").rpartition("/")[2].lower() in _HEALTH]
    return next(iter(healthy or fitting), None)


def _advice(status: int) -> str:
    if status in (401, 403):
        return "The system is there but does not let us in: check the secret and what it may do."
    if status == 404:
        return "Nothing is there: check the path at the end of the base URL."
    if 300 <= status < 400:
        return "It sends us elsewhere, and redirects are not followed: use the address it names."
    return "Something is wrong over there; try again later or ask its owner."


def _keep(row: Connection, report: dict[str, Any], tested_at: datetime | None) -> None:
    row.test_report, row.tested_at = report, tested_at
    Connection.objects.filter(pk=row.pk).update(test_report=report, tested_at=tested_at)


_STEPS: tuple[tuple[str, Callable[[Connection], str]], ...] = (
    ("Document", _document),
    ("Address", _address),
    ("Connection", _connection),
    ("Secret", _secret),
    ("A question", _question),
)
