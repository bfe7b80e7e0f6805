"""What free text says: order numbers, addresses, moods, languages, and attempts to give orders. Pure, no model.

Foreign text is only ever data here. What reads like an instruction to an agent is noticed and reported.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

MAX_CHARS = 20_000

_ORDER_WORDS = (
    r"orders?|bestellungen|bestellung|bestell-?nr|bestellnummern?|auftr(?:a|ä)ge?|auftragsnummer|commandes?|pedidos?|ordine|"
    r"purchase|order-?id|ordernummer|bestelling|zam(?:ó|o)wieni[ae]"
)
_NUMBER_WORDS = r"(?:number|numbers|nummern?|no\.?|nr\.?|num(?:é|e)ro|n°|id|is|ist|lautet|est|:|#|\s)*"
_ORDER_ID = r"[A-Za-z]{0,5}-?\d[\dA-Za-z]*(?:-\d+)*"
_AFTER_WORD = re.compile(rf"(?<!\w)(?:{_ORDER_WORDS}){_NUMBER_WORDS}\s*({_ORDER_ID})", re.IGNORECASE)
_MORE = re.compile(
    rf"\s*(?:,|and|und|et|y|e|&|/|\+|as well as|sowie)\s*(?:{_NUMBER_WORDS})({_ORDER_ID})", re.IGNORECASE
)
_HASH = re.compile(r"(?<!\w)#\s?([A-Za-z]{0,5}-?\d{3,12})(?!\w)")
_EMAIL = re.compile(r"[\w.+'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_UNITS_AFTER = re.compile(
    r"\s*(?:€|eur|euro|usd|\$|%|days?|tage?n?|weeks?|wochen?|x\b|st(?:ü|u)ck|times|mal\b|hours?|stunden)", re.IGNORECASE
)


def find_order_numbers(text: str) -> list[str]:
    """Return the order numbers that the text names, in order, each once. A count or an amount is none."""
    found: list[str] = []
    for match in _AFTER_WORD.finditer(text[:MAX_CHARS]):
        if _UNITS_AFTER.match(text, match.end()) or not _looks_like_number(match[1]):
            continue
        found.append(match[1])
        found.extend(_listed_after(text, match.end()))
    found += [match[1] for match in _HASH.finditer(text[:MAX_CHARS])]
    return list(dict.fromkeys(number.strip("-") for number in found))


def _looks_like_number(said: str) -> bool:
    return sum(character.isdigit() for character in said) >= 3


def _listed_after(text: str, at: int) -> Iterator[str]:
    while (more := _MORE.match(text, at)) and _looks_like_number(more[1]):
        if _UNITS_AFTER.match(text, more.end()):
            return
        yield more[1]
        at = more.end()


def find_emails(text: str) -> list[str]:
    return list(dict.fromkeys(match.group().strip(".'").lower() for match in _EMAIL.finditer(text[:MAX_CHARS])))


def texts_in(value: Any, depth: int = 0) -> Iterator[str]:
    """Yield every text in a payload, wherever it stands."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping) and depth < 12:
        for child in value.values():
            yield from texts_in(child, depth + 1)
    elif isinstance(value, (list, tuple)) and depth < 12:
        for child in value:
            yield from texts_in(child, depth + 1)


def says(text: str, patterns: Iterable[str]) -> str:
    """Return the first phrase of the text that one of the patterns finds, empty when none does."""
    for pattern in patterns:
        if match := re.search(pattern, text[:MAX_CHARS], re.IGNORECASE):
            return match.group().strip()
    return ""


