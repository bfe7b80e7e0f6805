"""Personal data in a text, found by form and checksum. Pure.

Numbers are everywhere in business texts, so a bare number counts only where its checksum holds and its form or the
words before it say what it is: an order number is no card, and a parcel number no insurance number.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import phonenumbers
from stdnum import iban, luhn
from stdnum.at import vnr
from stdnum.be import nn
from stdnum.br import cpf
from stdnum.ca import sin
from stdnum.ch import ssn as ahv
from stdnum.cz import rc
from stdnum.de import idnr
from stdnum.dk import cpr
from stdnum.es import dni, nie
from stdnum.fi import hetu
from stdnum.fr import nir
from stdnum.gb import nhs
from stdnum.ie import pps
from stdnum.it import codicefiscale
from stdnum.nl import bsn
from stdnum.no import fodselsnummer
from stdnum.pl import pesel
from stdnum.pt import cc
from stdnum.ro import cnp
from stdnum.se import personnummer
from stdnum.us import ssn

MAX_CHARS = 50_000
MAX_PHONE_WORDS = 20
_NEAR = 48


@dataclass(frozen=True, slots=True)
class Found:
    """One piece of personal data. `value` is as it is compared, `masked` as it is shown."""

    kind: str
    value: str
    masked: str


@dataclass(frozen=True, slots=True)
class _Number:
    """A national number: its form, its check, and the words that announce it ("" where the form alone is telling)."""

    kind: str
    form: str
    check: Callable[[str], bool]
    words: str = ""


_NATIONAL = (
    _Number("Italian tax code", r"[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z]", codicefiscale.is_valid),
    _Number("Finnish personal code", r"\d{6}[-+A-Y]\d{3}[0-9A-Z]", hetu.is_valid),
    _Number("Swiss insurance number", r"756\.\d{4}\.\d{4}\.\d{2}", ahv.is_valid),
    _Number("Brazilian CPF", r"\d{3}\.\d{3}\.\d{3}-\d{2}", cpf.is_valid),
    _Number("US social security number", r"\d{3}-\d{2}-\d{4}", ssn.is_valid, r"ssn|social security"),
    _Number("German tax number", r"\d{2} ?\d{3} ?\d{3} ?\d{3}", idnr.is_valid, r"steuer|idnr|tax id|identifikationsn"),
    _Number("French insurance number", r"[12] ?\d{2} ?\d{2} ?\d{2} ?\d{3} ?\d{3} ?\d{2}", nir.is_valid, r"nir|sécu|sociale|insee"),
    _Number("Spanish identity number", r"\d{8}-?[A-Z]", dni.is_valid, r"dni|nif|identidad|id\b"),
    _Number("Spanish foreigner number", r"[XYZ]-?\d{7}-?[A-Z]", nie.is_valid, r"nie|extranjero|id\b"),
    _Number("Dutch citizen number", r"\d{9}", bsn.is_valid, r"bsn|burgerservice|sofi"),
    _Number("Polish PESEL", r"\d{11}", pesel.is_valid, r"pesel"),
    _Number("British NHS number", r"\d{3}[ -]?\d{3}[ -]?\d{4}", nhs.is_valid, r"nhs"),
    _Number("Austrian insurance number", r"\d{4} ?\d{6}", vnr.is_valid, r"svnr|sozialversicherung|versicherungsn|vnr"),
    _Number("Belgian national number", r"\d{2}\.?\d{2}\.?\d{2}-?\d{3}\.?\d{2}", nn.is_valid, r"rijksregister|registre national|national n|niss|insz"),
    _Number("Swedish personal number", r"\d{6}(?:\d{2})?[-+]\d{4}", personnummer.is_valid, r"personnummer|pnr|personal n"),
    _Number("Norwegian national number", r"\d{6} ?\d{5}", fodselsnummer.is_valid, r"fødsels|fodsels|personnummer|national id"),
    _Number("Danish CPR number", r"\d{6}-?\d{4}", cpr.is_valid, r"cpr|personnummer"),
    _Number("Czech birth number", r"\d{6}/?\d{3,4}", rc.is_valid, r"rodné|rodne|birth n"),
    _Number("Irish PPS number", r"\d{7}[A-W][A-IW]?", pps.is_valid, r"pps"),
    _Number("Portuguese card number", r"\d{8} ?\d ?[A-Z0-9]{2}\d", cc.is_valid, r"cartão|cidadão|\bcc\b"),
    _Number("Romanian CNP", r"\d{13}", cnp.is_valid, r"cnp"),
    _Number("Canadian insurance number", r"\d{3}[ -]?\d{3}[ -]?\d{3}", sin.is_valid, r"\bsin\b|social insurance"),
)  # fmt: skip
_BOUNDED = [
    (one, re.compile(rf"(?<![\w.-])(?:{one.form})(?![\w-])"), re.compile(one.words, re.IGNORECASE)) for one in _NATIONAL
]
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w-])")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")
_CARD = re.compile(r"(?<![\w.-])(?:\d{15,16}|\d{4}([ -])\d{4}\1\d{4}\1\d{4}|3\d{3}([ -])\d{6}\2\d{5})(?![\w-])")
_ISSUERS = re.compile(r"4\d{15}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|6(?:011|5\d\d|4[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}")  # fmt: skip
_PHONE_WORDS = re.compile(
    r"\b(?:tel\w*|phone|call|mobile?|handy|ruf\w*|cell|fax|whatsapp|téléphone|teléfono)\b", re.IGNORECASE
)
_REGIONS = ("DE", "US", "GB", "FR", "ES", "IT", "NL", "AT", "CH")


def personal_data(text: str) -> list[Found]:
    """Return the personal data in the text's first 50,000 characters, each value once."""
    text = text[:MAX_CHARS]
    finders = (_emails, _ibans, _cards, _phones, _national_numbers)
    found = [one for finder in finders for one in finder(text)]
    return list({one.value: one for one in found}.values())


