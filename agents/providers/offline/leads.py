"""Leads: who writes, from what company, how well it fits (0 to 10), and what follows from that."""

from dataclasses import dataclass
from typing import Any

from agents.providers.offline import text as words
from agents.providers.offline.case import Case, Ended, Ending
from agents.providers.offline.endings import must_succeed
from agents.providers.offline.lead_facts import Lead, Profile, profile_of, read_lead
from agents.providers.offline.payload import kind_of
from agents.providers.offline.refunds import show
from agents.providers.offline.scoring import Score, score_of

LARGEST_STAFF = 500
BORDERLINE = 7


@dataclass(frozen=True, slots=True)
class _Letter:
    subject: str
    body: str


def play(case: Case) -> Ending:
    """Tell one lead from the form to its place in the pipeline."""
    lead = read_lead(case.event)
    kind = kind_of(case.event)
    if "open" in kind or "click" in kind:
        return _follow_up(case, lead, clicked="click" in kind)
    _check_worth(lead)
    if not lead.email:
        case.needs_person("missing_data", f"The lead gives no e-mail address. It says: {words.short(lead.message)}")
    _check_known(case, lead)
    profile = _profile(case, lead)
    _check_person(case, lead, profile)
    score = score_of(lead, profile)
    if score.points == BORDERLINE:
        case.needs_person("low_confidence", f"{_name(lead)} scores exactly {BORDERLINE}: {score.explained}.")
    return _route(case, lead, profile, score)


def _check_worth(lead: Lead) -> None:
    if phrase := words.find_spam(lead.message):
        said = f"This offers something instead of asking for it (“{words.short(phrase, 60)}”): no lead."
        raise Ended(Ending("disqualified", 0.9, said, {"email": lead.email}))


def _check_known(case: Case, lead: Lead) -> None:
    found = case.read("find_crm_record", email=lead.email)
    if not found.ok or not found.data.get("found"):
        return
    record = found.data
    _notice(
        case,
        f"{_name(lead)} wrote again (known as {record.get('tier')}, {record.get('score')} points): {words.short(lead.message)}",
    )
    raise Ended(
        Ending("already_known", 0.9, f"{lead.email} has a CRM record already; sales was told.", {"email": lead.email})
    )


def _profile(case: Case, lead: Lead) -> Profile:
    if not lead.domain:
        case.needs_person(
            "missing_data", f"No company could be found for {_name(lead)}: neither a domain nor a website is given."
        )
    answer = case.read("enrich_company", domain=lead.domain)
    return profile_of(lead, answer.data if answer.ok else {})


def _check_person(case: Case, lead: Lead, profile: Profile) -> None:
    """Pass on what a person should see first: rules of the house, not of the score."""
    if phrase := words.find_privacy(lead.message) or words.find_legal(lead.message):
        case.needs_person(
            "policy", f"{_name(lead)} writes about their rights (“{words.short(phrase, 60)}”).", priority="high"
        )
    if profile.competitor:
        case.needs_person("policy", f"{profile.company} is a competitor.", priority="high")
    if profile.employees is not None and profile.employees > LARGEST_STAFF:
        case.needs_person(
            "policy",
            f"{profile.company} has {profile.employees} staff, more than {LARGEST_STAFF}: a person talks to them.",
            priority="high",
        )
    if lead.urgent:
        case.needs_person(
            "policy", f"{_name(lead)} asks for an answer at once (“{words.short(lead.urgent, 60)}”).", priority="urgent"
        )
    if missing := profile.missing:
        case.needs_person(
            "missing_data", f"Too little is known of {profile.company or lead.domain}: {', '.join(missing)} is missing."
        )


def _route(case: Case, lead: Lead, profile: Profile, score: Score) -> Ending:
    confidence = 0.55 if lead.injection else score.confidence
    reason = f"{_name(lead)}: {score.points} of 10 ({score.explained}).{_remark(lead)}"
    outcome = case.act("create_crm_record", _record(lead, profile, score), reason=reason, confidence=confidence)
    must_succeed(
        case, outcome, f"the CRM record of {lead.email}", email=lead.email, score=score.points, tier=score.tier
    )
    {"hot": _hot, "warm": _warm, "cold": _cold}[score.tier](case, lead, profile, score)
    parameters = {"email": lead.email, "score": score.points, "tier": score.tier, "company": profile.company}
    return Ending(score.tier, confidence, reason, parameters)


def _record(lead: Lead, profile: Profile, score: Score) -> dict[str, Any]:
    return {
        "email": lead.given_email,
        "tier": score.tier,
        "score": score.points,
        "domain": lead.domain,
        "lead_id": lead.lead_id or None,
        "name": lead.name or None,
        "company": profile.company or None,
        "job_title": lead.job_title[:200] or None,
        "employees": profile.employees,
        "value_minor": lead.value.minor if lead.value else None,
        "currency": lead.value.currency or "EUR" if lead.value else None,
        "urgent": bool(lead.urgent),
        "summary": words.short(lead.message, 400) or None,
    }


