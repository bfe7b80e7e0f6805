from agents.side_by_side import Line, as_lines, as_signed_lines, differences


def test_equal_documents_differ_in_nothing() -> None:
    assert differences({"mode": "live", "tools": ["a"]}, {"tools": ["a"], "mode": "live"}) == []


def test_what_it_may_do_comes_first() -> None:
    old = {"tools": ["a"], "instructions": "x", "mode": "shadow"}
    new = {"tools": ["b"], "instructions": "y", "mode": "live"}
    assert [field.name for field in differences(old, new)] == ["mode", "instructions", "tools"]


def test_a_line_that_changed_stands_beside_what_it_was() -> None:
    (field,) = differences({"instructions": "one\ntwo\nthree"}, {"instructions": "one\n2\nthree\nfour"})
    assert field.lines == (
        Line("one", "one", changed=False),
        Line("two", "2", changed=True),
        Line("three", "three", changed=False),
        Line(None, "four", changed=True),
    )


def test_an_added_empty_line_is_an_added_line() -> None:
    (field,) = differences({"instructions": "a\nb"}, {"instructions": "a\n\nb"})
    assert Line(None, "", changed=True) in field.lines


def test_long_equal_stretches_are_counted_and_not_shown() -> None:
    text = [str(number) for number in range(40)]
    (field,) = differences(
        {"instructions": "\n".join(text)}, {"instructions": "\n".join([*text[:20], "new", *text[20:]])}
    )
    assert [line.skipped for line in field.lines if line.skipped] == [17, 17]
    assert [line.left for line in field.lines if not line.skipped and not line.changed] == [
        "17",
        "18",
        "19",
        "20",
        "21",
        "22",
    ]


def test_limits_read_as_names_and_numbers_and_a_schema_as_json() -> None:
    assert as_lines({"turns": 3, "moved_minor_per_day": {"EUR": 500}}) == ["moved_minor_per_day.EUR: 500", "turns: 3"]
    assert as_lines({"type": "object", "required": ["a"]})[0] == "{"


def test_a_field_that_goes_away_is_all_removed() -> None:
    (field,) = differences({"limits": {"turns": 3}}, {})
    assert field.lines == (Line("turns: 3", None, changed=True),)


def test_one_column_for_a_card() -> None:
    found = differences({"mode": "shadow"}, {"mode": "live"})
    assert as_signed_lines(found) == [("…", "mode"), ("-", "shadow"), ("+", "live")]
