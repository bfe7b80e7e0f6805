"""The shapes of runs, steps, actions and versions in the REST API."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from agents.envelope import opened
from agents.models import Action, Agent, AgentVersion, Run
from approvals.policy.canonical import as_json
from approvals.rest.fields import Anything, LevelField, Mapping, Out, Strict


class TokensOut(Out):
    input = serializers.IntegerField(allow_null=True)
    output = serializers.IntegerField(allow_null=True)
    cache_read = serializers.IntegerField(allow_null=True)
    cache_write = serializers.IntegerField(allow_null=True)


class StepOut(Out):
    number = serializers.IntegerField()
    kind = serializers.CharField()
    at = serializers.DateTimeField(source="created_at")
    latency_ms = serializers.IntegerField()
    action = serializers.UUIDField(source="action_id", allow_null=True)
    data = Anything()  # type: ignore[assignment]  # a field; the framework takes it off the class


class ActionOut(Out):
    """One proposed tool call. arguments are read from the bytes that are signed and sent."""

    id = serializers.UUIDField()
    run = serializers.UUIDField(source="run_id")
    tool = serializers.CharField()
    arguments = serializers.SerializerMethodField()
    digest = serializers.CharField()
    effect = serializers.CharField()
    level = LevelField()
    rule = serializers.SerializerMethodField()
    state = serializers.CharField()
    reason = serializers.CharField()
    confidence = serializers.FloatField(allow_null=True)
    result = Anything()
    error = serializers.CharField()
    replaces = serializers.UUIDField(source="replaces_id", allow_null=True)
    attempts = serializers.IntegerField()

    @extend_schema_field({"type": "object"})
    def get_arguments(self, action: Action) -> Any:
        return as_json(opened(action.canonical)["arguments"])

    @extend_schema_field({"type": ["object", "null"]})
    def get_rule(self, action: Action) -> Any:
        return action.verdict.get("rule")


class ActionRow(Out):
    """An action as a line of its run; GET actions/<id>/ has all of it."""

    id = serializers.UUIDField()
    tool = serializers.CharField()
    digest = serializers.CharField()
    effect = serializers.CharField()
    level = LevelField()
    state = serializers.CharField()


class StepRow(Out):
    number = serializers.IntegerField()
    kind = serializers.CharField()
    at = serializers.DateTimeField(source="created_at")


class _Run(Out):
    id = serializers.UUIDField()
    agent = serializers.CharField(source="agent.name")
    version = serializers.IntegerField(source="version.number")
    state = serializers.CharField()
    mode = serializers.CharField()
    goal = serializers.CharField()
    subject = serializers.CharField()
    event = serializers.UUIDField(source="event_id", allow_null=True)
    parent = serializers.UUIDField(source="parent_id", allow_null=True)  # type: ignore[assignment]  # a field; the framework takes it off the class
    outcome = Anything()
    cost = serializers.SerializerMethodField(help_text="USD; null where a price is not known")
    tokens = serializers.SerializerMethodField()
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    waiting_for = serializers.CharField()

    @extend_schema_field({"type": ["string", "null"]})
    def get_cost(self, run: Run) -> str | None:
        return f"{run.cost_usd.normalize():f}" if run.cost_known else None

    @extend_schema_field(TokensOut)
    def get_tokens(self, run: Run) -> Any:
        names = ("input", "output", "cache_read", "cache_write")
        return {name: getattr(run, f"{name}_tokens") if run.tokens_known else None for name in names}


class RunOut(_Run):
    steps = StepOut(many=True, source="in_order")
    actions = ActionOut(many=True, source="actions_in_order")


class RunRow(_Run):
    """A run in a list: steps and actions as lines."""

    steps = StepRow(many=True, source="in_order")
    actions = ActionRow(many=True, source="actions_in_order")


class StartIn(Strict):
    agent = serializers.CharField(max_length=80)
    goal = serializers.CharField(max_length=5000)
    input = Mapping(required=False, default=dict)
    subject = serializers.CharField(max_length=200, allow_blank=True, default="")


class CancelIn(Strict):
    reason = serializers.CharField(max_length=1000, allow_blank=True, default="")


class VersionOut(Out):
    id = serializers.UUIDField()
    agent = serializers.CharField(source="agent.name")
    number = serializers.IntegerField()
    current = serializers.SerializerMethodField()
    document = Anything()
    hash = serializers.CharField()
    note = serializers.CharField()
    author = serializers.CharField(source="author_label")
    created_at = serializers.DateTimeField()

    @extend_schema_field(bool)
    def get_current(self, version: AgentVersion) -> bool:
        agent: Agent = version.agent
        return agent.current_id == version.pk
