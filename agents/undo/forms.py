"""What a person fills in to undo something: one run, or one agent's deeds in a span of time."""

from typing import Any

from django import forms
from django.contrib.auth.models import User

from agents.selectors import agents_visible_to
from agents.undo.rollbacks import Preview, preview_run, preview_span

_AT = forms.DateTimeInput(attrs={"type": "datetime-local", "class": "form-control"}, format="%Y-%m-%dT%H:%M")


class WhatForm(forms.Form):
    """Times are in the person's own zone."""

    run = forms.UUIDField(required=False, widget=forms.HiddenInput)
    agent = forms.ChoiceField(
        required=False, label="What this agent did", widget=forms.Select(attrs={"class": "form-select"})
    )
    since = forms.DateTimeField(required=False, label="from", widget=_AT)
    until = forms.DateTimeField(required=False, label="to (empty: now)", widget=_AT)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user
        names = agents_visible_to(user).order_by("name").values_list("name", flat=True)
        self.fields["agent"].choices = [("", "choose an agent"), *((name, name) for name in names)]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if not given.get("run"):
            if not given.get("agent"):
                self.add_error("agent", "Choose an agent, or start from the page of a run.")
            if not given.get("since") and "since" not in self.errors:
                self.add_error("since", "Say from when on.")
        return given

    def preview(self) -> Preview:
        """Return what it would do. Raises NoSuchAgent, BadArguments."""
        given = self.cleaned_data
        if given["run"]:
            return preview_run(run_id=given["run"], user=self._user)
        return preview_span(agent=given["agent"], since=given["since"], until=given["until"], user=self._user)
