"""The practice company as its own HTTP server, and an event played through the real thread against it."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from io import StringIO
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.utils import timezone

from agents.models import Action, Run
from agents.states import ActionState, RunState
from approvals.models import Request
from integrations.models import Event
from integrations.practice.packages import ready_made
from integrations.practice.sampling import SOURCES, stage
from integrations.practice.seeding import seed
from integrations.practice.wsgi import PracticeHandler
from integrations.services import accept_event, process_event
from tests.driving import work

READY_MADE = Path(settings.BASE_DIR) / "agents" / "ready_made"
TOKEN = "practice-token"


class _Quiet(WSGIRequestHandler):
    def handle(self) -> None:
        """Answer one request, then close: a broken answer ends the connection as it does with the real server."""
        self.handle_one_request()
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_args: Any) -> None:
        pass


@contextmanager
def practice_server() -> Iterator[str]:
    """Serve the practice company's API; gives its address."""
    handler = PracticeHandler()
    server = ThreadedWSGIServer(("127.0.0.1", 0), _Quiet)
    server.set_app(handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def open_company(url: str) -> None:
    """Seed the company and put the ready-made packages in force, with its address of today."""
    seed(now=timezone.now(), fresh=True)
    with ready_made(READY_MADE, url=url) as files:
        call_command("apply", *files, yes=True, stdout=StringIO())


def play(workflow: str, payload: Mapping[str, Any], setup: Mapping[str, Any] | None = None) -> Run:
    """Send one event in, let the workers work, and return its run."""
    staged = stage(setup or {}, payload, now=timezone.now())
    stored = accept_event(source=SOURCES[workflow], payload=staged)
    process_event(event_id=stored.event_id)
    event = Event.objects.get(pk=stored.event_id)
    assert event.run_ids, f"no run: {event.state} {event.problems}"
    work(rounds=40)
    return Run.objects.get(pk=event.run_ids[0])


def how_it_ended(run: Run) -> str:
    """Return alone, notified, approval, hand_off or question; anything else as the run's own words."""
    request = Request.objects.filter(run_id=run.pk, state="open").first()
    if run.state == RunState.WAITING_PERSON and request is not None:
        return {"approval": "approval", "question": "question"}.get(request.kind, request.kind)
    if run.state == RunState.ESCALATED:
        return "hand_off"
    if run.state != RunState.COMPLETED:
        return f"{run.state}: {run.waiting_for}"
    done = Action.objects.filter(run_id=run.pk, state=ActionState.SUCCEEDED, level="2")
    return "notified" if done.exists() else "alone"


def told(run: Run) -> str:
    """Return what happened in the run, for a failing test's message."""
    actions = Action.objects.filter(run_id=run.pk).order_by("turn", "position")
    lines = [f"  {a.tool} L{a.level} {a.state}: {a.verdict.get('why', '')} {a.error or ''}" for a in actions]
    outcome = (run.outcome or {}).get("reasoning", "")
    return "\n".join([f"{run.state} {run.waiting_for or ''} {outcome}", *lines])
