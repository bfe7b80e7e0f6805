"""All that the guards say of one call. Pure: what must be read has been read by the caller."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agents.guard_settings import Answer, GuardSettings
from agents.guards.flags import Demand, Flag, demanded
from agents.guards.personal import Found, compared, personal_data
from agents.guards.requirements import requirement_flags
from agents.guards.screening import Finding
from agents.guards.unusual import History, Usual, is_unusual
from agents.tools.base import Tool
from agents.tools.paths import value_at
from approvals.money import money_text
from approvals.policy.action import ProposedAction

MAX_FLAGS = 20


def flags_of(
    action: ProposedAction, tool: Tool, settings: GuardSettings, findings: Sequence[Finding], history: History
) -> list[Flag]:
    """Return what the guards have to say: what asks for more first. A call that only reads is judged by its own rules alone."""
    found = list(requirement_flags(tool, action))
    if action.is_write:
        found += _manipulated(findings, settings)
        found += _personal(action, settings)
        found += _unusual(action, tool, settings, history)
    strictness = list(Demand)
    return sorted(found, key=lambda flag: -strictness.index(flag.demand))[:MAX_FLAGS]


def manipulation_flag(finding: Finding, demand: Demand = Demand.NOTHING) -> Flag:
    return Flag("screening", f"Looks manipulated: {finding.where} {finding.what}.", demand, finding.phrase)


def _manipulated(findings: Sequence[Finding], settings: GuardSettings) -> Iterator[Flag]:
    if settings.screening is Answer.OFF:
        return
    for one in findings:
        yield manipulation_flag(one, demanded(settings.screening))


def _personal(action: ProposedAction, settings: GuardSettings) -> Iterator[Flag]:
    if settings.personal is Answer.OFF:
        return
    own: frozenset[str] | None = None
    for path, text in _free_texts(action):
        for found in personal_data(text):
            own = _known_values(action) if own is None else own
            if not _is_own(found, own, settings.own):
                said = f"{path} holds {_a(found.kind)} ({found.masked}) that is not the customer's own."
                yield Flag("personal", said, demanded(settings.personal), found.masked)


def _free_texts(action: ProposedAction) -> Iterator[tuple[str, str]]:
    """Yield the texts that go out in the model's own words: not the arguments that policy pins."""
    for path, text in _texts(action.arguments):
        if not any(path == named or path.startswith((f"{named}.", f"{named}[")) for named in action.authority):
            yield path, text


def _known_values(action: ProposedAction) -> frozenset[str]:
    """What the event's own customer wrote or the record of this very call holds is no news to them."""
    known: set[str] = set()
    for source in (action.event, action.target):
        for _, text in _texts(source):
            known.add(compared(text))
            known.update(compared(found.value) for found in personal_data(text))
    return frozenset(known)


def _is_own(found: Found, known: frozenset[str], ours: Sequence[str]) -> bool:
    if compared(found.value) in known:
        return True
    host = found.value.rpartition("@")[2]
    return any(compared(item) == compared(found.value) or item.casefold().lstrip("@") == host for item in ours)


def _unusual(action: ProposedAction, tool: Tool, settings: GuardSettings, history: History) -> Iterator[Flag]:
    if settings.unusual is Answer.OFF:
        return
    for path, usual in history.arguments.items():
        value = value_at(action.arguments, path)
        if value is not None and is_unusual(usual, value):
            said = _usually(path, usual, value, _currency(path, action, tool))
            yield Flag("unusual", said, demanded(settings.unusual), str(value)[:80])


def _usually(path: str, usual: Usual, value: Any, currency: str) -> str:
    if usual.values:
        return f"{path} has never been this in {usual.count} earlier calls; it was one of {len(usual.values)} values."
    low, high = (_figure(number, currency) for number in usual.mostly)
    return f"{path}: usually {low} to {high}; this is {_figure(value, currency)} ({usual.count} earlier calls)."


def _figure(value: float, currency: str) -> str:
    return money_text(round(value), currency) if currency else f"{round(value):,}"


def _currency(path: str, action: ProposedAction, tool: Tool) -> str:
    return action.money.currency if action.money and tool.money and tool.money.amount == path else ""


def _texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, child in value.items():
            yield from _texts(child, f"{path}.{key}" if path else str(key))
    elif isinstance(value, (list, tuple)):
        for index, child in enumerate(value):
            yield from _texts(child, f"{path}[{index}]")


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiouAEI' else 'a'} {noun}"
