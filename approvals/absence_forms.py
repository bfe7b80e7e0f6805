"""What people type about being away, and about when a team works."""

from typing import Any

from django import forms

from approvals.absences import possible_delegates
from approvals.models import ApproverGroup, Team
from approvals.working_hours import BadHours, parse_hours

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_FORMAT = "%Y-%m-%dT%H:%M"


def _moment(label: str, **more: Any) -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"class": "form-control", "type": "datetime-local"}, format=_FORMAT)
    return forms.DateTimeField(label=label, widget=widget, input_formats=[_FORMAT, "%Y-%m-%dT%H:%M:%S"], **more)


class AbsenceForm(forms.Form):
    """Who stands in, from when to when."""

    delegate: forms.ModelChoiceField = forms.ModelChoiceField(  # type: ignore[type-arg]
        queryset=None, label="Who stands in", widget=forms.Select(attrs={"class": "form-select"})
    )
    starts_at = _moment("From")
    ends_at = _moment("To", help_text="In your time zone. At most 90 days.")
    note = forms.CharField(
        required=False, max_length=200, label="Note", widget=forms.TextInput(attrs={"class": "form-control"})
    )

    def __init__(self, *args: Any, person: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["delegate"].queryset = possible_delegates(person)  # type: ignore[attr-defined]


class EscalationForm(forms.Form):
    """Which group may sign too when 75 % of the time has gone."""

    escalates_to = forms.ModelChoiceField(
        queryset=ApproverGroup.objects.order_by("name"),
        required=False,
        empty_label="nobody else",
        label="When time runs out, also",
        widget=forms.Select(attrs={"class": "form-select"}),
        help_text="Its members may sign too, each within their limit there, when 75 % of the time has gone.",
    )


class HoursForm(EscalationForm):
    """When a team works; no zone: always."""

    zone = forms.CharField(
        required=False,
        label="Time zone",
        widget=forms.TextInput(attrs={"class": "form-control", "placeholder": "Europe/Berlin", "autocomplete": "off"}),
        help_text="Empty: the team works always, and deadlines run day and night.",
    )
    days = forms.TypedMultipleChoiceField(
        required=False, coerce=int, choices=list(enumerate(_DAYS)), widget=forms.CheckboxSelectMultiple
    )
    start = forms.CharField(
        required=False, label="From", widget=forms.TextInput(attrs={"class": "form-control", "placeholder": "09:00"})
    )
    end = forms.CharField(
        required=False, label="To", widget=forms.TextInput(attrs={"class": "form-control", "placeholder": "17:00"})
    )
    holidays = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"class": "form-control", "rows": 3, "placeholder": "2026-12-25"}),
        help_text="One day per line.",
    )
    field_order = ("zone", "days", "start", "end", "holidays", "escalates_to")

    @classmethod
    def of(cls, team: Team) -> "HoursForm":
        hours = team.hours
        return cls(
            initial={
                "zone": hours.get("zone", ""),
                "days": hours.get("days", []),
                "start": hours.get("from", ""),
                "end": hours.get("to", ""),
                "holidays": "\n".join(hours.get("holidays", [])),
                "escalates_to": team.escalates_to_id,
            }
        )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        data["hours"] = self._hours(data) if data.get("zone") else {}
        try:
            parse_hours(data["hours"])
        except BadHours as problem:
            self.add_error(None, str(problem))
        return data

    def _hours(self, data: dict[str, Any]) -> dict[str, Any]:
        days = [line.strip() for line in data.get("holidays", "").splitlines() if line.strip()]
        return {
            "zone": data["zone"],
            "days": sorted(data.get("days", [])),
            "from": data.get("start", ""),
            "to": data.get("end", ""),
            "holidays": sorted(days),
        }
