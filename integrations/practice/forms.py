"""What people type on the practice page."""

import json
from typing import Any

from django import forms

from config.bounded_json import BadJson, loads
from integrations.practice.faults import MAX_SECONDS
from integrations.practice.operations.catalogue import OPERATIONS
from integrations.practice.sampling import SOURCES, Sample, samples_of
from integrations.practice.states import FaultKind

MAX_PAYLOAD = 64 * 1024
_AREA = {"class": "form-control mono", "rows": 14, "spellcheck": "false"}


class SendForm(forms.Form):
    """A sample, perhaps changed: `cleaned_data["payload"]` is a JSON object."""

    workflow = forms.ChoiceField(choices=[(name, name) for name in SOURCES], widget=forms.HiddenInput)
    sample = forms.CharField(required=False, widget=forms.HiddenInput)
    payload = forms.CharField(label="Event", max_length=MAX_PAYLOAD, widget=forms.Textarea(attrs=_AREA))

    def clean_payload(self) -> dict[str, Any]:
        try:
            payload = loads(self.cleaned_data["payload"], max_bytes=2 * MAX_PAYLOAD)
        except BadJson as error:
            raise forms.ValidationError(error.message) from error
        if not isinstance(payload, dict):
            raise forms.ValidationError("An event is a JSON object.")
        return payload

    def chosen(self) -> Sample | None:
        """Return the sample whose records are made before sending; None when the form names none."""
        return sample_named(self.cleaned_data["workflow"], self.cleaned_data["sample"])


class FaultForm(forms.Form):
    """What should go wrong with one operation. No kind: it works again."""

    operation = forms.ChoiceField(
        choices=[(name, name) for name in sorted(OPERATIONS)], widget=forms.Select(attrs={"class": "form-select"})
    )
    kind = forms.ChoiceField(
        choices=[("", "works"), *FaultKind.choices()],
        required=False,
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    seconds = forms.FloatField(
        min_value=0, max_value=MAX_SECONDS, initial=5, widget=forms.NumberInput(attrs={"class": "form-control"})
    )
    remaining = forms.IntegerField(
        label="How often (empty: until cleared)",
        min_value=1,
        max_value=100_000,
        required=False,
        widget=forms.NumberInput(attrs={"class": "form-control"}),
    )


def sample_named(workflow: str, name: str) -> Sample | None:
    return next((sample for sample in samples_of(workflow) if sample.name == name), None)


def payload_text(sample: Sample) -> str:
    return json.dumps(sample.payload, indent=2, ensure_ascii=False)
