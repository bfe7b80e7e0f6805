"""The ideal customer profile as points, 0 to 10: industry 3, staff 2, seniority 2, intent 2, region 1. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from agents.providers.offline import text as words
from agents.providers.offline.lead_facts import Lead, Profile

HOT_FROM = 7
WARM_FROM = 4

_BEST_INDUSTRIES = ("logist", "manufactur", "retail", "e-commerce", "ecommerce", "software", "hospitality", "gastro", "hotel",
                    "maschinenbau", "produktion", "handel", "food", "lebensmittel", "industrie", "transport", "wholesale")  # fmt: skip
_GOOD_INDUSTRIES = ("financ", "bank", "health", "clinic", "gesundheit", "services", "dienstleist", "consult", "beratung", "insur",
                    "versicherung", "telecom", "pharma", "energy", "energie", "real estate", "it")  # fmt: skip
_SENIOR = (
    r"\b(?:ceo|coo|cfo|cto|cio|cmo|cpo|chief|vp|svp|evp|vice president|president|director|head|owner|founder|co-founder|partner|managing)\b",
    r"\b(?:geschäftsführ\w*|inhaber\w*|vorstand\w*|leiter\w*|leitung|direktor\w*|bereichsleit\w*|gründer\w*|prokurist\w*|\w+leiter(?:in)?)\b",
    r"\b(?:directeur|directrice|gérante?|pdg|dirigeant|director[a]?|direttore)\b",
)
_MIDDLE = (
    r"\b(?:manager|lead|senior|supervisor|buyer|procurement|teamlead|coordinator|einkäufer\w*|teamleit\w*|referent\w*|responsable)\b",
)
_JUNIOR = (
    r"\b(?:student\w*|intern|trainee|praktikant\w*|azubi|auszubildende\w*|werkstudent\w*|apprentice|stagiaire)\b",
)
_STRONG_INTENT = (
    r"\b(?:demo|quote|quotation|pricing|price list|offer|proposal|trial|pilot|meeting|call me|contract|purchase|buy|order|roll-?out|implement\w*|switch(?:ing)? from|replace)\b",
    r"\b(?:angebot|preis(?:e|liste)?|kosten|termin|vorführung|testzugang|kaufen|bestellen|vertrag|einführen|umstellen|ablösen|pilotprojekt|beschaff\w*|anschaff\w*)\b",
    r"\b(?:devis|tarifs?|démonstration|rendez-vous|acheter|presupuesto|comprar|preventivo)\b",
)
_SOME_INTENT = (
    r"\b(?:interested|information|learn more|question|details|brochure|how does|tell me|compare|evaluating|exploring)\b",
    r"\b(?:interess\w*|informationen|infos?|mehr erfahren|fragen?|details|prospekt|wie funktioniert|vergleich\w*|prüfen)\b",
    r"\b(?:intéressé\w*|renseignements|informaci(?:ó|o)n|informazioni)\b",
)
_NO_INTENT = (
    r"\b(?:just (?:looking|browsing)|school project|homework|thesis|job application|looking for a job|internship|no budget|maybe (?:some day|next year|later))\b",
    r"\b(?:nur (?:mal )?(?:schauen|umsehen)|hausarbeit|bachelorarbeit|masterarbeit|bewerbung|praktikum|schulprojekt|kein budget|irgendwann)\b",
)
_NEAR = frozenset(
    [
        "de",
        "at",
        "ch",
        "fr",
        "it",
        "es",
        "nl",
        "be",
        "lu",
        "dk",
        "se",
        "no",
        "fi",
        "ie",
        "gb",
        "uk",
        "pl",
        "cz",
        "pt",
        "germany",
        "deutschland",
        "austria",
        "österreich",
        "switzerland",
        "schweiz",
        "france",
        "frankreich",
        "italy",
        "italien",
        "spain",
        "spanien",
        "netherlands",
        "niederlande",
        "belgium",
        "belgien",
        "luxembourg",
        "denmark",
        "dänemark",
        "sweden",
        "schweden",
        "norway",
        "norwegen",
        "finland",
        "finnland",
        "ireland",
        "irland",
        "poland",
        "polen",
        "czechia",
        "portugal",
        "europe",
        "europa",
        "eu",
        "dach",
        "england",
        "united",
        "kingdom",
        "great",
        "britain",
    ]
) | {"united kingdom", "great britain", "czech republic"}


@dataclass(frozen=True, slots=True)
class Score:
    """Points out of ten, what they are made of, and how much of it was known rather than guessed."""

    points: int
    explained: str
    confidence: float

    @property
    def tier(self) -> str:
        return "hot" if self.points >= HOT_FROM else "warm" if self.points >= WARM_FROM else "cold"


def score_of(lead: Lead, profile: Profile) -> Score:
    """Return the lead's points against the ideal customer profile."""
    parts = {
        "industry": _industry(profile.industry),
        "staff": _staff(profile.employees or 0),
        "seniority": _seniority(lead.job_title),
        "intent": _intent(lead),
        "region": int(profile.country.strip().lower() in _NEAR),
    }
    explained = ", ".join(f"{name} {points}" for name, points in parts.items())
    confidence = 0.92 if lead.job_title and lead.message else 0.82
    return Score(sum(parts.values()), explained, confidence)


def _industry(industry: str) -> int:
    if _holds(industry, _BEST_INDUSTRIES):
        return 3
    return 2 if _holds(industry, _GOOD_INDUSTRIES) else 1 if industry else 0


def _holds(industry: str, known: Sequence[str]) -> bool:
    return any(word == industry if len(word) < 3 else word in industry for word in known)


def _staff(employees: int) -> int:
    return 2 if employees >= 50 else 1 if employees >= 10 else 0


def _seniority(job_title: str) -> int:
    if words.says(job_title, _JUNIOR):
        return 0
    return 2 if words.says(job_title, _SENIOR) else 1 if words.says(job_title, _MIDDLE) else 0


def _intent(lead: Lead) -> int:
    if words.says(lead.message, _NO_INTENT):
        return 0
    if words.says(lead.message, _STRONG_INTENT) or (lead.value and lead.value.minor > 0):
        return 2
    return 1 if words.says(lead.message, _SOME_INTENT) else 0
