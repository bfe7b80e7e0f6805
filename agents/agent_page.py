"""What an agent's page shows: its tools with their levels, its limits with what is used, its figures. Reads only."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Avg, Count, Q
from django.db.models.aggregates import Aggregate
from django.db.models.fields import FloatField

from agents.guard_settings import Answer
from agents.models import Action, Agent, AgentDay, Provider, Run
from agents.providers.registry import OFFLINE, refusal_of
from agents.spec import AgentSpec
from agents.states import RunState
from agents.tools.base import Tool
from agents.tools.registry import tools_matching
from approvals.halts import open_halts
from approvals.money import money_text
from approvals.people import signer
from approvals.permissions import visible_requests
from approvals.policy.action import Effect
from approvals.policy.rules import Rule, rule_consequence
from approvals.policy_versions import ActivePolicy
from approvals.states import RequestKind, RequestState

DAYS = 30
NEAR = 0.8
_ENDED = (RunState.COMPLETED, RunState.ESCALATED, RunState.FAILED, RunState.DEAD_LETTER)


@dataclass(frozen=True, slots=True)
class ToolRow:
    name: str
    effect: str
    levels: tuple[str, ...]
    ways: tuple[str, ...]
    used: int


@dataclass(frozen=True, slots=True)
class LimitRow:
    """One limit of the day or minute. share is 0 to 100, for the bar."""

    name: str
    share: int
    text: str

    @property
    def near(self) -> bool:
        return self.share >= NEAR * 100


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model of the chain. problem says why it cannot be asked."""

    place: str
    model: str
    about: str
    problem: str


@dataclass(frozen=True, slots=True)
class Figures:
    """The last 30 days. Shares are of ended runs; None without any."""

    ended: int
    completed: float | None
    handed_off: float | None
    p95_s: float | None
    cost_usd: Decimal | None
    priced: int


class _P95(Aggregate):
    function = "percentile_cont"
    template = "percentile_cont(0.95) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


def tool_rows(agent: Agent, spec: AgentSpec, policy: ActivePolicy, now: datetime) -> list[ToolRow]:
    """Return every tool the agent may use, with the levels that the policy's rules can give it."""
    since = now - timedelta(days=DAYS)
    used = Action.objects.filter(run__agent=agent, created_at__gte=since).values("tool").annotate(calls=Count("pk"))
    calls = {row["tool"]: row["calls"] for row in used}
    return [_tool_row(tool, policy.rules, calls.get(name, 0)) for name, tool in tools_matching(spec.tools).items()]


def limit_rows(agent: Agent, spec: AgentSpec, now: datetime) -> list[LimitRow]:
    """Return the limits of the day and the minute with what is used of them."""
    used = {(row.kind, row.unit): row.used for row in AgentDay.objects.filter(agent=agent, day=now.date())}
    limits = spec.limits
    running = Run.objects.filter(agent=agent, state=RunState.RUNNING).count()
    rows = [
        _limit(f"{unit} moved", used.get(("moved", unit), 0), most, lambda minor, unit=unit: money_text(minor, unit))
        for unit, most in sorted(limits.moved_minor_per_day.items())
    ]
    if limits.cost_usd_per_day is not None:
        most = int(limits.cost_usd_per_day * 1_000_000)
        rows.append(
            _limit("Model cost", used.get(("cost", "USD"), 0), most, lambda micro: f"${micro / 1_000_000:,.2f}")
        )
    rows.append(_limit("Runs at once", running, limits.parallel_runs, str))
    if limits.tokens_per_minute is not None:
        tokens = used.get(("tokens", f"{now:%H%M}"), 0)
        rows.append(_limit("Tokens this minute", tokens, limits.tokens_per_minute, lambda count: f"{count:,}"))
    return rows


def guard_rows(spec: AgentSpec) -> list[tuple[str, str]]:
    """Return what each guard watches and what it does with what it finds."""
    words = {Answer.OFF: "say nothing", Answer.FLAG: "flag it", Answer.PERSON: "a person decides"}
    guards = spec.guards
    return [
        ("Text that looks manipulated", words[guards.screening]),
        ("Data of others in texts that go out", words[guards.personal]),
        ("Arguments outside the usual range", words[guards.unusual]),
    ]


