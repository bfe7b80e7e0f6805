"""Slack on this machine: a local server that speaks the parts of its Web API we use, and fails on demand.

with SlackServer() as slack:
    settings.OUTBOUND_ALLOW = slack.allow
    connection = slack_connection(slack)
    link(connection, user, "U07OPERATOR")
    slack.posted, slack.updated, slack.opened, slack.whispered      # what arrived, in order
    slack.fail(429, retry_after="7"); slack.refuse("invalid_auth"); slack.slow(3.0)
    send(client, "office", pressed(slack.posted[-1], "approve", person="U07OPERATOR"))
"""

import json
import threading
import time
from collections import deque
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from config.secrets import seal
from integrations.models import ChannelLink, Connection
from integrations.openapi.call import host_of
from integrations.webhooks import signatures

TOKEN, SIGNING_SECRET, WORKSPACE = "xoxb-practice", "8f742231b10e8888abcd99yyyzzz85a5", "T07COMPANY"


class SlackServer:
    """Answers as Slack does, and keeps every call."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._faults: deque[tuple[int, Mapping[str, str], dict[str, Any], float]] = deque()
        self._stamp = 1_764_000_000
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/api"

    @property
    def allow(self) -> list[str]:
        return [f"127.0.0.1:{self._http.server_address[1]}"]

    @property
    def posted(self) -> list[dict[str, Any]]:
        return self._of("chat.postMessage")

    @property
    def updated(self) -> list[dict[str, Any]]:
        return self._of("chat.update")

    @property
    def opened(self) -> list[dict[str, Any]]:
        return self._of("views.open")

    @property
    def whispered(self) -> list[str]:
        return [said["text"] for said in self._of("chat.postEphemeral")]

    def fail(self, status: int, *, retry_after: str = "") -> None:
        """Answer the next call with this status."""
        self._faults.append((status, {"Retry-After": retry_after} if retry_after else {}, {}, 0.0))

    def refuse(self, error: str) -> None:
        """Answer the next call with Slack's own form of a refusal."""
        self._faults.append((200, {}, {"ok": False, "error": error}, 0.0))

    def slow(self, seconds: float) -> None:
        """Let the next call wait."""
        self._faults.append((200, {}, {"ok": True, "channel": "D1", "ts": "1.1"}, seconds))

    def _of(self, method: str) -> list[dict[str, Any]]:
        return [said for name, said in self.calls if name == method]

    def _answer(self, method: str, said: dict[str, Any], token: str) -> tuple[int, Mapping[str, str], dict[str, Any]]:
        if token != f"Bearer {TOKEN}":
            return 200, {}, {"ok": False, "error": "invalid_auth"}
        if self._faults:
            status, headers, body, wait_s = self._faults.popleft()
            time.sleep(wait_s)
            return status, headers, body
        self.calls.append((method, said))
        self._stamp += 1
        place = (
            "D" + str(said.get("channel", "")) if str(said.get("channel", "")).startswith("U") else said.get("channel")
        )
        return 200, {}, {"ok": True, "channel": place, "ts": f"{self._stamp}.000100", "team_id": WORKSPACE}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                method = self.path.rpartition("/")[2]
                status, headers, body = server._answer(
                    method, json.loads(raw or b"{}"), self.headers.get("Authorization", "")
                )
                answer = json.dumps(body).encode()
                self.send_response(status)
                for name, value in {
                    "Content-Type": "application/json",
                    "Content-Length": str(len(answer)),
                    **headers,
                }.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                return

        return Handler


def slack_connection(
    server: SlackServer | None = None, *, name: str = "office", url: str = "https://slack.com/api", **options: Any
) -> Connection:
    url = server.url if server else url
    return Connection.objects.create(
        name=name,
        kind="slack",
        base_url=url,
        auth_secret=seal(TOKEN),
        auth_secret_host=host_of(url),
        signing_secret=seal(SIGNING_SECRET),
        options={"channel": "", "channels": {}, "workspace": WORKSPACE, **options},
        timeout_s=2,
    )


def link(connection: Connection, user: User, person: str, workspace: str = WORKSPACE) -> ChannelLink:
    return ChannelLink.objects.create(
        connection=connection, user=user, address=f"{workspace}/{person}", confirmed_at=timezone.now()
    )


def button(message: Mapping[str, Any], action: str) -> dict[str, Any] | None:
    """Return the button of a message, or None when there is none to press."""
    elements = [part for block in message["blocks"] if block["type"] == "actions" for part in block["elements"]]
    return next((part for part in elements if part["action_id"] == action), None)


def text_of(message: Mapping[str, Any]) -> str:
    """Return all that a person reads in a message."""
    return "\n".join(block["text"]["text"] for block in message["blocks"] if block["type"] == "section")


def pressed(
    message: Mapping[str, Any], action: str, *, person: str, workspace: str = WORKSPACE, **more: Any
) -> dict[str, Any]:
    """Return the payload that Slack would send for a press."""
    found = button(message, action) or {}
    said = press(found.get("value", ""), action, person=person, workspace=workspace)
    return {**said, "channel": {"id": message.get("channel", "D1")}, **more}


def press(value: str, action: str, *, person: str, workspace: str = WORKSPACE) -> dict[str, Any]:
    """Return the payload of a press on a button that carries this value."""
    return {
        "type": "block_actions",
        "user": {"id": person, "team_id": workspace, "username": "somebody"},
        "team": {"id": workspace},
        "channel": {"id": "D1"},
        "trigger_id": "13345224609.738474920.8088930838d88f008e0",
        "actions": [{"action_id": action, "value": value, "type": "button"}],
    }


def form(
    view: Mapping[str, Any], *, person: str, code: str = "no_proof", words: str = "", workspace: str = WORKSPACE
) -> dict[str, Any]:
    """Return the payload of the reject form, filled."""
    return {
        "type": "view_submission",
        "user": {"id": person, "team_id": workspace},
        "team": {"id": workspace},
        "view": {
            "private_metadata": view["private_metadata"],
            "state": {
                "values": {
                    "reason": {"code": {"selected_option": {"value": code}}},
                    "words": {"text": {"value": words or None}},
                }
            },
        },
    }


def send(client: Client, name: str, payload: Mapping[str, Any], **more: Any) -> Any:
    """Post an interaction as Slack does, signed."""
    return post(client, f"/slack/interactions/{name}/", urlencode({"payload": json.dumps(payload)}).encode(), **more)


def command(client: Client, name: str, text: str, *, person: str, workspace: str = WORKSPACE, **more: Any) -> Any:
    fields = {"command": "/countersign", "text": text, "team_id": workspace, "user_id": person}
    return post(client, f"/slack/commands/{name}/", urlencode(fields).encode(), **more)


def post(
    client: Client,
    path: str,
    body: bytes,
    *,
    secret: str = SIGNING_SECRET,
    now: Any = None,
    headers: Any = None,
    content_type: str = "application/x-www-form-urlencoded",
) -> Any:
    signed = signatures.sign("slack", body, secret, event_id="", now=now or timezone.now(), url="").headers
    return client.post(path, body, content_type=content_type, headers={**signed, **(headers or {})})
