"""What somebody did in Slack, as plain values. Everything is checked for its kind; what is not known is nothing. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

_VALUE = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([0-9a-f]{64})")
_ID = re.compile(r"[A-Z0-9]{2,30}")


@dataclass(frozen=True, slots=True)
class Target:
    """The request that a button stands for, and what exactly was shown beside it."""

    request_id: UUID
    digest: str


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button. workspace and person: Slack's ids; trigger: lets us open a form for a few seconds."""

    workspace: str
    person: str
    action: str
    target: Target | None
    trigger: str
    channel: str


@dataclass(frozen=True, slots=True)
class Submitted:
    """The form that asks why."""

    workspace: str
    person: str
    target: Target | None
    reason_code: str
    words: str


def read(payload: Mapping[str, Any]) -> Pressed | Submitted | None:
    """Return what was done, or None for what nobody here waits for."""
    workspace, person = account(payload)
    if payload.get("type") == "block_actions":
        first = (payload.get("actions") or [{}])[0] if isinstance(payload.get("actions"), list) else {}
        action = _part(first)
        return Pressed(
            workspace=workspace,
            person=person,
            action=_text(action.get("action_id")),
            target=target_of(_text(action.get("value"))),
            trigger=_text(payload.get("trigger_id")),
            channel=_slack_id(_part(payload.get("channel")).get("id")),
        )
    if payload.get("type") == "view_submission":
        view = _part(payload.get("view"))
        values = _part(_part(view.get("state")).get("values"))
        chosen = _part(_part(_part(values.get("reason")).get("code")).get("selected_option"))
        return Submitted(
            workspace=workspace,
            person=person,
            target=target_of(_text(view.get("private_metadata"))),
            reason_code=_text(chosen.get("value"))[:40],
            words=_text(_part(_part(values.get("words")).get("text")).get("value"))[:2000],
        )
    return None


def account(payload: Mapping[str, Any]) -> tuple[str, str]:
    """Return workspace and person: the workspace the person belongs to, which on a shared channel is not the app's."""
    user = _part(payload.get("user"))
    workspace = user.get("team_id") or _part(payload.get("team")).get("id")
    return _slack_id(workspace), _slack_id(user.get("id"))


def address_of(workspace: str, person: str) -> str:
    """Return how an account is kept; "" unless both are there. The same person id elsewhere is somebody else."""
    return f"{workspace}/{person}" if _ID.fullmatch(workspace) and _ID.fullmatch(person) else ""


def target_of(value: str) -> Target | None:
    found = _VALUE.fullmatch(value)
    return Target(UUID(found[1]), found[2]) if found else None


def _slack_id(value: Any) -> str:
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _part(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