def model_rows(spec: AgentSpec) -> list[ModelRow]:
    """Return the chain of models, each with why it could not be asked, if so."""
    providers = {row.name: row for row in Provider.objects.all()}
    places = ["First", *(["Fallback"] * len(spec.fallback))]
    return [_model_row(place, model, providers) for place, model in zip(places, spec.models, strict=True)]


def figures_of(agent: Agent, now: datetime) -> Figures:
    since = now - timedelta(days=DAYS)
    ended = Run.objects.filter(agent=agent, created_at__gte=since, state__in=_ENDED)
    found = ended.aggregate(
        all=Count("pk"),
        completed=Count("pk", filter=Q(state=RunState.COMPLETED)),
        escalated=Count("pk", filter=Q(state=RunState.ESCALATED)),
        p95=_P95("active_ms"),
        cost=Avg("cost_usd", filter=Q(cost_known=True)),
        priced=Count("pk", filter=Q(cost_known=True)),
    )
    return Figures(
        ended=found["all"],
        completed=_share(found["completed"], found["all"]),
        handed_off=_share(found["escalated"], found["all"]),
        p95_s=None if found["p95"] is None else found["p95"] / 1000,
        cost_usd=found["cost"],
        priced=found["priced"],
    )


def waiting_requests(agent: Agent, user: Any) -> tuple[Sequence[Any], int]:
    """Return the open unknown outcomes of this agent's actions, and how many requests of it wait in all."""
    waiting = visible_requests(signer(user)).filter(agent=agent.name, state=RequestState.OPEN)
    return list(waiting.filter(kind=RequestKind.UNKNOWN_OUTCOME).order_by("created_at")[:5]), waiting.count()


def _tool_row(tool: Tool, rules: Sequence[Rule], used: int) -> ToolRow:
    meant = [rule for rule in rules if rule.pattern.fullmatch(tool.name)]
    if meant:
        levels = tuple(sorted({str(rule.level) for rule in meant}))
        ways = dict.fromkeys(f"{rule.level}: {rule.note or rule_consequence(rule)}" for rule in meant)
        return ToolRow(tool.name, tool.effect, levels, tuple(ways), used)
    reads = tool.effect == Effect.READ
    words_of_none = "no rule: reads run alone" if reads else "no rule: a person countersigns"
    return ToolRow(tool.name, tool.effect, ("1" if reads else "3",), (words_of_none,), used)


def _limit(name: str, used: int, most: int, shown: Any) -> LimitRow:
    share = min(100, round(100 * used / most)) if most else 100
    return LimitRow(name, share, f"{shown(used)} of {shown(most)}")


def _model_row(place: str, model: str, providers: Mapping[str, Provider]) -> ModelRow:
    provider, _, name = model.partition("/")
    if provider == OFFLINE:
        return ModelRow(place, model, "offline: plays by plain rules, no network", "")
    row = providers.get(provider)
    kind = row.kind if row else provider
    priced = row is not None and name in (row.prices or {})
    return ModelRow(place, model, f"{kind}{', price set here' if priced else ''}", refusal_of(provider))


def _share(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None


@dataclass(frozen=True, slots=True)
class ListRow:
    agent: Agent
    mode: str
    model: str
    offline: bool
    running: int
    waiting: int
    today: int
    halted: bool


def list_rows(agents: Iterable[Agent], now: datetime) -> list[ListRow]:
    """Return the agents of a list, each with what it does now and did in the last 24 hours."""
    day, halted = now - timedelta(days=1), {halt.scope for halt in open_halts()}
    counted = Run.objects.values("agent_id").annotate(
        running=Count("pk", filter=Q(state__in=(RunState.RUNNING, RunState.QUEUED))),
        waiting=Count("pk", filter=Q(state=RunState.WAITING_PERSON)),
        today=Count("pk", filter=Q(created_at__gte=day)),
    )
    counts: dict[int, Mapping[str, Any]] = {row["agent_id"]: row for row in counted}
    return [_list_row(agent, counts.get(agent.pk, {}), halted) for agent in agents]


def _list_row(agent: Agent, counts: Mapping[str, Any], halted: set[str]) -> ListRow:
    document = agent.current.document if agent.current else {}
    model = str(document.get("model", ""))
    return ListRow(
        agent=agent,
        mode=str(document.get("mode", "suggest")),
        model=model,
        offline=model.startswith("offline/"),
        running=counts.get("running", 0),
        waiting=counts.get("waiting", 0),
        today=counts.get("today", 0),
        halted=f"agent:{agent.name}" in halted or "global" in halted,
    )
