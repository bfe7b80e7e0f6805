"""Past actions as the policy was asked about them: what is kept beside an action, and the question built again from it.

The arguments and the money are read from the signed bytes, the event from the run. What was not kept is named, never guessed.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from agents.states import ActionState
from approvals.policy.action import Effect, Mode, Money, ProposedAction
from approvals.policy.canonical import NotCanonical, exact
from approvals.ports import PastAction, Span
from approvals.states import RequestState

_AT_ONCE = 500
_FIELDS = """
    a.id, a.created_at, a.run_id, r.number, g.team_id, a.tool, g.name, a.sentence, a.state, a.level, a.policy_id,
    a.effect, a.canonical, a.target::text, a.confidence, a.judged::text, r.subject, r.input::text, q.state,
    n.edited_by_id IS NOT NULL"""
_TABLES = """
    FROM agents_action a
    JOIN agents_run r ON r.id = a.run_id
    JOIN agents_agent g ON g.id = r.agent_id
    LEFT JOIN approvals_request q ON q.id = a.request_id
    LEFT JOIN agents_action n ON n.replaces_id = a.id AND n.edited_by_id IS NOT NULL"""
# What an agent proposed is counted once: not what a person typed instead, nor what a successor stands for.
_REAL = """
    r.mode <> 'shadow' AND a.edited_by_id IS NULL AND q.control IS NOT TRUE
    AND (a.state <> 'superseded' OR n.edited_by_id IS NOT NULL)"""


def kept_of(action: ProposedAction) -> dict[str, Any]:
    """Return what the policy was told that stands nowhere else, for the column `judged`."""
    return {
        "mode": action.mode.value,
        "tainted": action.tainted,
        "confidence_floor": _plain(action.confidence_floor),
        "authority": list(action.authority),
        "target_argument": action.target_argument,
        "totals": dict(action.totals),
    }


def past_actions(span: Span) -> Iterator[PastAction]:
    """Yield the real actions of the span, oldest first, by a cursor of the database; call it inside a transaction."""
    where, values = _within(span)
    with connection.chunked_cursor() as cursor:
        cursor.execute(f"SELECT {_FIELDS}{_TABLES} WHERE {where} ORDER BY a.created_at, a.id", values)
        while rows := cursor.fetchmany(_AT_ONCE):
            yield from map(_past, rows)


def count_past(span: Span) -> int:
    where, values = _within(span)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*){_TABLES} WHERE {where}", values)
        return int(cursor.fetchone()[0])


def split_past(span: Span, parts: int) -> Sequence[datetime]:
    """Return the times that part the span into so many parts of about as many actions each."""
    shares = [part / parts for part in range(1, parts)]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT percentile_disc(%s::float[]) WITHIN GROUP (ORDER BY created_at) FROM agents_action"
            " WHERE created_at >= %s AND created_at < %s",
            [shares, span.since, span.until],
        )
        found: list[datetime] | None = cursor.fetchone()[0]
    return sorted({at for at in found or () if at is not None})


def past_action(action_id: UUID) -> PastAction | None:
    """Return any action, also a superseded one or one of a shadow run, with the verdict it was given; None for none."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_FIELDS}, a.verdict::text{_TABLES} WHERE a.id = %s", [action_id])
        row = cursor.fetchone()
    return _past(row[:-1], verdict=json.loads(row[-1])) if row else None


def latest_past(*, tool: str, teams: Collection[int] | None, limit: int) -> Sequence[PastAction]:
    """Return the newest real actions of the tool (of any for ""), of these teams or of all."""
    where, values = [_REAL], list[Any]()
    if tool:
        where, values = [*where, "a.tool = %s"], [*values, tool]
    if teams is not None:
        where, values = [*where, "g.team_id = ANY(%s)"], [*values, list(teams)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_FIELDS}{_TABLES} WHERE {' AND '.join(where)} ORDER BY a.created_at DESC LIMIT %s",
            [*values, limit],
        )
        return [_past(row) for row in cursor.fetchall()]


def _within(span: Span) -> tuple[str, list[Any]]:
    where, values = f"{_REAL} AND a.created_at >= %s AND a.created_at < %s", [span.since, span.until]
    if span.at is None:
        return where, values
    return f"{where} AND (a.created_at, a.id) > (%s, %s)", [*values, span.at, span.after]


def _past(row: Sequence[Any], verdict: Mapping[str, Any] | None = None) -> PastAction:
    (id_, at, run_id, number, team_id, tool, agent, sentence, state, level, policy_id, *told) = row
    *question, request, edited = told
    proposed, unknown = _proposed(tool, agent, question)
    return PastAction(
        id=id_,
        at=at,
        run_id=run_id,
        run_number=number,
        team_id=team_id,
        tool=tool,
        agent=agent,
        sentence=sentence,
        state=state,
        level=level,
        verdict=verdict,
        policy_id=policy_id,
        people=_people(state, request, edited),
        proposed=proposed,
        unknown=unknown,
    )


def _people(state: str, request: str | None, edited: bool) -> str:
    if edited and state == ActionState.SUPERSEDED:
        return "edited"
    if request is None:
        return "not_asked"
    return {RequestState.ANSWERED: "approved", RequestState.RESOLVED: "approved"}.get(RequestState(request), request)


_UNKEPT = frozenset({"totals", "authority"})


def _proposed(tool: str, agent: str, question: Sequence[Any]) -> tuple[ProposedAction | None, frozenset[str]]:
    effect, canonical, target, confidence, judged, subject, event = question
    try:
        envelope, kept = _read(bytes(canonical)), _read(judged)
        return _asked(tool, agent, effect, envelope, kept, target, confidence, subject, event), (
            frozenset() if kept else _UNKEPT
        )
    except (ValueError, KeyError, TypeError, NotCanonical):
        return None, _UNKEPT


def _asked(
    tool: str,
    agent: str,
    effect: str,
    envelope: Mapping[str, Any],
    kept: Mapping[str, Any],
    target: str | None,
    confidence: float | None,
    subject: str,
    event: str,
) -> ProposedAction:
    given, money = _read(event), envelope.get("money")
    return ProposedAction(
        tool=tool,
        effect=Effect(effect),
        arguments=envelope["arguments"],
        authority=tuple(kept.get("authority", ())),
        agent=agent,
        mode=Mode(kept.get("mode", Mode.LIVE)),
        subject=subject,
        tainted=bool(kept.get("tainted", True)),
        confidence=confidence,
        confidence_floor=kept.get("confidence_floor", 0.0),
        event=given if isinstance(given, dict) else None,
        target=_read(target) if target is not None else None,
        totals=kept.get("totals", {}),
        money=Money(money["amount_minor"], money["currency"]) if money else None,
        target_argument=kept.get("target_argument", ""),
    )


def _read(text: str | bytes) -> Any:
    """Return the JSON with its numbers as the policy saw them: whole ones as int, others as Decimal."""
    return _READER.decode(text if isinstance(text, str) else text.decode())


def _number(text: str) -> Any:
    return exact(float(text))


_READER = json.JSONDecoder(parse_float=_number)  # built once: this is read hundreds of thousands of times


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value
