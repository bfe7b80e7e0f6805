"""A vendor's failure as one of ours: who may do what about it. No message repeats what was asked."""

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2

from agents.providers.base import Invalid, OverLimit, ProviderError, Refused, Retryable
from agents.providers.foreign import clean, map_in, text_in
from agents.providers.transport import MAX_ANSWER_BYTES, AnswerTooLong, Compressed, is_refusal

MAX_RETRY_AFTER_S = 900.0
_SETUP = {
    401: "does not accept the key",
    402: "asks for payment",
    403: "does not allow this key to do that",
    404: "does not know this model or address",
    405: "does not answer at this address",
}
_TOO_LONG = (
    "context_length", "context length", "context size", "context window", "prompt is too long", "too many tokens",
    "input is too long", "maximum context", "exceeds the limit of tokens",
)  # fmt: skip
_POLICY = ("content_policy", "content_filter", "content policy", "usage policy", "safety system", "misalignment")
_NO_MONEY = ("insufficient_quota", "billing", "credit balance")


def failure_of(error: Exception, *, provider: str, timeout_s: float, secret: str) -> ProviderError:
    """Return our error for what an SDK raised."""
    response = getattr(error, "response", None)
    if isinstance(response, httpx2.Response):
        return failure_of_answer(response, provider=provider, secret=secret)
    for link in _causes(error):
        if is_refusal(link):
            return Invalid(f"{provider} may not be called. {link}", setup=True)
        if isinstance(link, AnswerTooLong):
            return Invalid(f"The answer of {provider} is longer than {MAX_ANSWER_BYTES >> 20} MB.", setup=True)
        if isinstance(link, Compressed):
            return Invalid(f"{provider} sent a compressed answer although none was asked for.", setup=True)
        if isinstance(link, httpx2.TimeoutException):
            return Retryable(f"{provider} did not answer within {timeout_s:g} s.")
    return Retryable(f"{provider} could not be reached, or the connection broke off.")


def failure_of_answer(response: httpx2.Response, *, provider: str, secret: str) -> ProviderError:
    """Return our error for an answer whose status says it failed."""
    said = _said(response)
    facts: dict[str, Any] = {
        "status": response.status_code,
        "retry_after_s": retry_after_s(response.headers),
        "request_id": request_id(response.headers),
    }
    return _by_status(response.status_code, said, provider, secret, facts)


def failure_inside(body: Mapping[str, Any], *, provider: str, secret: str) -> ProviderError | None:
    """Return the failure that an answer of status 200 carries, as some gateways send it, or None."""
    error = body.get("error")
    if not error or "output" in body:
        # A Responses answer names its own failure, with a status that says what kind.
        return None
    said = map_in(error) or {"message": error}
    status = said.get("code") if isinstance(said.get("code"), int) else said.get("status")
    known = status if isinstance(status, int) and 400 <= status <= 599 else 500
    return _by_status(known, said, provider, secret, {"status": known})


def _by_status(
    status: int, said: Mapping[str, Any], provider: str, secret: str, facts: dict[str, Any]
) -> ProviderError:
    words = _words(said)
    if status in _SETUP:
        return Invalid(f"{provider} {_SETUP[status]} ({status}).{_quoted(said, secret)}", setup=True, **facts)
    if any(word in words for word in _NO_MONEY):
        return Invalid(f"{provider} says that its account has no credit left ({status}).", setup=True, **facts)
    if status in (408, 409, 425, 429) or status >= 500:
        return Retryable(f"{provider} is {_state(status)} ({status}).", **facts)
    if status == 413 or any(word in words for word in _TOO_LONG):
        return OverLimit(f"The conversation is longer than this model of {provider} can take ({status}).", **facts)
    if any(word in words for word in _POLICY):
        return Refused(f"{provider} declines this content ({status}).", **facts)
    return Invalid(f"{provider} does not accept the request ({status}{_code(said)}).", setup=status < 400, **facts)


def _state(status: int) -> str:
    return {429: "asked too often", 529: "overloaded", 503: "unavailable"}.get(status, "in trouble")


def retry_after_s(headers: httpx2.Headers) -> float | None:
    """Return how long to wait, never more than our ceiling; None when the provider did not say."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return min(milliseconds / 1000, MAX_RETRY_AFTER_S)
    text = headers.get("retry-after")
    seconds = _number(text)
    if seconds is None and text:
        seconds = _seconds_until(text)
    return None if seconds is None else min(seconds, MAX_RETRY_AFTER_S)


def request_id(headers: httpx2.Headers) -> str:
    return clean(headers.get("request-id") or headers.get("x-request-id") or "")[:200]


def said_of(response: httpx2.Response) -> str:
    """Return the failure's own words in lower case, only to be compared with, never shown."""
    return _words(_said(response))


def _said(response: httpx2.Response) -> Mapping[str, Any]:
    try:
        body = response.json()
    except (ValueError, RecursionError, httpx2.StreamError):
        return {"message": response.text[:4000] if response.is_closed else ""}
    error = map_in(body).get("error", map_in(body).get("detail", body))
    return map_in(error) or {"message": str(error)[:4000]}


def _words(said: Mapping[str, Any]) -> str:
    return " ".join(str(said.get(key) or "")[:4000] for key in ("type", "code", "param", "message")).lower()


def _code(said: Mapping[str, Any]) -> str:
    code = text_in(said.get("code")) or text_in(said.get("type"))
    return f", {code[:60]}" if code.isascii() and code.replace("_", "").isalnum() else ""


def _quoted(said: Mapping[str, Any], secret: str) -> str:
    # Only for set-up failures: others may repeat the prompt.
    words = " ".join(text_in(said.get("message")).split())[:200]
    if secret:
        words = words.replace(secret, "…")
    return f" It says: “{words}”" if words else ""


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return max(value, 0.0) if math.isfinite(value) else None


def _seconds_until(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)


def _causes(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__
