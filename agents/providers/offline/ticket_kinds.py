"""What a ticket wants, from its words: one or several kinds, most pressing first. Pure."""

from dataclasses import dataclass

from agents.providers.offline import text as words


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of request: which people take it, how urgent it is, and whether we may answer it ourselves."""

    name: str
    queue: str
    priority: str
    patterns: tuple[str, ...]
    answerable: bool = False


# In order of weight: where a ticket wants several things, the first here leads.
KINDS: tuple[Kind, ...] = (
    Kind(
        "cancellation",
        "logistics",
        "high",
        (
            r"\bcancel(?:l?ed|l?ing|l?ation)?\b|\b(?:do not|don'?t) (?:ship|send) (?:it|my|the)\b",
            r"\bstornier\w*|\bstorno\b|\bbestellung (?:\w+ )?(?:widerrufen|zurückziehen)\b|\bkündig\w*|\bwiderruf\w*",
            r"\bannuler\b|\bannulation\b|\bcancelar\b|\bannullare\b",
        ),
    ),
    Kind(
        "billing",
        "billing",
        "high",
        (
            r"\b(?:charged|billed|debited) (?:me )?(?:twice|double|too much|wrong\w*|again)\b|\bdouble charge\b|\bwrong (?:amount|charge|invoice)\b|\bovercharged\b|\binvoice (?:is |seems |was )?(?:wrong|incorrect)\b",
            r"\b(?:doppelt|zweimal|falsch|zu viel) (?:abgebucht|belastet|berechnet|eingezogen)\b|\bdoppelte abbuchung\b|\bfalsche (?:rechnung|abbuchung|abrechnung)\b|\brechnung (?:ist |stimmt )?(?:falsch|nicht)\b|\bmahnung\b",
            r"\b(?:débité|prélevé|facturé) (?:deux fois|en double)\b|\bcobrado dos veces\b",
            r"\b(?:reminder fee|late fee|mahngebühr\w*)\b|\b(?:change|correct|update) (?:the )?(?:company name|vat|tax)\b|\b(?:ust-?id|umsatzsteuer)\b",
        ),
    ),
    Kind(
        "damage",
        "support",
        "high",
        (
            r"\b(?:arrived|was|came|is|are|were) (?:\w+ )?(?:broken|damaged|cracked|shattered|smashed|scratched|dented)\b|\bin pieces\b|\bmissing (?:item|part|piece|from)\b|\bwrong (?:item|product|colou?r|size|article)\b|\breceived (?:a |the )?(?:different|wrong)\b",
            r"\b(?:kaputt|beschädigt|zerbrochen|zerkratzt|gesprungen|bruch)\b|\bfalsche[rsnm]? (?:artikel|produkt|ware|farbe|größe)\b|\bfehl(?:t|en) (?:ein|der|die|das|noch|im|in)\b|\bunvollständig\b",
            r"\b(?:cassé\w*|abîmé\w*|endommagé\w*|roto|rota|dañado|rotto|danneggiato)\b",
        ),
    ),
    Kind(
        "refund",
        "refunds",
        "normal",
        (
            r"\brefund(?:ed|s|ing)?\b|\bmoney back\b|\breimburse\w*",
            r"\b(?:rück)?erstatt\w*|\bgeld zurück\b|\brückzahlung\b|\bgutschrift\b",
            r"\brembours\w*|\breembols\w*|\brimborso\b",
        ),
    ),
    Kind(
        "technical",
        "technical",
        "normal",
        (
            r"\b(?:leak(?:s|ing)?|doesn'?t (?:work|turn on|start|heat)|not (?:working|heating|turning on)|stopped working|error (?:code|message)|defect\w*|won'?t (?:start|turn|work)|malfunction\w*|no longer (?:works|heats))\b",
            r"\b(?:defekt\w*|funktioniert (?:\w+ )?nicht|geht (?:\w+ )?nicht(?: mehr)?(?: an)?|undicht|tropft|leckt|fehlermeldung|fehlercode|heizt nicht|startet nicht|läuft aus|ausgefallen)\b",
            r"\b(?:ne (?:marche|fonctionne|chauffe) (?:plus|pas)|en panne|fuite|no funciona|non funziona)\b",
        ),
    ),
    Kind(
        "order_status",
        "logistics",
        "normal",
        (
            r"\bwhere(?:'s| is| are| has| have)? (?:\w+ ){0,2}(?:order|parcel|package|delivery|stuff|shipment)\b|\btrack(?:ing)?(?: number| link| code)?\b|\b(?:status|state) of (?:my |the )?(?:order|delivery|parcel|shipment)\b|\border status\b|\bwhen (?:will|does|is|can) (?:\w+ ){0,4}(?:arrive|delivered|come|ship|sent|shipped)\b|\b(?:not|never|hasn'?t|haven'?t|still) (?:\w+ ){0,3}(?:arrived|received|delivered|shipped|got|waiting)\b|\bhas (?:it|my order) (?:been )?(?:shipped|sent|left)\b|\bwaiting for my\b",
            r"\bwo (?:bleibt|ist|sind|steckt)\b|\bsendungs(?:nummer|verfolgung|status)\b|\b(?:noch )?nicht (?:angekommen|geliefert|erhalten|da|eingetroffen|bekommen)\b|\bwann (?:kommt|wird|kann|ist|erhalte|bekomme|trifft)\b|\blieferstatus\b|\bbestellstatus\b|\bstand (?:der|meiner) (?:bestellung|lieferung)\b|\bschon (?:versandt|verschickt|unterwegs|versendet)\b|\bwarte (?:\w+ ){0,3}auf\b|\bpaket (?:ist )?(?:verloren|weg)\b",
            r"\boù (?:est|en est|se trouve)\b|\bsuivi\b|\bpas (?:encore )?(?:reçu|arrivée?|livrée?)\b|\bdónde está\b|\bdov'?è\b",
        ),
        answerable=True,
    ),
    Kind(
        "account",
        "support",
        "normal",
        (
            r"\b(?:password|log ?in|sign ?in|locked out|my account)\b",
            r"\b(?:passwort|kennwort|anmeld\w*|einlogg\w*|login|konto gesperrt|mein konto)\b",
            r"\b(?:mot de passe|contraseña)\b",
        ),
        answerable=True,
    ),
    Kind(
        "question",
        "support",
        "low",
        (
            r"\b(?:how|what|which|can i|do you|is there|are there|could you|where (?:can|do))\b|\?",
            r"\b(?:wie|was|welche\w*|kann ich|gibt es|haben sie|könnten sie|woher|wo finde)\b",
            r"\b(?:comment|quel\w*|puis-je|cómo|come)\b",
            r"\b(?:invoice|receipt|rechnung|facture|newsletter|descal\w*|entkalk\w*|warranty|garantie|gift card|gutschein|discount|rabatt)\b",
        ),
        answerable=True,
    ),
)

OTHER = Kind("other", "support", "normal", ())
_PRECEDENCE = {
    "refund": ("damage",),
    "question": ("order_status", "account", "technical", "refund", "damage", "cancellation", "billing"),
}
_JUST_ASKING = (
    r"\bhow (?:do|can|would|long|does) (?:i |you |the |it |a )?(?:\w+ ){0,3}(?:return|refund|cancel|send)",
    r"\b(?:what is|what'?s|do you have) (?:your |a )?(?:return|refund|cancell?ation) (?:policy|period)",
    r"\bwie (?:kann|funktioniert|läuft|geht|lange)\b[^.?!]{0,40}(?:rückgabe|retour|zurück(?:schicken|geben|senden)|rücksend|widerruf)\w*",
)


def kinds_in(text: str) -> list[Kind]:
    """Return what the text wants, the weightiest first; a question about returning is a question, not a demand."""
    found = [kind for kind in KINDS if words.says(text, kind.patterns)]
    if words.says(text, _JUST_ASKING) and not words.says(text, (r"\border \w*\d{3}|bestellung \w*\d{3}",)):
        found = [kind for kind in found if kind.name not in ("refund", "cancellation")]
    names = {kind.name for kind in found}
    return [kind for kind in found if not names & set(_PRECEDENCE.get(kind.name, ()))] or [OTHER]