def _hot(case: Case, lead: Lead, profile: Profile, score: Score) -> None:
    _mail(case, lead, _meeting(lead), "A hot lead gets a meeting offer.")
    value = f", {show(lead.value.minor, lead.value.currency or 'EUR')}" if lead.value else ""
    _notice(case, f"Hot lead: {_name(lead)} of {profile.company}, {score.points} points{value}.")
    _task(case, lead, "Call if no meeting has been booked", days=2)


def _warm(case: Case, lead: Lead, profile: Profile, score: Score) -> None:
    _subscribe(case, lead, "nurture")
    _mail(case, lead, _nurture(lead), "A warm lead gets material to read.")
    _task(case, lead, "Look whether the material was opened", days=7)


def _cold(case: Case, lead: Lead, profile: Profile, score: Score) -> None:
    if not lead.no_newsletter:
        _subscribe(case, lead, "newsletter")


def _follow_up(case: Case, lead: Lead, *, clicked: bool) -> Ending:
    """What a reader does with a mail decides how soon somebody looks again."""
    if not lead.email:
        case.needs_person("missing_data", "A mail was opened, but the event does not say whose.")
    record = case.read("find_crm_record", email=lead.email)
    if not record.ok or not record.data.get("found"):
        return Ending("no_action", 0.9, f"{lead.email} has no CRM record; nothing to follow up.", {"email": lead.email})
    if clicked:
        _notice(
            case,
            f"{lead.email} clicked a link in our mail ({record.data.get('tier')}, {record.data.get('score')} points).",
        )
        _task(case, lead, "Call: clicked a link in our mail", days=1)
        return Ending(
            "follow_up",
            0.92,
            f"{lead.email} clicked: sales was told and has a task for tomorrow.",
            {"email": lead.email},
        )
    _task(case, lead, "Write again: opened our mail without clicking", days=3)
    return Ending("follow_up", 0.9, f"{lead.email} opened a mail: a task for in three days.", {"email": lead.email})


def _mail(case: Case, lead: Lead, letter: _Letter, why: str) -> None:
    arguments = {"email": lead.given_email, "subject": letter.subject, "body": letter.body}
    outcome = case.act("send_mail", arguments, reason=why + _remark(lead), confidence=0.9)
    must_succeed(case, outcome, f"the mail to {lead.email}", email=lead.email)


def _subscribe(case: Case, lead: Lead, name: str) -> None:
    outcome = case.act(
        "subscribe",
        {"email": lead.given_email, "list": name},
        reason=f"The score puts the lead on the {name} list.",
        confidence=0.9,
    )
    must_succeed(case, outcome, f"{lead.email} on the {name} list", email=lead.email)


def _notice(case: Case, text: str) -> None:
    outcome = case.act("post_notice", {"channel": "sales", "text": text}, reason="Sales should know.", confidence=0.95)
    must_succeed(case, outcome, "the notice to sales")


def _task(case: Case, lead: Lead, task: str, *, days: int) -> None:
    outcome = case.act(
        "create_follow_up",
        {"email": lead.given_email, "task": task, "due_in_days": days},
        reason="So that nobody forgets.",
        confidence=0.95,
    )
    must_succeed(case, outcome, f"the follow-up on {lead.email}", email=lead.email)


def _meeting(lead: Lead) -> _Letter:
    if lead.language == "de":
        return _Letter(
            "Ein kurzes Gespräch?",
            f"Guten Tag {lead.name or ''},\n\nvielen Dank für Ihre Anfrage. Passt Ihnen in den nächsten Tagen ein Gespräch von 20 Minuten? "
            "Antworten Sie einfach mit zwei Zeiten, die Ihnen passen.\n\nDiese Nachricht wurde von einem Assistenzsystem geschrieben.",
        )
    return _Letter(
        "A short call?",
        f"Hello {lead.name or 'there'},\n\nthank you for getting in touch. Would a call of 20 minutes in the next days suit you? "
        "Simply answer with two times.\n\nThis message was written by an assistant system.",
    )


def _nurture(lead: Lead) -> _Letter:
    if lead.language == "de":
        return _Letter(
            "Zu Ihrer Anfrage",
            f"Guten Tag {lead.name or ''},\n\nvielen Dank für Ihr Interesse. Wir schicken Ihnen in den nächsten Wochen, wie andere Firmen mit uns arbeiten. "
            "Fragen beantworten wir gern.\n\nDiese Nachricht wurde von einem Assistenzsystem geschrieben.",
        )
    return _Letter(
        "About your enquiry",
        f"Hello {lead.name or 'there'},\n\nthank you for your interest. Over the next weeks we will send you how other companies work with us. "
        "Questions are always welcome.\n\nThis message was written by an assistant system.",
    )


def _name(lead: Lead) -> str:
    return lead.name or lead.email or "A lead without a name"


def _remark(lead: Lead) -> str:
    if not lead.injection:
        return ""
    return f" The message tries to give orders (“{words.short(lead.injection, 60)}”); they were ignored."
