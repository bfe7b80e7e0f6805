"""How values of this product are written on a page: money, times, digests, foreign text, icons, navigation."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import template
from django.template.context import Context
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from approvals import keys, time_words
from approvals.money import money_text
from approvals.visible_text import Mark, Piece, pieces
from approvals.waiting import COUNT_UP_TO

register = template.Library()


# ---------- money and numbers ----------


@register.filter
def money(amount_minor: int | None, currency: str = "EUR") -> str:
    """{{ request.money_minor|money:request.currency }} → "€640.00"; nothing for None."""
    return "" if amount_minor is None else money_text(int(amount_minor), currency)


@register.filter
def usd(amount: Any) -> str:
    """Model cost: "$0.0196", to the cent from one dollar up; "unknown" for None."""
    if amount is None:
        return "unknown"
    if amount == 0 or amount >= 1:
        return f"${amount:,.2f}"
    return f"${amount:.4f}" if amount >= Decimal("0.0001") else "under $0.0001"


@register.filter
def number(value: Any) -> str:
    """5752 → "5,752"; "unknown" for None."""
    return "unknown" if value is None else f"{value:,}"


@register.filter
def upto(count: int | None) -> str:
    """A count that stops at COUNT_UP_TO: "17", "999+"; nothing for None."""
    if count is None:
        return ""
    return f"{COUNT_UP_TO - 1:,}+" if count >= COUNT_UP_TO else f"{count:,}"


@register.filter
def grouped(digest: str) -> str:
    """A digest in groups of eight, whole."""
    return " ".join(digest[start : start + 8] for start in range(0, len(digest), 8))


# ---------- time ----------


def _time_tag(moment: datetime, words: str, css: str = "") -> SafeString:
    local = timezone.localtime(moment)
    full = local.strftime("%A %-d %B %Y, %H:%M:%S %Z")
    return format_html('<time datetime="{}" title="{}" class="{}">{}</time>', moment.isoformat(), full, css, words)


@register.filter
def when(moment: datetime | None, detail: str = "") -> str | SafeString:
    """The moment in the person's time zone, 24 h: "09:42" today, "Tue 17 Nov 09:42", with the year if another.

    {{ at|when:"s" }} adds seconds.
    """
    if moment is None:
        return ""
    local, today = timezone.localtime(moment), timezone.localdate()
    day = "" if local.date() == today else local.strftime("%a %-d %b ")
    year = "" if local.year == today.year else local.strftime("%Y ")
    return _time_tag(moment, day + year + local.strftime("%H:%M:%S" if detail == "s" else "%H:%M"))


def _now(context: Context) -> datetime:
    moment = context.get("now")
    return moment if isinstance(moment, datetime) else timezone.now()


@register.simple_tag(takes_context=True)
def deadline(context: Context, moment: datetime | None) -> str | SafeString:
    """{% deadline request.decide_by %} → "in 3 h 56 min"; red "due in 38 min" under an hour."""
    if moment is None:
        return ""
    now = _now(context)
    near = "is-stop strong" if time_words.is_near(moment, now) else ""
    return _time_tag(moment, time_words.until(moment, now), near)


@register.simple_tag
def seconds_left(moment: datetime) -> str:
    """{% seconds_left request.execute_after %} → "9.4": a span, because the browser's clock may differ from ours."""
    return f"{max(0.0, (moment - timezone.now()).total_seconds()):.1f}"


@register.simple_tag(takes_context=True)
def ago(context: Context, moment: datetime | None) -> str | SafeString:
    """{% ago request.created_at %} → "4 min ago"."""
    return "" if moment is None else _time_tag(moment, time_words.ago(moment, _now(context)))


@register.simple_tag(takes_context=True)
def age(context: Context, moment: datetime | None) -> str | SafeString:
    """{% age run.started_at %} → "4 min"."""
    return "" if moment is None else _time_tag(moment, time_words.span((_now(context) - moment).total_seconds()))


@register.filter
def duration(milliseconds: float | None) -> str:
    """1310 → "1.31 s"; 251000 → "4 min 11 s"; nothing for None."""
    return "" if milliseconds is None else time_words.fine_span(milliseconds)


# ---------- foreign text ----------


def _drawn(piece: Piece) -> str | SafeString:
    if piece.mark is Mark.PLAIN:
        return piece.shown
    if piece.mark is Mark.ODD:
        return format_html(
            '<span class="cs-odd" title="{}">{}<small>{}</small></span>', piece.note, piece.shown, piece.note
        )
    return format_html('<span class="cs-cp" title="{}">{}</span>', piece.note, piece.shown)


