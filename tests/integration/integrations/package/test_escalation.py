"""Working hours and escalation in a file: put, kept, refused with the place, countersigned, written out again."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.contrib.auth.models import User
from django.core.management import call_command

from approvals.errors import NotAllowedToDecide
from approvals.models import ApproverGroup, AuditEvent, Request, Team
from approvals.services import decide_request
from tests.integration.integrations.package.conftest import shop_package

pytestmark = pytest.mark.django_db
Apply = Callable[..., tuple[int, str]]
HOURS = {"zone": "Europe/Berlin", "days": [0, 1, 2, 3, 4], "from": "09:00", "to": "17:00", "holidays": ["2026-12-25"]}
SUPPORT = {"name": "support", "hours": HOURS, "escalates_to": "board"}
GROUPS = {
    "finance": {"people": ["operator"], "limits": {"operator": {"EUR": 50000}}, "escalates_to": "board"},
    "board": {"people": ["auditor"]},
}


@pytest.fixture(autouse=True)
def everybody(people: dict[str, User]) -> dict[str, User]:
    return people


def shop(**parts: Any) -> dict[str, Any]:
    return {**shop_package(), "teams": [SUPPORT, "sales"], "groups": GROUPS, **parts}


def support() -> Team:
    return Team.objects.select_related("escalates_to").get(name="support")


def goes_to(name: str) -> str:
    group = ApproverGroup.objects.get(name=name)
    return group.escalates_to.name if group.escalates_to else ""


def sign(request: Request, user: User) -> None:
    decide_request(request_id=request.pk, user=user, vote="approve", digest=request.action_digest, stepped_up=True)


def test_a_file_says_when_a_team_works_and_who_may_sign_when_time_runs_out(apply: Apply) -> None:
    code, text = apply(shop())
    assert code == 0, text
    team = support()
    assert team.hours == HOURS and team.escalates_to and team.escalates_to.name == "board"
    assert (goes_to("finance"), goes_to("board")) == ("board", "")
    assert {row.verb for row in AuditEvent.objects.all()} >= {"team.changed", "team.escalates", "group.escalates"}
    assert "Nothing to change." in apply(shop())[1]


def test_what_a_file_does_not_say_of_a_team_stays_and_what_it_empties_goes(apply: Apply) -> None:
    apply(shop())
    assert "Nothing to change." in apply(shop(teams=["support", "sales"]))[1]
    code, text = apply(shop(teams=[{"name": "support", "hours": {}}, "sales"]))
    assert code == 0 and "hours" in text
    assert support().hours == {} and support().escalates_to is not None
    apply(shop(teams=[{"name": "support", "escalates_to": ""}, "sales"]))
    assert support().escalates_to is None


def test_the_order_of_days_and_holidays_is_no_difference(apply: Apply) -> None:
    apply(shop())
    turned = {**HOURS, "days": [4, 3, 2, 1, 0, 0]}
    assert "Nothing to change." in apply(shop(teams=[{**SUPPORT, "hours": turned}, "sales"]))[1]


def test_another_package_says_nothing_else_of_a_team_that_is_not_its_own(apply: Apply) -> None:
    apply(shop())
    assert apply({"package": "other", "teams": [{"name": "support", "hours": HOURS}]})[0] == 0
    code, text = apply({"package": "other", "teams": [{"name": "support", "hours": {}}]})
    assert code == 1 and "teams[0]: The team support belongs to the package shop." in text
    assert support().hours == HOURS


def test_a_team_of_nobody_is_taken_up_by_the_package_that_says_more_of_it(apply: Apply) -> None:
    Team.objects.create(name="support")
    assert apply(shop())[0] == 0
    assert (support().package, support().hours) == ("shop", HOURS)


def test_a_group_that_somebody_escalates_to_does_not_go(apply: Apply) -> None:
    apply(shop())
    finance = {**GROUPS["finance"], "escalates_to": ""}
    code, text = apply(shop(groups={"finance": finance}, teams=["support", "sales"]))
    assert code == 1 and "Retire group board: team support still needs it." in text
    teams = [{"name": "support", "escalates_to": ""}, "sales"]
    code, text = apply(shop(groups={"finance": finance}, teams=teams))
    assert code == 0, text
    assert not ApproverGroup.objects.filter(name="board").exists()


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        ({"teams": [{**SUPPORT, "hours": {**HOURS, "zone": "Mars/Olympus"}}]}, "teams[0].hours: “Mars/Olympus” is no time zone"),
        ({"teams": [{**SUPPORT, "hours": {**HOURS, "days": []}}]}, "teams[0].hours: Choose at least one day"),
        ({"teams": [{**SUPPORT, "hours": {**HOURS, "days": ["mon"]}}]}, "teams[0].hours.days[0]: A whole number"),
        ({"teams": [{**SUPPORT, "hours": {**HOURS, "to": "08:00"}}]}, "teams[0].hours: Working hours end later"),
        ({"teams": [{**SUPPORT, "hours": {**HOURS, "holidays": ["Christmas"]}}]}, "teams[0].hours: “Christmas” is no day"),
        ({"teams": [{**SUPPORT, "hours": {"zone": "UTC"}}]}, "teams[0].hours.days: days is missing."),
        ({"teams": [{**SUPPORT, "hurs": {}}]}, "teams[0].hurs: There is no field hurs here."),
        ({"teams": [{**SUPPORT, "escalates_to": "bord"}]}, "teams[0].escalates_to: There is no group bord."),
        ({"teams": ["two words"]}, "teams[0].name: This is not a name."),
        ({"teams": [7]}, "teams[0]: A mapping (name: value) is expected here."),
        ({"teams": ["support", SUPPORT]}, "teams[1]: support stands twice in teams."),
        ({"groups": {"finance": {"escalates_to": "finance"}}}, "groups.finance.escalates_to: finance cannot escalate to itself."),
        ({"groups": {**GROUPS, "board": {"escalates_to": "nobody"}}}, "groups.board.escalates_to: There is no group nobody."),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_place(apply: Apply, part: dict[str, Any], sentence: str) -> None:
    code, text = apply(shop(**part))
    assert code == 1
    assert sentence in text
    assert "shop.yaml, line " in text
    assert not Team.objects.filter(name="sales").exists()


@pytest.mark.parametrize("apart", ["team", "group"])
def test_that_more_people_may_sign_waits_for_a_second_admin(
    apply: Apply, everybody: dict[str, User], apart: str
) -> None:
    closed = {**GROUPS, "finance": {**GROUPS["finance"], "escalates_to": ""}}
    apply(shop(teams=["support", "sales"], groups=closed))
    wider = shop(groups=closed) if apart == "team" else shop(teams=["support", "sales"])
    code, text = apply(wider, person="admin")
    assert code == 3, text
    request = Request.objects.get(kind="proposal")
    of = "support" if apart == "team" else "finance"
    assert f"members of board could sign what waits for {of}." in " ".join(request.card["widens"])
    assert (support().escalates_to, goes_to("finance")) == (None, "")
    with pytest.raises(NotAllowedToDecide):
        sign(request, everybody["admin"])
    sign(request, everybody["second-admin"])
    assert (bool(support().escalates_to), goes_to("finance")) == (apart == "team", "board" if apart == "group" else "")
    event = AuditEvent.objects.get(verb=f"{apart}.escalates")
    assert event.data["countersigned_by"] == "second-admin"


def test_fewer_who_may_sign_and_other_hours_wait_for_nobody(apply: Apply) -> None:
    apply(shop())
    closed = {**GROUPS, "finance": {**GROUPS["finance"], "escalates_to": ""}}
    teams = [{"name": "support", "hours": {**HOURS, "to": "20:00"}, "escalates_to": ""}, "sales"]
    code, text = apply(shop(teams=teams, groups=closed), person="admin")
    assert code == 0, text
    assert (support().hours["to"], goes_to("finance")) == ("20:00", "")


def test_the_only_admin_waits_for_nobody(apply: Apply, everybody: dict[str, User]) -> None:
    apply(shop(teams=["support"]))
    everybody["second-admin"].delete()
    code, text = apply(shop(), person="admin")
    assert code == 0, text
    assert support().escalates_to


def test_who_is_given_a_seat_does_not_sign_for_it_while_another_admin_can(
    apply: Apply, everybody: dict[str, User], person: Callable[[str, str], User]
) -> None:
    apply(shop())
    seat = {**GROUPS, "board": {"people": ["auditor", "second-admin"]}}
    third = person("third-admin", "admin")
    assert apply(shop(groups=seat), person="admin")[0] == 3
    request = Request.objects.get(kind="proposal")
    with pytest.raises(NotAllowedToDecide):
        sign(request, everybody["second-admin"])
    sign(request, third)
    assert ApproverGroup.objects.get(name="board").memberships.count() == 2


def test_what_is_exported_says_it_and_applied_again_changes_nothing(apply: Apply, tmp_path: Path) -> None:
    apply(shop())
    out, again = StringIO(), StringIO()
    call_command("export", stdout=out)
    document = yaml.safe_load(out.getvalue())
    assert document["teams"] == ["sales", SUPPORT]
    assert document["groups"]["finance"]["escalates_to"] == "board"
    assert "escalates_to" not in document["groups"]["board"]
    path = tmp_path / "all.yaml"
    path.write_text(out.getvalue())
    call_command("apply", str(path), stdout=again)
    assert again.getvalue().count("Nothing to change.") == 1
    second = StringIO()
    call_command("export", stdout=second)
    assert second.getvalue() == out.getvalue()
