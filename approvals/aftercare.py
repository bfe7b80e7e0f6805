"""What stands on a card once it is settled: what it was if it was a control, what was said later, what may be said now."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from approvals.controls import disclosed
from approvals.labels import corrections_of, may_be_corrected, refusal_to_correct
from approvals.models import Control, Label, Request
from approvals.people import signer
from approvals.reason_codes import REASONS
from approvals.standing import DEFAULT_DAYS, MOST_DAYS, refusal_to_stand
from approvals.standing_case import case_of, shown_case
from approvals.states import RequestState


@dataclass(frozen=True, slots=True)
class After:
    """shown: what counts as identical, where this person may let their answer stand; empty where they may not."""

    control: Control | None
    corrections: Sequence[Label]
    may_correct: bool
    shown: Sequence[Sequence[str]]
    reasons: Sequence[tuple[str, str]] = REASONS
    days: int = DEFAULT_DAYS
    most_days: int = MOST_DAYS


def after_of(user: Any, request: Request) -> After:
    """Return what to show below a settled request, for this person."""
    control = disclosed(request)
    who = signer(user)
    return After(
        control=control,
        corrections=list(corrections_of(request)) if control is None else (),
        may_correct=control is None and may_be_corrected(request) and not refusal_to_correct(who),
        shown=_shown(user, request) if control is None else (),
    )


def _shown(user: Any, request: Request) -> Sequence[Sequence[str]]:
    settled = request.state in (RequestState.APPROVED, RequestState.REJECTED)
    if not settled or refusal_to_stand(signer(user), request):
        return ()
    action = case_of(request)
    return shown_case(request, action) if action else ()
