"""A rule made from one request (key m): its tool and agent, exactly its arguments, and a last day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import Http404

from approvals.database_clock import database_now
from approvals.errors import BadArguments
from approvals.people import signer
from approvals.policy.action import ProposedAction
from approvals.policy.constrain import MISSING, at_path
from approvals.policy.engine import evaluate
from approvals.policy.rules import Rule, RuleError, parse_rules, rule_document
from approvals.policy.verdict import Level
from approvals.policy_explain_views import seen_by
from approvals.ports import PastAction
from approvals.selectors import request_for

DAYS = 30


@dataclass(frozen=True, slots=True)
class Offer:
    """What the form begins with. stands: why a call like this would still not run alone with the rule; "" if it would."""

    initial: Mapping[str, Any]
    constrain: Mapping[str, Any]
    past: PastAction
    stands: str


def offered_rule(user: Any, request_id: str, rules: Sequence[Rule]) -> Offer:
    """Return a rule that lets just what this request asks for run and tells people, for 30 days.

    Raises Http404 for a request that the person may not see, BadArguments for one that is about no call.
    """
    request = request_for(user, as_uuid(request_id))
    if request is None:
        raise Http404
    past = seen_by(signer(user), request.action_id) if request.action_id else None
    if past is None or past.proposed is None or not past.proposed.is_write:
        raise BadArguments("A rule is made from a request to let an agent do something; this is none.")
    today = database_now().date()
    document = _document(past.proposed, f"{today + timedelta(days=DAYS)}", f"Made from: {request.title}"[:500])
    initial = {**document, "level": str(document["level"]), "votes": 1, "cls": "normal"}
    return Offer(initial, document["constrain"], past, _stands(past.proposed, document, rules, today))


def as_uuid(text: str) -> UUID:
    """Return the id that was given in an address or form. Raises Http404 for anything else."""
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None


def _document(action: ProposedAction, until: str, note: str) -> dict[str, Any]:
    return {
        "tool": action.tool,
        "when": f'agent == "{action.agent}"',
        "level": 2,
        "constrain": {path: _held(path, action) for path in action.authority if _is_held(path, action)},
        "note": note,
        "until": until,
    }


def _is_held(path: str, action: ProposedAction) -> bool:
    return at_path(action.arguments, path) not in (MISSING, None)


def _held(path: str, action: ProposedAction) -> Any:
    value, money = at_path(action.arguments, path), action.money
    is_amount = money is not None and not isinstance(value, bool) and value == money.amount_minor
    return {"max": value} if is_amount else [value]


def _stands(action: ProposedAction, document: Mapping[str, Any], rules: Sequence[Rule], today: Any) -> str:
    try:
        with_it = parse_rules([*(rule_document(rule) for rule in rules), document])
    except RuleError as error:
        return error.message
    verdict = evaluate(action, with_it, today=today)
    return "" if verdict.level in (Level.ALONE, Level.NOTIFY) else verdict.why
