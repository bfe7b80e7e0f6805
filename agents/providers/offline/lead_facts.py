"""What a lead's payload and the enrichment service say about a person and a company. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agents.providers.offline import text as words
from agents.providers.offline.money import Amount, currency_code, find_amounts, read_amount, whole_number
from agents.providers.offline.payload import dig, email_of, given_email, prose, text_at

FREE_MAIL = frozenset(
    [
        "gmail.com",
        "googlemail.com",
        "gmx.de",
        "gmx.net",
        "gmx.at",
        "web.de",
        "yahoo.com",
        "yahoo.de",
        "hotmail.com",
        "outlook.com",
        "outlook.de",
        "live.com",
        "icloud.com",
        "t-online.de",
        "aol.com",
        "proton.me",
        "protonmail.com",
        "mail.com",
        "freenet.de",
        "posteo.de",
        "orange.fr",
        "laposte.net",
        "libero.it",
    ]
)
_URGENT = (
    r"\b(?:urgent(?:ly)?|asap|as soon as possible|immediately|right away|emergency|today|by tomorrow|within (?:24|48) hours)\b",
    r"\b(?:dringend\w*|eilig|eilt|sofort(?:ige[nr]?)?|umgehend|so schnell wie möglich|schnellstmöglich|noch heute|bis morgen|notfall)\b",
    r"\b(?:urgente?|au plus vite|dès que possible|immédiatement)\b",
)
_NOT_URGENT = (
    r"\b(?:not|nothing|isn'?t|no) (?:\w+ )?urgent\b|\bnicht (?:\w+ )?(?:dringend|eilig)\b|\beilt nicht\b|\bno rush\b|\bkeine eile\b",
)
_COMPETITOR = (
    r"\b(?:we are|i am|i'm|we're) (?:a |your )?(?:direct )?competitor\b|\b(?:wir sind|bin) (?:ein |ihr )?(?:direkte[rn]? )?(?:wettbewerber|konkurrent|mitbewerber)\b",
)
_STAFF_IN_TEXT = re.compile(
    r"(\d{1,3}(?:[.,' ]\d{3})+|\d{1,6})\s*\+?\s*(?:employees|staff|people|mitarbeiter\w*|mitarbeitende\w*|beschäftigte\w*|personen|köpfe|salariés|employés|empleados|dipendenti)",
    re.IGNORECASE,
)
_STAFF_RANGE = re.compile(r"^\s*(\d[\d.,']*)\s*(?:-|–|to|bis)\s*(\d[\d.,']*)\s*\D*$")
_VALUE_PATHS = (
    "value",
    "budget",
    "deal_value",
    "estimated_value",
    "expected_value",
    "annual_budget",
    "amount",
    "deal.value",
)
_FALSE = ("false", "no", "0", "nein", "off")


@dataclass(frozen=True, slots=True)
class Lead:
    """A lead as its payload tells it; `urgent` and `injection` hold the words that say so."""

    lead_id: str
    name: str
    email: str
    given_email: str
    company: str
    domain: str
    job_title: str
    industry: str
    employees: int | None
    country: str
    value: Amount | None
    message: str
    language: str
    urgent: str
    injection: str
    competitor: str
    no_newsletter: bool


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of the company: enrichment first, what the lead says itself where that is silent."""

    company: str
    industry: str
    employees: int | None
    country: str
    competitor: bool

    @property
    def missing(self) -> list[str]:
        known = {"industry": self.industry, "staff": self.employees, "country": self.country}
        return [name for name, value in known.items() if not value]


