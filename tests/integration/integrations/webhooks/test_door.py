"""POST /hooks/<source>/ says exactly what DESIGN 6 promises, and nothing else gets in."""

import gzip
import json
import os
import resource
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.utils import timezone

from config.secrets import seal
from integrations.models import Event
from integrations.webhooks import door, rate
from tests.hooks import deliver, only_event, refund, source
from tests.unit.integrations.webhook_vectors import SCHEMES, SIGNATURE_HEADER, secret_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("signature", SCHEMES)
def test_signed_delivery_is_kept_raw_and_answered_202(client: Client, signature: str) -> None:
    source(signature=signature)
    body = b'{"type" : "refund.requested",\n"order_id":"\xc3\xa9"}'
    answer = deliver(client, body, signature=signature)
    assert answer.status_code == 202, answer.content
    event = only_event()
    assert answer.json() == {"id": str(event.pk), "status": "accepted"}
    assert bytes(event.body) == body
    assert event.state == "received"


@pytest.mark.parametrize("signature", sorted({*SCHEMES} - {"hubspot"}))
def test_second_delivery_with_the_same_id_is_a_duplicate(client: Client, signature: str) -> None:
    source(signature=signature)
    body = b'{"id":"evt_1","event_id":"evt_1"}'
    first = deliver(client, body, signature=signature)
    again = deliver(client, body, signature=signature)
    assert (again.status_code, again.json()) == (200, {"id": first.json()["id"], "status": "duplicate"})
    assert only_event().duplicates == 1


def test_hubspot_retry_of_a_batch_is_a_duplicate(client: Client) -> None:
    source(signature="hubspot")
    batch = [{"eventId": 1, "objectId": 7, "attemptNumber": 0}]
    deliver(client, json.dumps(batch).encode(), signature="hubspot")
    batch[0]["attemptNumber"] = 1
    assert deliver(client, json.dumps(batch).encode(), signature="hubspot").status_code == 200


def test_the_same_id_from_another_source_is_another_event(client: Client) -> None:
    source()
    source("other-shop")
    assert deliver(client).status_code == deliver(client, source="other-shop").status_code == 202


def test_delivery_without_an_id_is_an_event_of_its_own(client: Client) -> None:
    source(signature="hmac_sha256")
    for _ in range(2):
        assert deliver(client, signature="hmac_sha256", event_id="").status_code == 202


def test_source_that_recognises_equal_bodies_takes_one_in_ten_minutes(client: Client) -> None:
    row = source(signature="hmac_sha256", dedupe_by_body=True)
    first = deliver(client, signature="hmac_sha256", event_id="a")
    again = deliver(client, signature="hmac_sha256", event_id="b")
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        later = deliver(client, signature="hmac_sha256", event_id="c")
    assert later.status_code == 202
    assert Event.objects.filter(source=row).count() == 2


def test_byte_for_byte_replay_of_a_slack_form_is_a_duplicate(client: Client) -> None:
    source(signature="slack")
    sent = {
        "body": b"command=%2Fhook&text=x",
        "signature": "slack",
        "content_type": "application/x-www-form-urlencoded",
    }
    assert deliver(client, **sent).status_code == 202
    assert deliver(client, **sent).status_code == 200


@pytest.mark.parametrize("signature", SCHEMES)
def test_missing_signature_is_401_and_keeps_nothing(client: Client, signature: str) -> None:
    source(signature=signature)
    answer = deliver(client, signature=signature, **{SIGNATURE_HEADER[signature]: ""})
    assert (answer.status_code, answer.json()["code"]) == (401, "missing_header")
    assert not Event.objects.exists()


@pytest.mark.parametrize("signature", SCHEMES)
def test_wrong_secret_is_401(client: Client, signature: str) -> None:
    source(signature=signature)
    answer = deliver(client, signature=signature, secret="whsec_YW5vdGhlciBzZWNyZXQ=")
    assert (answer.status_code, answer.json()["code"]) == (401, "no_match")


def test_old_timestamp_is_401(client: Client) -> None:
    source(signature="stripe")
    stamp = str(int((timezone.now() - timedelta(minutes=6)).timestamp()))
    from integrations.webhooks.signatures.proof import hex_code

    code = hex_code(secret_of("stripe").encode(), f"{stamp}.".encode() + refund())
    answer = deliver(client, signature="stripe", **{"Stripe-Signature": f"t={stamp},v1={code}"})
    assert (answer.status_code, answer.json()["code"]) == (401, "stale_timestamp")


def test_unknown_source_is_404_whatever_is_sent(client: Client) -> None:
    for name in ("nobody", "no.dots", "x" * 300, "nul%00"):
        assert client.post(f"/hooks/{name}/", data=b"{}", content_type="application/json").status_code == 404


def test_source_that_is_switched_off_is_unknown(client: Client) -> None:
    source(disabled=True)
    assert deliver(client).status_code == 404


def test_source_without_a_secret_is_503_and_accepts_nothing(client: Client) -> None:
    source(secret="")
    answer = deliver(client)
    assert (answer.status_code, answer.json()["code"]) == (503, "no_secret")
    assert answer["Retry-After"]
    assert not Event.objects.exists()


def test_secret_that_cannot_be_had_is_503(client: Client) -> None:
    source(secret="env:NOT_LISTED_ANYWHERE")
    assert deliver(client).status_code == 503


def test_sealed_secret_of_another_key_is_503(client: Client) -> None:
    source(secret="enc:garbage")
    assert deliver(client).status_code == 503