_INJECTION = (
    r"(?:ignore|disregard|forget|override|bypass)\b[^.\n]{0,40}\b(?:instruction|rule|prompt|polic|guideline|limit|above|previous|restriction)\w*",
    r"(?:ignorier\w*|vergiss|vergessen sie|missachte\w*|umgeh\w*)\b[^.\n]{0,40}\b(?:anweisung|regel|vorgabe|instruktion|richtlinie|limit|bisherige)\w*",
    r"(?:ignore[zr]?|oublie[zr]?)\b[^.\n]{0,40}\b(?:instructions?|consignes?|r(?:è|e)gles?)\b",
    r"(?:ignora|olvida)\b[^.\n]{0,40}\b(?:instrucciones|reglas)\b",
    r"you are (?:now|no longer) (?:an?|the|in|my)\b",
    r"du bist (?:jetzt|nun|ab sofort) (?:ein|der|die|im)\b",
    r"\b(?:system|developer|admin(?:istrator)?) ?(?:prompt|message|mode|override|note|instruction)\b",
    r"(?m)^[ \t]{0,20}(?:system|assistant|developer)[ \t]{0,20}[:>]",
    r"<\|?/?(?:im_start|im_end|system|assistant|foreign|instructions?)\b",
    r"\[/?(?:inst|system|admin)\]",
    r"\b(?:pre-?approved|already approved|approved by (?:the )?(?:ceo|manager|management|finance|admin))\b",
    r"\b(?:bereits|schon|vorab) (?:genehmigt|freigegeben)\b|\b(?:vom|von der) (?:chef|gesch(?:ä|ae)ftsf(?:ü|ue)hrung|management) (?:genehmigt|freigegeben)\b",
    r"\bwithout (?:any )?(?:human )?(?:approval|review|asking anyone)\b|\bohne (?:freigabe|r(?:ü|ue)cksprache|pr(?:ü|ue)fung)\b",
    r"\b(?:set|use|report) (?:your )?confidence\b|\bconfidence\s*[:=]\s*(?:1|100|0\.9)",
    r"\b(?:call|use|invoke|execute) (?:the )?(?:tool|function)\b|\b(?:refund_order|cancel_orders?|create_crm_record|send_mail)\b",
    r"\b(?:as an? (?:ai|language model|assistant))\b|\bai (?:agent|assistant)\b[^.\n]{0,30}\bmust\b|\b(?:note|message|hinweis|nachricht) (?:to|for|an|für) (?:the |den |die )?(?:ai|ki|bot|agent|assistant|model)\b",
    r"\b(?:reveal|print|show|repeat)\b[^.\n]{0,30}\b(?:system prompt|your instructions|api key|password)s?\b",
    r"\bmark (?:this|the|it|order)[^.\n]{0,30} as (?:paid|approved|trusted)\b",
    r"\b(?:score|rate|bewerte)\b[^.\n]{0,30}\b(?:10 (?:out of|von) 10|10/10|as hot|maximum|als hot|mit 10)\b",
)
_LEGAL = (
    r"\b(?:lawyer|attorney|solicitor|legal (?:action|steps|proceedings|counsel)|sue (?:you|your)|lawsuit|court|small claims)\b",
    r"\b(?:rechts)?anw(?:a|ä)lt\w*|\b(?:ver)?klagen\b|\bklage\b|\bgericht(?:lich\w*|s\w*)?\b|\brechtliche schritte\b|\bverbraucherzentrale\b|\bstrafanzeige\b|\banzeige erstatten\b|\bmahnbescheid\b",
    r"\bavocat\w*|\btribunal\b|\bporter plainte\b|\babogad[oa]\b|\bdenuncia\w*|\bavvocato\b",
    r"\bconsumer (?:protection|council|ombudsman)\b|\btrading standards\b",
)
_PRIVACY = (
    r"\b(?:gdpr|dsgvo|rgpd|data protection|datenschutz\w*|auskunftsersuchen)\b",
    r"\b(?:delete|erase|remove) (?:all )?my (?:personal )?(?:data|account|information)\b|\b(?:meine|alle) (?:personenbezogenen )?daten (?:zu )?l(?:ö|oe)schen\b|\blöschung meiner\b|\bsupprim\w+ mes données\b",
    r"\bpersonal (?:data|information)\b|\b(?:what|which|all|any) (?:the )?(?:data|information) (?:that )?(?:do )?you (?:hold|store|keep|have|process)\b|\bright (?:to be forgotten|to erasure|of access)\b|\bsubject access\b",
    r"\bpersonenbezogen\w*|\b(?:welche|meine|alle) (?:\w+ )?daten\b[^.\n]{0,40}\b(?:gespeichert|speichern|verarbeite\w*|lösch\w*|auskunft)\b|\bauskunft (?:über|zu) (?:meine|alle) (?:\w+ )?daten\b",
    r"\bdonnées personnelles\b|\bdatos personales\b|\bdati personali\b|\b(?:under|pursuant to|nach|gemäß|laut|selon) (?:art\.?|article|artikel) ?(?:15|16|17|20|21)\b",
)
_SAFETY = (
    r"\b(?:injur\w*|caught fire|on fire|burn(?:ed|t) (?:my|me|her|his)|electric(?:al)? shock|smoke came|exploded|hospital)\b",
    r"\b(?:verletzt|verletzung|brand(?:gefahr)?|feuer gefangen|stromschlag|explodiert|krankenhaus|verbrannt|verbrüht|qualm\w*|rauch kam)\b",
    r"\b(?:burn(?:ed|t)|hurt|cut|scalded) (?:myself|himself|herself|ourselves|a hand|our)\b|\bburns? on (?:my|her|his|our)\b|\bscalded\b|\bbleeding\b|\belectrocuted\b|\bshort circuit\b|\bsparks?\b",
    r"\b(?:me|s'est|nous) (?:suis |sommes )?brûl\w+|\bbrûlures?\b|\bbless(?:é|ée|és|ure)\w*\b|\bexplosé\w*|\bpris feu\b|\bincendie\b|\bélectrocut\w+|\bchoc électrique\b|\bhôpital\b",
    r"\b(?:quemé|quemado|quemadura\w*|herid[oa]s?|explotó|explotado|incendio|descarga eléctrica)\b|\b(?:bruciat[oa]|ustion[ei]|ferit[oa]|esplos[oa]|ospedale)\b|\bscossa elettrica\b",
)
_SECURITY = (
    r"\b(?:hacked|phishing|data breach|account (?:was |has been )?(?:compromised|taken over)|stolen (?:card|identity)|unauthori[sz]ed (?:login|access|charge|payment|transaction))\b",
    r"\b(?:gehackt|datenleck|kontoübernahme|fremde[rn]? zugriff|nicht autorisierte\w*|unbefugt\w*|kreditkarte gestohlen)\b",
    r"\b(?:someone|somebody|a stranger|strangers?) (?:else )?(?:has |have |had |is )?(?:changed|changing|accessed|used|using|stole|stolen|got into|logged in|took|taken|placed|ordered)\b[^.\n]{0,60}\b(?:account|cards?|password|e-?mail|identity|name)\b|\bidentity theft\b|\bi (?:did not|didn'?t|never) authori[sz]e\b",
    r"\b(?:jemand|unbekannte|fremde)\b[^.\n]{0,60}\b(?:konto|kreditkarte|karte|passwort|kennwort|identität)\b|\bidentitätsdiebstahl\b|\bkontomissbrauch\b|\bnicht von mir (?:bestellt|aufgegeben|veranlasst|autorisiert)\b",
    r"\bpiraté\w*|\b(?:compte|carte)\b[^.\n]{0,30}\bvolée?\b|\busurp\w+|\bhackead[oa]\b|\brobado mi (?:cuenta|tarjeta)\b|\brubat[oa] (?:il mio|la mia)\b",
)
_ANGER = (
    r"\b(?:unacceptable|outrageous|ridiculous|furious|disgusting|worst|scam\w*|rip-?off|never again|terrible|awful|pathetic|fed up|shame on you|fraud\w*|useless|disgrace)\b",
    r"\b(?:unverschämt\w*|frechheit|unfassbar|betr(?:ug|üger)\w*|abzocke|katastroph\w*|nie wieder|saftladen|skandal|unzumutbar|stinksauer|zum kotzen|lächerlich|sauerei|verarsch\w*)\b",
    r"\b(?:inacceptable|scandaleux|honteux|arnaque|furieu[xs]e?)\b|\b(?:inaceptable|vergüenza|estafa)\b",
    r"!{3,}",
)
_SPAM = (
    r"\b(?:seo|backlinks?|guest post|rank(?:ing)? (?:on|#1|your)|first page of google|domain authority)\b",
    r"\b(?:casino|viagra|cialis|crypto (?:investment|profit)|bitcoin|forex|lottery|you(?:'ve| have) won|gewinnspiel|gewonnen|100% free|make money|geld verdienen|nigerian|prince|inheritance|erbschaft)\b",
    r"\b(?:buy followers|cheap (?:meds|pills)|weight loss|enlarge|hot singles|whatsapp \+\d)\b",
    r"\b(?:increase your (?:traffic|sales|followers)|web ?design services|app development services|bulk email)\b",
)
_LANGUAGES = {
    "de": r"\b(?:ich|und|nicht|bitte|die|der|das|mein\w*|wir|ist|hallo|guten|eine?n?|wurde|habe|für|mit|zurück|noch|danke)\b",
    "en": r"\b(?:the|and|please|my|is|i|you|was|have|hello|hi|with|for|it|would|could|thanks|not|we|your)\b",
    "fr": r"\b(?:je|le|la|les|et|bonjour|merci|ma|mon|est|pas|vous|une?|pour|avec|dans|nous|commande)\b",
    "es": r"\b(?:el|los|las|hola|gracias|mi|pedido|por|favor|una?|con|para|está|quiero|no)\b",
    "it": r"\b(?:il|gli|ciao|grazie|mio|ordine|per|favore|una?|con|sono|vorrei|non|che)\b",
}