def read_lead(event: Mapping[str, Any]) -> Lead:
    message = prose(event)
    email = email_of(event)
    urgent = "" if words.says(message, _NOT_URGENT) else words.says(message, _URGENT)
    if _truth(dig(event, "urgent", "is_urgent")) or text_at(event, "priority", "urgency").lower() in (
        "urgent",
        "high",
        "critical",
    ):
        urgent = urgent or "marked urgent"
    return Lead(
        lead_id=text_at(event, "lead_id", "lead.id", "id"),
        name=_name(event),
        email=email,
        given_email=given_email(event),
        company=text_at(event, "company", "company.name", "company_name", "organisation", "organization", "firma"),
        domain=_domain(event, given_email(event)),
        job_title=text_at(
            event, "job_title", "title", "position", "role", "jobtitle", "contact.title", "contact.job_title"
        ),
        industry=text_at(event, "industry", "company.industry", "branche", "sector").lower(),
        employees=_staff(event, message),
        country=text_at(event, "country", "company.country", "land", "contact.country", "region"),
        value=_value(event, message),
        message=message,
        language=words.language_of(message),
        urgent=urgent,
        injection=words.find_injection("\n".join(words.texts_in(event))),
        competitor=words.says(message, _COMPETITOR),
        no_newsletter=_refuses_newsletter(event, message),
    )


def profile_of(lead: Lead, company: Mapping[str, Any]) -> Profile:
    """Return what both sides together say of the company."""
    known = company if company.get("found", True) else {}
    employees = whole_number(known.get("employees"))
    return Profile(
        company=str(known.get("name") or lead.company or lead.domain),
        industry=str(known.get("industry") or lead.industry).lower(),
        employees=employees if employees is not None else lead.employees,
        country=str(known.get("country") or lead.country),
        competitor=bool(known.get("competitor")) or bool(lead.competitor),
    )


def _name(event: Mapping[str, Any]) -> str:
    whole = text_at(event, "name", "full_name", "contact.name", "customer.name", "lead.name", "contact")
    parts = (text_at(event, "first_name", "contact.first_name"), text_at(event, "last_name", "contact.last_name"))
    return whole or " ".join(part for part in parts if part)


def _domain(event: Mapping[str, Any], email: str) -> str:
    """Return the company's domain: named, of its website, or of an address that is not a free one (as spelled there)."""
    given = text_at(event, "domain", "company.domain", "website", "company.website", "url", "company_website")
    site = re.sub(r"^[a-z]+://", "", given.lower()).split("/")[0].split("?")[0].removeprefix("www.").strip(".")
    if site and "." in site and site not in FREE_MAIL:
        return site
    host = email.partition("@")[2]
    return "" if host.lower() in FREE_MAIL else host


def _staff(event: Mapping[str, Any], message: str) -> int | None:
    raw = dig(
        event,
        "employees",
        "staff",
        "company.employees",
        "company_size",
        "company.size",
        "headcount",
        "mitarbeiter",
        "size",
        "number_of_employees",
    )
    if (count := whole_number(raw)) is not None:
        return count
    if span := _STAFF_RANGE.match(str(raw or "")):
        return whole_number(span[2])
    match = _STAFF_IN_TEXT.search(str(raw or "")) or _STAFF_IN_TEXT.search(message[: words.MAX_CHARS])
    return whole_number(match[1]) if match else None


def _value(event: Mapping[str, Any], message: str) -> Amount | None:
    currency = currency_code(text_at(event, "currency", "value.currency", "budget.currency"))
    if (minor := whole_number(dig(event, "value_minor", "budget_minor", "amount_minor"))) is not None:
        return Amount(minor, currency or "EUR", "given")
    for path in _VALUE_PATHS:
        found = read_amount(dig(event, path), currency)
        if found is not None and found.minor > 0:
            return Amount(found.minor, found.currency or "EUR", found.said)
    amounts = find_amounts(message)
    return max(amounts, key=lambda amount: amount.minor) if amounts else None


def _truth(value: Any) -> bool:
    return value is True or str(value).strip().lower() in ("true", "yes", "1", "ja")


def _refuses_newsletter(event: Mapping[str, Any], message: str) -> bool:
    consent = dig(event, "consent", "newsletter", "marketing_consent", "opt_in")
    if consent is False or str(consent).strip().lower() in _FALSE:
        return True
    if any(_at_false(event, name) for name in ("consent", "newsletter", "marketing_consent", "opt_in")):
        return True
    return bool(
        words.says(
            message, (r"\bno (?:newsletter|marketing)\b|\bkein(?:en)? newsletter\b|\bkeine werbung\b|\bunsubscribe\b",)
        )
    )


def _at_false(event: Mapping[str, Any], name: str) -> bool:
    return event.get(name) is False
