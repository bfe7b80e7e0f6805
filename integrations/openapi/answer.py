"""What an answer means: a result, a refusal, come back later, or nobody knows. Pure."""

import json
import math
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

from agents.tools.base import OutcomeUnknown, Refused, Throttled, ToolResult
from approvals.policy.action import Effect
from config import bounded_json
from integrations.http import Answer

MAX_TEXT_CHARS = 100_000
MAX_CUT_CHARS = 16_000
MAX_REASON_CHARS = 500
MAX_RETRY_AFTER_S = 24 * 3600.0


def result_of(answer: Answer, *, effect: Effect, attempt: int, now: datetime) -> ToolResult:
    """Return the result of a 2xx answer. Raises Refused, Throttled or OutcomeUnknown for any other.

    attempt: 1 for the first; a keyed call that is told "409" on a later one may still be in progress.
    """
    if 200 <= answer.status < 300:
        data, cut = _data(answer)
        return ToolResult(data=data, status=answer.status, truncated=cut, latency_ms=answer.latency_ms)
    wait = retry_after_s(answer, now)
    said = f"The other system answered {answer.status}{_reason(answer)}"
    if answer.status == 429 or (answer.status == 503 and wait is not None):
        raise Throttled(said, status=answer.status, retry_after_s=wait)
    if _is_definite(answer, effect, attempt, wait):
        raise Refused(said, status=answer.status)
    raise OutcomeUnknown(said, status=answer.status)


def retry_after_s(answer: Answer, now: datetime) -> float | None:
    """Return how long the other side asks us to wait, in seconds, at most a day; None when it does not say."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), MAX_RETRY_AFTER_S)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - now).total_seconds(), 0.0), MAX_RETRY_AFTER_S)


def _is_definite(answer: Answer, effect: Effect, attempt: int, wait: float | None) -> bool:
    """Return whether this answer says that this attempt did nothing."""
    if answer.status in (304, 307, 308):
        return True  # "the same request elsewhere": we do not follow
    if 300 <= answer.status < 400:
        return effect is Effect.READ  # a redirect after a POST often means that it was done
    if answer.status == 409 and effect is Effect.KEYED:
        return attempt == 1 and wait is None and not _in_progress(answer)
    return 400 <= answer.status < 500 and answer.status != 408


def _in_progress(answer: Answer) -> bool:
    text = answer.body[:4000].decode("utf-8", "replace").lower().replace("-", "_").replace(" ", "_")
    return any(word in text for word in ("in_progress", "key_in_use", "already_being_processed", "concurrent"))


def _data(answer: Answer) -> tuple[Any, bool]:
    """Return what the body says and whether it is less than everything."""
    if answer.problem and not answer.body:
        return {"note": f"{answer.problem}; it cannot be shown"}, True
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not answer.body:
        return None, False
    if answer.problem:
        return _text(answer)[:MAX_CUT_CHARS], True
    if kind == "application/json" or kind.endswith("+json") or not kind:
        try:
            return _finite(bounded_json.loads(answer.body)), False
        except bounded_json.BadJson:
            pass
    if kind and not kind.startswith("text/") and not any(part in kind for part in ("json", "xml", "yaml", "form")):
        return {"note": f"{len(answer.body)} bytes of {kind}; not text"}, True
    text = _text(answer)
    return text[:MAX_TEXT_CHARS], len(text) > MAX_TEXT_CHARS


def _finite(value: Any) -> Any:
    """Return the value with numbers that no float can hold as text: they could not be stored or shown otherwise."""
    if isinstance(value, dict):
        return {key: _finite(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_finite(child) for child in value]
    return str(value) if isinstance(value, Decimal) and not math.isfinite(float(value)) else value


def _text(answer: Answer) -> str:
    return answer.body.decode(_charset(answer), "replace").replace("\x00", "")


def _charset(answer: Answer) -> str:
    return "latin-1" if "iso-8859-1" in answer.headers.get("content-type", "").lower() else "utf-8"


def _reason(answer: Answer) -> str:
    """Return what the other side says about a refusal, short, on one line."""
    text = " ".join(_said(answer).split())
    return f": {text[:MAX_REASON_CHARS]}" if text else "."


def _said(answer: Answer) -> str:
    text = _text(answer)
    if "html" in answer.headers.get("content-type", "").lower():
        return ""
    try:
        value = bounded_json.loads(answer.body)
    except bounded_json.BadJson:
        return text
    return _message_in(value) or text


def _message_in(value: Any) -> str:
    """Return the sentence in the usual shapes of an error ({"error": {"message": …}}, {"detail": …}), or ""."""
    for name in ("message", "detail", "error_description", "title", "error", "reason"):
        if isinstance(value, dict) and value.get(name):
            inner = value[name]
            return (
                inner
                if isinstance(inner, str)
                else _message_in(inner) or json.dumps(inner, ensure_ascii=False, default=str)
            )
    return ""
