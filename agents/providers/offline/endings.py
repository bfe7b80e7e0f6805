"""How every story ends after an act that did not simply succeed."""

from collections.abc import Mapping
from typing import Any

from agents.providers.offline.case import Case, Ended, Ending, Outcome

_SENTENCES = {
    "rejected": "A person rejected {what}; it is not proposed again.",
    "expired": "Nobody signed {what} in time, which counts as no.",
    "denied": "The policy denies {what}.",
    "untold": "The policy leaves {what} to people.",
}


def must_succeed(case: Case, outcome: Outcome, what: str, **parameters: Any) -> Mapping[str, Any]:
    """Return what the call answered, or end the story: a no is accepted, a failure goes to a person."""
    if outcome.ok:
        return outcome.data
    if outcome.kind in _SENTENCES:
        said = _SENTENCES[outcome.kind].format(what=what)
        decision = "left_to_person" if outcome.kind == "untold" else outcome.kind
        raise Ended(Ending(decision, 0.9, f"{said} {outcome.said}".strip(), parameters))
    case.needs_person("exception", f"The other system did not take {what}: {outcome.said}", priority="high")
    raise Ended(Ending("failed", 0.8, f"The other system did not take {what}: {outcome.said}", parameters))
