"""One attempt of one operation: arguments in, result or an honest error out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from agents.tools.base import CallContext, NotSent, Refused, ToolResult
from approvals.policy.action import Effect
from config.secrets import SecretMissing, credential_id, reveal
from integrations.http import AddressRefused, Answer, Outgoing, client_for
from integrations.http.guard import endpoint_of
from integrations.openapi.answer import result_of
from integrations.openapi.operations import Operation
from integrations.openapi.request import BadArguments, body_of, headers_of, target_of

# Below this a credential's text may stand in an answer by chance.
SHORTEST_CREDENTIAL = 8


@dataclass(frozen=True, slots=True)
class Account:
    """Which account at which system: the address and the stored (never the revealed) secret."""

    connection: str
    base_url: str
    auth_header: str = ""
    auth_secret: str = field(default="", repr=False)
    auth_secret_host: str = ""

    @property
    def identity(self) -> str:
        """Return "host#credential-id": what is signed about the account, never the secret."""
        return f"{host_of(self.base_url)}#{credential_id(self.auth_secret)}"


@dataclass(frozen=True, slots=True)
class Binding:
    """One operation bound to one account."""

    operation: Operation
    account: Account
    effect: Effect
    key_header: str = ""
    scheme_prefix: str = ""


def host_of(base_url: str) -> str:
    """Return "host:port" of an address; "" when it is none. This is what a secret is bound to."""
    try:
        endpoint = endpoint_of(base_url)
    except AddressRefused:
        return ""
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    return f"{host}:{endpoint.port}"


def call_operation(binding: Binding, arguments: Mapping[str, Any], context: CallContext) -> ToolResult:
    """Make one attempt. Raises NotSent, Refused, Throttled or OutcomeUnknown."""
    answer = send(binding, arguments, context)
    return result_of(answer, effect=binding.effect, attempt=context.attempt, now=datetime.now(UTC))


def send(binding: Binding, arguments: Mapping[str, Any], context: CallContext) -> Answer:
    """Send the operation's request once and return the answer, whatever its status."""
    try:
        outgoing = request_of(binding, arguments, context)
    except BadArguments as error:
        raise Refused(f"Nothing was sent. {error}") from None
    except SecretMissing as error:
        raise NotSent(error.message) from None
    # A reused connection can be closed by the other side just as we write. A tool that may
    # not be sent twice gets a new one, so that this never leaves its outcome open.
    fresh = binding.effect in (Effect.BLIND, Effect.QUERYABLE)
    answer = client_for(binding.account.connection).send(outgoing, deadline_s=context.deadline_s, fresh=fresh)
    return _without_credential(answer, outgoing.headers.get(binding.account.auth_header, ""))


def _without_credential(answer: Answer, signed_in_by: str) -> Answer:
    """Return the answer without what we signed in with: some systems say back what they were sent, and an answer is
    read by models and kept in journals."""
    body = answer.body
    for part in sorted({signed_in_by, *signed_in_by.split()}, key=len, reverse=True):
        if len(part) >= SHORTEST_CREDENTIAL:
            for spelling in (part, part.replace("/", "\\/")):
                body = body.replace(spelling.encode(), b"[credential]")
    return answer if body is answer.body else replace(answer, body=body)


def request_of(binding: Binding, arguments: Mapping[str, Any], context: CallContext) -> Outgoing:
    """Return the request for these arguments. Raises BadArguments or SecretMissing."""
    operation = binding.operation
    body, content_type = body_of(operation, arguments)
    headers = {"Accept": "application/json", **headers_of(operation, arguments)}
    if content_type:
        headers["Content-Type"] = content_type
    if binding.key_header:
        headers[binding.key_header] = context.key
    headers |= auth_headers(binding.account, binding.scheme_prefix)
    url = binding.account.base_url.rstrip("/") + target_of(operation, arguments)
    return Outgoing(operation.method, url, headers, body)


def auth_headers(account: Account, scheme_prefix: str = "") -> dict[str, str]:
    """Return the header that signs in, when the connection has one. Raises SecretMissing.

    scheme_prefix: added when the secret is a bare token and the document asks for a bearer.
    """
    if not account.auth_header or not account.auth_secret:
        return {}
    host = host_of(account.base_url)
    if account.auth_secret_host != host:
        raise SecretMissing(
            f"The secret of {account.connection} was entered for another address than {host}. Enter it again."
        )
    value = reveal(account.auth_secret).strip()
    if not value.isascii() or any(char < " " for char in value):
        raise SecretMissing(
            f"The secret of {account.connection} has characters that a header cannot carry. Enter it again."
        )
    return {account.auth_header: value if " " in value else f"{scheme_prefix}{value}"}