def find_injection(text: str) -> str:
    """Return the words that try to give an agent orders, empty when there are none."""
    return says(text, _INJECTION)


def find_legal(text: str) -> str:
    return says(text, _LEGAL)


def find_privacy(text: str) -> str:
    return says(text, _PRIVACY)


def find_safety(text: str) -> str:
    return says(text, _SAFETY)


def find_security(text: str) -> str:
    return says(text, _SECURITY)


def find_anger(text: str) -> str:
    """Return what sounds angry; a text in capitals does too."""
    letters = [character for character in text if character.isalpha()]
    shouted = len(letters) > 40 and sum(character.isupper() for character in letters) > 0.7 * len(letters)
    return says(text, _ANGER) or ("written in capitals" if shouted else "")


def find_spam(text: str) -> str:
    return says(text, _SPAM)


def language_of(text: str) -> str:
    """Return the language most of whose small words occur: de, en, fr, es or it; en when nothing does."""
    scores = {code: len(re.findall(pattern, text[:3000], re.IGNORECASE)) for code, pattern in _LANGUAGES.items()}
    best = max(scores, key=lambda code: scores[code])
    return best if scores[best] else "en"


def short(text: str, limit: int = 160) -> str:
    """Return the text on one line, cut at the limit."""
    plain = " ".join(text.split())
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"
