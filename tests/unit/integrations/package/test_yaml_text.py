"""What YAML from somebody else may say, and what is refused with its line."""

import pytest

from integrations.package.problems import BadPackage
from integrations.package.yaml_text import MAX_BYTES, dotted, read_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: no", {"a": "no"}),
        ("a: on", {"a": "on"}),
        ("a: 012", {"a": "012"}),
        ("a: 12:30", {"a": "12:30"}),
        ("a: 2024-01-01", {"a": "2024-01-01"}),
        ("a: .inf", {"a": ".inf"}),
        ("a: [true, null, ~, 7, -7, 0.5]", {"a": [True, None, None, 7, -7, 0.5]}),
        ('{"a": {"b": "c"}}', {"a": {"b": "c"}}),
    ],
)
def test_plain_text_is_read_as_it_looks(text: str, value: object) -> None:
    assert read_yaml(text.encode()).value == value


@pytest.mark.parametrize(
    ("raw", "line", "words"),
    [
        (b"a: 1\nb: &x [1]\n", 2, "Anchors and aliases"),
        (b"a: *x\n", 1, "Anchors and aliases"),
        (b"a: 1\nb: 2\na: 3\n", 3, "a stands here twice"),
        (b"a: !!python/object/apply:os.system [ls]\n", 1, "Tags"),
        (b"a: !!int x\n", 1, "Tags"),
        (b"[" * 400, 1, "nested too deep"),
        (b"a: 1\n---\nb: 2\n", 3, "more than one document"),
        (b"\n\xff", 2, "UTF-8"),
        (b"a: [1\nb: 2", 2, "not YAML"),
        (b"<<: {a: 1}", 1, "plain text"),
        (b"a: 9223372036854775808", 1, "too large"),
        (b'a: "x\\0"', 1, "cannot be stored"),
        (b'a: "\\ud800"', 1, "cannot be stored"),
        (b"", None, "empty"),
        (b"a" * (MAX_BYTES + 1), None, "larger than"),
    ],
)
def test_what_could_surprise_is_refused_with_its_line(raw: bytes, line: int | None, words: str) -> None:
    with pytest.raises(BadPackage) as refused:
        read_yaml(raw)
    (problem,) = refused.value.problems
    assert words in problem.what
    assert problem.line == line


def test_lines_are_known_for_every_part_and_fall_back_to_the_parent() -> None:
    text = read_yaml(b"a:\n  - b: 1\n    c: 2\n")
    assert text.line_of(("a", 0, "c")) == 3
    assert text.line_of(("a", 0, "missing", "deeper")) == 2


def test_a_path_is_written_as_people_write_it() -> None:
    assert dotted(("agents", 0, "limits", "turns")) == "agents[0].limits.turns"
