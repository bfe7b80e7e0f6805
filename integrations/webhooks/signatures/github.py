import re
from collections.abc import Sequence
from datetime import datetime

from integrations.webhooks.signatures.proof import check_match, hex_code, keys_of
from integrations.webhooks.signatures.shape import Delivery, SignatureProblem, SignedRequest, Verified

HEADER = "X-Hub-Signature-256"
_CODE = re.compile(r"sha256=[0-9a-f]{64}")


class GitHub:
    """GitHub: `X-Hub-Signature-256: sha256=<hex HMAC-SHA256 of the body>`. The older SHA-1 header is not looked at.

    No time is signed, and X-GitHub-Delivery is not covered by the signature.
    Source: docs.github.com, webhooks, "Validating webhook deliveries", read 2026-11-21.
    """

    name = "github"
    label = "GitHub"
    signs_url = False

    def verify(self, request: SignedRequest, secrets: Sequence[str], now: datetime) -> Verified:
        given = request.one(HEADER)
        _check_shape(given)
        event_id = request.maybe("X-GitHub-Delivery")
        check_match([given], ["sha256=" + hex_code(key, request.body) for key in keys_of(secrets)])
        return Verified(event_id=event_id or None)

    def sign(self, body: bytes, secret: str, *, event_id: str, now: datetime, url: str) -> Delivery:
        (key,) = keys_of([secret])
        headers = {HEADER: "sha256=" + hex_code(key, body), "X-GitHub-Delivery": event_id, "X-GitHub-Event": "test"}
        return Delivery(headers, url)


def _check_shape(given: str) -> None:
    if _CODE.fullmatch(given):
        return
    if "=" in given and not given.startswith("sha256="):
        raise SignatureProblem("wrong_algorithm", f"{HEADER} is not of the algorithm sha256.")
    raise SignatureProblem("bad_encoding", f"{HEADER} is not sha256= and 64 lower-case hexadecimal digits.")
