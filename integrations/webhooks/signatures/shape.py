"""What every signature scheme takes and gives. Pure: no Django, no clock, no network."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, Self

TOLERANCE_S = 300


class SignatureProblem(Exception):
    """The request is not proven to come from the sender. `code` is stable, the sentence is for people."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


class NotConfigured(SignatureProblem):
    """We lack what the scheme needs (a usable secret, our address): nothing can be proven, so 503, never accept."""


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """The raw request: body bytes as they came, header values by lower-case name, the URL that the sender called."""

    body: bytes
    headers: Mapping[str, Sequence[str]]
    url: str = ""
    method: str = "POST"

    @classmethod
    def of(cls, body: bytes, headers: Iterable[tuple[str, str]], *, url: str = "", method: str = "POST") -> Self:
        by_name: dict[str, list[str]] = {}
        for name, value in headers:
            by_name.setdefault(name.lower(), []).append(value)
        return cls(body=body, headers=by_name, url=url, method=method)

    def one(self, name: str) -> str:
        """Return the header's only value. Raises SignatureProblem when it is missing, empty or there twice."""
        value = self.maybe(name)
        if not value:
            raise SignatureProblem("missing_header", f"The header {name} is missing.")
        return value

    def maybe(self, name: str) -> str | None:
        """Return the header's only value, or None when it is absent. Raises SignatureProblem when it is there twice."""
        values = self.headers.get(name.lower(), ())
        if len(values) > 1:
            raise SignatureProblem("duplicate_header", f"The header {name} is there more than once.")
        return values[0] if values else None


@dataclass(frozen=True, slots=True)
class Verified:
    """A proven delivery.

    event_id: the sender's id of it, for recognising it when it comes again; None where the scheme has none.
    timestamp: when the sender signed it, where the scheme signs that.
    id_is_signed: False when the id sits in a header that the signature does not cover.
    fingerprint: the same for a byte-for-byte replay and for nothing else; empty where the scheme signs no time
        (two honest deliveries of equal text would then share it).
    """

    event_id: str | None
    timestamp: datetime | None = None
    id_is_signed: bool = False
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What to send so that the scheme accepts it: headers, and the URL where the scheme adds to it."""

    headers: Mapping[str, str]
    url: str = field(default="")


class Scheme(Protocol):
    """One way of signing. `label` is what people call it."""

    name: str
    label: str
    signs_url: bool

    def verify(self, request: SignedRequest, secrets: Sequence[str], now: datetime) -> Verified:
        """Return what is proven. Raises SignatureProblem."""
        ...

    def sign(self, body: bytes, secret: str, *, event_id: str, now: datetime, url: str) -> Delivery:
        """Return the headers a sender would put on this JSON body."""
        ...
