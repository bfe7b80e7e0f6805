"""Forms of the source pages. What is typed becomes the same document that a configuration file holds."""

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from pydantic import ValidationError

from agents.models import Agent
from approvals.policy.conditions import ConditionError
from config import bounded_json
from integrations.models import Source, Trigger
from integrations.package import shapes
from integrations.package.sentences import problems_of
from integrations.schemas import BadSchema, check_schema
from integrations.triggers import check_when
from integrations.webhooks.signatures import labels

_KEPT_HOW = "Stored encrypted and never shown again. env:NAME or file:NAME names one that is kept outside."
KEEP_HOURS = (("24", "one day"), ("72", "three days"), ("168", "a week"), ("0", "no time: it stops at once"))


def _text(**attrs: str) -> forms.TextInput:
    return forms.TextInput(attrs={"class": "form-control", "autocomplete": "off", "spellcheck": "false", **attrs})


def _area(rows: int, css: str = "form-control code", **attrs: str) -> forms.Textarea:
    return forms.Textarea(attrs={"class": css, "rows": rows, "spellcheck": "false", **attrs})


def _secret_widget() -> forms.PasswordInput:
    return forms.PasswordInput(attrs={"class": "form-control", "autocomplete": "new-password"})


def _number(low: int, high: int, **more: Any) -> forms.IntegerField:
    widget = forms.NumberInput(attrs={"class": "form-control"})
    return forms.IntegerField(min_value=low, max_value=high, widget=widget, **more)


class SourceForm(forms.Form):
    """Adding a source, or changing one; the secret of one that exists has a form of its own."""

    name = forms.SlugField(
        max_length=80,
        widget=_text(placeholder="shop-orders"),
        help_text="It stands in the address that the sender calls.",
    )
    signature = forms.ChoiceField(
        label="How the sender signs", choices=labels(), widget=forms.Select(attrs={"class": "form-select"})
    )
    secret = forms.CharField(
        label="Signing secret", required=False, max_length=8000, widget=_secret_widget(), help_text=_KEPT_HOW
    )
    subject = forms.CharField(
        label="What an event is about",
        required=False,
        max_length=200,
        widget=_text(placeholder="event.order_id"),
        help_text="A path in the payload. It becomes the subject of the runs.",
    )
    schema = forms.CharField(
        label="Payload schema (JSON Schema)",
        required=False,
        max_length=200_000,
        widget=_area(14),
        help_text="A payload that does not fit is kept as invalid; nothing runs until a person corrects it.",
    )
    rate_per_minute = _number(1, 10_000_000, label="Most deliveries a minute", initial=6000)
    max_bytes = _number(1, 16 * 1024 * 1024, label="Most bytes of one delivery", initial=1024 * 1024)
    dedupe_by_body = forms.BooleanField(
        label="Equal bodies within ten minutes are one event",
        required=False,
        help_text="For senders whose deliveries have no id of their own, or one that is not signed.",
    )

    def __init__(self, *args: Any, row: Source | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.row = row
        if row is not None:
            del self.fields["name"], self.fields["secret"]

    @classmethod
    def of(cls, row: Source) -> "SourceForm":
        stored = {
            name: getattr(row, name)
            for name in ("signature", "subject", "rate_per_minute", "max_bytes", "dedupe_by_body")
        }
        schema = json.dumps(row.schema, indent=2, ensure_ascii=False) if row.schema else ""
        return cls(initial={**stored, "schema": schema}, row=row)

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if name == "new":
            raise forms.ValidationError("This word is taken by a page. Choose another name.")
        if Source.objects.filter(name=name, disabled=False).exists():
            raise forms.ValidationError("There is a source of this name. Choose another.")
        return name

    def clean_schema(self) -> Any:
        text = self.cleaned_data["schema"].strip()
        if not text:
            return None
        try:
            # Not for exact money: a schema's numbers are bounds, which the row keeps as plain JSON.
            bounded_json.loads(text)
            schema = json.loads(text)
            check_schema(schema)
        except bounded_json.BadJson as error:
            raise forms.ValidationError(error.message) from None
        except BadSchema as error:
            raise forms.ValidationError(str(error)) from None
        return schema

    def wanted(self, stored: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """Return the source's document as it is to be, or None with errors at the fields."""
        typed = {name: value for name, value in self.cleaned_data.items() if name != "secret"}
        try:
            return shapes.Source.model_validate({**(stored or {}), **typed}).canonical()
        except ValidationError as error:
            for path, problem in problems_of(error):
                place = str(path[0]) if path and path[0] in self.fields else None
                self.add_error(place, f"{problem.what} {problem.todo}".strip())
            return None


class SecretForm(forms.Form):
    """A new signing secret, and how long the one before it stays good."""

    secret = forms.CharField(label="New signing secret", max_length=8000, widget=_secret_widget(), help_text=_KEPT_HOW)
    keep_h = forms.ChoiceField(
        label="The previous one stays good for",
        choices=KEEP_HOURS,
        initial="24",
        widget=forms.Select(attrs={"class": "form-select"}),
        help_text="Long enough for the sender to change over.",
    )


class TriggerForm(forms.Form):
    """Which agent takes which events of a source, and to what end."""

    agent = forms.ChoiceField(widget=forms.Select(attrs={"class": "form-select"}))
    when = forms.CharField(
        label="When (CEL)",
        required=False,
        max_length=500,
        widget=_area(3, placeholder='event.type == "refund.requested"'),
        help_text="event is the payload, subject what it is about. Empty: every event of the source.",
    )
    goal = forms.CharField(
        max_length=5000, widget=_area(3, css="form-control"), help_text="What the agent is to achieve."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = (
            Agent.objects.filter(disabled=False, current__isnull=False).order_by("name").values_list("name", flat=True)
        )
        choices = [(name, name) for name in names]
        self.fields["agent"].choices = choices  # type: ignore[attr-defined]

    @classmethod
    def of(cls, trigger: Trigger) -> "TriggerForm":
        return cls(initial={"agent": trigger.agent, "when": trigger.when, "goal": trigger.goal})

    def clean_when(self) -> str:
        text = str(self.cleaned_data["when"]).strip()
        try:
            check_when(text)
        except ConditionError as error:
            place = "" if error.position is None else f" (character {error.position + 1})"
            raise forms.ValidationError(f"{error.message}{place}") from None
        return text

    def wanted(self, source: str) -> dict[str, Any]:
        return {"source": source, **{name: self.cleaned_data[name] for name in ("when", "agent", "goal")}}


class TrialForm(forms.Form):
    """The JSON body of a test delivery."""

    payload = forms.CharField(max_length=200_000, widget=_area(8), label="Payload")
