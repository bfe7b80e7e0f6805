"""Reads what happened and says what is wrong with it: the history checker of every fault test."""

from collections import defaultdict

from agents.models import Action, Run
from agents.states import ACTION_MOVES, RUN_MOVES
from approvals.models import AuditEvent, Request
from approvals.states import REQUEST_MOVES

_MOVES = {"run": RUN_MOVES, "action": ACTION_MOVES, "request": REQUEST_MOVES}


def history_problems() -> list[str]:
    """Return every way in which states, audit rows, requests and effects contradict each other; empty when sound."""
    states = {
        **{("run", str(pk)): state for pk, state in Run.objects.values_list("pk", "state")},
        **{("action", str(pk)): state for pk, state in Action.objects.values_list("pk", "state")},
        **{("request", str(pk)): state for pk, state in Request.objects.values_list("pk", "state")},
    }
    chains: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    rows = AuditEvent.objects.exclude(to_state="").order_by("seq")
    for kind, pk, before, after in rows.values_list("subject_type", "subject_id", "from_state", "to_state"):
        chains[(kind, pk)].append((before, after))
    found = [problem for key, state in states.items() for problem in _chain_problems(key, chains[key], state)]
    return found + _consumption_problems()


def _chain_problems(key: tuple[str, str], chain: list[tuple[str, str]], state: str) -> list[str]:
    kind, pk = key
    if not chain or chain[0][0] != "":
        return [f"{kind} {pk}: its audit does not begin with its birth: {chain[:2]}"]
    found = []
    for (_, after), (before, following) in zip(chain, chain[1:], strict=False):
        if before != after:
            found.append(f"{kind} {pk}: audit jumps from {after} to {before} → {following}")
        if following not in _MOVES[kind][before] and not _after_restore(kind, before, following):
            found.append(f"{kind} {pk}: {before} → {following} is not legal")
    if chain[-1][1] != state:
        found.append(f"{kind} {pk}: is {state}, audit says {chain[-1][1]}")
    return found


def _after_restore(kind: str, before: str, following: str) -> bool:
    """Return whether this is a move that a restore alone allows, and there was one."""
    moved = (kind, following) == ("action", "unknown") or (kind == "run" and following == "paused")
    return moved and AuditEvent.objects.filter(verb="database.restored").exists()


def _consumption_problems() -> list[str]:
    found = []
    for action in Action.objects.filter(attempts__gt=0).exclude(request_id=None):
        request = Request.objects.get(pk=action.request_id)
        if request.consumed_at is None:
            found.append(f"action {action.pk} ran without consuming its approval")
        if request.action_digest != action.digest:
            found.append(f"action {action.pk} ran under another digest than was signed")
        if not request.decisions.filter(vote="approve", withdrawn_at=None, action_digest=action.digest).exists():
            found.append(f"action {action.pk} ran without a vote on its digest")
    return found