@register.filter
def visible(text: Any) -> SafeString:
    """Text from outside or from a model, escaped, with every hidden or pretending character shown as what it is."""
    return format_html_join("", "{}", ((_drawn(piece),) for piece in pieces("" if text is None else str(text))))


@register.filter
def shortened(text: Any, limit: int) -> str:
    """The start of a long text, saying that it is one and how long; for lists and headings, never for what is signed."""
    whole = "" if text is None else str(text)
    return whole if len(whole) <= limit else f"{whole[:limit]}… ({len(whole):,} characters in all)"


@register.filter
def pretty(value: Any) -> str:
    """A JSON value as indented text; pass it on to |visible."""
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, default=str)


@register.filter
def words(state: Any) -> str:
    """A stored code as words: "waiting_person" → "waiting for a person", "hand_off" → "hand-off"."""
    text = str(state)
    return _WORDS.get(text, text.replace("_", " "))


_WORDS = {
    "hand_off": "hand-off",
    "waiting_person": "waiting for a person",
    "waiting_event": "waiting for an event",
    "waiting_time": "waiting for time",
    "waiting_child": "waiting for a child run",
    "open": "waiting",
    "escalated": "handed off",
    "allow": "acts alone",
    "notify": "acts and notifies",
    "policy.activated": "put a policy in force,",
    "agent.published": "published a version of",
    "halt.engaged": "halted",
    "halt.released": "released",
    "configuration.applied": "applied the package",
}

_LOOKS = {
    **dict.fromkeys(["running", "executing", "received", "processing", "compensating", "taken"], "run"),
    **dict.fromkeys(
        [
            "open",
            "pending",
            "queued",
            "waiting",
            "waiting_person",
            "waiting_event",
            "waiting_time",
            "waiting_child",
            "escalated",
            "degraded",
            "suggest",
        ],
        "wait",
    ),
    **dict.fromkeys(
        [
            "approved",
            "completed",
            "succeeded",
            "answered",
            "resolved",
            "accepted",
            "ok",
            "live",
            "active",
            "allowed",
            "compensated",
            "done",
        ],
        "good",
    ),
    **dict.fromkeys(["rejected", "denied", "failed", "dead_letter", "paused", "halted", "invalid", "stopped"], "stop"),
    **dict.fromkeys(["unknown"], "unknown"),
}


@register.filter
def look(state: Any) -> str:
    """The css class of cs-state for a state: run, wait, good, stop, unknown or nothing (neutral)."""
    return _LOOKS.get(str(state), "")


# ---------- icons and navigation ----------


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """{% icon "halt" %}: an icon of static/img/icons.svg, invisible to screen readers."""
    href = f"{static('img/icons.svg')}#{name}"
    return format_html(
        '<svg class="i {} {}" viewBox="0 0 24 24" aria-hidden="true"><use href="{}"/></svg>', name, css, href
    )


@register.inclusion_tag("_components/nav_item.html", takes_context=True)
def nav_item(context: Context, route: str, name: str, label: str, **more: Any) -> dict[str, Any]:
    """A place in the sidebar; drawn only when its route exists. Current by its path, so pages need not say it."""
    url = _reverse_or_nothing(route)
    path = getattr(context.get("request"), "path", "")
    current = bool(url) and (path == url if url == "/" else path.startswith(url))
    return {"url": url, "icon": name, "label": label, "current": current, **more}


@register.inclusion_tag("_components/keys_sheet.html")
def keys_sheet() -> dict[str, Any]:
    """The sheet of keys, and the same table for the scripts."""
    places = [(letter, label) for letter, route, label in keys.PLACES if _reverse_or_nothing(route)]
    return {"sections": keys.SECTIONS, "places": places, "acts": keys.acts()}


def _reverse_or_nothing(route: str) -> str:
    try:
        return reverse(route)
    except NoReverseMatch:
        return ""


@register.simple_tag(takes_context=True)
def query(context: Context, **changes: Any) -> str:
    """{% query page=2 %}: the current query string with these changes; None or "" takes a key out."""
    params = context["request"].GET.copy()
    for key, value in changes.items():
        params.pop(key, None)
        if value not in (None, ""):
            params[key] = str(value)
    return f"?{params.urlencode()}" if params else "?"
