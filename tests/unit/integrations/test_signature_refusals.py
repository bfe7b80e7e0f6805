"""Every way to be not quite right is refused, each with its own code."""

from datetime import timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from integrations.webhooks import signatures
from integrations.webhooks.signatures import NotConfigured, SignatureProblem, SignedRequest
from tests.unit.integrations.webhook_vectors import (
    BODY,
    NOW,
    SCHEMES,
    SIGNATURE_HEADER,
    TIME_HEADER,
    TIMED,
    Signed,
    delivery,
    from_vector,
    published,
    secret_of,
)

OTHER = "whsec_YW5vdGhlciBzZWNyZXQ="


def code_of(case: Signed, *secrets: str, **at: object) -> str:
    with pytest.raises(SignatureProblem) as caught:
        case.verify(*secrets, **at)  # type: ignore[arg-type]
    assert caught.value.sentence
    return caught.value.code


@pytest.mark.parametrize("scheme", SCHEMES)
def test_missing_signature_is_refused(scheme: str) -> None:
    assert code_of(delivery(scheme).with_header(SIGNATURE_HEADER[scheme], None)) == "missing_header"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_empty_signature_is_refused(scheme: str) -> None:
    assert code_of(delivery(scheme).with_header(SIGNATURE_HEADER[scheme], "")) == "missing_header"


@pytest.mark.parametrize("scheme", sorted(TIME_HEADER))
def test_missing_time_is_refused(scheme: str) -> None:
    assert code_of(delivery(scheme).with_header(TIME_HEADER[scheme], None)) == "missing_header"


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("secrets", [("",), ("", ""), ("  ",)])
def test_empty_secret_never_accepts(scheme: str, secrets: tuple[str, ...]) -> None:
    case = delivery(scheme)
    with pytest.raises(NotConfigured):
        case.verify(*secrets)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_signature_made_with_an_empty_key_is_refused(scheme: str) -> None:
    case = delivery(scheme)
    with pytest.raises(NotConfigured):
        signatures.sign(scheme, BODY, "", event_id="e", now=NOW, url=case.url)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_duplicate_header_is_refused_even_when_both_are_right(scheme: str) -> None:
    case = delivery(scheme)
    name = SIGNATURE_HEADER[scheme]
    request = SignedRequest.of(case.body, [*case.headers.items(), (name.upper(), case.header(name))], url=case.url)
    with pytest.raises(SignatureProblem) as caught:
        signatures.verify(scheme, request, [case.secret], case.now)
    assert caught.value.code == "duplicate_header"


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("glue", [",", ", "])
def test_duplicate_header_that_the_server_joined_is_refused(scheme: str, glue: str) -> None:
    case = delivery(scheme)
    value = case.header(SIGNATURE_HEADER[scheme])
    assert code_of(case.with_header(SIGNATURE_HEADER[scheme], value + glue + value)) in {
        "bad_encoding",
        "duplicate_header",
    }


@pytest.mark.parametrize("scheme", SCHEMES)
def test_secret_after_its_rotation_is_refused(scheme: str) -> None:
    assert code_of(delivery(scheme), OTHER) == "no_match"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_both_secrets_are_good_while_a_rotation_is_under_way(scheme: str) -> None:
    old, new = delivery(scheme, secret=OTHER), delivery(scheme)
    assert old.verify(new.secret, old.secret)
    assert new.verify(new.secret, old.secret)


def test_one_unreadable_secret_does_not_silence_the_other() -> None:
    case = delivery("standard_webhooks")
    assert case.verify("not base64!", case.secret)
    with pytest.raises(NotConfigured):
        case.verify("not base64!")


@pytest.mark.parametrize("scheme", TIMED)
@pytest.mark.parametrize(
    ("away_s", "accepted"), [(-299, True), (299, True), (-302, False), (302, False), (86400, False)]
)
def test_signed_time_may_be_five_minutes_away(scheme: str, away_s: int, accepted: bool) -> None:
    case = delivery(scheme)
    later = case.now + timedelta(seconds=away_s)
    if accepted:
        assert case.verify(now=later)
    else:
        assert code_of(case, now=later) == "stale_timestamp"


