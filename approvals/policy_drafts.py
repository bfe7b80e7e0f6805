"""The rules one person is editing: kept in their session until saved or discarded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.sessions.backends.base import SessionBase

from approvals.errors import BadArguments
from approvals.policy.rules import Rule, parse_rules, rule_document
from approvals.policy_versions import ActivePolicy
from config.ids import new_id

_KEY, _NOTE = "policy_draft", "policy_note"


@dataclass(frozen=True, slots=True)
class Draft:
    """The rules as they would be. `base` is the version they were copied from; `kept` says whether anything is stored."""

    base: int
    rules: tuple[Rule, ...]
    kept: bool

    def number_of(self, rule_id: str) -> int:
        """Return the 1-based number of the rule with this id, 0 for none."""
        return next((number for number, rule in enumerate(self.rules, start=1) if rule.id == rule_id), 0)


def draft_of(session: SessionBase, active: ActivePolicy) -> Draft:
    """Return the person's draft, or the rules in force where they have none."""
    kept = session.get(_KEY)
    if not isinstance(kept, dict):
        return Draft(active.number, active.rules, kept=False)
    return Draft(kept["base"], parse_rules(kept["rules"]), kept=True)


def put_rule(session: SessionBase, draft: Draft, number: int, document: Mapping[str, Any]) -> str:
    """Replace the rule of that number in the draft, or append it for number 0. Returns its id.

    Raises RuleError (its index is the rule's own) when the document is not sound.
    """
    documents = [rule_document(rule) for rule in draft.rules]
    known = _identity(documents, number)
    if number:
        documents[number - 1] = {**document, **known}
    else:
        documents.append({**document, **known})
    _keep(session, draft.base, parse_rules(documents))
    return str(known["id"])


def remove_rule(session: SessionBase, draft: Draft, number: int) -> None:
    """Take the rule of that number out of the draft."""
    if not 0 < number <= len(draft.rules):
        raise BadArguments("There is no such rule any more.")
    _keep(session, draft.base, draft.rules[: number - 1] + draft.rules[number:])


def discard(session: SessionBase) -> None:
    """Forget the draft and the reason typed for it."""
    session.pop(_KEY, None)
    session.pop(_NOTE, None)


def keep_note(session: SessionBase, note: str) -> None:
    """Keep the reason that was typed, for when the person comes back from signing in again."""
    session[_NOTE] = note[:1000]


def note_of(session: SessionBase) -> str:
    return str(session.get(_NOTE, ""))


def _identity(documents: list[dict[str, Any]], number: int) -> dict[str, Any]:
    """Return what stays of a rule through its edits; a new one gets an id of its own."""
    if not number:
        return {"id": f"r-{new_id()}", "package": ""}
    if number > len(documents):
        raise BadArguments("There is no such rule any more.")
    return {key: documents[number - 1][key] for key in ("id", "package")}


def _keep(session: SessionBase, base: int, rules: tuple[Rule, ...]) -> None:
    session[_KEY] = {"base": base, "rules": [rule_document(rule) for rule in rules]}
