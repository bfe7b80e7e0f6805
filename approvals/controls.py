"""Seeded controls: requests with one argument that is plainly wrong, which measure whether people read.

A control is copied from a real, settled request and looks like one. There is no action behind it, so there is nothing
that any vote could let happen; its bytes stand in a row of its own. Whoever decides it is told afterwards. Auditors and
admins find each one in the trail from the start (`control.seeded`). It counts nowhere but in "controls caught".
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from approvals.arguments import at_path
from approvals.audit import SYSTEM, Actor, record
from approvals.control_faults import Fault, faults_of
from approvals.database_clock import database_now
from approvals.errors import NotAllowed, WrongVote
from approvals.models import Control, Decision, Request, Team
from approvals.money import money_text
from approvals.opening import Opening, open_request
from approvals.people import signer
from approvals.policy.canonical import NotCanonical, canonical_bytes, digest_of, parse_canonical
from approvals.ports import StoredAction, actions
from approvals.states import RequestClass, RequestKind, RequestState, Vote
from config.ids import new_id

MOST_PERCENT = 10
# From which past requests one is copied, and how long it waits.
_SOURCE_DAYS, _LOOKED_THROUGH = 90, 50
_WAITS_S = 24 * 3600


def seed_control(*, team: Team, user: Any = None) -> Request:
    """Open one control for the team, copied from what it decided lately. Its seeder does not decide it.

    user: the admin who asks; None: the team's own rate. Raises NotAllowed, WrongVote (there is nothing to copy).
    """
    if user is not None and not signer(user).is_admin:
        raise NotAllowed("Admins seed controls.")
    with transaction.atomic():
        now = database_now()
        source, action, fault = _source(team, now)
        request = _open(source, action, fault, user, now)
        _record(request, source, fault, user)
    return request


def set_control_rate(*, team: Team, percent: int, by: Any) -> None:
    """Say how many controls are seeded among a hundred decisions of the team; 0: none. Raises NotAllowed, WrongVote."""
    if not signer(by).is_admin:
        raise NotAllowed("Admins say how often controls are seeded.")
    if not 0 <= percent <= MOST_PERCENT:
        raise WrongVote(f"Between 0 and {MOST_PERCENT} of a hundred.")
    with transaction.atomic():
        before, team.control_percent = team.control_percent, percent
        team.save(update_fields=["control_percent"])
        record(
            actor=Actor.person(by),
            verb="control.rate",
            subject_type="team",
            subject_id=team.pk,
            subject=team.name,
            before=before,
            percent=percent,
        )


def seed_due_controls() -> int:
    """Seed what the teams' rates ask for: at most one per team and look, and one waiting at a time. Returns how many."""
    return sum(_seeded_if_due(team) for team in Team.objects.filter(control_percent__gt=0))


def stored_controls(ids: Sequence[UUID]) -> Mapping[UUID, StoredAction]:
    """Return the bytes of controls as if they were actions that wait, by the id that stands on their request."""
    rows = Control.objects.filter(request__action_id__in=ids).select_related("request", "source")
    real = actions().read([row.source.action_id for row in rows if row.source.action_id]) if rows else {}
    return {
        row.request.action_id: _as_action(row, real.get(row.source.action_id or row.pk))
        for row in rows
        if row.request.action_id
    }


def copied_from(action_id: UUID) -> UUID | None:
    """Return the real action that a control was copied from, by the id that stands on the control's request."""
    return Control.objects.filter(request__action_id=action_id).values_list("source__action_id", flat=True).first()


def caught(control: Control) -> bool | None:
    """Return whether the reviewer saw that it was wrong; None where nobody decided it."""
    if control.request.state == RequestState.REJECTED:
        return True
    return False if control.request.state == RequestState.APPROVED else None


def disclosed(request: Request) -> Control | None:
    """Return what a control was, once it is decided; None for a real request and for one that still waits."""
    if not request.control or request.state == RequestState.OPEN:
        return None
    return Control.objects.filter(pk=request.pk).select_related("source", "request").first()


def _seeded_if_due(team: Team) -> bool:
    with transaction.atomic():
        # The lock keeps two clocks from seeding the same one.
        held = Team.objects.select_for_update(skip_locked=True).filter(pk=team.pk).first()
        if held is None or not _is_due(held):
            return False
        try:
            seed_control(team=held)
        except WrongVote:
            return False
        return True


def _is_due(team: Team) -> bool:
    controls = Request.objects.filter(team=team, control=True)
    if controls.filter(state=RequestState.OPEN).exists():
        return False
    last = controls.order_by("-created_at").values_list("created_at", flat=True).first()
    votes = Decision.objects.filter(request__team=team, request__kind=RequestKind.APPROVAL, request__control=False)
    votes = votes.exclude(via="standing").filter(at__gt=last or database_now() - timedelta(days=1))
    return votes.count() * team.control_percent >= 100


def _source(team: Team, now: datetime) -> tuple[Request, StoredAction, Fault]:
    rows = Request.objects.filter(
        team=team,
        kind=RequestKind.APPROVAL,
        control=False,
        cls=RequestClass.NORMAL,
        votes_needed=1,
        state__in=(RequestState.APPROVED, RequestState.REJECTED),
        settled_at__gte=now - timedelta(days=_SOURCE_DAYS),
    ).order_by("-settled_at")
    usable = [row for row in rows[:_LOOKED_THROUGH] if row.action_id and not row.card.get("changes")]
    random.shuffle(usable)
    for row in usable:
        action = _action_of(row)
        if action is None:
            continue
        found = faults_of(action.arguments, action.money_paths, row.card, _others(row, usable))
        if found:
            return row, action, random.choice(found)  # noqa: S311 - which one is no secret worth guarding
    raise WrongVote("There is nothing that this team decided lately that a control could be copied from.")