@pytest.mark.parametrize("scheme", sorted(TIME_HEADER))
@pytest.mark.parametrize(
    "text", ["now", "-1", "+1", "1e9", "１６１４", "NaN", "inf", "9" * 40, "2021-13-45T99:99:99Z", " 1"]
)
def test_unreadable_time_is_refused(scheme: str, text: str) -> None:
    assert code_of(delivery(scheme).with_header(TIME_HEADER[scheme], text)) == "bad_timestamp"


@pytest.mark.parametrize("header", ["t=,v1=aa", "v1=aa", "t=1", "t=1;v1=aa", "garbage", "t=1,t=2,v1=aa", "t=12a,v1=aa"])
def test_stripe_header_that_is_no_list_is_refused(header: str) -> None:
    assert code_of(delivery("stripe").with_header("Stripe-Signature", header))


@pytest.mark.parametrize(
    ("scheme", "value", "code"),
    [
        ("github", "sha1=" + "0" * 40, "wrong_algorithm"),
        ("github", "sha512=" + "0" * 128, "wrong_algorithm"),
        ("github", "0" * 64, "bad_encoding"),
        ("github", "sha256=" + "g" * 64, "bad_encoding"),
        ("hmac_sha256", "sha1=" + "0" * 40, "wrong_algorithm"),
        ("hmac_sha256", "md5=" + "0" * 32, "wrong_algorithm"),
        ("hmac_sha256", "sha256=", "bad_encoding"),
        ("slack", "v1=" + "0" * 64, "wrong_algorithm"),
        ("slack", "0" * 64, "bad_encoding"),
        ("standard_webhooks", "v2,AAAA", "wrong_algorithm"),
        ("standard_webhooks", "v1a,AAAA", "wrong_algorithm"),
        ("standard_webhooks", "v1", "bad_encoding"),
        ("standard_webhooks", " ".join(["v1,AAAA"] * 17), "bad_encoding"),
        ("shopify", "0" * 64, "bad_encoding"),
        ("zendesk", "0" * 64, "bad_encoding"),
        ("hubspot", "0" * 64, "bad_encoding"),
        ("twilio", "0" * 40, "bad_encoding"),
    ],
)
def test_wrong_algorithm_or_encoding_is_refused(scheme: str, value: str, code: str) -> None:
    assert code_of(delivery(scheme).with_header(SIGNATURE_HEADER[scheme], value)) == code


def test_two_kinds_of_plain_signature_header_are_refused() -> None:
    case = delivery("hmac_sha256")
    assert code_of(case.with_header("Signature", case.header("X-Signature"))) == "duplicate_header"


def test_upper_case_hexadecimal_is_refused() -> None:
    case = delivery("hmac_sha256")
    loud = "sha256=" + case.header("X-Signature").removeprefix("sha256=").upper()
    assert code_of(case.with_header("X-Signature", loud)) == "bad_encoding"


def test_base64_that_decodes_to_the_same_bytes_is_refused() -> None:
    """The last character before = carries two spare bits; only the one true spelling is a signature."""
    case = delivery("shopify")
    value = case.header("X-Shopify-Hmac-Sha256")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = alphabet[alphabet.index(value[-2]) ^ 1]
    assert code_of(case.with_header("X-Shopify-Hmac-Sha256", value[:-2] + other + "=")) == "no_match"


@pytest.mark.parametrize("scheme", ["hubspot", "twilio"])
def test_scheme_that_signs_the_url_needs_our_address(scheme: str) -> None:
    with pytest.raises(NotConfigured):
        delivery(scheme).changed(url="").verify()


@pytest.mark.parametrize("scheme", ["hubspot", "twilio"])
def test_another_url_is_refused(scheme: str) -> None:
    case = delivery(scheme)
    assert code_of(case.changed(url=case.url.replace("/shop/", "/other/"))) == "no_match"


def test_json_for_twilio_is_refused_without_its_hash_in_the_url() -> None:
    bare = from_vector(next(v for v in published() if v["scheme"] == "twilio")).changed(body=b"")
    signed = signatures.sign("twilio", b"", bare.secret, event_id="", now=NOW, url="https://x.example/h/")
    assert signed.url.startswith("https://x.example/h/?bodySHA256=")
    from integrations.webhooks.signatures.proof import base64_code

    code = base64_code(bare.secret.encode(), b"https://x.example/h/", "sha1")
    headers = {"X-Twilio-Signature": code, "Content-Type": "application/json"}
    assert code_of(bare.changed(body=b'{"amount":1}', url="https://x.example/h/", headers=headers)) == "no_match"


