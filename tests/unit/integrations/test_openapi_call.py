"""From canonical arguments to the wire and back, against a stranger's server with faults."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import httpx2
import pytest
from pytest_django import Settings

from agents.tools.base import NotSent, OutcomeUnknown, Refused, Throttled, Tool, ToolResult
from approvals.policy.action import Effect
from integrations.http import Answer
from integrations.openapi.answer import result_of, retry_after_s
from tests.stranger import Stranger, answer, broken_off, drip, gibberish, huge, reset, slow, stranger
from tests.unit.integrations.foreign import CONTEXT, account, document, foreign, imported, json_body, only

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.fixture
def other(settings: Settings) -> Iterator[Stranger]:
    settings.OUTBOUND_ALLOW = ("127.0.0.0/8",)
    with stranger() as running:
        running.on("*", answer(200, {"ok": True}))
        yield running


def _call(
    other: Stranger, text: str, name: str, arguments: dict[str, Any], overrides: Any = None, **more: str
) -> ToolResult:
    tool = imported(text, overrides, account=account(f"{other.url}/base", **more)).tools[f"shop.{name}"]
    return tool.call(arguments, CONTEXT)


def _path_tool(other: Stranger) -> Tool:
    parameter = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    text = document({"/orders/{id}/refunds": {"post": {"operationId": "x", "parameters": [parameter]}}})
    return only(imported(text, account=account(f"{other.url}/base")))


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        ("A 1", "A%201"),
        ("a/b", "a%2Fb"),
        ("a?b#c", "a%3Fb%23c"),
        ("ä", "%C3%A4"),
        ("a%2fb", "a%252fb"),
        ("a;b", "a%3Bb"),
        ("...", "..."),
        ("a..b", "a..b"),
        (12, "12"),
        (True, "true"),
        (Decimal("1.50"), "1.5"),
    ],
)
def test_path_argument_is_one_segment_on_the_wire(value: Any, wire: str, other: Stranger) -> None:
    _path_tool(other).call({"id": value}, CONTEXT)
    assert other.asked[0].target == f"/base/orders/{wire}/refunds"


@pytest.mark.parametrize(
    "value",
    [
        "..",
        ".",
        "../admin",
        "a/../../admin",
        "a\\..\\b",
        "%2e%2e",
        "%2e%2e%2fadmin",
        "%252e%252e",
        "..%2fadmin",
        "",
        "a\r\nHost: evil",
        "a\x00b",
    ],
)
def test_path_argument_that_would_leave_its_place_is_refused_and_nothing_is_sent(value: str, other: Stranger) -> None:
    with pytest.raises(Refused, match="Nothing was sent"):
        _path_tool(other).call({"id": value}, CONTEXT)
    assert other.asked == []


def test_query_styles_are_written_as_the_document_says(other: Stranger) -> None:
    _call(
        other,
        foreign("garden.json"),
        "findPlantsByStatus",
        {"status": ["available", "sold"], "tags": ["a,b", "c"], "max_price": Decimal("10.50")},
    )
    assert other.asked[0].target == "/base/plants?status=available&status=sold&tags=a%2Cb,c&max_price=10.5"
    _call(
        other,
        foreign("ledger.json"),
        "report",
        {"range": {"from": "a&b=c", "to": None}, "where": {"x": [1, Decimal("0.1")]}},
    )
    query = parse_qs(other.asked[1].target.partition("?")[2])
    assert query == {"range[from]": ["a&b=c"], "where": ['{"x":[1,0.1]}']}


def test_json_body_carries_decimals_exactly_as_they_were_signed(other: Stranger) -> None:
    _call(
        other,
        foreign("ledger.json"),
        "create-entry",
        {"on": "2026-01-01", "amount": Decimal("12345678901.23"), "currency": "EUR", "account": "ä"},
    )
    asked = other.asked[0]
    assert asked.body == '{"account":"ä","amount":12345678901.23,"currency":"EUR","on":"2026-01-01"}'.encode()
    assert asked.headers["Content-Type"] == "application/json"


def test_body_argument_that_collides_with_the_path_goes_to_its_own_place(other: Stranger) -> None:
    _call(
        other,
        foreign("library.yaml"),
        "lend",
        {"bookId": "AB-1", "body_bookId": "CD-2", "reader": "r", "due": "2026-01-01", "language": "no", "note": None},
    )
    assert other.asked[0].target == "/base/books/AB-1"
    assert other.asked[0].json() == {
        "bookId": "CD-2",
        "reader": "r",
        "due": "2026-01-01",
        "language": "no",
        "note": None,
    }


def test_whole_body_and_vendor_type_are_kept(other: Stranger) -> None:
    _call(other, foreign("ledger.json"), "pay", {"body": {"card": None}})
    assert (other.asked[0].body, other.asked[0].headers["Content-Type"]) == (
        b'{"card":null}',
        "application/vnd.ledger+json",
    )
    _call(other, foreign("ledger.json"), "change_batch", {"id": 3})
    assert other.asked[1].body == b"" and "Content-Type" not in other.asked[1].headers


def test_form_is_written_as_a_form(other: Stranger) -> None:
    _call(other, foreign("garden.json"), "updatePlantWithForm", {"plantId": 3, "name": "a b&c"})
    assert (other.asked[0].body, other.asked[0].target) == (b"name=a+b%26c", "/base/plants/3")


def test_key_goes_into_the_header_that_the_document_or_a_person_names(other: Stranger) -> None:
    arguments = {"bookId": "AB-1", "reader": "r", "due": "2026-01-01", "language": "no"}
    _call(other, foreign("library.yaml"), "lend", arguments)
    _call(
        other,
        foreign("library.yaml"),
        "lend",
        arguments,
        {"lend": {"effect": "keyed", "idempotency": {"header": "X-Request-Key"}}},
    )
    assert other.asked[0].headers["Idempotency-Key"] == "v1-key"
    assert other.asked[1].headers["X-Request-Key"] == "v1-key"


def test_header_argument_cannot_smuggle_another_header(other: Stranger) -> None:
    for value in ("a\r\nX-Admin: 1", "a\nb", "ä"):
        with pytest.raises(Refused):
            _call(other, foreign("library.yaml"), "books_search", {"q": "x", "X-Trace": value})
    assert other.asked == []


def test_secret_goes_into_its_header_with_the_scheme_that_the_document_asks_for(
    other: Stranger, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SECRET_NAMES = ("SHOP_TOKEN",)
    secret = {"auth_header": "Authorization", "auth_secret": "env:SHOP_TOKEN"}
    for stored in ("abc", "Bearer abc", "abc\n"):
        monkeypatch.setenv("SHOP_TOKEN", stored)
        _call(other, foreign("library.yaml"), "books_search", {"q": "x"}, **secret)
    monkeypatch.setenv("SHOP_TOKEN", "abc")
    _call(other, foreign("garden.json"), "getPlantById", {"plantId": 1}, **secret)
    assert [asked.headers["Authorization"] for asked in other.asked] == [
        "Bearer abc",
        "Bearer abc",
        "Bearer abc",
        "abc",
    ]


def test_secret_when_the_address_changed_is_not_sent_and_asked_for_again(
    other: Stranger, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SECRET_NAMES = ("SHOP_TOKEN",)
    monkeypatch.setenv("SHOP_TOKEN", "abc")
    moved = replace(
        account(other.url, auth_header="Authorization", auth_secret="env:SHOP_TOKEN"),
        auth_secret_host="old.example:443",
    )
    with pytest.raises(NotSent, match="Enter it again"):
        imported(foreign("garden.json"), account=moved).tools["shop.getPlantById"].call({"plantId": 1}, CONTEXT)
    assert other.connections == 0


def test_secret_when_missing_sends_nothing(other: Stranger) -> None:
    with pytest.raises(NotSent, match="SECRET_NAMES"):
        _call(
            other, foreign("garden.json"), "getPlantById", {"plantId": 1}, auth_header="A", auth_secret="env:NOT_LISTED"
        )
    assert other.connections == 0


# --- what comes back


def _post(other: Stranger, play: Any, *, effect: str = "blind", attempt: int = 1) -> ToolResult:
    other.on("POST /base/x", play)
    override: dict[str, Any] = {"effect": effect}
    if effect == "keyed":
        override["idempotency"] = {"header": "K"}
    text = document(
        {
            "/x": {
                "post": {
                    "operationId": "x",
                    "requestBody": json_body({"type": "object", "properties": {"v": {"type": "string"}}}),
                }
            }
        }
    )
    tool = only(imported(text, {"x": override}, account=account(f"{other.url}/base")))
    return tool.call({"v": "1"}, replace(CONTEXT, attempt=attempt, deadline_s=0.5))


def test_result_is_exact_json_data(other: Stranger) -> None:
    got = _post(other, answer(200, b'{"total": 12.30, "n": 3, "big": 9.99e308, "list": [1.5]}'))
    assert got.data == {"total": Decimal("12.30"), "n": 3, "big": "9.99E+308", "list": [Decimal("1.5")]}
    assert (got.status, got.truncated) == (200, False)


@pytest.mark.parametrize(
    ("raw", "kind", "data"),
    [
        (b"", "application/json", None),
        (b"hello", "text/plain", "hello"),
        (b'{"a": 1, "a": 2}', "application/json", '{"a": 1, "a": 2}'),
        (b'{"a": "\\u0000"}', "application/json", '{"a": "\\u0000"}'),
        (b"a\x00b\xff", "text/plain", "ab\ufffd"),
        (b"\x89PNG", "image/png", {"note": "4 bytes of image/png; not text"}),
        (b"[" * 50_000, "application/json", "[" * 50_000),
    ],
)
def test_result_when_odd_is_still_something_that_can_be_stored(
    raw: bytes, kind: str, data: Any, other: Stranger
) -> None:
    got = _post(other, answer(200, raw, Content_Type=kind))
    assert got.data == data
    assert "\x00" not in json.dumps(got.data, ensure_ascii=False)


def test_result_when_huge_is_cut_and_says_so(other: Stranger) -> None:
    got = _post(other, huge(3_000_000))
    assert got.truncated and len(got.data) == 16_000


@pytest.mark.parametrize(
    ("status", "effect", "attempt", "headers", "raises"),
    [
        (400, "blind", 1, {}, Refused),
        (401, "keyed", 1, {}, Refused),
        (404, "blind", 1, {}, Refused),
        (422, "keyed", 2, {}, Refused),
        (409, "blind", 1, {}, Refused),
        (409, "keyed", 1, {}, Refused),
        (409, "keyed", 2, {}, OutcomeUnknown),
        (409, "keyed", 1, {"Retry_After": "1"}, OutcomeUnknown),
        (408, "blind", 1, {}, OutcomeUnknown),
        (429, "blind", 1, {}, Throttled),
        (503, "blind", 1, {"Retry_After": "3"}, Throttled),
        (503, "blind", 1, {}, OutcomeUnknown),
        (500, "keyed", 1, {}, OutcomeUnknown),
        (502, "blind", 1, {}, OutcomeUnknown),
        (301, "blind", 1, {"Location": "/y"}, OutcomeUnknown),
        (303, "blind", 1, {"Location": "/y"}, OutcomeUnknown),
        (307, "blind", 1, {"Location": "/y"}, Refused),
        (302, "read", 1, {"Location": "/y"}, Refused),
    ],
)
def test_status_says_what_is_known(
    status: int, effect: str, attempt: int, headers: dict[str, str], raises: type[Exception], other: Stranger
) -> None:
    with pytest.raises(raises) as caught:
        _post(other, answer(status, {"error": {"message": "the reason"}}, **headers), effect=effect, attempt=attempt)
    assert type(caught.value) is raises
    assert "the reason" in str(caught.value)
    assert len(other.asked) == 1


def test_conflict_that_says_in_progress_is_unknown_already_the_first_time(other: Stranger) -> None:
    with pytest.raises(OutcomeUnknown):
        _post(other, answer(409, {"code": "idempotency_key_in_use"}), effect="keyed")


@pytest.mark.parametrize("play", [slow(1.0, answer(200, {})), reset, drip("body"), drip("head"), broken_off, gibberish])
def test_fault_after_the_bytes_left_is_unknown(play: Any, other: Stranger) -> None:
    with pytest.raises(OutcomeUnknown):
        _post(other, play)
    assert len(other.asked) == 1


def test_blind_call_never_rides_on_a_used_connection(other: Stranger) -> None:
    for _ in range(3):
        _post(other, answer(200, {}), effect="blind")
    assert other.connections == 3


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        ("Sat, 21 Nov 2026 09:01:00 GMT", 60.0),
        ("Sat, 21 Nov 2026 08:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        ("-5", None),
        ("99999999999", 86400.0),
        ("٣", None),
    ],
)
def test_retry_after_in_every_form(text: str, seconds: float | None) -> None:
    assert (
        retry_after_s(Answer(429, httpx2.Headers({"Retry-After": text.encode()} if text else {}), b"", 1), NOW)
        == seconds
    )


def test_reason_is_short_and_never_a_web_page() -> None:
    page = Answer(500, httpx2.Headers({"Content-Type": "text/html"}), b"<html>" * 1000, 1)
    with pytest.raises(OutcomeUnknown) as caught:
        result_of(page, effect=Effect.BLIND, attempt=1, now=NOW)
    assert caught.value.message == "The other system answered 500."
    long = Answer(400, httpx2.Headers({}), b"x " * 5000, 1)
    with pytest.raises(Refused) as refused:
        result_of(long, effect=Effect.BLIND, attempt=1, now=NOW)
    assert len(refused.value.message) < 600
