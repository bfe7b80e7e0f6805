import re
from collections.abc import Sequence
from datetime import datetime

from integrations.webhooks.signatures.proof import body_text, check_match, hex_code, keys_of, seconds
from integrations.webhooks.signatures.shape import Delivery, SignatureProblem, SignedRequest, Verified

STAMP, HEADER = "X-Slack-Request-Timestamp", "X-Slack-Signature"
_CODE = re.compile(r"v0=[0-9a-f]{64}")


class Slack:
    """Slack: `v0=<hex HMAC-SHA256 of "v0:timestamp:body">` with the app's signing secret.

    The id is `event_id` of an Events API body; it stays the same when Slack tries again. Commands and
    button presses are forms without one: a replay of the same bytes is known by its fingerprint.
    Source: docs.slack.dev, "Verifying requests from Slack", read 2026-11-21.
    """

    name = "slack"
    label = "Slack"
    signs_url = False

    def verify(self, request: SignedRequest, secrets: Sequence[str], now: datetime) -> Verified:
        stamp, given = request.one(STAMP), request.one(HEADER)
        _check_shape(given)
        keys = keys_of(secrets)
        when = seconds(stamp, STAMP, now)
        message = f"v0:{stamp}:".encode() + request.body
        code = check_match([given], ["v0=" + hex_code(key, message) for key in keys])
        return Verified(body_text(request.body, "event_id"), timestamp=when, id_is_signed=True, fingerprint=code)

    def sign(self, body: bytes, secret: str, *, event_id: str, now: datetime, url: str) -> Delivery:
        (key,) = keys_of([secret])
        stamp = str(int(now.timestamp()))
        return Delivery({STAMP: stamp, HEADER: "v0=" + hex_code(key, f"v0:{stamp}:".encode() + body)}, url)


def _check_shape(given: str) -> None:
    if _CODE.fullmatch(given):
        return
    if re.match(r"v[1-9]", given):
        raise SignatureProblem("wrong_algorithm", f"{HEADER} is not of the version v0.")
    raise SignatureProblem("bad_encoding", f"{HEADER} is not v0= and 64 lower-case hexadecimal digits.")