def test_twilio_json_sent_as_an_empty_form_is_refused() -> None:
    """The URL's signature alone would fit; the body's hash must, whatever the body claims to be."""
    case = delivery("twilio").with_header("Content-Type", "application/x-www-form-urlencoded")
    assert code_of(case.changed(body=b"")) == "no_match"


def test_form_with_too_many_fields_is_refused_before_any_work() -> None:
    form = from_vector(next(v for v in published() if v["scheme"] == "twilio"))
    assert code_of(form.changed(body=b"&".join(b"a=1" for _ in range(501)))) == "bad_body"
    assert code_of(form.changed(body=b"a=%ff")) == "bad_body"
    assert code_of(form.changed(body=b"\xff=1")) == "bad_body"


def test_unknown_scheme_is_not_configured() -> None:
    with pytest.raises(NotConfigured):
        delivery("github").changed(scheme="rot13").verify()


def test_comma_in_a_standard_webhooks_id_is_refused() -> None:
    made = signatures.sign("standard_webhooks", BODY, secret_of("standard_webhooks"), event_id="a,b", now=NOW, url="")
    case = delivery("standard_webhooks").changed(headers=dict(made.headers))
    assert code_of(case) == "duplicate_header"


@settings(max_examples=250, deadline=None)
@given(scheme=st.sampled_from(SCHEMES), position=st.integers(0, len(BODY) - 1), flip=st.integers(1, 255))
def test_any_changed_byte_of_the_body_is_refused(scheme: str, position: int, flip: int) -> None:
    body = bytearray(BODY)
    body[position] ^= flip
    code_of(delivery(scheme).changed(body=bytes(body)))


@settings(max_examples=250, deadline=None)
@given(scheme=st.sampled_from(SCHEMES), cut=st.integers(0, len(BODY) - 1), more=st.binary(min_size=1, max_size=20))
def test_shorter_and_longer_bodies_are_refused(scheme: str, cut: int, more: bytes) -> None:
    case = delivery(scheme)
    code_of(case.changed(body=BODY[:cut]))
    code_of(case.changed(body=BODY + more))
    code_of(case.changed(body=more + BODY))


@settings(max_examples=400, deadline=None)
@given(data=st.data(), scheme=st.sampled_from(SCHEMES))
def test_any_changed_character_of_a_signed_header_is_refused(data: st.DataObject, scheme: str) -> None:
    case = delivery(scheme)
    signed = [SIGNATURE_HEADER[scheme], *([TIME_HEADER[scheme]] if scheme in TIME_HEADER else [])]
    name = data.draw(st.sampled_from([*signed, "webhook-id"] if scheme == "standard_webhooks" else signed))
    value = case.header(name)
    position = data.draw(st.integers(0, len(value) - 1))
    character = data.draw(st.characters(codec="latin-1"))
    assume(character != value[position])
    code_of(case.with_header(name, value[:position] + character + value[position + 1 :]))


@settings(max_examples=300, deadline=None)
@given(scheme=st.sampled_from(SCHEMES), value=st.text(max_size=200))
def test_any_text_as_signature_is_refused_and_never_crashes(scheme: str, value: str) -> None:
    code_of(delivery(scheme).with_header(SIGNATURE_HEADER[scheme], value))


@settings(max_examples=200, deadline=None)
@given(scheme=st.sampled_from(SCHEMES), secret=st.text(min_size=1, max_size=60))
def test_any_other_secret_is_refused(scheme: str, secret: str) -> None:
    assume(secret != secret_of(scheme))
    code_of(delivery(scheme), secret)


@pytest.mark.parametrize("vector", published(), ids=lambda vector: vector["name"])
def test_every_mutation_of_a_published_vector_is_refused(vector: dict[str, object]) -> None:
    case = from_vector(vector)
    for position in range(len(case.body)):
        body = bytearray(case.body)
        body[position] ^= 0x01
        code_of(case.changed(body=bytes(body)))
    name = SIGNATURE_HEADER.get(case.scheme, "")
    name = name if any(key.lower() == name.lower() for key in case.headers) else "Signature"
    assert code_of(case.with_header(name, None)) == "missing_header"
    code_of(case, "another secret")
