"""Changing the policy: a new version at once, or, where agents would be freer, after a second person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction

from approvals.audit import Actor
from approvals.configured import open_proposal
from approvals.errors import BadArguments, MoveRefused, NotFound, RequestChanged
from approvals.models import ApproverGroup, PolicyVersion, Request
from approvals.policy.canonical import canonical_bytes, digest_of, exact
from approvals.policy.difference import changes, difference
from approvals.policy.rules import Rule, parse_rules, rule_document
from approvals.policy.widening import widens
from approvals.policy_replay_pages import replay_sentences
from approvals.policy_rights import check_can_change
from approvals.policy_versions import activate_policy, active_policy
from approvals.proposals import register_change
from approvals.replays import latest_replay
from approvals.services import propose_change

CHANGE = "policy"


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of a change: the number of the version in force and, where one waits, the request for the next."""

    number: int
    request: Request | None = None


def register() -> None:
    register_change(CHANGE, apply_countersigned)


def save_policy(*, rules: Sequence[Rule], base: int, user: User, note: str) -> Saved:
    """Put the rules in force as a new version, or ask a second person where they let agents do more.

    base: the number of the version that was edited. Raises NotAllowed, MoveRefused when another version
    came in force meanwhile, BadArguments for a missing note or an approver group that does not exist.
    """
    check_can_change(user)
    if not note.strip():
        raise BadArguments("Write why the policy changes: the next reader will ask.")
    check_groups(rules)
    with transaction.atomic():
        current = _held()
        if current.number != base:
            raise MoveRefused(
                f"Version {current.number} came in force while you edited version {base}. Discard the draft and start from it."
            )
        wider = widens(parse_rules(current.rules), rules)
        if wider:
            return Saved(current.number, _propose(rules, current, wider, user, note.strip()))
        documents = [rule_document(rule) for rule in rules]
        return Saved(activate_policy(rules=documents, actor=Actor.person(user), user=user, note=note.strip()).number)


def return_to(*, number: int, user: User) -> Saved:
    """Put the rules of an earlier version in force again, as a new version; wider ones wait for a second person."""
    earlier = PolicyVersion.objects.filter(number=number).first()
    if earlier is None:
        raise NotFound("There is no such version of the policy.")
    return save_policy(
        rules=parse_rules(earlier.rules), base=active_policy().number, user=user, note=f"Back to version {number}."
    )


def check_groups(rules: Sequence[Rule]) -> None:
    """Raise BadArguments for a rule whose approvers are no group: nobody could ever sign."""
    known = set(ApproverGroup.objects.values_list("name", flat=True))
    missing = sorted({rule.approvers for rule in rules if rule.approvers} - known)
    if missing:
        raise BadArguments(f"There is no approver group called {missing[0]}. An admin makes it under People.")


def apply_countersigned(payload: Mapping[str, Any], actor: Actor, proposer_id: int | None) -> str:
    """Put a proposed policy in force once a second person has signed it.

    Raises RequestChanged when another version came in force since: what was signed would be something else.
    """
    current = _held()
    if current.number != payload["base"]:
        raise RequestChanged(
            f"Version {current.number} of the policy came in force since this was proposed. Reject it; its author starts again."
        )
    author = User.objects.filter(pk=proposer_id).first() if proposer_id else None
    note = f"{payload['note']} Countersigned by {actor.label}."
    version = activate_policy(rules=payload["rules"], actor=actor, user=author, note=note)
    return f"Policy v{version.number} is in force."


def _held() -> PolicyVersion:
    """Return the version in force, which stays so until our transaction ends: what is wider is judged against it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(countersign_scope_key('policy'))")
    return PolicyVersion.objects.get(active=True)


def _propose(rules: Sequence[Rule], current: PolicyVersion, wider: Sequence[str], user: User, note: str) -> Request:
    documents = [rule_document(rule) for rule in rules]
    plan = digest_of(canonical_bytes(exact([current.number, documents])))
    waiting = open_proposal(change=CHANGE, plan=plan)
    if waiting is not None:
        return Request.objects.get(pk=waiting)
    return propose_change(
        change=CHANGE,
        payload={"rules": documents, "base": current.number, "note": note, "plan": plan},
        title=f"Let agents do more alone: policy v{current.number + 1}",
        card=_card(rules, current, wider, note),
        proposer=user,
    )


def _card(rules: Sequence[Rule], current: PolicyVersion, wider: Sequence[str], note: str) -> dict[str, Any]:
    lines = [[sign, text] for sign, text in difference(parse_rules(current.rules), rules)]
    return {
        "sentence": f"Put policy v{current.number + 1} in force, which lets agents do more alone",
        "text": note,
        "why": {
            "text": " ".join(wider),
            "rule": "Wider autonomy is signed by a second person",
            "condition": "",
            "values": [],
        },
        "widens": list(wider),
        "lines": lines,
        "fields": _fields(rules, current),
        "replay": replay_sentences(latest_replay(rules, current.number)),
        "then": {
            "reversible": "Yes: return to the earlier version under Policy, Versions.",
            "approve": f"Policy v{current.number + 1} is in force at once.",
            "reject": f"Policy v{current.number} stays in force.",
            "expiry": f"Counts as rejected: policy v{current.number} stays in force.",
        },
    }


def _fields(rules: Sequence[Rule], current: PolicyVersion) -> list[list[str]]:
    """Return [field, before, after] for each field of each rule that changes."""
    changed = changes(parse_rules(current.rules), rules)
    return [[name, before, after] for change in changed for name, before, after in change.fields]
