"""The shapes of events, tools and configuration in the REST API."""

from typing import Any

from rest_framework import serializers

from approvals.rest.fields import Anything, Mapping, Out, Strict
from integrations.models import Event


class EventIn(Strict):
    source = serializers.CharField(max_length=80)  # type: ignore[assignment]  # a field; the framework takes it off the class
    payload = Anything()
    dedupe_key = serializers.CharField(max_length=200, allow_blank=True, default="")


class TakenOut(Out):
    id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=["accepted", "duplicate"])


class EventRow(Out):
    id = serializers.UUIDField()
    source = serializers.CharField(source="source.name")  # type: ignore[assignment]  # a field; the framework takes it off the class
    state = serializers.CharField()
    subject = serializers.CharField()
    received_at = serializers.DateTimeField()
    processed_at = serializers.DateTimeField(allow_null=True)
    runs = serializers.ListField(source="run_ids", child=serializers.UUIDField())
    problems = Anything()
    duplicates = serializers.IntegerField()


class EventOut(EventRow):
    payload = serializers.SerializerMethodField(help_text="As text: what came in, or what a person made of it")

    def get_payload(self, event: Event) -> str:
        raw: Any = event.corrected or event.body
        return bytes(raw).decode("utf-8", "replace")


class ToolOut(Out):
    name = serializers.CharField()
    connection = serializers.CharField()
    description = serializers.CharField()
    effect = serializers.CharField()
    schema = Mapping()
    version = serializers.CharField()
    account = serializers.CharField()
    timeout_s = serializers.FloatField()
    attempts = serializers.IntegerField()
    window_h = serializers.IntegerField()
    money = Anything()
    target = Anything()
    check = Anything()
    lookup = Anything()
    sentence = serializers.CharField()
    authority = serializers.ListField(child=serializers.CharField())
    compensate_with = serializers.CharField()


class ChangeOut(Out):
    verb = serializers.CharField()
    kind = serializers.CharField()
    name = serializers.CharField()
    sentence = serializers.CharField()
    lines = serializers.ListField(child=serializers.CharField())


class WrittenOut(Out):
    """What became of a change of the configuration."""

    result = serializers.CharField(help_text="applied, nothing to change, waits for a second person")
    changes = ChangeOut(many=True)
    wider = serializers.ListField(child=serializers.CharField(), help_text="Why a second person is asked")
    notes = serializers.ListField(child=serializers.CharField())
    request = serializers.UUIDField(allow_null=True, help_text="The request that waits for the second person")
