"""The words of the desk, and its due times in working hours."""

from datetime import UTC, datetime

import pytest

from approvals.desk_due import due_after
from approvals.desk_terms import RESULT_WORDS, Result, family_of, is_reason_code, progress_of
from approvals.models import Team


@pytest.mark.parametrize(
    ("code", "kind", "family"),
    [
        ("missing_data", "hand_off", "missing_data"),
        ("limit_moved", "hand_off", "policy"),
        ("integrity", "hand_off", "anomaly"),
        ("provider", "hand_off", "exception"),
        ("never heard of", "hand_off", "exception"),
        ("", "question", "missing_data"),
        ("", "hand_off", "exception"),
        ("policy", "unknown_outcome", "unknown_outcome"),
    ],
)
def test_every_code_has_one_family(code: str, kind: str, family: str) -> None:
    assert family_of(code, kind) == family


def test_what_a_model_writes_is_a_code_only_when_it_is_ours() -> None:
    assert is_reason_code("anomaly") and is_reason_code("exception")
    assert not is_reason_code("trust me") and not is_reason_code("")


def test_settled_work_is_done_whatever_stood_there() -> None:
    assert progress_of("hand_off", "open", "") == "new"
    assert progress_of("hand_off", "expired", "taken") == "done"
    assert progress_of("approval", "open", "") == ""


def test_every_result_has_words() -> None:
    assert set(RESULT_WORDS) == set(Result)


def test_due_in_the_working_hours_of_its_team() -> None:
    team = Team(name="desk", hours={"zone": "Europe/Berlin", "days": [0, 1, 2, 3, 4], "from": "09:00", "to": "17:00"})
    friday_evening = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)  # 16:30 in Berlin
    assert due_after("high", team, friday_evening) == datetime(2026, 11, 23, 11, 30, tzinfo=UTC)
    assert due_after("high", None, friday_evening) == datetime(2026, 11, 20, 19, 30, tzinfo=UTC)
    broken = Team(name="desk", hours={"zone": "Nowhere/At All"})
    assert due_after("urgent", broken, friday_evening) == datetime(2026, 11, 20, 16, 30, tzinfo=UTC)
