"""What the pages of sources show: one line per source, and one source with its address, triggers and last days."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Q

from integrations.models import Event, Source, Trigger
from integrations.sources import secret_in_words
from integrations.webhooks.rate import refusals_today
from integrations.webhooks.signatures import SCHEMES

_WEEK = timedelta(days=7)
REFUSALS = {
    "no_match": "the signature did not match",
    "stale_timestamp": "signed more than five minutes away from our time",
    "bad_timestamp": "a time that cannot be read",
    "missing_header": "a header was missing",
    "duplicate_header": "a header was there twice",
    "bad_encoding": "a signature that cannot be read",
    "wrong_algorithm": "signed with another algorithm",
    "no_secret": "no usable secret is set here",
    "bad_secret": "the secret set here cannot be used",
    "not_json": "the body was no JSON",
    "too_large": "the body was too large",
    "too_many": "too many in one minute",
    "incomplete": "the body broke off",
}


@dataclass(frozen=True, slots=True)
class SourceView:
    """A source with its figures of seven days."""

    row: Source
    scheme: str
    address: str
    secret: str
    triggers: tuple[Trigger, ...]
    events: int
    invalid: int
    last_at: datetime | None

    @property
    def state(self) -> str:
        return "retired" if self.row.disabled else "active" if self.row.secret else "no secret"


def source_views(rows: Sequence[Source], now: datetime) -> list[SourceView]:
    """Return the sources with their figures; two queries for all."""
    figures = {found["source_id"]: found for found in _figures([row.pk for row in rows], now)}
    triggers = list(Trigger.objects.filter(source__in=rows, disabled=False).order_by("pk"))
    return [_view(row, figures.get(row.pk, {}), triggers, now) for row in rows]


def refusals_in_words(row: Source, now: datetime) -> list[tuple[str, int]]:
    """Return why deliveries were refused today, most frequent first."""
    counts = refusals_today(row.pk, now)
    ordered = sorted(counts.items(), key=lambda pair: -pair[1])
    return [(REFUSALS.get(code, code.replace("_", " ")), count) for code, count in ordered]


def schema_text(row: Source) -> str:
    return json.dumps(row.schema, indent=2, ensure_ascii=False) if row.schema else ""


def sample_payload(row: Source) -> str:
    """Return something to start a test delivery with: what the schema asks for, filled with plain values."""
    schema = row.schema or {"properties": {"type": {"type": "string"}}}
    return json.dumps(_example(schema, 0), indent=2, ensure_ascii=False)


def _example(schema: Any, depth: int) -> Any:
    if not isinstance(schema, dict) or depth > 6:
        return None
    for name in ("const", "default", "example"):
        if name in schema:
            return schema[name]
    if schema.get("enum"):
        return schema["enum"][0]
    if "properties" in schema or schema.get("type") == "object":
        return {name: _example(part, depth + 1) for name, part in schema.get("properties", {}).items()}
    return _plain_example(schema, depth)


def _plain_example(schema: dict[str, Any], depth: int) -> Any:
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "array":
        return [_example(schema.get("items", {}), depth + 1)]
    examples: dict[Any, Any] = {"string": "text", "integer": 1, "number": 1, "boolean": True}
    return schema.get("minimum", examples.get(kind)) if kind in ("integer", "number") else examples.get(kind)


def _figures(ids: Sequence[int], now: datetime) -> Any:
    return (
        Event.objects.filter(source_id__in=ids, received_at__gte=now - _WEEK)
        .values("source_id")
        .annotate(events=Count("pk"), invalid=Count("pk", filter=Q(state="invalid")), last_at=Max("received_at"))
    )


def _view(row: Source, figures: Any, triggers: Sequence[Trigger], now: datetime) -> SourceView:
    return SourceView(
        row=row,
        scheme=SCHEMES[row.signature].label if row.signature in SCHEMES else row.signature,
        address=f"{settings.PUBLIC_URL.rstrip('/')}/hooks/{row.name}/",
        secret=secret_in_words(row, now),
        triggers=tuple(trigger for trigger in triggers if trigger.source_id == row.pk),
        events=figures.get("events", 0),
        invalid=figures.get("invalid", 0),
        last_at=figures.get("last_at"),
    )
