"""What is signed: one envelope per action, in canonical bytes. Nothing else holds the arguments."""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from uuid import UUID

from agents.models import Run
from agents.tools.base import Tool
from approvals.installation import installation_id
from approvals.policy.action import Money
from approvals.policy.canonical import canonical_bytes, parse_canonical
from approvals.policy.verdict import RuleRef


def seal(
    *,
    run: Run,
    action_id: UUID,
    tool: Tool,
    arguments: Mapping[str, Any],
    rule: RuleRef,
    money: Money | None,
    checked: Mapping[str, Any] | None,
) -> bytes:
    """Return the canonical bytes that bind this call to its run, tool, account, rule and agent version."""
    body: dict[str, Any] = {
        "v": 1,
        "org": str(installation_id()),
        "run": str(run.pk),
        "action": str(action_id),
        "agent_version": str(run.version_id),
        "tool": tool.name,
        "tool_version": tool.version,
        "account": tool.account,
        "effect": tool.effect.value,
        "rule": {"id": rule.id, "hash": rule.hash},
        "arguments": arguments,
    }
    if money is not None:
        body["money"] = {"amount_minor": money.amount_minor, "currency": money.currency}
    if checked is not None:
        body["checked"] = checked
    return canonical_bytes(body)


def opened(canonical: bytes | memoryview) -> dict[str, Any]:
    """Return the envelope. Raises NotCanonical when the bytes are not one."""
    envelope: dict[str, Any] = _parsed(bytes(canonical))
    return envelope


@lru_cache(maxsize=256)
def _parsed(canonical: bytes) -> Any:
    return parse_canonical(canonical)


def idempotency_key(action_id: UUID) -> str:
    """Return the key that every attempt of this action carries (INVARIANTS I7); the database recomputes it."""
    return "v1-" + hashlib.sha256(f"v1|{installation_id()}|{action_id}".encode()).hexdigest()
