"""What customers are written, in their language: where an order is, and what the knowledge base says. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from agents.providers.offline import text as words

FITS_FROM_PERCENT = 20
_TOPICS = {
    "delivery-times": (r"deliver|ship|arriv|versand|liefer|livraison|expédi|envío|dauert|lange",),
    "return-period": (r"return|send (?:it |this )?back|rückgab|retour|zurück(?:schick|geb|send)|rücksend|widerruf|renvoyer|devol",),
    "reset-password": (r"passwor|passwort|kennwort|log ?in|sign ?in|anmeld|einlogg|mot de passe|contraseña|locked out|gesperrt",),
    "invoice-copy": (r"invoice|receipt|rechnung|beleg|quittung|facture|factura|fattura",),
    "grinder-setting": (r"grind(?!er (?:broke|leak))|mahl|mühle|mouture|coarse|fineness",),
    "descale-machine": (r"descal|entkalk|lime ?scale|kalk|détartr|limescale|clean(?:ing)? (?:my |the )?(?:machine|espresso)",),
    "warranty": (r"warrant|guarantee|garantie|gewährleist|garantía|garanzia",),
    "payment-methods": (r"pay (?:by|with|on)|payment (?:method|option)|zahlungsart|zahlungsmöglich|bezahl\w* (?:mit|per|auf)|(?:per|mit|auf) (?:rechnung|paypal|karte)|paypal|moyens? de paiement",),
    "change-address": (r"(?:change|update|correct|new).{0,25}address|address.{0,25}(?:change|wrong)|adresse.{0,25}(?:änder|falsch|neu)|(?:änder|neu|falsch)\w*.{0,25}adresse|umgezogen|umzug|moved",),
    "bulk-discount": (r"discount|bulk|rabatt|mengenpreis|staffel|remise|descuento|volume pric",),
    "newsletter-leave": (r"newsletter|unsubscrib|abmelden|abbestell|désabonn|mailing list",),
    "gift-cards": (r"gift ?card|voucher|gutschein|geschenkkarte|carte.cadeau|redeem",),
}  # fmt: skip


def best_article(articles: Sequence[Any], text: str, language: str) -> Mapping[str, Any] | None:
    """Return the page that answers the question in the language of the letter; None when none clearly does.

    Letters are German or English: a German letter around an English page would be read by nobody with pleasure.
    """
    spoken = "de" if language == "de" else "en"
    fitting = [page for page in articles if isinstance(page, Mapping) and _fits(page, text)]
    return next((page for page in fitting if str(page.get("language") or "en") == spoken), None)


def _fits(page: Mapping[str, Any], text: str) -> bool:
    topic = _TOPICS.get(str(page.get("slug", "")).removesuffix("-de"))
    score = _percent(page)
    return bool(words.says(text, topic)) if topic else score >= 2 * FITS_FROM_PERCENT


def _percent(page: Mapping[str, Any]) -> int:
    value = page.get("score_percent", page.get("score", 0))
    return int(value) if isinstance(value, (int, float)) else 0


def confidence_in(page: Mapping[str, Any]) -> float:
    """Return how sure an answer from this page is: the more of the question's words it knows, the surer."""
    return round(min(0.8 + _percent(page) / 500, 0.93), 2)


def from_article(page: Mapping[str, Any], language: str, name: str) -> str:
    return _letter(str(page.get("body", "")), language, name)


def order_status(order: Mapping[str, Any], language: str, name: str) -> str:
    """Return where an order is, in one paragraph."""
    return _letter(_status_sentence(order, language), language, name)


def _status_sentence(order: Mapping[str, Any], language: str) -> str:
    sentences = _GERMAN if language == "de" else _ENGLISH
    status = str(order.get("status", "new"))
    said = sentences.get(status, sentences["new"]).format(number=order.get("order_id"))
    if order.get("tracking") and status in ("ready", "shipped", "delivered"):
        said += (" Sendungsnummer: " if language == "de" else " Tracking number: ") + str(order["tracking"]) + "."
    return said


_ENGLISH = {
    "new": "we have your order {number} and are about to prepare it.",
    "picking": "your order {number} is being packed in our warehouse right now.",
    "ready": "your order {number} is packed and waits for the carrier.",
    "shipped": "your order {number} is on its way to you.",
    "delivered": "according to the carrier your order {number} has been delivered.",
    "backordered": "a part of your order {number} is being restocked; we send it as soon as it is here.",
    "dropshipped": "your order {number} is sent to you directly by our supplier.",
    "cancelled": "your order {number} has been cancelled.",
}
_GERMAN = {
    "new": "wir haben Ihre Bestellung {number} erhalten und bereiten sie gerade vor.",
    "picking": "Ihre Bestellung {number} wird gerade in unserem Lager gepackt.",
    "ready": "Ihre Bestellung {number} ist gepackt und wartet auf den Paketdienst.",
    "shipped": "Ihre Bestellung {number} ist unterwegs zu Ihnen.",
    "delivered": "Ihre Bestellung {number} wurde laut Paketdienst zugestellt.",
    "backordered": "ein Teil Ihrer Bestellung {number} wird gerade nachgeliefert; wir senden sie, sobald er da ist.",
    "dropshipped": "Ihre Bestellung {number} schickt Ihnen unser Lieferant direkt.",
    "cancelled": "Ihre Bestellung {number} wurde storniert.",
}


def _letter(said: str, language: str, name: str) -> str:
    if language == "de":
        return (
            f"Guten Tag {name},".replace(" ,", ",")
            + f"\n\n{said}\n\nFalls das Ihre Frage nicht klärt, antworten Sie einfach auf diese Nachricht."
            + "\n\nDiese Antwort hat ein Assistenzsystem geschrieben."
        )
    return (
        f"Hello {name},".replace(" ,", ",")
        + f"\n\n{said}\n\nIf this does not answer your question, simply reply to this message."
        + "\n\nThis answer was written by an assistant system."
    )
