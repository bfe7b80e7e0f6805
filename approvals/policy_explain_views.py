"""Why a past action was judged as it was, and how it would be judged now. For whoever may see its run."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from approvals.controls import copied_from
from approvals.database_clock import database_now
from approvals.labels import RAN_ALONE, refusal_to_correct
from approvals.models import PolicyVersion
from approvals.people import Signer, signer
from approvals.policy.explain import Explanation, explain
from approvals.policy.rules import Rule, parse_rules
from approvals.policy.verdict import Verdict, verdict_from_json
from approvals.policy_versions import active_policy
from approvals.ports import PastAction, actions
from approvals.reason_codes import REASONS
from config.web import signed_in


@dataclass(frozen=True, slots=True)
class Judgement:
    """One policy's view of the action. kept: the verdict as it was stored, which holds where the two differ."""

    number: int
    kept: Verdict | None
    explained: Explanation | None

    @property
    def verdict(self) -> Verdict | None:
        return self.kept or (self.explained.verdict if self.explained else None)

    @property
    def differs(self) -> bool:
        """Whether the rules alone come to another level than the one that was stored."""
        return bool(self.kept and self.explained and self.kept.level is not self.explained.verdict.level)


@require_GET
def action(request: HttpRequest, action_id: UUID) -> HttpResponse:
    """The rules that were asked about one action, then and now, with the values that tripped them."""
    past = seen_by(signer(signed_in(request).user), action_id)
    active = active_policy()
    version = PolicyVersion.objects.filter(pk=past.policy_id).first() if past.policy_id else None
    context = {
        "past": past,
        "reasons": REASONS,
        "may_correct": past.state in RAN_ALONE and not refusal_to_correct(signer(signed_in(request).user)),
        "then": _then(past, version),
        "now_judged": Judgement(active.number, None, _explained(past, active.rules, now=True)),
        "same_version": version is not None and version.number == active.number,
        "unknown": sorted(past.unknown) if past.proposed is not None else [],
    }
    return render(request, "approvals/policy_action.html", context)


def seen_by(who: Signer, action_id: UUID) -> PastAction:
    """Return the action for whoever may see its run. Raises Http404 for all others, and where there is none."""
    past = actions().past_action(action_id) or _copied(action_id)
    if past is None or not (who.sees_all or past.team_id in who.team_ids):
        raise Http404
    return past


def _copied(action_id: UUID) -> PastAction | None:
    """Return what a control was copied from: the same rules were asked about it."""
    source = copied_from(action_id)
    return actions().past_action(source) if source else None


def _then(past: PastAction, version: PolicyVersion | None) -> Judgement:
    rules = parse_rules(version.rules) if version else ()
    explained = _explained(past, rules) if version else None
    return Judgement(version.number if version else 0, _kept(past), explained)


def _kept(past: PastAction) -> Verdict | None:
    try:
        return verdict_from_json(past.verdict or {})
    except (KeyError, TypeError, ValueError):
        return None


def _explained(past: PastAction, rules: Sequence[Rule], *, now: bool = False) -> Explanation | None:
    if past.proposed is None or past.unknown:
        return None
    return explain(past.proposed, rules, today=(database_now() if now else past.at).date())
