"""A real SMTP server on this machine, that keeps what it gets and fails on demand."""

import socket
import threading
from collections import deque
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from integrations.channels.mail.sender import host_of_mail
from integrations.models import Connection


class Mailbox:
    """Use as a context: `box.mails` holds what was accepted; `box.answer("550 no")` is said to the next recipient."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self._at_rcpt: deque[str] = deque()
        self._at_data: deque[str] = deque()
        self._cut: deque[bool] = deque()
        self._controller = Controller(self, hostname="127.0.0.1", port=_free_port())

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.stop()

    @property
    def port(self) -> int:
        return int(self._controller.port)

    @property
    def allow(self) -> list[str]:
        return [f"127.0.0.1:{self.port}"]

    def refuse_recipient(self, reply: str) -> None:
        self._at_rcpt.append(reply)

    def refuse_mail(self, reply: str) -> None:
        self._at_data.append(reply)

    def cut(self) -> None:
        """Drop the connection in the middle of the next mail."""
        self._cut.append(True)

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if self._at_rcpt:
            return self._at_rcpt.popleft()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        if self._cut:
            self._cut.popleft()
            server.transport.abort()
            return "421 gone"
        if self._at_data:
            return self._at_data.popleft()
        found = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(found, EmailMessage)
        self.mails.append(found)
        self.recipients += envelope.rcpt_tos
        return "250 OK"


class DeafServer:
    """Takes a connection and never says a word."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._kept: list[socket.socket] = []
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()
        self.port = int(self._socket.getsockname()[1])

    def close(self) -> None:
        self._socket.close()
        for one in self._kept:
            one.close()

    def _take(self) -> None:
        try:
            while True:
                self._kept.append(self._socket.accept()[0])
        except OSError:
            return


def mail_connection(port: int, **options: Any) -> Connection:
    said = {"host": "127.0.0.1", "port": port, "security": "none", "from": "agents@example.com", "user": "", **options}
    return Connection.objects.create(
        name="post", kind="mail", options=said, auth_secret_host=host_of_mail(said), timeout_s=1
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