def _others(row: Request, usable: Sequence[Request]) -> list[str]:
    return [other.subject for other in usable if other.subject and other.subject != row.subject]


def _action_of(row: Request) -> StoredAction | None:
    try:
        return actions().read([row.action_id]).get(row.action_id) if row.action_id else None
    except NotCanonical:
        return None


def _open(source: Request, action: StoredAction, fault: Fault, user: Any, now: datetime) -> Request:
    action_id = new_id()
    envelope = {**parse_canonical(action.canonical), "action": str(action_id), "arguments": fault.arguments}
    money = at_path(fault.arguments, action.money_paths[0])
    if "money" in envelope and isinstance(money, int):
        envelope["money"] = {**envelope["money"], "amount_minor": money}
    canonical = canonical_bytes(envelope)
    opening = _opening(source, action, fault, action_id, digest_of(canonical))
    if user is not None:
        opening = replace(opening, barred=[*opening.barred, user.pk])
    request = open_request(opening, actor=SYSTEM, now=now)
    # Alone in the list, and no reminder or escalation: it bothers nobody and expires quietly.
    request.control, request.alike, request.remind_at = True, "", None
    request.save(update_fields=["control", "alike", "remind_at"])
    Control.objects.create(
        request=request,
        source=source,
        canonical=canonical,
        schema=dict(action.schema),
        money_paths=list(action.money_paths),
        argument=fault.argument,
        right=fault.right,
        wrong=fault.wrong,
        seeded_by=user,
        at=now,
    )
    return request


def _opening(source: Request, action: StoredAction, fault: Fault, action_id: UUID, digest: str) -> Opening:
    amount = at_path(fault.arguments, action.money_paths[0])
    moved = amount if isinstance(amount, int) and source.money_minor is not None else source.money_minor
    title = _retold(source.title, source, moved, fault)
    card = {
        **source.card,
        "sentence": _retold(source.card.get("sentence", source.title), source, moved, fault),
        "check": None,
        "flags": [],
        "why": _why(source.card.get("why") or {}, fault),
    }
    return Opening(
        kind=RequestKind.APPROVAL,
        title=title,
        card=card,
        team_id=source.team_id,
        agent=source.agent,
        subject=source.subject,
        tool=source.tool,
        connection=source.connection,
        run_id=source.run_id,
        action_id=action_id,
        action_digest=digest,
        money_minor=moved,
        currency=source.currency,
        risk=source.risk,
        rule=source.rule,
        level=source.level,
        approvers=source.approvers,
        barred=source.barred,
        priority=source.priority,
        reason_code=source.reason_code,
        deadline_s=_WAITS_S,
    )


def _why(why: Mapping[str, Any], fault: Fault) -> dict[str, Any]:
    values = [[name, fault.wrong if value == fault.right else value] for name, value in why.get("values", ())]
    return {**why, "values": values} if why else {}


def _retold(text: str, source: Request, moved: int | None, fault: Fault) -> str:
    """Say the sentence with what is wrong in it, as it would have been written for these arguments."""
    if source.money_minor is not None and moved is not None:
        text = text.replace(money_text(source.money_minor, source.currency), money_text(moved, source.currency))
    return text.replace(fault.right, fault.wrong) if fault.is_name else text


def _as_action(control: Control, real: StoredAction | None) -> StoredAction:
    request = control.request
    canonical = bytes(control.canonical)
    pending = {RequestState.OPEN: "pending", RequestState.APPROVED: "shadowed"}
    assert request.action_id is not None and request.run_id is not None  # noqa: S101 - copied from one that has both
    return StoredAction(
        id=request.action_id,
        run_id=request.run_id,
        run_number=real.run_number if real else 0,
        tool=request.tool,
        effect=str(parse_canonical(canonical)["effect"]),
        state=pending.get(RequestState(request.state), str(request.state)),
        canonical=canonical,
        digest=digest_of(canonical),
        arguments=parse_canonical(canonical)["arguments"],
        # The tool's own, in whose order the arguments of every other card stand.
        schema=real.schema if real else control.schema,
        money_paths=(control.money_paths[0], control.money_paths[1]),
        result=None,
        error="",
        attempts=0,
    )


def _record(request: Request, source: Request, fault: Fault, user: Any) -> None:
    # Without its run, and about no request: only who sees everything reads this before the control is decided.
    record(
        actor=Actor.person(user) if user is not None else SYSTEM,
        verb="control.seeded",
        subject_type="control",
        subject_id=request.pk,
        digest=request.action_digest,
        copied_from=str(source.pk),
        argument=fault.argument,
        right=fault.right,
        wrong=fault.wrong,
    )


def is_catch(request: Request, arguments: Mapping[str, Any]) -> bool:
    """Return whether an edit of a control changed the argument that is wrong."""
    control = Control.objects.get(pk=request.pk)
    before = parse_canonical(bytes(control.canonical))["arguments"]
    return bool(at_path(arguments, control.argument) != at_path(before, control.argument))


def vote_for_edit(request: Request, arguments: Mapping[str, Any]) -> Vote:
    """Return what editing a control amounts to: seeing what is wrong, or signing it as it is."""
    return Vote.REJECT if is_catch(request, arguments) else Vote.APPROVE
