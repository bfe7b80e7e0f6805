"""Every address that a person can open, each filled with something that exists."""

import json
from collections.abc import Mapping

from agents.models import Provider, Rollback, Run
from approvals.database_clock import database_now
from approvals.halts import engage_halt
from approvals.models import Notice, Request
from approvals.policy_versions import active_policy
from approvals.remarks import add_note
from approvals.replays import start_replay, work_on_replay
from approvals.sealing.checkpoints import make_checkpoint
from approvals.sealing.erasure import place_hold
from approvals.sealing.sealer import seal_once
from config.secrets import seal
from integrations.models import Connection, Delivery, Event
from tests import desk as company
from tests import hooks
from tests.desk import Desk
from tests.integration.security.addresses import filled, pages
from tests.shop import DOCUMENT, OVERRIDES

# Behind the sign-in as well; the rest of these addresses only take what is posted.
ACCOUNTS = (
    "/accounts/2fa/",
    "/accounts/2fa/totp/activate/",
    "/accounts/2fa/webauthn/",
    "/accounts/2fa/webauthn/add/",
    "/accounts/sessions/",
    "/accounts/password/change/",
    "/accounts/reauthenticate/",
)
VIEWS = (
    "/inbox/?tab=others",
    "/inbox/?tab=settled",
    "/inbox/?alike=1",
    "/inbox/?q=nothing+is+called+this",
    "/audit/?q=request",
    "/policy/?rule=1",
    "/policy/?new=1",
    "/nowhere/",
)
# What long words do to a page is to be seen as well.
LONG = "W" * 60


def things_of(desk: Desk, text: str = LONG) -> Mapping[str, str]:
    """Put one thing of each kind to work, of this team, and return its name by the path before it.

    text: what stands wherever a stranger, an agent or a person may write.
    """
    first, second = (
        company.refund_waits(
            desk,
            order=f"2087{n}",
            amount_minor=64_000 + n,
            claim=text,
            event={"order_id": f"2087{n}", "message": text},
            target={"customer": text, "status": "delivered", "total": "1280"},
        )
        for n in range(2)
    )
    company.question_waits(desk, text[:280])
    company.hand_off_waits(desk, text[:280])
    add_note(request_id=first.pk, user=desk["second-operator"], text=text[:1500])
    run = Run.objects.get(pk=first.run_id)
    return {
        **_edges(first, text),
        **_kept(desk, run, text),
        "/inbox/": str(first.pk),
        "/inbox/alike/": second.alike,
        "/subjects/": run.subject,
        "/runs/": str(run.pk),
        "/agents/": desk.agent.name,
        "/agents/refund-clerk/versions/": "1",
        "/policy/versions/": "1",
        "/policy/actions/": str(first.action_id),
        "/people/": str(desk["second-operator"].pk),
        "/people/groups/": "finance",
        "/people/teams/": "desk",
    }


def addresses(things: Mapping[str, str]) -> list[str]:
    """Return every address behind the sign-in, and one card of each kind."""
    every = {filled(route, things) for route in pages()}
    cards = {f"/inbox/{request.pk}/" for request in Request.objects.all()}
    forms = {f"/inbox/{things['/inbox/']}/?do={part}" for part in ("edit", "reject", "assign", "snooze")}
    forms.add(f"/policy/rule/?request={things['/inbox/']}")
    kinds = {f"/connections/new/{kind}/" for kind in Connection.Kind.values}
    return sorted(every | cards | forms | kinds | {*ACCOUNTS, *VIEWS})


def for_deciders(things: Mapping[str, str]) -> list[str]:
    """Return what shows more to a person who may sign: the cards with their bars, the group, the desk."""
    group = f"/inbox/alike/{things['/inbox/alike/']}/"
    return [group, *(address for address in addresses(things) if address.startswith(("/inbox/", "/desk/")))]


def _edges(request: Request, text: str) -> Mapping[str, str]:
    """What comes in and what goes out."""
    shop = Connection.objects.create(
        name="shop", kind="openapi", base_url="https://shop.example", document=json.dumps(DOCUMENT), tools=OVERRIDES
    )
    row = hooks.source()
    started = hooks.trigger(row)
    body = json.dumps({"type": "refund.requested", "note": text}).encode()
    event = Event.objects.create(
        source=row, dedupe_key="1", body=body, body_sha256="0" * 64, state="invalid", problems=[f"order_id: {text}"]
    )
    mail = Connection.objects.create(name="post", kind="mail", base_url="smtp://mail.example")
    notice = Notice.objects.filter(request_id=request.pk).first() or Notice.objects.all()[0]
    delivery = Delivery.objects.create(
        notice=notice, connection=mail, address="a@b.example", state="gave_up", next_at=database_now(), error=text
    )
    Provider.objects.create(name="vendor", kind="openai", api_key=seal("secret"))
    return {
        "/connections/": shop.name,
        "/connections/shop/tools/": "refund_order",
        "/connections/new/": "openapi",
        "/sources/": row.name,
        "/sources/shop-orders/triggers/": str(started.pk),
        "/events/": str(event.pk),
        "/deliveries/": str(delivery.pk),
        "/providers/": "vendor",
    }


def _kept(desk: Desk, run: Run, text: str) -> Mapping[str, str]:
    """What is kept of work that people asked for: halts, undoing, replays, checkpoints, holds."""
    admin = desk["admin"]
    halt = engage_halt(scope="tool:shop.send_mail", reason=text[:280], user=admin)
    undo = Rollback.objects.create(agent=desk.agent, runs=[run.pk], reason=text, asked_by=admin)
    replay = start_replay(rules=active_policy().rules, base=active_policy().number, user=admin)
    work_on_replay()
    place_hold(subject=run.subject, reason=text[:280], user=admin)
    seal_once(wait=True)
    made = make_checkpoint()
    return {
        "/halts/": str(halt.pk),
        "/rollback/": str(undo.pk),
        "/policy/replay/": str(replay.pk),
        "/audit/checkpoints/": str(made.number if made else 1),
    }
