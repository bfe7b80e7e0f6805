"""Carrying out a wish: all of it in one transaction, or, where it widens autonomy, as a request to a second person."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection, transaction

from approvals import configured
from approvals.audit import Actor, record
from approvals.authority import keep_from_signing, needs_second
from approvals.database_clock import database_now
from approvals.errors import NotAllowed, RequestChanged
from approvals.people import signer
from approvals.policy_versions import activate_policy
from approvals.proposals import register_change
from approvals.services import propose_change
from integrations.package.autonomy import given_more, more_for_others, more_when_late, wider_by_own_groups
from integrations.package.diffing import Change, Verb
from integrations.package.planning import Plan, is_empty_installation, make_plan, moved_ground, rules_after
from integrations.package.problems import BadPackage
from integrations.package.putting import Hand, put, put_escalation, retire
from integrations.package.rows import all_rows
from integrations.package.wishes import Wish

CHANGE = "package"


class Result(StrEnum):
    NOTHING = "nothing to change"
    APPLIED = "applied"
    WAITS = "waits for a second person"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a wish, and the plan it followed; with the request that waits, where one does."""

    result: Result
    plan: Plan
    request_id: UUID | None = None


def apply_wish(wish: Wish, *, actor: Actor, user: User | None, now: datetime, first: bool = False) -> Outcome:
    """Make it so, or ask a second person when it widens what agents may do alone.

    first: this is the first installation, so there is no autonomy yet that could be widened.
    Raises BadPackage with every problem; then nothing has changed. Raises NotAllowed for who is no admin.
    """
    check_may_configure(user)
    with transaction.atomic():
        _lock()
        plan = _with_own_authority(make_plan(wish), user)
        if plan.problems:
            raise BadPackage(plan.problems)
        if plan.is_empty:
            return Outcome(Result.NOTHING, plan)
        if plan.wider and not first:
            return Outcome(Result.WAITS, plan, _asked(plan, actor, user))
        hand = Hand(actor=actor, user=user, package=wish.package, origins=wish.origins, now=now)
        _carry_out(plan, hand)
        return Outcome(Result.APPLIED, plan)


def check_may_configure(user: User | None) -> None:
    """Raise NotAllowed unless the person is an admin. Nobody: the command line, whose user owns the machine."""
    if user is not None and not signer(user).is_admin:
        raise NotAllowed("Admins configure agents, tools and policy; you are not one.")


def apply_countersigned(payload: Mapping[str, Any], actor: Actor, proposer_id: int | None) -> str:
    """Carry out a proposed wish that a second person has signed, in the transaction of that signature.

    Raises RequestChanged when it would change something else by now than what was signed.
    """
    _lock()
    plan = make_plan(Wish.from_json(payload["wish"]))
    if plan.problems or plan_digest(plan) != payload["plan"]:
        raise RequestChanged(
            "What is configured has changed since this was proposed. Reject it, and apply the file again."
        )
    hand = Hand(
        actor=actor,
        user=_person(proposer_id),
        package=plan.wish.package,
        origins=plan.wish.origins,
        now=database_now(),
        countersigned_by=_person(actor.user_id),
    )
    _carry_out(plan, hand)
    return f"Applied: {len(plan.changes)} changes."


def _with_own_authority(plan: Plan, user: User | None) -> Plan:
    """Return the plan with what people would be given to sign: their own nobody changes alone.

    What others get, and where the connections lead of agents that act alone, a second admin countersigns, where there
    is one. The command line is whoever owns the machine: the start itself applies packages, with today's addresses.
    """
    rows = all_rows()
    if user is None or is_empty_installation(rows):
        return plan
    person = user.get_username()
    own = tuple(wider_by_own_groups(person, plan.changes))
    others = (
        *more_for_others(person, plan.changes),
        *more_when_late(plan.changes),
        *moved_ground(rows, plan.changes),
    )
    return replace(plan, wider=plan.wider + own + (others if needs_second(user) else ()))


def _person(pk: int | None) -> User | None:
    return User.objects.filter(pk=pk).first() if pk else None


def plan_digest(plan: Plan) -> str:
    """Return the hash of what the plan would change; what else is configured does not matter to it."""
    changes = [[c.kind, c.name, c.before, c.after] for c in plan.changes]
    return sha256(json.dumps(changes, sort_keys=True, default=str).encode()).hexdigest()


