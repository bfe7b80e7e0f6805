"""Amounts as people write them: "640,00 €", "USD 1,234.50", "49.90", "zwanzig Euro". Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

NO_CENTS = frozenset({"JPY", "KRW", "CLP", "VND", "ISK", "HUF"})
MAX_MINOR = 10**12
MAX_CHARS = 20_000

_CURRENCIES = {
    "EUR": ("€", "eur", "euro", "euros"),
    "USD": ("$", "us$", "usd", "dollar", "dollars"),
    "GBP": ("£", "gbp", "pound", "pounds", "pfund"),
    "CHF": ("chf", "sfr", "franken", "francs", "fr."),
    "JPY": ("¥", "jpy", "yen"),
    "SEK": ("sek", "kronor"),
    "DKK": ("dkk", "kroner"),
    "NOK": ("nok",),
    "PLN": ("pln", "zł", "zloty"),
    "CZK": ("czk", "kč"),
    "CAD": ("cad", "c$"),
    "AUD": ("aud", "a$"),
}
_BY_WORD = {word: code for code, words in _CURRENCIES.items() for word in words}
_SIGNS = sorted(_BY_WORD, key=len, reverse=True)
_SIGN = "(?:" + "|".join(re.escape(sign) + (r"(?!\w)" if sign[-1].isalpha() else "") for sign in _SIGNS) + ")"
_NUMBER = r"-?\d{1,3}(?:[.,'’ \u00a0\u202f]\d{3})+(?:[.,]\d{1,2})?(?!\d)|-?\d{1,12}(?:[.,]\d{1,2})?(?!\d)"
_TAIL = r"(?:[.,](?:-|–|—)+)?"
_SCALE = r"(?:\s?(?P<scale>k|tsd\.?|thousand|tausend|mio\.?|million(?:en|s)?|m)(?!\w))?"
_AMOUNT = re.compile(
    rf"(?P<before>(?<!\w){_SIGN})\s?(?P<n1>{_NUMBER}){_TAIL}{_SCALE}"
    rf"|(?<![\w.,-])(?P<n2>{_NUMBER}){_TAIL}{_SCALE.replace('scale', 'scale2')}\s?(?P<after>{_SIGN})",
    re.IGNORECASE,
)
_PLAIN = re.compile(rf"^\s*({_NUMBER}){_TAIL}\s*$")
_SCALES = {"k": 1000, "tsd": 1000, "thousand": 1000, "tausend": 1000, "mio": 10**6, "m": 10**6}


@dataclass(frozen=True, slots=True)
class Amount:
    """`minor` counts in the currency's smallest unit; `currency` is empty where nothing names one."""

    minor: int
    currency: str
    said: str


def currency_code(raw: object) -> str:
    """Return the code that a word, sign or code stands for, empty when it stands for none."""
    word = str(raw or "").strip()
    if re.fullmatch(r"[A-Za-z]{3}", word) and word.lower() not in _BY_WORD:
        return word.upper()
    return _BY_WORD.get(word.lower(), "")


def to_minor(major: Decimal, currency: str) -> int:
    """Return an amount in smallest units, rounded half up; yen and the like have no cents."""
    factor = 1 if currency in NO_CENTS else 100
    return int((major * factor).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def find_amounts(text: str) -> list[Amount]:
    """Return every amount with a currency in the text, in order, numbers in words included."""
    text = text[:MAX_CHARS]
    found = [(match.start(), _from_match(match)) for match in _AMOUNT.finditer(text)]
    found += _in_words(text)
    return [amount for _, amount in sorted(found, key=lambda pair: pair[0]) if 0 < amount.minor <= MAX_MINOR]


def _from_match(match: re.Match[str]) -> Amount:
    number, sign = match["n1"] or match["n2"], match["before"] or match["after"]
    scale = _SCALES.get(_scale_word(match["scale"] or match["scale2"]), 1)
    currency = _BY_WORD[sign.lower()]
    return Amount(to_minor(decimal_of(number) * scale, currency), currency, match.group().strip())


def _scale_word(raw: str | None) -> str:
    word = (raw or "").lower().rstrip(".")
    return "m" if word.startswith("million") else word


def decimal_of(number: str) -> Decimal:
    """Return what digits with separators mean: a last group of one or two digits is cents, one of three is thousands."""
    plain = re.sub(r"[\s'’\u00a0\u202f]", "", number)
    cents = re.search(r"[.,](\d{1,2})$", plain)
    whole = plain[: cents.start()] if cents else plain
    digits = re.sub(r"[.,]", "", whole) or "0"
    return Decimal(f"{digits}.{cents[1]}" if cents else digits)


def read_amount(value: Any, currency: str = "") -> Amount | None:
    """Return the amount that a payload's field says, in whatever type it came; None when it says none.

    Numbers and texts are in major units; an object may say minor units under a name that ends in _minor.
    """
    if isinstance(value, Mapping):
        return _from_object(value, currency)
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float, Decimal)):
        return _from_number(str(value), currency)
    return _from_text(str(value), currency)


