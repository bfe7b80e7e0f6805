"""The agent's day and minute: what may be spent, reserved before, settled after. Days are UTC days of the database."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import F

from agents.budget import micro_usd
from agents.models import AgentDay, Run
from agents.spec import Limits
from approvals.database_clock import database_now


def room_for_run(run: Run, limits: Limits) -> tuple[datetime, str] | None:
    """Reserve the run's model cost against the agent's day, once. Returns None, or when to try again and why."""
    if limits.cost_usd_per_day is None or run.reserved_usd or run.cost_usd:
        return None
    now = database_now()
    want = limits.cost_usd or Decimal("0.01")
    if not _add(run, now, "cost", "USD", micro_usd(want), ceiling=micro_usd(limits.cost_usd_per_day)):
        tomorrow = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        return tomorrow, f"Today's model cost limit of ${limits.cost_usd_per_day} is used; it goes on at 00:00 UTC."
    Run.objects.filter(pk=run.pk).update(reserved_usd=want)
    run.reserved_usd = want
    return None


def room_for_tokens(run: Run, limits: Limits) -> tuple[datetime, str] | None:
    """Return None, or when this minute's tokens are used: when to try again and why."""
    if limits.tokens_per_minute is None:
        return None
    now = database_now()
    used = AgentDay.objects.filter(agent=run.agent, day=now.date(), kind="tokens", unit=f"{now:%H%M}")
    if (used.values_list("used", flat=True).first() or 0) < limits.tokens_per_minute:
        return None
    again = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    return again, f"{limits.tokens_per_minute} tokens a minute are used; it goes on at {again:%H:%M} UTC."


def note_tokens(run: Run, tokens: int) -> None:
    """Count the tokens against this minute of the agent."""
    now = database_now()
    _add(run, now, "tokens", f"{now:%H%M}", tokens, ceiling=None)


def settle_cost(run: Run) -> None:
    """Put what the run cost in place of what was reserved for it. Called once, in the transaction that ends it."""
    if not run.reserved_usd:
        return
    spent = micro_usd(Decimal(run.cost_usd)) - micro_usd(Decimal(run.reserved_usd))
    day = run.started_at or database_now()
    rows = AgentDay.objects.filter(agent=run.agent, day=day.date(), kind="cost", unit="USD")
    rows.filter(used__gte=-spent).update(used=F("used") + spent)
    Run.objects.filter(pk=run.pk).update(reserved_usd=0)


def reserve_beside(run: Run, limits: Limits, want: Decimal) -> date | None:
    """Reserve the cost of one model call that belongs to no turn of the run. Returns the day, or None: all is used."""
    if room_for_tokens(run, limits):
        return None
    now = database_now()
    ceiling = None if limits.cost_usd_per_day is None else micro_usd(limits.cost_usd_per_day)
    return now.date() if _add(run, now, "cost", "USD", micro_usd(want), ceiling=ceiling) else None


def settle_beside(run: Run, day: date, reserved: Decimal, spent: Decimal | None) -> None:
    """Put what the call cost in place of what was reserved; of an unknown cost the reserved one stands."""
    back = 0 if spent is None else micro_usd(reserved) - micro_usd(spent)
    rows = AgentDay.objects.filter(agent=run.agent, day=day, kind="cost", unit="USD", used__gte=back)
    rows.update(used=F("used") - back)


def release_money(run: Run, amount_minor: int, currency: str, sent_at: datetime | None) -> None:
    """Give back what was reserved for an effect that certainly did not happen."""
    day = (sent_at or database_now()).date()
    rows = AgentDay.objects.filter(agent=run.agent, day=day, kind="moved", unit=currency, used__gte=amount_minor)
    rows.update(used=F("used") - amount_minor)


def _add(run: Run, now: datetime, kind: str, unit: str, amount: int, *, ceiling: int | None) -> bool:
    """Add to the agent's day unless that would pass the ceiling; the row is locked while it is looked at."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO agents_agentday (agent_id, day, kind, unit, used) VALUES (%s, %s, %s, %s, 0)"
            " ON CONFLICT (agent_id, day, kind, unit) DO NOTHING",
            [run.agent_id, now.date(), kind, unit],
        )
        cursor.execute(
            "UPDATE agents_agentday SET used = used + %s"
            " WHERE agent_id = %s AND day = %s AND kind = %s AND unit = %s AND (%s::bigint IS NULL OR used + %s <= %s)",
            [amount, run.agent_id, now.date(), kind, unit, ceiling, amount, ceiling],
        )
        return bool(cursor.rowcount == 1)
