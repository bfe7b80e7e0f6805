"""The active policy: reading it, judging by it, putting another in its place."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from approvals.audit import Actor, record
from approvals.database_clock import database_now
from approvals.models import PolicyVersion
from approvals.policy.action import ProposedAction
from approvals.policy.canonical import canonical_bytes, digest_of, exact
from approvals.policy.engine import evaluate
from approvals.policy.rules import Rule, parse_rules, rule_document
from approvals.policy.verdict import Verdict


@dataclass(frozen=True, slots=True)
class ActivePolicy:
    id: UUID
    number: int
    rules: tuple[Rule, ...]


def active_policy() -> ActivePolicy:
    """Return the rules in force. The rules of one version are parsed once per process: a version never changes."""
    row = PolicyVersion.objects.filter(active=True).values_list("id", "number").get()
    return ActivePolicy(id=row[0], number=row[1], rules=_rules_of(row[0]))


@lru_cache(maxsize=8)
def _rules_of(version_id: UUID) -> tuple[Rule, ...]:
    return tuple(parse_rules(PolicyVersion.objects.values_list("rules", flat=True).get(pk=version_id)))


def judge_action(action: ProposedAction, policy: ActivePolicy | None = None) -> tuple[Verdict, ActivePolicy]:
    """Return the verdict on the action and the policy that gave it."""
    active = policy or active_policy()
    return evaluate(action, active.rules, today=today_for(active.rules)), active


def today_for(rules: Sequence[Rule]) -> date | None:
    """Return the day by which rules run out (UTC, the database's clock); None, without asking, where none of these does."""
    return database_now().date() if any(rule.until is not None for rule in rules) else None


def rules_standing(policy: ActivePolicy) -> list[Rule]:
    """Return the rules of the policy that have not run out."""
    today = today_for(policy.rules)
    return [rule for rule in policy.rules if rule.stands_on(today)]


def rule_stands(policy: ActivePolicy, *, rule_id: str, rule_hash: str) -> bool:
    """Return whether the policy still holds the rule word for word, and it has not run out."""
    held = [rule for rule in policy.rules if rule.id == rule_id and rule.hash == rule_hash]
    return bool(held) and held[0].stands_on(today_for(held))


def activate_policy(
    *, rules: Sequence[dict[str, Any]], actor: Actor, user: Any = None, note: str = ""
) -> PolicyVersion:
    """Put a new version in force. Returns it; the active one when its rules are the same.

    Raises RuleError when a rule is not sound. Takes the lock that effects hold shared, so no effect
    begins under the old version after this commits.
    """
    documents = [rule_document(rule) for rule in parse_rules(rules)]
    digest = digest_of(canonical_bytes(exact(documents)))
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(countersign_scope_key('policy'))")
        old = PolicyVersion.objects.get(active=True)
        if old.hash == digest:
            return old
        PolicyVersion.objects.filter(pk=old.pk).update(active=False)
        new = PolicyVersion.objects.create(
            number=(PolicyVersion.objects.order_by("-number").values_list("number", flat=True)[0]) + 1,
            rules=documents,
            hash=digest,
            note=note,
            author=user,
            author_label=actor.label,
            active=True,
            activated_at=database_now(),
        )
        record(
            actor=actor,
            verb="policy.activated",
            subject_type="policy",
            subject_id=new.pk,
            digest=digest,
            number=new.number,
            replaces=old.number,
            note=note,
        )
    return new


def authors_of_rule(document: dict[str, Any]) -> list[int]:
    """Return who wrote this rule: the author of each version that holds it word for word where the one before did not.

    That the database finds the document inside a longer rule is not enough: that one says something else.
    """
    rows = PolicyVersion.objects.filter(rules__contains=[document]).order_by("number")
    holding = {
        number: author
        for number, author, rules in rows.values_list("number", "author_id", "rules")
        if document in rules
    }
    return sorted({author for number, author in holding.items() if author and number - 1 not in holding})
