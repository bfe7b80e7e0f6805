"""Everything a provider can do wrong, on each wire: always one of our errors, never a hang, never a second attempt."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from agents.providers import transport
from agents.providers.base import Invalid, ModelProvider, ModelRequest, OverLimit, ProviderError, Refused, Retryable
from tests.vendors import VendorServer

Ask = Callable[..., ModelRequest]
Cause = Callable[[VendorServer], None]


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_a_provider_in_trouble_may_be_asked_again(
    status: int, provider: ModelProvider, vendor: VendorServer, ask: Ask
) -> None:
    vendor.fail(status)
    with pytest.raises(Retryable) as caught:
        provider.complete(ask())
    assert (caught.value.status, caught.value.retry_after_s) == (status, None)
    assert len(vendor.requests) == 1, "our journal must see every attempt, so the SDK makes none of its own"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("3600", 900.0),
        ("1e9", 900.0),
        ("-5", 0.0),
        ("soon", None),
        ("nan", None),
        ("inf", None),
    ],
)
def test_retry_after_is_kept_within_bounds(
    header: str, expected: float | None, provider: ModelProvider, vendor: VendorServer, ask: Ask
) -> None:
    vendor.fail(429, retry_after=header)
    started = time.monotonic()
    with pytest.raises(Retryable) as caught:
        provider.complete(ask())
    assert caught.value.retry_after_s == expected
    assert time.monotonic() - started < 3, "waiting is the run's business, not the worker's"


def test_retry_after_may_be_a_date(provider: ModelProvider, vendor: VendorServer, ask: Ask) -> None:
    vendor.fail(429, retry_after=format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True))
    with pytest.raises(Retryable) as caught:
        provider.complete(ask())
    assert caught.value.retry_after_s == pytest.approx(60, abs=3)


@pytest.mark.parametrize("status", [401, 402, 403, 404])
def test_a_wrong_set_up_says_so_and_is_worth_another_provider(
    status: int, provider: ModelProvider, vendor: VendorServer, ask: Ask
) -> None:
    vendor.fail(status, message="Incorrect key: sk-secret.")
    with pytest.raises(Invalid) as caught:
        provider.complete(ask())
    assert caught.value.setup
    assert str(status) in caught.value.message and "sk-secret" not in caught.value.message


def test_an_account_without_credit_is_not_asked_again(provider: ModelProvider, vendor: VendorServer, ask: Ask) -> None:
    vendor.fail(429, code="insufficient_quota")
    with pytest.raises(Invalid) as caught:
        provider.complete(ask())
    assert caught.value.setup


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (413, "request_too_large", "too large"),
        (400, "context_length_exceeded", "too many"),
        (400, "invalid_request_error", "prompt is too long: 250000 tokens > 200000 maximum"),
        (400, "exceed_context_size_error", "the request exceeds the available context size"),
    ],
)
def test_a_conversation_that_is_too_long(
    status: int, code: str, message: str, provider: ModelProvider, vendor: VendorServer, ask: Ask
) -> None:
    vendor.fail(status, code=code, message=message)
    with pytest.raises(OverLimit):
        provider.complete(ask())


def test_content_that_the_provider_declines(provider: ModelProvider, vendor: VendorServer, ask: Ask) -> None:
    vendor.fail(400, code="content_policy_violation")
    with pytest.raises(Refused):
        provider.complete(ask())


def test_a_wrong_request_says_so_without_repeating_the_conversation(
    provider: ModelProvider, vendor: VendorServer, ask: Ask
) -> None:
    vendor.fail(400, code="invalid_request_error", message="cannot parse 'Order A-1 arrived broken.'")
    with pytest.raises(Invalid) as caught:
        provider.complete(ask())
    assert not caught.value.setup
    assert "invalid_request_error" in caught.value.message and "A-1" not in caught.value.message


@pytest.mark.parametrize(
    "cause",
    [
        lambda vendor: vendor.drop(),
        lambda vendor: vendor.half(),
        lambda vendor: vendor.raw(b""),
        lambda vendor: vendor.raw(b"\n\n"),
        lambda vendor: vendor.raw(b"", **{"Content-Type": "text/event-stream"}),
        lambda vendor: vendor.raw(b"<html>busy</html>", **{"Content-Type": "text/html"}),
        lambda vendor: vendor.raw(b'{"id": "x", "content": ['),
        lambda vendor: vendor.raw(b"[]"),
        lambda vendor: vendor.raw(b"{}"),
        lambda vendor: vendor.raw(b"\xff\xfe{"),
        lambda vendor: vendor.raw(b"[" * 100_000),
        lambda vendor: vendor.raw(b'{"content": "text", "output": "text", "choices": "text"}'),
        lambda vendor: vendor.raw(b'{"content": null, "output": null, "choices": []}'),
        lambda vendor: vendor.raw(b'{"content": null, "output": {}, "choices": [{"message": null}]}'),
        lambda vendor: vendor.raw(b'{"error": {"message": "worker died", "code": 502}}'),
    ],
    ids=range(15),
)
def test_a_broken_answer_may_be_asked_for_again(
    cause: Cause, provider: ModelProvider, vendor: VendorServer, ask: Ask
) -> None:
    cause(vendor)
    with pytest.raises(Retryable):
        provider.complete(ask())


def test_wrong_types_everywhere_inside_are_survived(provider: ModelProvider, vendor: VendorServer, ask: Ask) -> None:
    vendor.raw(
        b"""{"model": 7, "stop_reason": {}, "status": [], "usage": {"input_tokens": "many", "output_tokens": -3,
        "prompt_tokens": true, "completion_tokens": 1.5, "input_tokens_details": 4, "prompt_tokens_details": []},
        "content": [7, null, {"type": "text", "text": 9}, {"type": "tool_use", "id": 5, "name": 6, "input": "x"}],
        "output": [7, null, {"type": "message", "content": 9}, {"type": "function_call", "call_id": 5, "arguments": {}}],
        "choices": [{"finish_reason": 9, "message": {"content": 9, "tool_calls": [7, {"function": 8}]}}]}"""
    )
    reply = provider.complete(ask())
    assert (reply.text, reply.usage.input_tokens, reply.usage.output_tokens, reply.cost_usd) == ("", None, None, None)
    assert all(one.id for one in reply.calls)


def test_a_server_that_says_nothing_is_given_up_in_time(
    provider: ModelProvider, vendor: VendorServer, ask: Ask
) -> None:
    vendor.hang(10)
    started = time.monotonic()
    with pytest.raises(Retryable, match=r"within 0\.3 s"):
        provider.complete(ask(timeout_s=0.3))
    assert time.monotonic() - started < 2


def test_a_server_that_always_says_a_little_is_given_up_in_time_too(
    provider: ModelProvider, vendor: VendorServer, ask: Ask
) -> None:
    vendor.drip()
    started = time.monotonic()
    with pytest.raises(Retryable, match=r"within 0\.5 s"):
        provider.complete(ask(timeout_s=0.5))
    assert time.monotonic() - started < 2


def test_a_server_that_nobody_listens_at(vendor: VendorServer, provider: ModelProvider, ask: Ask) -> None:
    vendor.__exit__(None, None, None)
    with pytest.raises(Retryable, match="could not be reached"):
        provider.complete(ask())


def test_an_answer_of_ten_megabytes_is_not_read(provider: ModelProvider, vendor: VendorServer, ask: Ask) -> None:
    vendor.raw(b'{"content": [{"type": "text", "text": "' + b"x" * (10 << 20) + b'"}]}')
    with pytest.raises(Invalid, match="longer than 8 MB"):
        provider.complete(ask())


def test_a_compressed_answer_is_not_unpacked(provider: ModelProvider, vendor: VendorServer, ask: Ask) -> None:
    vendor.raw(b"bomb", **{"Content-Encoding": "gzip"})
    with pytest.raises(Invalid, match="compressed"):
        provider.complete(ask())


def test_a_redirect_is_not_followed(provider: ModelProvider, vendor: VendorServer, ask: Ask) -> None:
    vendor.raw(b"", status=307, Location="https://elsewhere.example/")
    with pytest.raises(ProviderError):
        provider.complete(ask())
    assert len(vendor.requests) == 1


def test_an_address_inside_is_refused_unless_it_is_allowed(
    provider: ModelProvider, vendor: VendorServer, ask: Ask, settings: object
) -> None:
    settings.OUTBOUND_ALLOW = []  # type: ignore[attr-defined]
    with pytest.raises(Invalid, match="OUTBOUND_ALLOW") as caught:
        provider.complete(ask())
    assert caught.value.setup and not vendor.requests


def test_without_a_registered_way_out_nothing_is_sent(
    provider: ModelProvider, vendor: VendorServer, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "_registered", [])
    with pytest.raises(Invalid, match="transport"):
        provider.complete(ask())
    assert not vendor.requests


def test_no_word_of_the_conversation_is_logged(
    provider: ModelProvider, vendor: VendorServer, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    vendor.say(text="the answer is forty-two")
    vendor.fail(500, message="Order A-1 arrived broken.")
    provider.complete(ask())
    with pytest.raises(Retryable):
        provider.complete(ask())
    for word in ("broken", "settle refunds", "forty-two", "sk-secret"):
        assert word not in caplog.text
    assert "model house/" in caplog.text
