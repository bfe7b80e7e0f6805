import contextlib
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.bounded_json import BadJson, loads

TRICKS: list[tuple[bytes, str]] = [
    (b"[" * 100_000, "depth"),
    (b"[" * 100_000 + b"]" * 100_000, "depth"),
    (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "depth"),
    (b"[" * 65 + b"]" * 65, "depth"),
    (b'{"a":1,"a":2}', "duplicate_key"),
    (b'{"a":1,"\\u0061":2}', "duplicate_key"),
    (b'{"x":{"role":"user","role":"admin"}}', "duplicate_key"),
    (b"9" * 5_000, "number"),
    (b"-" + b"9" * 5_000, "number"),
    (b"9223372036854775808", "number"),
    (b"-9223372036854775808", "number"),
    (b"1" * 500_000, "number"),
    (b"NaN", "number"),
    (b"Infinity", "number"),
    (b"-Infinity", "number"),
    (b"1e999999999", "number"),
    (b"0e999999999", "number"),
    (b"1e-999999999", "number"),
    (b"0." + b"1" * 5_000, "number"),
    (b'"\\u0000"', "text"),
    (b'{"\\u0000":1}', "text"),
    (b'"\\ud800"', "text"),
    (b'"\\udc00\\ud800"', "text"),
    (b'{"\\udfff":1}', "text"),
    (b'"\xed\xa0\x80"', "encoding"),
    (b'"\xff"', "encoding"),
    (b'"\xc0\xaf"', "encoding"),
    ('{"a":1}'.encode("utf-16"), "encoding"),
    (b'"a\x00b"', "syntax"),
    (b"\xef\xbb\xbf{}", "syntax"),
    (b"", "syntax"),
    (b"   ", "syntax"),
    (b"{'a':1}", "syntax"),
    (b"{a:1}", "syntax"),
    (b"[1,]", "syntax"),
    (b'{"a":1,}', "syntax"),
    (b"01", "syntax"),
    (b"+1", "syntax"),
    (b".5", "syntax"),
    (b"0x10", "syntax"),
    (b"tru", "syntax"),
    (b"{} {}", "syntax"),
    (b"// x\n1", "syntax"),
    (b'"\\x41"', "syntax"),
    (b'"\n"', "syntax"),
    (b"\x1f\x8b\x08\x00", "encoding"),
    (b'"' + b"a" * (1 << 20) + b'"', "size"),
]


@pytest.mark.parametrize(("raw", "code"), TRICKS, ids=range(len(TRICKS)))
def test_tricks_are_refused_with_their_code(raw: bytes, code: str) -> None:
    with pytest.raises(BadJson) as caught:
        loads(raw)
    assert caught.value.code == code
    assert len(caught.value.message) < 200


def test_text_with_half_a_surrogate_is_refused_as_bytes_are() -> None:
    with pytest.raises(BadJson):
        loads('"\ud800"')


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"1.10", Decimal("1.10")),
        (b"9223372036854775807", 2**63 - 1),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b"[" * 64 + b"]" * 64, None),
        (b"1e2", Decimal("1E+2")),
        (b' {"a" : [true, null]} ', {"a": [True, None]}),
    ],
)
def test_plain_json_is_read(raw: bytes, value: Any) -> None:
    assert value is None or loads(raw) == value
    loads(raw)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**62), 2**62)
        | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
        lambda child: (
            st.lists(child)
            | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")), child)
        ),
        max_leaves=20,
    )
)
def test_what_python_writes_is_read_back(value: Any) -> None:
    assert loads(json.dumps(value).encode()) == value


@given(st.binary(max_size=200))
def test_any_bytes_give_a_value_or_bad_json(raw: bytes) -> None:
    with contextlib.suppress(BadJson):
        loads(raw)
