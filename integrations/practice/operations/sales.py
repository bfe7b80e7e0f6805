"""Leads: what is known of a company, the record that a lead becomes, and what is sent to it."""

from datetime import timedelta
from typing import Any

from integrations.practice.models import (
    ChannelNotice,
    Company,
    CrmRecord,
    Customer,
    FollowUp,
    Mail,
    Subscription,
)
from integrations.practice.operations.base import (
    CURRENCY,
    EMAIL,
    Answer,
    Call,
    Operation,
    not_found,
    one_of,
    text,
    whole,
)
from integrations.practice.operations.desk import mail_record
from integrations.practice.operations.history import note_change
from integrations.practice.operations.records import (
    company_record,
    crm_record,
    customer_record,
    moment,
    unknown_company,
)
from integrations.practice.states import Tier

CHANNELS = ["sales", "support", "fulfilment", "finance"]
LISTS = ["newsletter", "nurture"]
# Who may not write the subject line into other headers: the pattern refuses line breaks.
ONE_LINE = r"^[^\r\n]+$"


def enrich_company(call: Call) -> Answer:
    """Return what is known of a company by its domain; an unknown one is an answer too."""
    domain = call.arguments["domain"].strip().lower().removeprefix("www.")
    company = Company.objects.filter(pk=domain).first()
    return company_record(company) if company else unknown_company(domain)


def find_customer(call: Call) -> Answer:
    customer = Customer.objects.filter(email__iexact=call.arguments["email"]).first()
    if customer is None:
        raise not_found("customer", call.arguments["email"])
    return customer_record(customer)


def find_crm_record(call: Call) -> Answer:
    """Return the record of one address with the mails sent to it; `found` is false for a stranger."""
    email = call.arguments["email"].lower()
    record = CrmRecord.objects.filter(pk=email).first()
    mails = [mail_record(row) for row in Mail.objects.filter(to__iexact=email).order_by("-pk")[:5]]
    if record is None:
        return {"found": False, "email": email, "mails": mails}
    return {**crm_record(record), "mails": mails}


def create_crm_record(call: Call) -> Answer:
    """Write a lead's record; the same address again updates it."""
    given = dict(call.arguments)
    email = given.pop("email").lower()
    given["lead_number"] = given.pop("lead_id", "")
    urgent = given.pop("urgent", False)
    record, _ = CrmRecord.objects.update_or_create(email=email, defaults={**given, "updated_at": call.now})
    said = f"CRM record for {email}: {record.tier}, {record.score} points{', urgent' if urgent else ''}"
    note_change(call, "create_crm_record", email, said)
    return crm_record(record)


def send_mail(call: Call) -> Answer:
    """Put one mail into the outbox."""
    to = call.arguments["email"].lower()
    mail = Mail.objects.create(
        to=to, subject=call.arguments["subject"], body=call.arguments["body"], about="mail", sent_at=call.now
    )
    note_change(call, "send_mail", to, f"Mail to {to}: {mail.subject}")
    return mail_record(mail)


def subscribe(call: Call) -> Answer:
    """Put an address on a list; one that is on it stays on it."""
    email, list_name = call.arguments["email"].lower(), call.arguments["list"]
    _, added = Subscription.objects.get_or_create(list_name=list_name, email=email)
    if added:
        note_change(call, "subscribe", email, f"Put {email} on the {list_name} list")
    return {"email": email, "list": list_name, "added": added}


def post_notice(call: Call) -> Answer:
    notice = ChannelNotice.objects.create(
        channel=call.arguments["channel"], text=call.arguments["text"], created_at=call.now
    )
    note_change(call, "post_notice", f"#{notice.channel}", f"#{notice.channel}: {notice.text}")
    return {"channel": notice.channel, "text": notice.text, "posted_at": moment(notice.created_at)}


