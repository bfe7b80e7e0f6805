"""Orders: payment, address, stock, then pick list and tracking; or backorder, supplier, cancellation; or a person."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from agents.providers.offline import text as words
from agents.providers.offline.case import Case, Ended, Ending, Outcome
from agents.providers.offline.endings import must_succeed
from agents.providers.offline.payload import dig, email_of, given_email, kind_of, prose, text_at
from agents.providers.offline.refunds import as_given, order_number_of, show

LONGEST_BACKORDER_DAYS = 14
_DONE = ("ready", "shipped", "delivered", "dropshipped")
_CANCEL = (
    r"\bcancel(?:l?ed|l?ation|l?ing)?\b|\bstornier\w*|\bstorno\b|\bannul(?:er|ation|lieren|liert)\w*|\bannuler\b|\bcancelar\b|\bannullare\b",
    r"\b(?:do not|don'?t) (?:ship|send)\b|\bnicht (?:mehr )?(?:versenden|liefern|schicken)\b|\bwiderruf\w*",
)
_CHANGE = (
    r"\b(?:change|different|new|another|wrong) (?:delivery |shipping )?address\b|\b(?:andere|neue|falsche) (?:liefer)?adresse\b|\badresse (?:ändern|geändert)\b",
    r"\b(?:ship|send|deliver) (?:it |this |the order )?to (?:a )?(?:different|another|new)\b",
    r"\bnot (?:to )?(?:the |my |our )?(?:billing|invoice|home|usual|old) address\b|\b(?:ship|send|deliver)\b[^.\n]{0,30}\bto (?:my|our) (?:\w+ )?(?:office|work|neighbou?rs?|daughter|son|wife|husband|mother|father|parents|friends?|brother|sister|hotel)\b|\b(?:i|we)(?:'ve| have)? moved\b",
    r"\bnicht an (?:die|meine|unsere) (?:rechnungs|alte|bisherige|liefer)\w*|\ban (?:mein|unser)\w* (?:\w+ )?(?:büro|arbeit\w*|nachbar\w*|tochter|sohn|frau|mann|mutter|vater|eltern|freund\w*|bruder|schwester|hotel)\b|\bumgezogen\b|\b(?:liefer)?(?:adresse|anschrift)\b[^.\n]{0,40}\b(?:falsch|geändert|ändern|stimmt nicht)\b",
)
# A house number, a postal code and a town in one sentence: an address that somebody wrote by hand.
_WRITTEN_ADDRESS = re.compile(r"\b\w[\w.\-]*\s\d{1,4}\s?[a-z]?,?\s+(?:[A-Z]{1,2}-)?(\d{4,5})\s+[A-ZÄÖÜ]\w+")
_LISTS = ("order_ids", "orders", "order_numbers", "ids", "bestellungen")


def play(case: Case) -> Ending:
    """Tell one order event from its arrival to its end."""
    numbers = _numbers(case.event)
    if _wants_cancelling(case.event):
        return _cancel_several(case, numbers) if len(numbers) > 1 else _cancel_one(case, numbers)
    if len(numbers) > 1:
        case.needs_person("exception", f"The event is about several orders at once: {', '.join(numbers)}.")
    return _process(case, numbers[0] if numbers else "")


def _numbers(event: Mapping[str, Any]) -> list[str]:
    for path in _LISTS:
        listed = dig(event, path)
        if isinstance(listed, list) and listed:
            numbers = [order_number_of(row) if isinstance(row, Mapping) else str(row) for row in listed]
            return [number for number in dict.fromkeys(numbers) if number]
    one = order_number_of(event) or text_at(event, "id", "number")
    return [one] if one else words.find_order_numbers(prose(event))


def _wants_cancelling(event: Mapping[str, Any]) -> bool:
    kind = kind_of(event)
    if "cancel" in kind or "storn" in kind:
        return True
    return bool(words.says(prose(event), _CANCEL)) and not words.says(
        prose(event), (r"\bnot? cancel", r"\bnicht stornier")
    )


def _process(case: Case, number: str) -> Ending:
    if not number:
        case.needs_person("missing_data", "The event names no order.")
    order = _order_or_import(case, number)
    _check_status(order)
    _check_payment(case, order)
    _check_address(case, order)
    _check_words(case, order)
    short_of = _short_of(case, order)
    return _without_stock(case, order, short_of) if short_of else _fulfil(case, order)


def _order_or_import(case: Case, number: str) -> Mapping[str, Any]:
    found = case.read("get_order", order_id=number)
    if found.ok and found.data:
        return found.data
    if found.kind != "missing":
        case.needs_person("exception", f"Order {number} could not be read: {found.said}", priority="high")
    return _import(case, number)


def _import(case: Case, number: str) -> Mapping[str, Any]:
    """Take an order into the books that so far only the channel knows; its parts go over exactly as they came."""
    event = case.event
    lines, email = dig(event, "lines", "items", "line_items"), given_email(event)
    if not case.offers("import_order") or not isinstance(lines, list) or not email:
        case.needs_person("missing_data", f"The shop has no order {number}, and the event does not say all of it.")
        raise Ended(Ending("unknown_order", 0.9, f"The shop has no order {number}.", {"order_id": number}))
    arguments = {
        **_about(case, number),
        "customer_email": email,
        "customer_name": text_at(event, "customer.name", "name") or None,
        "lines": [_line(line) for line in lines],
        "payment_status": text_at(event, "payment_status", "payment.status") or None,
        "service_level": text_at(event, "service_level", "shipping_method", "sla") or None,
        "address": _address(event),
    }
    reason = f"The channel announced order {number}; the shop does not have it yet."
    outcome = case.act("import_order", arguments, reason=reason, confidence=0.9)
    return must_succeed(case, outcome, f"order {number} into the books", order_id=number)


def _line(line: Any) -> Any:
    if not isinstance(line, Mapping) or "sku" in line:
        return line
    sku = text_at(line, "sku", "article", "product_id", "product.sku", "item", "code")
    quantity = dig(line, "quantity", "qty", "count", "menge", "amount")
    return {"sku": sku, "quantity": quantity if isinstance(quantity, (int, str)) else 1}


def _address(event: Mapping[str, Any]) -> Any:
    address = dig(event, "address", "shipping_address", "delivery_address", "customer.address")
    return address if isinstance(address, Mapping) else None


def _check_status(order: Mapping[str, Any]) -> None:
    status = str(order.get("status", "new"))
    if status in _DONE:
        said = f"Order {order.get('order_id')} is {status} already; nothing to do."
        raise Ended(Ending("already_processed", 0.97, said, _facts(order)))
    if status == "cancelled":
        raise Ended(Ending("already_cancelled", 0.97, f"Order {order.get('order_id')} is cancelled.", _facts(order)))


def _check_payment(case: Case, order: Mapping[str, Any]) -> None:
    recorded = str(order.get("payment_status") or "unknown").lower()
    announced = text_at(case.event, "payment_status", "payment.status").lower()
    if recorded != "paid":
        case.needs_person("exception", f"The payment of order {order.get('order_id')} is {recorded}.", priority="high")
    if announced in ("declined", "failed", "refused", "pending", "chargeback", "abgelehnt", "unpaid", "voided"):
        case.needs_person(
            "anomaly",
            f"The event says the payment of order {order.get('order_id')} is {announced}; the shop says {recorded}.",
            priority="high",
        )


def _check_address(case: Case, order: Mapping[str, Any]) -> None:
    if not order.get("address_complete", True):
        missing = ", ".join(order.get("address_missing") or ()) or "a part"
        case.needs_person("missing_data", f"The address of order {order.get('order_id')} lacks: {missing}.")


def _check_words(case: Case, order: Mapping[str, Any]) -> None:
    """The customer's note may hold what a parcel clerk must not decide."""
    said = "\n".join([prose(case.event), str(order.get("note") or "")])
    if phrase := words.find_legal(said):
        case.needs_person(
            "policy", f"The customer speaks of legal steps (“{words.short(phrase, 60)}”).", priority="urgent"
        )
    if phrase := words.says(said, _CHANGE):
        case.needs_person("exception", f"The customer writes about another address (“{words.short(phrase, 60)}”).")
    if written := _another_address(said, order):
        case.needs_person("exception", f"The customer writes of an address that is not the order's (“{written}”).")
    owner, email = str(order.get("customer_email", "")).lower(), email_of(case.event)
    if email and owner and email != owner:
        case.needs_person("anomaly", f"The event names {email}, but order {order.get('order_id')} is somebody else's.")
    if _note(case) or words.find_injection(said):
        case.most_confident = 0.55