def _from_object(value: Mapping[str, Any], currency: str) -> Amount | None:
    named = currency_code(value.get("currency") or value.get("currency_code")) or currency
    for name in ("amount_minor", "minor", "value_minor", "cents", "amount_cents"):
        if (minor := whole_number(value.get(name))) is not None:
            return Amount(minor, named, f"{minor} minor units")
    for name in ("amount", "value", "total", "gross"):
        if name in value:
            return read_amount(value[name], named)
    return None


def _from_number(said: str, currency: str) -> Amount | None:
    try:
        major = Decimal(said)
    except InvalidOperation:
        return None
    return Amount(to_minor(major, currency), currency, said) if major.is_finite() and abs(major) < 10**10 else None


def _from_text(said: str, currency: str) -> Amount | None:
    if found := find_amounts(said):
        return found[0]
    match = _PLAIN.match(said)
    return Amount(to_minor(_signed(match[1]), currency), currency, said.strip()) if match else None


def _signed(number: str) -> Decimal:
    return -decimal_of(number[1:]) if number.startswith("-") else decimal_of(number)


def whole_number(value: Any) -> int | None:
    """Return a whole number however it was typed: 120, 120.0, "120", " 1.200 ". None for anything else."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float, Decimal)):
        exact = Decimal(str(value))
        return int(exact) if exact.is_finite() and abs(exact) < 10**15 and exact == int(exact) else None
    match = re.fullmatch(r"\s*(\d{1,3}(?:[.,' ]\d{3})+|\d{1,15})(?:[.,]0+)?\s*", str(value))
    return int(re.sub(r"\D", "", match[1])) if match else None


_UNITS = {
    "ein": 1, "eine": 1, "einen": 1, "one": 1, "zwei": 2, "two": 2, "deux": 2, "drei": 3, "three": 3, "trois": 3,
    "vier": 4, "four": 4, "fünf": 5, "five": 5, "cinq": 5, "sechs": 6, "six": 6, "sieben": 7, "seven": 7,
    "acht": 8, "eight": 8, "neun": 9, "nine": 9, "zehn": 10, "ten": 10, "dix": 10, "elf": 11, "eleven": 11,
    "zwölf": 12, "twelve": 12, "fünfzehn": 15, "fifteen": 15, "quinze": 15,
}  # fmt: skip
_TENS = {
    "zwanzig": 20, "twenty": 20, "vingt": 20, "dreißig": 30, "dreissig": 30, "thirty": 30, "trente": 30,
    "vierzig": 40, "forty": 40, "quarante": 40, "fünfzig": 50, "fifty": 50, "cinquante": 50, "sechzig": 60,
    "sixty": 60, "siebzig": 70, "seventy": 70, "achtzig": 80, "eighty": 80, "neunzig": 90, "ninety": 90,
    "hundert": 100, "hundred": 100, "cent": 100,
}  # fmt: skip
_WORDS = {**_UNITS, **_TENS}
_MONEY_WORDS = r"euros?|dollars?|pounds?|franken|francs|yen"
_ANY = "|".join(sorted(_WORDS, key=len, reverse=True))
_MONEY_WORD = re.compile(rf"(?<!\w)({_MONEY_WORDS})(?!\w)", re.IGNORECASE)
_NUMBER_WORD = re.compile(rf"(?:(?:{_ANY})(?:und)?)+", re.IGNORECASE)
_LONGEST_SPOKEN = 60


def _in_words(text: str) -> list[tuple[int, Amount]]:
    """Return amounts whose number is spelled out, looking back a little from each word for money."""
    found = []
    for match in _MONEY_WORD.finditer(text):
        spelled = _number_words_at_end(text[max(match.start() - _LONGEST_SPOKEN, 0) : match.start()])
        if spelled:
            currency = _BY_WORD[match[1].lower()]
            said = f"{spelled} {match[1]}"
            found.append((match.start(), Amount(to_minor(Decimal(_spoken(spelled)), currency), currency, said)))
    return found


def _number_words_at_end(text: str) -> str:
    words: list[str] = []
    for word in reversed(re.split(r"[\s-]+", text.strip())):
        if not _NUMBER_WORD.fullmatch(word):
            break
        words.insert(0, word)
    return " ".join(words)


def _spoken(words: str) -> int:
    """Return what number words up to the hundreds say: "two hundred fifty", "fünfundzwanzig"."""
    total = part = 0
    for word in re.findall(_ANY, words.lower()):
        value = int(_WORDS[word])
        if value == 100:
            part = max(part, 1) * 100
            total, part = total + part, 0
        else:
            part += value
    return total + part
