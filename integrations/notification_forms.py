"""The form of a person's notification settings."""

from datetime import time
from typing import Any

from django import forms

from integrations.channels.preferences import DIGESTS, Preferences
from integrations.channels.topics import LABELS, Topic

_CHOICES = [(topic.value, label) for topic, label in LABELS.items()]


def _topics(label: str) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(label=label, choices=_CHOICES, required=False, widget=forms.CheckboxSelectMultiple)


def _clock() -> forms.TimeField:
    return forms.TimeField(
        required=False, widget=forms.TimeInput(attrs={"class": "form-control", "type": "time"}, format="%H:%M")
    )


class NotificationForm(forms.Form):
    """What to be told where, and when not."""

    slack = _topics("By Slack")
    mail = _topics("By mail")
    digest = forms.ChoiceField(
        choices=[(name, name) for name in DIGESTS], widget=forms.Select(attrs={"class": "form-select"})
    )
    digest_hour = forms.TypedChoiceField(
        label="Digest at",
        coerce=int,
        choices=[(str(hour), f"{hour:02}:00") for hour in range(24)],
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    quiet_from = _clock()
    quiet_to = _clock()

    @classmethod
    def of(cls, wanted: Preferences) -> "NotificationForm":
        begin, end = wanted.quiet or (None, None)
        topics = {channel: sorted(chosen) for channel, chosen in wanted.topics.items()}
        return cls(
            initial={
                **topics,
                "digest": wanted.digest,
                "digest_hour": wanted.digest_hour,
                "quiet_from": begin,
                "quiet_to": end,
            }
        )

    def clean(self) -> dict[str, Any]:
        typed = super().clean() or self.cleaned_data
        if bool(typed.get("quiet_from")) != bool(typed.get("quiet_to")):
            self.add_error("quiet_to", "Give both ends of the quiet hours, or neither.")
        return typed

    def wanted(self, zone: str) -> Preferences:
        """Return what was chosen."""
        typed = self.cleaned_data
        begin: time | None = typed["quiet_from"]
        end: time | None = typed["quiet_to"]
        return Preferences(
            topics={name: frozenset(Topic(topic) for topic in typed[name]) for name in ("slack", "mail")},
            digest=typed["digest"],
            digest_hour=typed["digest_hour"],
            quiet=(begin, end) if begin and end and begin != end else None,
            zone=zone,
        )
