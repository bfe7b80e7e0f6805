"""Two hundred bodies that are meant to break a reader: none is answered with a 5xx, none stops a worker, all can be looked at."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from integrations.models import Event
from tests.hooks import SCHEMA, deliver, judge_all, source, trigger

pytestmark = pytest.mark.django_db
DEEP = (50, 63, 64, 65, 1_000, 100_000)
NUMBERS = (
    b"NaN", b"Infinity", b"-Infinity", b"1e400", b"-1e400", b"1e-400", b"0e999999", b"9" * 18, b"9" * 19, b"9" * 5000,
    b"-" + b"9" * 5000, b"1." + b"0" * 5000, b"0x10", b"01", b"+1", b".5", b"1.", b"--1", b"1e", b"9223372036854775807",
    b"9223372036854775808", b"-9223372036854775808", b"0.1", b"1e15", b"123456789.123456789123456789", b"-0", b"1E5",
)  # fmt: skip
TEXTS = (
    b"\\u0000", b"\\ud800", b"\\udfff\\ud800", b"\\ud83d\\ude00", b"\\x41", b"\\", b"\xff", b"\xc0\xaf", b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80", b"\x00", b"\x1f", b"\x7f", b"\xe2\x80\xae", b"\xef\xbb\xbf", b"\\u202e", b"\xe2\x80\xa8", b"{{7*7}}",
    b"<script>", b"'; DROP TABLE", b"%s%n", b"../../etc/passwd", b"${jndi:x}", b"\xf0\x9f\x92\xa9" * 1000, b"a" * 100_000,
)  # fmt: skip
WHOLE = (
    b"", b" ", b"\n", b"null", b"true", b"5", b'"text"', b"[]", b"{}", b"[[]]", b"[1]", b"[null]", b"{]", b"[}", b"{", b"[",
    b'{"a"', b'{"a":', b'{"a":1', b'{"a":1,', b'{"a":1,}', b"[1,]", b"{,}", b'{"a":1 "b":2}', b"{'a':1}", b"{a:1}", b'{"a":1}{"b":2}',
    b'{"a":1}\n{"b":2}', b'{"a":1}//x', b'/*x*/{"a":1}', b'{"type":"a","type":"b"}', b'{"order_id":"1","order_id":"2"}',
    b'{"__proto__":{}}', b'{"":1}', b'{"a":{"a":1,"a":2}}', b"\xef\xbb\xbf{}", "{}".encode("utf-16"), "{}".encode("utf-32"),
    b"\x1f\x8b\x08\x00", b"PK\x03\x04", b"<xml/>", b"a=1&b=2", b"payload=%7B%7D", b"--boundary\r\n", b"%PDF-1.7", b"\x80\x04K\x01.",
    b'{"type":null,"order_id":null}', b'{"type":[],"order_id":{}}', b'{"type":{"$ne":1}}', b'[{"type":"refund.requested"}]',
    b'{"type":"refund.requested","order_id":"' + b"x" * 5000 + b'"}', b'{"a":' + b"[1]," * 3 + b"1}",
    b'{"' + b"k" * 100_000 + b'":1}', b"{" + b",".join(b'"k%d":1' % n for n in range(20_000)) + b"}", b"[" + b"1," * 50_000 + b"1]",
)  # fmt: skip


def corpus() -> list[bytes]:
    nested = [b"[" * depth + b"]" * depth for depth in DEEP] + [
        b'{"a":' * depth + b"1" + b"}" * depth for depth in DEEP
    ]
    unclosed = [b"[" * depth for depth in DEEP] + [b'{"a":' * depth for depth in DEEP]
    numbers = [b'{"type":"refund.requested","order_id":"1","amount_minor":' + number + b"}" for number in NUMBERS]
    texts = [b'{"type":"refund.requested","order_id":"' + text + b'"}' for text in TEXTS]
    keys = [b'{"type":"refund.requested","' + text + b'":1}' for text in TEXTS]
    lists = [b"[" + number + b"]" for number in NUMBERS]
    inner = [b'{"type":"x","order_id":"1","lines":[{"price":' + number + b"}]}" for number in NUMBERS]
    return [*WHOLE, *nested, *unclosed, *numbers, *texts, *keys, *lists, *inner]


def test_corpus_is_as_large_as_promised() -> None:
    assert len(set(corpus())) >= 200


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded"])
def test_no_body_breaks_the_door_or_a_worker(client: Client, clerk: None, content_type: str) -> None:
    trigger(source(schema=SCHEMA))
    for number, body in enumerate(corpus()):
        answer = deliver(client, body, event_id=str(number), content_type=content_type)
        assert answer.status_code in {202, 400, 413}, (body[:80], answer.status_code)
    while judge_all():
        pass
    states = set(Event.objects.values_list("state", flat=True))
    assert "received" not in states, "every one of them was judged"
    assert "accepted" in states or content_type != "application/json"


def test_whatever_was_kept_can_be_looked_at(client: Client, clerk: None, admin: User) -> None:
    trigger(source(schema=SCHEMA))
    for number, body in enumerate(corpus()):
        deliver(client, body[:20_000], event_id=str(number), content_type="text/plain")
    while judge_all():
        pass
    client.force_login(admin)
    assert client.get("/events/").status_code == 200
    for event_id in Event.objects.values_list("pk", flat=True):
        assert client.get(f"/events/{event_id}/").status_code == 200
