"""Refunds: find the order and the amount, look at what was sent and what is left, pay or pass on."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agents.providers.offline import text as words
from agents.providers.offline.case import Case, Ending
from agents.providers.offline.endings import must_succeed
from agents.providers.offline.money import Amount, currency_code, find_amounts, read_amount, whole_number
from agents.providers.offline.payload import dig, email_of, prose, text_at

WINDOW_DAYS = 30
_WHOLE_ORDER = (
    r"\b(?:full|complete|entire|total) (?:refund|amount|order|price|sum)\b|\brefund (?:me )?(?:everything|in full|the whole|all of it|fully)\b",
    r"\b(?:whole|entire) (?:order|amount|thing)\b|\b(?:all|everything) (?:back|refunded)\b|\bmoney back\b|\bfully refunded\b",
    r"\b(?:voll(?:e|er|en|ständig\w*)?|gesamt\w*|komplett\w*|ganz\w*) (?:\w+ )?(?:erstatt\w*|rückerstatt\w*|betrag\w*|bestellung|summe|kaufpreis|preis)\b",
    r"\balles zurück\b|\bgeld zurück\b|\bkomplett (?:zurück|erstatt)\w*|\bganz(?:e|en) betrag\b|\bgesamtbetrag\b|\bkaufpreis\b",
    r"\bremboursement (?:total|complet|intégral)\b|\bremboursez[- ]moi\b|\breembolso (?:total|completo)\b|\brimborso (?:totale|completo)\b",
)
_A_PART = (
    r"\b(?:some|part|half|portion|bit) of\b|\bpartial(?:ly)?\b|\b(?:some|a little) money\b",
    r"\b(?:teilweise|ein(?:en)? teil|anteilig\w*|die hälfte|etwas geld|teilbetrag\w*|nachlass)\b|\b(?:une partie|partiel\w*|una parte)\b",
)
_AMOUNT_PATHS = ("amount", "refund_amount", "amount_requested", "requested_amount", "refund", "sum", "value", "betrag")
_MINOR_PATHS = ("amount_minor", "refund_amount_minor", "amount_cents", "cents")
_ORDER_PATHS = (
    "order_id", "order_number", "order.order_id", "order.id", "order.number", "order_no", "order_ref", "order",
    "bestellnummer", "reference",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wish:
    """What the request asks for, as far as it says."""

    order_id: str
    other_orders: tuple[str, ...]
    amount: Amount | None
    in_words: bool
    story: str
    email: str
    injection: str


def play(case: Case) -> Ending:
    """Tell one refund from the event to its end."""
    wish = read_wish(case.event)
    order_id = wish.order_id or _ask_for_order(case, wish)
    order = _order(case, order_id)
    _check_person(case, wish, order)
    _check_order(case, order)
    amount = _amount(case, wish, order)
    _check_amount(case, wish, amount, order)
    refund = _pay(case, wish, amount, order)
    return _ending(case, wish, amount, order, refund)


def read_wish(event: Mapping[str, Any]) -> Wish:
    """Return what an event's payload asks for."""
    story = prose(event)
    given = order_number_of(event)
    named = words.find_order_numbers(story)
    order_id = given or (named[0] if len(named) == 1 else "")
    amount, in_words = _wished_amount(event, story)
    return Wish(
        order_id=order_id,
        other_orders=tuple(number for number in named if not _same_order(number, order_id)),
        amount=amount,
        in_words=in_words or not given,
        story=story,
        email=email_of(event),
        injection=words.find_injection("\n".join(words.texts_in(event))),
    )


def order_number_of(event: Mapping[str, Any]) -> str:
    """Return the order number that a field of the payload holds: "1042" also of "#1042" and 1042.0."""
    for path in _ORDER_PATHS:
        raw = text_at(event, path)
        if raw.endswith(".0"):
            raw = raw[:-2]
        if raw and re.search(r"\d", raw) and len(raw) <= 60:
            found = words.find_order_numbers(f"order {raw.lstrip('#')}")
            return found[0] if found and found[0] != raw and not re.fullmatch(r"[\w.-]+", raw) else raw
    return ""


def as_given(event: Mapping[str, Any], number: Any, *paths: str) -> Any:
    """Return the number as the payload spells and types it: rules compare it with its type."""
    return next((raw for path in paths if str(raw := event.get(path)) == str(number)), number)


def _same_order(one: str, other: str) -> bool:
    return one.lstrip("#").lower() == other.lstrip("#").lower()


