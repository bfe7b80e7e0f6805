"""An agent version's document, read and checked. Pure: no Django."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from agents.errors import BadAgent
from agents.guard_settings import GuardSettings, guard_problems, parse_guards
from approvals.policy.action import Mode

DEFAULT_TURNS = 12
DEFAULT_ACTIONS = 20
DEFAULT_SECONDS = 300
DEFAULT_PARALLEL = 50
_KEYS = {
    "instructions",
    "model",
    "fallback",
    "tools",
    "outcome",
    "confidence_floor",
    "limits",
    "mode",
    "intended_use",
    "guards",
}
_LIMIT_KEYS = {
    "turns",
    "actions",
    "seconds",
    "parallel_runs",
    "tokens_per_minute",
    "cost_usd",
    "cost_usd_per_day",
    "moved_minor_per_day",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run, or the agent in a day, may use. None: no limit. Money in minor units per currency."""

    turns: int = DEFAULT_TURNS
    actions: int = DEFAULT_ACTIONS
    seconds: int = DEFAULT_SECONDS
    parallel_runs: int = DEFAULT_PARALLEL
    tokens_per_minute: int | None = None
    cost_usd: Decimal | None = None
    cost_usd_per_day: Decimal | None = None
    moved_minor_per_day: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AgentSpec:
    instructions: str
    model: str
    fallback: tuple[str, ...]
    tools: tuple[str, ...]
    outcome: Mapping[str, Any] | None
    confidence_floor: float
    limits: Limits
    mode: Mode
    guards: GuardSettings = GuardSettings()

    @property
    def models(self) -> tuple[str, ...]:
        return (self.model, *self.fallback)


def parse_spec(document: Mapping[str, Any]) -> AgentSpec:
    """Return what the document says. Raises BadAgent with every problem, each as a sentence with its field."""
    problems = _problems(document)
    if problems:
        raise BadAgent(" ".join(problems), problems=problems)
    return AgentSpec(
        instructions=document["instructions"].strip(),
        model=document["model"],
        fallback=tuple(document.get("fallback") or ()),
        tools=tuple(document.get("tools") or ()),
        outcome=document.get("outcome") or None,
        confidence_floor=float(document.get("confidence_floor") or 0),
        limits=_limits(document.get("limits") or {}),
        mode=Mode(document.get("mode", Mode.SUGGEST)),
        guards=parse_guards(document.get("guards") or {}),
    )


def normal_document(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document with only the keys that say something, so that equal agents have equal documents."""
    return {key: document[key] for key in sorted(_KEYS) if document.get(key) not in (None, "", [], {}, ())}


def _limits(raw: Mapping[str, Any]) -> Limits:
    values: dict[str, Any] = {key: raw[key] for key in _LIMIT_KEYS if raw.get(key) is not None}
    for key in ("cost_usd", "cost_usd_per_day"):
        if key in values:
            values[key] = Decimal(str(values[key]))
    return Limits(**values)


def _problems(document: Mapping[str, Any]) -> list[str]:
    found = [f"{key}: there is no such field in an agent." for key in sorted(set(document) - _KEYS)]
    found += _text_problems(document)
    found += _list_problems(document)
    found += _number_problems(document)
    found += _limit_problems(document.get("limits") or {})
    found += guard_problems(document.get("guards") or {})
    return found


def _text_problems(document: Mapping[str, Any]) -> list[str]:
    found = []
    if not isinstance(document.get("instructions"), str) or not document["instructions"].strip():
        found.append("instructions: say in words what the agent is to do.")
    for model in [document.get("model"), *_list(document.get("fallback"))]:
        if not isinstance(model, str) or "/" not in model.strip("/"):
            found.append(f"model: {model!r} does not name a model; write <provider>/<model>.")
    if document.get("mode", "suggest") not in set(Mode):
        found.append(f"mode: {document['mode']!r} is not shadow, suggest or live.")
    return found


def _list_problems(document: Mapping[str, Any]) -> list[str]:
    found = []
    for key in ("tools", "fallback"):
        value = document.get(key) or []
        if not isinstance(value, list) or any(not isinstance(item, str) for item in value):
            found.append(f"{key}: must be a list of names.")
    outcome = document.get("outcome")
    if outcome is not None and not (isinstance(outcome, dict) and outcome.get("type", "object") == "object"):
        found.append("outcome: must be a JSON Schema of type object.")
    return found


def _number_problems(document: Mapping[str, Any]) -> list[str]:
    floor = document.get("confidence_floor") or 0
    if isinstance(floor, bool) or not isinstance(floor, (int, float)) or not 0 <= floor <= 1:
        return ["confidence_floor: must be a number between 0 and 1."]
    return []


def _limit_problems(raw: Any) -> list[str]:
    if not isinstance(raw, dict):
        return ["limits: must be names with numbers."]
    found = [f"limits.{key}: there is no such limit." for key in sorted(set(raw) - _LIMIT_KEYS)]
    for key in sorted(_LIMIT_KEYS & set(raw)):
        found += _limit_problem(key, raw[key])
    return found


def _limit_problem(key: str, value: Any) -> list[str]:
    if value is None:
        return []
    if key == "moved_minor_per_day":
        sound = isinstance(value, dict) and all(_whole(amount) and len(unit) == 3 for unit, amount in value.items())
        return (
            [] if sound else [f"limits.{key}: must be currencies with whole amounts in minor units, {{EUR: 500000}}."]
        )
    if key.startswith("cost"):
        return [] if _positive(value) else [f"limits.{key}: must be a positive amount in US dollars."]
    return [] if _whole(value) and value > 0 else [f"limits.{key}: must be a whole number above 0."]


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _positive(value: Any) -> bool:
    try:
        return not isinstance(value, bool) and Decimal(str(value)) > 0
    except InvalidOperation:
        return False


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