def compared(value: str) -> str:
    """Return a text as values are compared: small letters and digits, without spacing."""
    return re.sub(r"[\s().\-/]", "", value).casefold()


def _emails(text: str) -> Iterator[Found]:
    for match in _EMAIL.finditer(text):
        name, _, host = match[0].partition("@")
        yield Found("e-mail address", match[0].casefold(), f"{name[0]}***@{host}")


def _ibans(text: str) -> Iterator[Found]:
    for match in _IBAN.finditer(text):
        plain = match[0].replace(" ", "")
        # What follows an IBAN may look like one more group of it.
        for end in range(len(plain), 14, -1):
            if iban.is_valid(plain[:end]):
                yield Found("IBAN", plain[:end].casefold(), f"{plain[:4]}***{plain[end - 4 : end]}")
                break


def _cards(text: str) -> Iterator[Found]:
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if _ISSUERS.fullmatch(digits) and luhn.is_valid(digits):
            yield Found("card number", digits, f"***{digits[-4:]}")


def _phones(text: str) -> Iterator[Found]:
    if "+" in text:
        for match in phonenumbers.PhoneNumberMatcher(text, None, leniency=phonenumbers.Leniency.VALID):
            yield _phone(match)
    for word in islice(_PHONE_WORDS.finditer(text), MAX_PHONE_WORDS):
        after = text[word.end() : word.end() + 40]
        if any(char.isdigit() for char in after):
            yield from _announced(after)


def _announced(after: str) -> Iterator[Found]:
    for region in _REGIONS:
        for match in phonenumbers.PhoneNumberMatcher(after, region, leniency=phonenumbers.Leniency.VALID):
            yield _phone(match)
            return


def _phone(match: phonenumbers.PhoneNumberMatch) -> Found:
    number = phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)
    return Found("phone number", number, f"{number[:3]}***{number[-2:]}")


def _national_numbers(text: str) -> Iterator[Found]:
    for one, form, words in _BOUNDED:
        for match in form.finditer(text):
            near = text[max(0, match.start() - _NEAR) : match.start()]
            if (not one.words or words.search(near)) and one.check(match[0]):
                yield Found(one.kind, compared(match[0]), f"{match[0][:2]}***{match[0][-2:]}")
