"""Many runs that stand where one stands: each a full copy with its own ids, journal, envelope, digest, key and audit.

A copy is worked on, decided and executed as its original would be. Getting ten thousand runs as far as a person's
desk through the loop takes longer than what is to be shown.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model

from agents.envelope import idempotency_key
from agents.models import Action, Run, Step
from approvals.models import AuditEvent, Decision, Request
from approvals.opening import _view_of
from config.ids import new_id

Row = TypeVar("Row", bound=Model)
_AT_ONCE = 500
# What the database gives: to be left out of a copy.
_OWN = {Run: {"number"}, Step: {"id"}, Decision: {"id"}, AuditEvent: {"seq"}}


def copies_of(original: Request, count: int) -> list[Request]:
    """Return so many further requests like this one, each with a run and an action of its own."""
    return [request for size in _sizes(count) for request in _copied(original, size)]


def _sizes(count: int) -> Iterable[int]:
    return (min(_AT_ONCE, count - done) for done in range(0, count, _AT_ONCE))


def _copied(original: Request, count: int) -> list[Request]:
    run, action = Run.objects.get(pk=original.run_id), Action.objects.get(pk=original.action_id)
    names = [{str(pk): str(new_id()) for pk in (run.pk, action.pk, original.pk)} for _ in range(count)]
    bound = [_bound(action, each) for each in names]
    for each, changes in zip(names, bound, strict=True):
        each[action.digest] = changes["digest"]
    Run.objects.bulk_create(_copy(run, each) for each in names)
    Action.objects.bulk_create(_copy(action, *pair) for pair in zip(names, bound, strict=True))
    requests = Request.objects.bulk_create(_seen(_copy(original, each)) for each in names)
    Step.objects.bulk_create(_copies(run.steps.order_by("number"), names))
    Decision.objects.bulk_create(_copies(original.decisions.all(), names))
    trail = AuditEvent.objects.filter(subject_id__in=[str(pk) for pk in (run.pk, action.pk, original.pk)])
    AuditEvent.objects.bulk_create(_copies(trail.order_by("seq"), names))
    return requests


def _bound(action: Action, names: Mapping[str, str]) -> dict[str, Any]:
    raw = _renamed(bytes(action.canonical).decode(), names).encode()
    key = idempotency_key(UUID(names[str(action.pk)]))
    return {"canonical": raw, "digest": hashlib.sha256(raw).hexdigest(), "key": key}


def _seen(request: Request) -> Request:
    """The digest of what its reader sees, which holds the action's digest."""
    request.view_digest = _view_of(request, request.action_digest)
    return request


def _copies(rows: Iterable[Row], names: Iterable[Mapping[str, str]]) -> list[Row]:
    originals = list(rows)
    return [_copy(row, each) for each in names for row in originals]


def _copy(row: Row, names: Mapping[str, str], changes: Mapping[str, Any] | None = None) -> Row:
    """Return an unsaved copy in which each of these names, wherever it stands, is another."""
    kept = [field.attname for field in row._meta.concrete_fields if field.attname not in _OWN.get(type(row), ())]
    return type(row)(**{name: _anew(getattr(row, name), names) for name in kept} | dict(changes or {}))


def _anew(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, UUID):
        return UUID(_renamed(str(value), names))
    if isinstance(value, dict | list):
        return json.loads(_renamed(json.dumps(value), names))
    return _renamed(value, names) if isinstance(value, str) else value


def _renamed(value: str, names: Mapping[str, str]) -> str:
    for old, new in names.items():
        value = value.replace(old, new)
    return value
