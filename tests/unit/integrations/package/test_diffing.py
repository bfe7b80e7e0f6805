"""The difference between what a package wants and what there is."""

from integrations.package.diffing import NOTHING_TO_CHANGE, as_text, changes_between

CLERK = {"name": "clerk", "mode": "suggest", "limits": {"turns": 12}, "instructions": "Be kind.\nBe quick."}


def test_equal_states_change_nothing() -> None:
    assert changes_between({"agents": {"clerk": CLERK}}, {"agents": {"clerk": dict(CLERK)}}) == []
    assert as_text([]) == NOTHING_TO_CHANGE


def test_a_changed_field_is_told_by_its_path_before_and_after() -> None:
    changed = {**CLERK, "limits": {"turns": 20}, "mode": "live"}
    (change,) = changes_between({"agents": {"clerk": CLERK}}, {"agents": {"clerk": changed}})
    assert change.sentence == "change agent clerk"
    assert change.lines == ['mode: "suggest" → "live"', "limits.turns: 12 → 20"]


def test_changed_instructions_are_told_line_by_line() -> None:
    changed = {**CLERK, "instructions": "Be kind.\nBe exact."}
    (change,) = changes_between({"agents": {"clerk": CLERK}}, {"agents": {"clerk": changed}})
    assert "-Be quick." in change.lines
    assert "+Be exact." in change.lines


def test_what_others_need_comes_first_and_what_goes_comes_last_in_the_opposite_order() -> None:
    before = {"agents": {"old": CLERK}, "connections": {"old": {"name": "old"}}}
    after = {"agents": {"new": CLERK}, "connections": {"new": {"name": "new"}}}
    assert [change.sentence for change in changes_between(before, after)] == [
        "add connection new",
        "add agent new",
        "retire agent old",
        "retire connection old",
    ]


def test_a_long_document_is_told_by_its_size_only() -> None:
    before, after = {"connections": {"c": {"document": "x" * 5000}}}, {"connections": {"c": {"document": "y" * 6000}}}
    (change,) = changes_between(before, after)
    assert change.lines == ["document: 5000 characters → 6000 characters"]


def test_a_rule_is_named_by_what_it_says() -> None:
    rule = {"tool": "shop.refund", "when": "args.x > 1", "level": 3}
    (change,) = changes_between({}, {"policy": {"abc": rule}})
    assert change.sentence == "add rule shop.refund when args.x > 1 → 3"


def test_of_a_new_thing_everything_can_be_shown_but_a_long_document() -> None:
    (change,) = changes_between({}, {"agents": {"clerk": {**CLERK, "fallback": [], "outcome": {"type": "object"}}}})
    assert change.lines == []
    assert change.all_lines == [
        'name: "clerk"',
        'mode: "suggest"',
        'limits: {"turns": 12}',
        "instructions:",
        "Be kind.",
        "Be quick.",
        "outcome: 18 characters",
    ]