def create_follow_up(call: Call) -> Answer:
    """Write down what somebody should do for a lead, and by when."""
    email = call.arguments["email"].lower()
    due = call.now + timedelta(days=call.arguments["due_in_days"])
    task = FollowUp.objects.create(email=email, task=call.arguments["task"], due_at=due, created_at=call.now)
    note_change(call, "create_follow_up", email, f"Follow up on {email}: {task.task}")
    return {"email": email, "task": task.task, "due_at": moment(due)}


def _write(
    id_: str, path: str, summary: str, handler: Any, answers: str, required: tuple[str, ...], **arguments: Any
) -> Operation:
    return Operation(
        id=id_,
        method="POST",
        path=path,
        summary=summary,
        arguments=arguments,
        required=required,
        answers=answers,
        handler=handler,
    )


def _words(description: str, max_length: int = 200) -> dict[str, Any]:
    return {"type": "string", "description": description, "maxLength": max_length}


OPERATIONS = (
    Operation(
        id="enrich_company",
        method="GET",
        path="/companies/{domain}",
        summary="Read what is known of a company by its domain: industry, staff, country, competitor.",
        arguments={"domain": text("Domain of the company, like example.com.", max_length=120)},
        answers="Company",
        handler=enrich_company,
    ),
    Operation(
        id="find_customer",
        method="GET",
        path="/customers",
        summary="Read one customer by e-mail address.",
        arguments={"email": EMAIL},
        required=("email",),
        answers="Customer",
        handler=find_customer,
    ),
    Operation(
        id="find_crm_record",
        method="GET",
        path="/crm-records",
        summary="Read the CRM record of one address and the mails sent to it; found is false when there is none.",
        arguments={"email": EMAIL},
        required=("email",),
        answers="CrmRecord",
        handler=find_crm_record,
    ),
    Operation(
        id="create_crm_record",
        method="PUT",
        path="/crm-records/{email}",
        summary="Write the CRM record of a lead: score 0 to 10, hot from 7, warm 4 to 6, cold below 4.",
        arguments={
            "email": EMAIL,
            "tier": one_of("Where the score puts the lead.", [str(tier) for tier in Tier]),
            "score": whole("Points against the ideal customer profile.", maximum=10),
            "domain": text("Domain of the company.", max_length=120),
            "lead_id": _words("Number of the lead."),
            "name": _words("Name of the person."),
            "company": _words("Name of the company."),
            "job_title": _words("What the person does."),
            "employees": whole("Staff of the company.", maximum=10_000_000),
            "value_minor": whole("Expected value of the deal in minor units.", maximum=10**12),
            "currency": CURRENCY,
            "urgent": {"type": "boolean", "description": "Whether the lead asks for an answer at once."},
            "summary": _words("What the lead wants.", 2000),
        },
        required=("tier", "score", "domain"),
        answers="CrmRecord",
        handler=create_crm_record,
    ),
    _write(
        "send_mail",
        "/mail",
        "Send one plain mail.",
        send_mail,
        "Mail",
        ("email", "subject", "body"),
        email=EMAIL,
        subject=text("Subject line.", max_length=200, pattern=ONE_LINE),
        body=text("Plain text.", max_length=5000),
    ),
    _write(
        "subscribe",
        "/subscriptions",
        "Put an address on a mailing list.",
        subscribe,
        "Subscription",
        ("email", "list"),
        email=EMAIL,
        list=one_of("Which list.", LISTS),
    ),
    _write(
        "post_notice",
        "/notices",
        "Post one line into a chat channel of the company.",
        post_notice,
        "Notice",
        ("channel", "text"),
        channel=one_of("Which channel.", CHANNELS),
        text=text("What to say.", max_length=1000),
    ),
    _write(
        "create_follow_up",
        "/follow-ups",
        "Write down a task for the sales people about one lead.",
        create_follow_up,
        "FollowUp",
        ("email", "task", "due_in_days"),
        email=EMAIL,
        task=text("What to do.", max_length=300),
        due_in_days=whole("In how many days.", maximum=90),
    ),
)
