"""Checkpoints, their deliveries and the watch over the seal's lag: a thread of the leading clock, beside the sealer's."""

import logging
import threading
from datetime import timedelta

from django.db import connections

from approvals.database_clock import database_now
from approvals.models import Notice
from approvals.notices import tell
from approvals.sealing.checkpoints import checkpoint_if_due
from approvals.sealing.delivery import deliver_one
from approvals.sealing.keys import NoKey
from approvals.sealing.lag import LATE_S, holder, seal_lag
from approvals.sealing.marker import keep_marker
from approvals.sealing.restored import stop_if_restored

log = logging.getLogger(__name__)
LOOK_S = 5.0
LAGGING = "delivery.audit_lag"
NO_KEY = "delivery.audit_key"
AGAIN = timedelta(hours=1)


def keep_checkpoints(stop: threading.Event) -> None:
    """Look every five seconds until told to stop."""
    try:
        while not stop.is_set():
            for task in (stop_if_restored, keep_marker, sign_when_due, _deliver_all, warn_when_late):
                _quietly(task)
            stop.wait(LOOK_S)
    finally:
        connections.close_all()


def sign_when_due() -> None:
    """Sign the hour's checkpoint; tell everybody, once an hour, when there is no key to sign with."""
    try:
        checkpoint_if_due()
    except NoKey as problem:
        _tell_once(NO_KEY, "The audit trail is not signed", problem.message)


def warn_when_late() -> None:
    """Tell everybody, once an hour, that rows wait for their seal longer than ten seconds, and who holds them up."""
    lag = seal_lag()
    if not lag.late:
        return
    why = holder() or "no transaction is open; is a clock running?"
    _tell_once(
        LAGGING,
        f"The audit trail is not sealed: {lag.rows:,} rows wait, the oldest for {lag.age_s:.0f} s",
        f"More than {LATE_S:.0f} s is too long: {why}.",
    )


def _deliver_all() -> None:
    while deliver_one():
        pass


def _tell_once(kind: str, title: str, body: str) -> None:
    if not Notice.objects.filter(kind=kind, created_at__gt=database_now() - AGAIN).exists():
        tell(kind=kind, title=title, body=body, link="/audit/")


def _quietly(task: object) -> None:
    try:
        task()  # type: ignore[operator]
    except Exception:
        log.exception("Keeping the audit trail: %s failed; it is tried again.", getattr(task, "__name__", task))
        connections.close_all()