def _wished_amount(event: Mapping[str, Any], story: str) -> tuple[Amount | None, bool]:
    currency = currency_code(text_at(event, "currency", "currency_code", "amount.currency", "order.currency"))
    if (minor := whole_number(dig(event, *_MINOR_PATHS))) is not None:
        return Amount(minor, currency, f"{minor} minor units"), False
    for path in _AMOUNT_PATHS:
        if (found := read_amount(dig(event, path), currency)) is not None:
            return found, False
    amounts = list(dict.fromkeys((amount.minor, amount.currency) for amount in find_amounts(story)))
    if len(amounts) == 1 and not words.says(story, _WHOLE_ORDER):
        return Amount(*amounts[0], f"{amounts[0][0]} minor units"), True
    return None, True


def _ask_for_order(case: Case, wish: Wish) -> str:
    if wish.other_orders:
        summary = f"The request names several orders ({', '.join(wish.other_orders)}); which one is it?"
    else:
        summary = f"The request names no order. Which order is it? It says: {words.short(wish.story) or 'nothing'}"
    answer = case.ask(summary, why="A refund needs one order.")
    numbers = words.find_order_numbers(answer) or re.findall(r"\b[A-Za-z]{0,4}-?\d{3,12}\b", answer)
    if not numbers:
        case.needs_person("missing_data", f"{summary} The answer names none: {words.short(answer)}")
    return numbers[0] if numbers else ""


def _order(case: Case, order_id: str) -> Mapping[str, Any]:
    found = case.read("get_order", order_id=order_id)
    if found.ok and found.data:
        return found.data
    if found.kind == "missing":
        case.needs_person("missing_data", f"The shop has no order {order_id}. A refund needs one.")
    else:
        case.needs_person("exception", f"Order {order_id} could not be read: {found.said}", priority="high")
    return {"order_id": order_id}


def _check_person(case: Case, wish: Wish, order: Mapping[str, Any]) -> None:
    owner = str(order.get("customer_email", "")).lower()
    if wish.email and owner and wish.email != owner:
        case.needs_person(
            "anomaly", f"{wish.email} asks for a refund of order {order['order_id']}, which somebody else placed."
        )
    for found, what in ((words.find_legal, "legal steps"), (words.find_safety, "harm to a person")):
        if phrase := found(wish.story):
            case.needs_person(
                "policy", f"The customer speaks of {what} (“{words.short(phrase, 60)}”).", priority="urgent"
            )


def _check_order(case: Case, order: Mapping[str, Any]) -> None:
    number, days = order.get("order_id"), order.get("days_since_shipped")
    if order.get("payment_status", "paid") != "paid":
        case.needs_person("policy", f"The payment of order {number} is {order['payment_status']}: nothing to refund.")
    if days is None:
        case.needs_person(
            "policy", f"Order {number} has not been sent (it is {order.get('status')}); cancelling may fit better."
        )
    elif days > WINDOW_DAYS:
        case.needs_person("policy", f"Order {number} was sent {days} days ago; refunds are for the last {WINDOW_DAYS}.")


def _amount(case: Case, wish: Wish, order: Mapping[str, Any]) -> Amount:
    left, currency = int(order.get("refundable_minor", 0)), str(order.get("currency", "EUR"))
    if wish.amount is not None:
        return _in_order_currency(case, wish.amount, left, currency)
    if words.says(wish.story, _WHOLE_ORDER) and not words.says(wish.story, _A_PART) and not find_amounts(wish.story):
        return Amount(left, currency, "everything")
    answer = case.ask(
        f"How much should be refunded on order {order.get('order_id')}? Up to {show(left, currency)} is left. "
        f"The request says: {words.short(wish.story) or 'nothing'}",
        why="The request does not say one clear amount.",
    )
    return _answered_amount(case, answer, left, currency)


def _in_order_currency(case: Case, amount: Amount, left: int, currency: str) -> Amount:
    if amount.said.strip().isdigit() and amount.minor > left >= amount.minor // 100 > 0:
        answer = case.ask(
            f"The request says {amount.said}: is that {show(amount.minor, currency)} or {show(amount.minor // 100, currency)}? "
            f"{show(left, currency)} is left.",
            why="The amount may be in cents.",
        )
        return _answered_amount(case, answer, left, currency)
    return Amount(amount.minor, amount.currency or currency, amount.said)


