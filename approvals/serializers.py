"""The shapes of requests, decisions, people, halts and audit in the REST API. Out only shows; In takes nothing unknown."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from approvals.desk_terms import Result
from approvals.halt_release import TO
from approvals.halts import SUPERVISED
from approvals.models import Decision, Halt, Request
from approvals.policy.canonical import as_json
from approvals.rest.fields import Anything, Mapping, Out, Strict
from approvals.states import RequestState, Vote


class DecisionOut(Out):
    person = serializers.CharField(source="user.username")
    vote = serializers.CharField()
    comment = serializers.CharField()
    edited = serializers.BooleanField()
    via = serializers.CharField()
    at = serializers.DateTimeField()
    withdrawn_at = serializers.DateTimeField(allow_null=True)


class MoneyOut(Out):
    amount_minor = serializers.IntegerField()
    currency = serializers.CharField()


class RequestOut(Out):
    """Something a person must settle. arguments are read from the bytes that are signed; context: actions by id."""

    id = serializers.UUIDField()
    kind = serializers.CharField()
    state = serializers.CharField()
    action = serializers.UUIDField(source="action_id", allow_null=True)
    digest = serializers.CharField(source="action_digest")
    title = serializers.CharField()
    arguments = serializers.SerializerMethodField()
    money = serializers.SerializerMethodField()
    target = serializers.SerializerMethodField()
    rule = Mapping()
    votes = serializers.SerializerMethodField()
    votes_needed = serializers.IntegerField()
    decide_by = serializers.DateTimeField(allow_null=True)
    decisions = serializers.SerializerMethodField()

    def get_fields(self) -> Any:
        return {**super().get_fields(), "class": serializers.CharField(source="cls")}

    @extend_schema_field({"type": ["object", "null"]})
    def get_arguments(self, request: Request) -> Any:
        action = self.context.get("actions", {}).get(request.action_id)
        return as_json(action.arguments) if action else None

    @extend_schema_field(MoneyOut(allow_null=True))
    def get_money(self, request: Request) -> Any:
        if request.money_minor is None:
            return None
        return {"amount_minor": request.money_minor, "currency": request.currency}

    @extend_schema_field({"type": ["object", "null"], "additionalProperties": {"type": "string"}})
    def get_target(self, request: Request) -> Any:
        target = request.card.get("target")
        return dict(target["facts"]) if target else None

    @extend_schema_field(int)
    def get_votes(self, request: Request) -> int:
        return sum(1 for vote in request.decisions.all() if vote.vote == Vote.APPROVE and vote.withdrawn_at is None)

    @extend_schema_field(DecisionOut(many=True))
    def get_decisions(self, request: Request) -> Any:
        """Return the votes; of several pairs of eyes each judges alone, so before the last one sees only one's own."""
        votes: list[Decision] = sorted(request.decisions.all(), key=lambda vote: vote.at)
        if request.state == RequestState.OPEN and request.votes_needed > 1:
            votes = [vote for vote in votes if vote.user_id == self.context.get("viewer")]
        return DecisionOut(votes, many=True).data


class DecideIn(Strict):
    vote = serializers.ChoiceField(choices=[vote.value for vote in Vote])
    digest = serializers.CharField(max_length=64)
    comment = serializers.CharField(allow_blank=True, max_length=10_000, default="")
    arguments = Mapping(
        required=False, allow_null=True, default=None, help_text="An edit: all arguments, as they shall be"
    )
    answer = serializers.CharField(allow_blank=True, max_length=50_000, default="")
    result_code = serializers.ChoiceField(
        choices=[result.value for result in Result],
        allow_blank=True,
        default="",
        help_text="With resolve: how it ended, for the figures",
    )


class DecidedOut(RequestOut):
    """The request that matters now: after an edit, the one that took its place."""

    settled = serializers.BooleanField()
    message = serializers.CharField()
    request = serializers.UUIDField()
    withdrawn = serializers.UUIDField(allow_null=True)


class HaltIn(Strict):
    scope = serializers.CharField(max_length=200)
    reason = serializers.CharField(max_length=2000)


class ReleaseIn(Strict):
    to = serializers.ChoiceField(choices=TO, default=SUPERVISED)
    why = serializers.CharField(max_length=500, allow_blank=True, default="")


class ReleaseOut(Out):
    """What asking for a release did: the request that another admin signs in the browser, or null when it is done."""

    halt = serializers.UUIDField()
    request = serializers.UUIDField(allow_null=True)


class HaltOut(Out):
    id = serializers.UUIDField()
    scope = serializers.CharField()
    reason = serializers.CharField()
    engaged_by = serializers.CharField(source="engaged_by_label")
    engaged_at = serializers.DateTimeField()
    confirmed_at = serializers.DateTimeField(allow_null=True)
    stage = serializers.CharField()
    supervised_at = serializers.DateTimeField(allow_null=True)
    released_by = serializers.SerializerMethodField()
    released_at = serializers.DateTimeField(allow_null=True)

    @extend_schema_field({"type": ["string", "null"]})
    def get_released_by(self, halt: Halt) -> str | None:
        return halt.released_by.get_username() if halt.released_by else None


class AuditOut(Out):
    seq = serializers.IntegerField()
    at = serializers.DateTimeField()
    actor = serializers.CharField()
    actor_kind = serializers.CharField()
    verb = serializers.CharField()
    subject_type = serializers.CharField()
    subject_id = serializers.CharField()
    subject = serializers.CharField()
    run = serializers.UUIDField(source="run_id", allow_null=True)
    agent = serializers.CharField()
    from_state = serializers.CharField()
    to_state = serializers.CharField()
    digest = serializers.CharField()
    data = Anything()  # type: ignore[assignment]  # a field; the framework takes it off the class


class PersonOut(Out):
    username = serializers.CharField()
    active = serializers.BooleanField(source="is_active")
    roles = serializers.SerializerMethodField()
    teams = serializers.SerializerMethodField()
    groups = serializers.SerializerMethodField()

    @extend_schema_field({"type": "array", "items": {"type": "string"}})
    def get_roles(self, user: Any) -> list[str]:
        return sorted(group.name for group in user.groups.all())

    @extend_schema_field({"type": "array", "items": {"type": "string"}})
    def get_teams(self, user: Any) -> list[str]:
        return sorted(team.name for team in user.teams.all())

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "object"}})
    def get_groups(self, user: Any) -> dict[str, Any]:
        return {member.group.name: member.limits for member in user.approver_memberships.all()}
