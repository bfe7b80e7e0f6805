"""Signed checkpoints of the audit trail on their way to a mailbox or a web address (AUDIT_CHECKPOINTS)."""

from email.message import EmailMessage
from email.policy import SMTP

from integrations.channels.mail.sender import session
from integrations.channels.retrying import NotDelivered
from integrations.http import Outgoing, client_for
from integrations.models import Connection

DEADLINE_S = 10.0
_TEXT = """A signed checkpoint of the audit trail is attached. Keep it: it proves, against whoever owns the database,
that the trail was not cut or rewritten. The verifier takes a folder of these files.
"""


def post_checkpoint(address: str, name: str, text: str) -> None:
    """Post the file to https://…; any 2xx is taken as received. Raises NotDelivered, and what the guard raises."""
    headers = {"Content-Type": "application/json", "Countersign-File": name}
    answer = client_for("audit-checkpoints").send(
        Outgoing("POST", address, headers, text.encode()), deadline_s=DEADLINE_S
    )
    if not 200 <= answer.status < 300:
        raise NotDelivered(f"The receiver answered {answer.status}.")


def mail_checkpoint(address: str, name: str, text: str) -> None:
    """Mail the file through the first mail connection. Raises NotDelivered and what SMTP raises."""
    connection = Connection.objects.filter(kind=Connection.Kind.MAIL, disabled=False).order_by("name").first()
    if connection is None:
        raise NotDelivered("There is no mail connection to send it through.")
    mail = EmailMessage(policy=SMTP)
    mail["From"] = str(connection.options.get("from", ""))
    mail["To"] = address
    mail["Subject"] = f"Countersign: {name}"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(_TEXT)
    mail.add_attachment(text.encode(), maintype="application", subtype="json", filename=name)
    with session(connection) as server:
        server.send_message(mail)