def test_previous_secret_works_until_its_rotation_ends(client: Client) -> None:
    old = "whsec_b2xkIHNlY3JldCBvbGQgc2VjcmV0"
    row = source(previous_secret=seal(old), previous_secret_until=timezone.now() + timedelta(hours=1))
    assert deliver(client, secret=old, event_id="a").status_code == 202
    assert deliver(client, event_id="b").status_code == 202
    row.previous_secret_until = timezone.now() - timedelta(seconds=1)
    row.save()
    assert deliver(client, secret=old, event_id="c").status_code == 401
    assert deliver(client, event_id="d").status_code == 202


@pytest.mark.parametrize("body", [b"{", b'{"a":}', b"\xff{}", b"hello", b'{"a": NaN}'])
def test_declared_json_that_is_none_is_400(client: Client, body: bytes) -> None:
    source()
    answer = deliver(client, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "not_json")
    assert not Event.objects.exists()


def test_forged_json_that_is_none_is_401_because_nothing_is_read_before_the_proof(client: Client) -> None:
    source()
    assert deliver(client, b"{", secret="whsec_YW5vdGhlciBzZWNyZXQ=").status_code == 401


def test_body_over_the_sources_size_is_413(client: Client) -> None:
    source(max_bytes=1000)
    assert deliver(client, refund(note="x" * 1000)).status_code == 413
    assert deliver(client, refund(note="x" * 100)).status_code == 202


def test_compressed_body_is_415_and_never_unpacked(client: Client) -> None:
    source()
    bomb = gzip.compress(b"0" * 200_000_000, compresslevel=9)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = deliver(client, bomb, **{"Content-Encoding": "gzip"})
    assert answer.status_code == 415
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000
    assert deliver(client, **{"Content-Encoding": "identity"}).status_code == 415


def test_more_than_the_rate_is_429_with_the_seconds_to_wait(client: Client, redis_server: object) -> None:
    source(rate_per_minute=2)
    answers = [deliver(client, event_id=str(number)) for number in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert 1 <= int(answers[-1]["Retry-After"]) <= 60
    assert Event.objects.count() == 2


def test_forged_deliveries_do_not_use_up_the_rate(client: Client, redis_server: object) -> None:
    source(rate_per_minute=1)
    for _ in range(3):
        assert deliver(client, secret="whsec_YW5vdGhlciBzZWNyZXQ=").status_code == 401
    assert deliver(client).status_code == 202


def test_refusals_are_counted_for_the_sources_page(client: Client, redis_server: object) -> None:
    row = source()
    deliver(client, secret="whsec_YW5vdGhlciBzZWNyZXQ=")
    deliver(client, **{"webhook-id": ""})
    assert rate.refusals_today(row.pk, timezone.now()) == {"no_match": 1, "missing_header": 1}


def test_other_methods_are_405(client: Client) -> None:
    source()
    for method in ("get", "put", "delete", "patch", "head"):
        answer = getattr(client, method)("/hooks/shop-orders/")
        assert (answer.status_code, answer["Allow"]) == (405, "POST")


def test_address_without_the_last_slash_works_too(client: Client) -> None:
    source(signature="github")
    answer = deliver(client, signature="github")
    assert answer.status_code == 202
    plain = client.post("/hooks/shop-orders", data=b"{}", content_type="application/json")
    assert plain.status_code == 401


def test_slacks_challenge_is_answered_after_its_signature(client: Client) -> None:
    source(signature="slack")
    body = json.dumps({"type": "url_verification", "token": "x", "challenge": "3eZbrw1aB10F"}).encode()
    answer = deliver(client, body, signature="slack")
    assert (answer.status_code, answer.json()) == (200, {"challenge": "3eZbrw1aB10F"})
    assert not Event.objects.exists()
    assert deliver(client, body, signature="slack", secret="forged").status_code == 401


@pytest.mark.django_db(transaction=True)
def test_database_away_is_503_and_asks_to_come_again(client: Client) -> None:
    source()
    there = connection.settings_dict["HOST"]
    connection.close()
    connection.settings_dict["HOST"] = "/nowhere"
    try:
        answer = deliver(client)
    finally:
        connection.settings_dict["HOST"] = there
        connection.close()
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer["Retry-After"]
    assert not Event.objects.exists()


def test_no_csrf_token_no_session_and_no_cookie_are_needed() -> None:
    strict = Client(enforce_csrf_checks=True)
    source()
    answer = deliver(strict)
    assert answer.status_code == 202
    assert not answer.cookies


def test_one_delivery_asks_the_database_twice(client: Client, django_assert_num_queries: object) -> None:
    source()
    with django_assert_num_queries(2):  # type: ignore[operator]
        deliver(client)


def test_signatures_and_credentials_are_not_kept(client: Client) -> None:
    source()
    deliver(client, Authorization="Bearer x", Cookie="a=b", **{"User-Agent": "Shop/1"})
    headers = only_event().headers
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"] == "Shop/1"
    assert not {"webhook-signature", "authorization", "cookie"} & headers.keys()


def test_secret_from_the_environment_and_from_a_file(client: Client, settings: object, tmp_path: object) -> None:
    settings.SECRET_NAMES = ("HOOK_SECRET_OF_TESTS",)  # type: ignore[attr-defined]
    os.environ["HOOK_SECRET_OF_TESTS"] = secret_of("standard_webhooks")
    source(secret="env:HOOK_SECRET_OF_TESTS")
    assert deliver(client).status_code == 202
    del os.environ["HOOK_SECRET_OF_TESTS"]
    assert deliver(client, event_id="b").status_code == 503
    assert door.find_door("shop-orders") is not None