def _another_address(said: str, order: Mapping[str, Any]) -> str:
    """Return an address in the text whose postal code is not that of the order."""
    address = order.get("address")
    known = str(address.get("postal_code") or "") if isinstance(address, Mapping) else ""
    found = _WRITTEN_ADDRESS.finditer(said[: words.MAX_CHARS])
    return next((words.short(match.group(), 60) for match in found if match[1] != known), "")


def _short_of(case: Case, order: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the stock record of every line that the shelf cannot fill, with what is wanted of it."""
    if order.get("status") == "picking" or order.get("pick_list_id"):
        return []
    lines = [line for line in order.get("lines", ()) if isinstance(line, Mapping)]
    answers = case.read_all([("get_stock", {"sku": line.get("sku")}) for line in lines])
    return [
        {**answer.data, "sku": line.get("sku"), "wanted": line.get("quantity", 1)}
        for line, answer in zip(lines, answers, strict=True)
        if int(answer.data.get("available") or 0) < int(line.get("quantity") or 1)
    ]


def _fulfil(case: Case, order: Mapping[str, Any]) -> Ending:
    """Pick list, then shipment: with a tracking number the order is ready."""
    number, total = order.get("order_id"), _total(order)
    reason = f"Order {number} over {total} is paid, its address is complete and all lines are in stock.{_note(case)}"
    if not order.get("pick_list_id"):
        picked = case.act("create_pick_list", _about(case, number), reason=reason, confidence=0.95)
        must_succeed(case, picked, f"the pick list of order {number}", order_id=number)
    service = "express" if _is_pressing(order) else "standard"
    shipped = case.act(
        "create_shipment",
        {**_about(case, number), "service": service},
        reason=f"Order {number} is picked; it must leave within {order.get('hours_to_ship_by')} hours.",
        confidence=0.95,
    )
    record = must_succeed(case, shipped, f"the shipment of order {number}", order_id=number)
    if _is_late(order):
        _tell(case, f"Order {number} is past its time for leaving; it is ready now, tracking {record.get('tracking')}.")
    said = f"Order {number} is ready for fulfilment, tracking {record.get('tracking', 'recorded')}.{_note(case)}"
    return Ending("ready", 0.95, said, {**_facts(order), "tracking": record.get("tracking", ""), "service": service})


def _is_pressing(order: Mapping[str, Any]) -> bool:
    hours = order.get("hours_to_ship_by")
    return order.get("service_level") == "express" or (isinstance(hours, int) and hours < 12)


def _is_late(order: Mapping[str, Any]) -> bool:
    hours = order.get("hours_to_ship_by")
    return isinstance(hours, int) and hours < 0


def _without_stock(case: Case, order: Mapping[str, Any], short_of: Sequence[Mapping[str, Any]]) -> Ending:
    """Let the supplier send it, else wait for the goods, else give the order up."""
    missing = ", ".join(f"{row['sku']} ({row.get('available') or 0} of {row['wanted']})" for row in short_of)
    days = [row.get("restock_days") for row in short_of]
    if all(row.get("dropship_supplier") for row in short_of):
        return _settle(case, order, "dropship_order", {}, "dropshipped", f"{missing}: its supplier sends it directly.")
    if all(isinstance(wait, int) and wait <= LONGEST_BACKORDER_DAYS for wait in days):
        expected = max(wait for wait in days if isinstance(wait, int))
        why = f"{missing} is missing and expected in {expected} days."
        return _settle(case, order, "backorder_order", {"expected_days": expected}, "backordered", why)
    if any(isinstance(wait, int) for wait in days) or len(short_of) < len(order.get("lines", ())):
        case.needs_person("exception", f"{missing} is missing for long, or only in part; the customer should choose.")
    return _settle(case, order, "cancel_order", {}, "cancelled", f"{missing} is gone for good and no supplier has it.")


def _settle(
    case: Case, order: Mapping[str, Any], operation: str, more: Mapping[str, Any], decision: str, why: str
) -> Ending:
    number = order.get("order_id")
    if operation == "backorder_order" and order.get("status") == "backordered":
        return Ending("backordered", 0.9, f"Order {number} waits for stock already. {why}", _facts(order))
    outcome = case.act(operation, {**_about(case, number), **more}, reason=why + _note(case), confidence=0.88)
    must_succeed(case, outcome, f"order {number} being {decision}", order_id=number)
    _tell(case, f"Order {number}: {decision}. {why}")
    return Ending(decision, 0.88, f"Order {number} is {decision}. {why}{_note(case)}", _facts(order))


def _cancel_one(case: Case, numbers: Sequence[str]) -> Ending:
    if not numbers:
        case.needs_person(
            "missing_data", f"Something should be cancelled, but no order is named: {words.short(prose(case.event))}"
        )
    found = case.read("get_order", order_id=numbers[0] if numbers else "")
    if not found.ok:
        case.needs_person("missing_data", f"The order to cancel could not be read: {found.said or numbers}")
    order = found.data
    if order.get("status") == "cancelled":
        return Ending("already_cancelled", 0.97, f"Order {order.get('order_id')} is cancelled already.", _facts(order))
    if order.get("status") in _DONE:
        case.needs_person(
            "exception",
            f"Order {order.get('order_id')} is {order['status']}; it is too late to cancel, a return may fit.",
        )
    _check_words(case, order)
    why = f"Its cancelling was asked for before it left: {words.short(prose(case.event), 120) or kind_of(case.event)}"
    return _settle(case, order, "cancel_order", {}, "cancelled", why)


def _cancel_several(case: Case, numbers: Sequence[str]) -> Ending:
    reason = (
        f"The event asks to cancel {len(numbers)} orders: {words.short(prose(case.event), 160) or ', '.join(numbers)}"
    )
    wanted = dig(case.event, *_LISTS)
    listed = wanted if isinstance(wanted, list) and all(isinstance(number, str) for number in wanted) else list(numbers)
    outcome: Outcome = case.act("cancel_orders", {"order_ids": listed}, reason=reason, confidence=0.85)
    must_succeed(case, outcome, f"cancelling {len(numbers)} orders", order_ids=list(numbers))
    return Ending(
        "cancelled", 0.85, f"Cancelled {len(numbers)} orders: {', '.join(numbers)}.", {"order_ids": list(numbers)}
    )


def _about(case: Case, number: Any) -> dict[str, Any]:
    return {"order_id": as_given(case.event, number, "order_id")}


def _tell(case: Case, text: str) -> None:
    """Post a line to the warehouse; an order does not fail because nobody could be told."""
    if case.offers("post_notice"):
        case.act(
            "post_notice", {"channel": "fulfilment", "text": text}, reason="The warehouse should know.", confidence=0.95
        )


def _note(case: Case) -> str:
    phrase = words.find_injection("\n".join(words.texts_in(case.event)))
    return f" The event tries to give orders (“{words.short(phrase, 60)}”); they were ignored." if phrase else ""


def _total(order: Mapping[str, Any]) -> str:
    return show(int(order.get("total_minor") or 0), str(order.get("currency", "EUR")))


def _facts(order: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "order_id": order.get("order_id"),
        "total_minor": order.get("total_minor"),
        "currency": order.get("currency"),
    }
