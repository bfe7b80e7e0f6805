"""One mail over SMTP, with a bound on every wait."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from approvals.database_clock import database_now
from approvals.models import Request
from integrations.channels.claiming import Sent
from integrations.channels.mail.letters import letter
from integrations.channels.mail.server import open_server, tls_context
from integrations.channels.retrying import NotDelivered
from integrations.channels.secrets import secret_of
from integrations.channels.topics import topic_of
from integrations.channels.wording import message_of
from integrations.models import Connection, Delivery

_SPAM_NOT_US = "Check the mail connection under Connections."


class Sender:
    def send(self, delivery: Delivery, request: Request | None) -> Sent:
        """Hand the mail to the server. Raises NotDelivered, SecretMissing.

        The Message-ID is that of the delivery: who gets a mail twice, because the answer was lost, sees one.
        """
        options = delivery.connection.options
        host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
        message_id = f"{delivery.pk}@{host}"
        mail = letter(
            message_of(delivery.notice, request),
            sender=str(options.get("from", "")),
            to=delivery.address,
            message_id=message_id,
            installation=host,
            at=database_now(),
            kind=topic_of(delivery.notice.kind),
        )
        with _said_plainly(), session(delivery.connection) as server:
            server.send_message(mail)
        return Sent(id=message_id)


@contextmanager
def session(connection: Connection) -> Iterator[smtplib.SMTP]:
    """Open a session: encrypted as the connection says, signed in where it has a user.

    Raises NotDelivered for an address that may not be called, SecretMissing, and what SMTP and sockets raise.
    """
    options = connection.options
    host, port, security = str(options["host"]), int(options["port"]), options.get("security", "starttls")
    password = secret_of(connection, host=host_of_mail(options)) if options.get("user") else ""
    with open_server(host, port, security=security, timeout_s=connection.timeout_s) as server:
        if security == "starttls":
            server.starttls(context=tls_context())
        if options.get("user"):
            server.login(str(options["user"]), password)
        yield server


def host_of_mail(options: dict[str, Any]) -> str:
    """Return what the password is bound to: the server's name and port."""
    return f"{options.get('host', '')}:{options.get('port', '')}"


@contextmanager
def _said_plainly() -> Iterator[None]:
    """Turn what SMTP raises into a sentence; what the server has said no to for good is not tried again."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as problem:
        code, text = next(iter(problem.recipients.values()))
        raise NotDelivered(f"The mail server refuses the recipient: {_reply(code, text)}", final=code >= 500) from None
    except smtplib.SMTPAuthenticationError as problem:
        raise NotDelivered(
            f"The mail server does not let us in: {_reply(problem.smtp_code, problem.smtp_error)}"
        ) from None
    except smtplib.SMTPDataError as problem:
        code = problem.smtp_code
        raise NotDelivered(
            f"The mail server refuses the mail: {_reply(code, problem.smtp_error)}", final=code >= 500
        ) from None
    except smtplib.SMTPNotSupportedError:
        raise NotDelivered(f"The mail server offers no encryption or sign-in. {_SPAM_NOT_US}") from None
    except smtplib.SMTPResponseException as problem:
        raise NotDelivered(f"The mail server says no: {_reply(problem.smtp_code, problem.smtp_error)}") from None
    except (smtplib.SMTPException, ssl.SSLError, OSError) as problem:
        raise NotDelivered(f"The mail server could not be reached: {_cause(problem)}. {_SPAM_NOT_US}") from None


def _reply(code: int, text: Any) -> str:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    return f"{code} {' '.join(words.split())[:200]}"


def _cause(problem: Exception) -> str:
    return (
        "it took too long"
        if isinstance(problem, TimeoutError)
        else " ".join(str(problem).split())[:200] or "it broke off"
    )