def _carry_out(plan: Plan, hand: Hand) -> None:
    owners = _owners(plan.wish)
    put_first = [change for change in plan.changes if change.verb is not Verb.RETIRE]
    for change in put_first:
        _do(change, plan, hand, owners)
    # Only now every group is there that the wish names, and only now nothing needs one any more that is to go.
    for change in put_first:
        put_escalation(change, hand)
    for change in plan.changes:
        if change.verb is Verb.RETIRE:
            _do(change, plan, hand, owners)
    record(
        actor=hand.actor,
        verb="configuration.applied",
        subject_type="package",
        subject_id=plan.wish.package or "by hand",
        subject=plan.wish.package,
        digest=plan_digest(plan),
        changes=[change.sentence for change in plan.changes],
        wider=list(plan.wider),
        wish=plan.wish.digest,
    )


def _do(change: Change, plan: Plan, hand: Hand, owners: Mapping[tuple[str, str], str]) -> None:
    if change.kind != "policy":
        owned = replace(hand, package=owners.get((change.kind, change.name), hand.package))
        (retire if change.verb is Verb.RETIRE else put)(change, owned)
    elif change is _first_rule(plan):
        _put_rules(plan, hand)


def _first_rule(plan: Plan) -> Change | None:
    return next((change for change in plan.changes if change.kind == "policy"), None)


def _put_rules(plan: Plan, hand: Hand) -> None:
    """Put all changed rules in force at once: the policy has one active version."""
    whose = f"package {hand.package}" if hand.package else "changed by the API"
    rules = [dict(rule) for rule in rules_after(plan.wish, plan.changes)]
    activate_policy(rules=rules, actor=hand.actor, user=hand.user, note=whose)


def _owners(wish: Wish) -> dict[tuple[str, str], str]:
    """Return whose each thing stays when a person changes it; a package makes what it puts its own."""
    if wish.is_package:
        return {}
    return {(kind, name): row.package for kind, things in all_rows().items() for name, row in things.items()}


def _asked(plan: Plan, actor: Actor, user: User | None) -> UUID:
    """Return the request that holds the plan: the one already open, or a new one."""
    digest = plan_digest(plan)
    open_one = configured.open_proposal(change=CHANGE, plan=digest)
    if open_one is not None:
        return open_one
    request = propose_change(
        change=CHANGE,
        payload={"wish": plan.wish.to_json(), "plan": digest},
        title=_title(plan),
        card=_card(plan, digest),
        proposer=user,
        actor=actor,
    )
    if user is not None:
        keep_from_signing(request, given_more(user.get_username(), plan.changes))
    return request.pk


def _title(plan: Plan) -> str:
    return f"Let agents do more alone: {_what(plan)} ({len(plan.changes)} changes)"


def _what(plan: Plan) -> str:
    return f"the package {plan.wish.package}" if plan.wish.package else "a change of the configuration"


def _card(plan: Plan, digest: str) -> dict[str, Any]:
    """Return what the second person signs: what is wider, and every change field by field."""
    return {
        "sentence": f"Apply {_what(plan)}, which lets agents do more alone",
        "why": {
            "text": " ".join(plan.wider),
            "rule": "Wider autonomy is signed by a second person",
            "condition": "",
            "values": [],
        },
        "widens": list(plan.wider),
        "lines": [line for change in plan.changes for line in _card_lines(change)],
        "then": {
            "reversible": "Yes: applying the earlier file again takes it back.",
            "approve": f"All {len(plan.changes)} changes are made at once.",
            "reject": "Nothing changes.",
            "expiry": "Counts as rejected: nothing changes.",
        },
        "plan": digest,
    }


def _card_lines(change: Change) -> list[list[str]]:
    """Return [sign, text] per line: what happens to the thing, then each field as it was and as it would be."""
    if change.verb is Verb.ADD:
        return [["+", change.sentence], *(["+", f"    {line}"] for line in change.all_lines)]
    sign = "-" if change.verb is Verb.RETIRE else " "
    return [[sign, change.sentence], *(part for line in change.lines for part in _both_sides(line))]


def _both_sides(line: str) -> list[list[str]]:
    if line[:1] in "+-":
        return [[line[0], line[1:]]]
    field, _, values = line.partition(": ")
    before, arrow, after = values.partition(" → ")
    return [["-", f"{field}: {before}"], ["+", f"{field}: {after}"]] if arrow else [[" ", line]]


def _lock() -> None:
    """One configuration change at a time: each plans on what the one before it left."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(countersign_scope_key('configuration'))")


def register() -> None:
    """Tell approvals how a countersigned package is put in force. Called when Django is ready."""
    register_change(CHANGE, apply_countersigned)