def _answered_amount(case: Case, answer: str, left: int, currency: str) -> Amount:
    amounts = find_amounts(answer)
    plain = re.findall(r"(?<![\w.,])\d+(?:[.,]\d{1,2})?(?![\w.,]*\d)", answer)
    if amounts:
        return amounts[0]
    if words.says(answer, (*_WHOLE_ORDER, r"\b(?:everything|full|all|alles|whole|komplett)\b")):
        return Amount(left, currency, "everything")
    found = read_amount(plain[0], currency) if plain else None
    if found is None:
        case.needs_person("missing_data", f"No amount could be read from the answer: {words.short(answer)}")
    return found or Amount(left, currency, "everything")


def _check_amount(case: Case, wish: Wish, amount: Amount, order: Mapping[str, Any]) -> None:
    number, left = order.get("order_id"), int(order.get("refundable_minor", 0))
    currency = str(order.get("currency", amount.currency))
    if amount.currency != currency:
        case.needs_person("anomaly", f"The request is in {amount.currency}, order {number} was paid in {currency}.")
    if left <= 0:
        case.needs_person("anomaly", f"Order {number} has been refunded in full already.")
    if amount.minor <= 0:
        case.needs_person("missing_data", f"{amount.said} is not an amount that can be refunded.")
    if amount.minor > left:
        case.needs_person(
            "anomaly",
            f"The request is for {show(amount.minor, amount.currency)}; only {show(left, currency)} of order {number} is left.",
        )
    if any(_is_same_refund(refund, amount) for refund in order.get("refunds", ())):
        case.needs_person(
            "anomaly",
            f"{show(amount.minor, amount.currency)} was refunded on order {number} before; is this the same wish again?",
        )


def _is_same_refund(refund: Mapping[str, Any], amount: Amount) -> bool:
    return refund.get("status") == "paid" and refund.get("amount_minor") == amount.minor


def _pay(case: Case, wish: Wish, amount: Amount, order: Mapping[str, Any]) -> Mapping[str, Any]:
    said = show(amount.minor, amount.currency)
    arguments = {
        "order_id": as_given(case.event, order.get("order_id"), "order_id"),
        "amount_minor": amount.minor,
        "currency": amount.currency,
        "requested_by": _requested_by(case.event),
        "note": words.short(wish.story, 300) or None,
    }
    reason = f"Order {order.get('order_id')} was sent {order.get('days_since_shipped')} days ago; {said} is within what is left."
    outcome = case.act("refund_order", arguments, reason=reason + _remark(wish), confidence=_confidence(wish, amount))
    return must_succeed(
        case, outcome, f"the refund of {said}", order_id=order.get("order_id"), amount_minor=amount.minor
    )


def _requested_by(event: Mapping[str, Any]) -> str | None:
    """Return who asks, letter by letter as the event says it; None where it says no plain address."""
    customer = event.get("customer")
    email = customer.get("email") if isinstance(customer, Mapping) else None
    return email if isinstance(email, str) and words.find_emails(email) == [email.lower()] else None


def _remark(wish: Wish) -> str:
    if wish.injection:
        return f" The request tries to give orders (“{words.short(wish.injection, 60)}”); they were ignored."
    return " The customer is angry." if words.find_anger(wish.story) else ""


def _confidence(wish: Wish, amount: Amount) -> float:
    if wish.injection:
        return 0.55
    if wish.in_words:
        return 0.78
    stated = [found.minor for found in find_amounts(wish.story)]
    return 0.95 if not stated or amount.minor in stated else 0.8


def _ending(case: Case, wish: Wish, amount: Amount, order: Mapping[str, Any], refund: Mapping[str, Any]) -> Ending:
    said = f"Refunded {show(amount.minor, amount.currency)} on order {order.get('order_id')}.{_remark(wish)}"
    if wish.other_orders and wish.order_id:
        others = ", ".join(wish.other_orders)
        case.needs_person("exception", f"{said} The customer also writes about {others}.")
    parameters = {
        "order_id": order.get("order_id"),
        "amount_minor": amount.minor,
        "currency": amount.currency,
        "refund_id": refund.get("refund_id", ""),
    }
    return Ending("refunded", _confidence(wish, amount), said, parameters)


def show(minor: int, currency: str) -> str:
    """Return an amount as people read it."""
    if currency in ("JPY", "KRW", "CLP", "VND", "ISK", "HUF"):
        return f"{minor:,} {currency}"
    return f"{minor // 100:,}.{minor % 100:02d} {currency}"
