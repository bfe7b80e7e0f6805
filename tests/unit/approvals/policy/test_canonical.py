from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.policy.canonical import NotCanonical, as_json, canonical_bytes, digest_of, exact, parse_canonical

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
fractions = st.builds(
    lambda digits, places: Decimal(digits).scaleb(-places), st.integers(-(10**14), 10**14), st.integers(0, 15)
)
scalars = st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | fractions | texts
values = st.recursive(
    scalars, lambda child: st.lists(child, max_size=4) | st.dictionaries(texts, child, max_size=4), max_leaves=20
)


@given(values)
def test_round_trip(value: Any) -> None:
    raw = canonical_bytes(value)
    assert parse_canonical(raw) == exact(value)
    assert canonical_bytes(parse_canonical(raw)) == raw


@given(values, values)
def test_two_values_share_a_spelling_only_when_they_are_one(one: Any, other: Any) -> None:
    same = canonical_bytes(one) == canonical_bytes(other)
    assert same == _equal(exact(one), exact(other))


def _equal(one: Any, other: Any) -> bool:
    """Equality that, unlike Python's, tells True from 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return type(one) is type(other) and one == other


@given(values)
def test_a_json_column_keeps_the_value(value: Any) -> None:
    assert exact(as_json(value)) == exact(value)


def test_published_example_of_key_order() -> None:
    """RFC 8785, section 3.2.3: keys sorted by UTF-16 code units."""
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    written = parse_canonical(canonical_bytes(dict.fromkeys(keys, 0)))
    assert list(written) == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


@pytest.mark.parametrize(
    ("value", "raw"),
    [
        ({"b": [1, True, None], "a": "é\n\x7f/"}, '{"a":"é\\n\x7f/","b":[1,true,null]}'),
        (Decimal("1.50"), "1.5"),
        (Decimal("5.0"), "5"),
        (Decimal("1E+3"), "1000"),
        (Decimal("-0.0"), "0"),
        (Decimal("0E-999999"), "0"),
        (Decimal("0.000001"), "0.000001"),
        ((1, 2), "[1,2]"),
    ],
)
def test_spelling(value: Any, raw: str) -> None:
    assert canonical_bytes(value) == raw.encode()


@pytest.mark.parametrize(
    "value",
    [
        1.5, float("nan"), Decimal("NaN"), Decimal("Infinity"), Decimal("1E+999999999"), Decimal("1E-999999999"),
        Decimal("1234567890.123456"), 2**63, -(2**63),  "\x00", "\ud800", {"\ud800": 1}, {1: 2}, {None: 1},
        b"x", {1, 2}, object(),
    ],
)  # fmt: skip
def test_what_has_no_canonical_form(value: Any) -> None:
    with pytest.raises(NotCanonical):
        canonical_bytes(value)


def test_a_number_too_long_to_write_is_refused_without_writing_it() -> None:
    with pytest.raises(NotCanonical):
        canonical_bytes(10**5000)


def test_depth_is_bounded() -> None:
    deep: Any = 1
    for _ in range(32):
        deep = [deep]
    assert parse_canonical(canonical_bytes(deep)) == deep
    with pytest.raises(NotCanonical):
        canonical_bytes([deep])
    round_about: list[Any] = []
    round_about.append(round_about)
    with pytest.raises(NotCanonical):
        canonical_bytes(round_about)


@pytest.mark.parametrize(
    "raw", [b' {"a":1}', b'{"a": 1}', b'{"b":1,"a":2}', b"1.0", b"1e2", b"-0", b'"\\u0061"', b"{", b""]
)
def test_other_spellings_of_the_same_json_are_refused(raw: bytes) -> None:
    with pytest.raises(NotCanonical):
        parse_canonical(raw)


@pytest.mark.parametrize(
    ("value", "became"),
    [(0.1, Decimal("0.1")), (5.0, 5), (1e18, 10**18), ({"a": [1.5, True]}, {"a": [Decimal("1.5"), True]})],
)
def test_exact_numbers(value: Any, became: Any) -> None:
    assert exact(value) == became


def test_digest_is_sha256() -> None:
    assert digest_of(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
