"""Forms of the connections that talk to people. What is typed becomes the same document that a file would hold."""

from collections.abc import Mapping
from typing import Any

from django import forms
from pydantic import ValidationError

from integrations.channel_documents import MAIN_SECRET
from integrations.package.sentences import problems_of


def _text(**attrs: str) -> forms.TextInput:
    return forms.TextInput(attrs={"class": "form-control", "autocomplete": "off", "spellcheck": "false", **attrs})


def _secret(label: str, help_text: str = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        required=False,
        max_length=8000,
        widget=forms.PasswordInput(attrs={"class": "form-control", "autocomplete": "new-password"}),
        help_text=help_text
        or "Stored encrypted and never shown again. Left empty, the stored one stays. env:NAME or file:NAME names one that is kept outside.",
    )


class ChannelForm(forms.Form):
    """What all kinds share. kind: which; row values come in as `initial`."""

    kind = ""
    title = ""
    secret_fields: tuple[str, ...] = ()

    name = forms.CharField(max_length=80, widget=_text())

    def __init__(self, data: Any = None, *, stored: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, initial=self.filled(stored) if stored else None)
        self.stored = stored
        if stored:
            del self.fields["name"]

    def document(self) -> dict[str, Any]:
        """Return the connection as a file would say it, without the secrets that were typed."""
        name = self.stored["name"] if self.stored else self.cleaned_data["name"]
        return {"name": name, "kind": self.kind, **self.said(), "auth": self.auth()}

    def secrets(self) -> dict[str, str]:
        return {name: self.cleaned_data[name].strip() for name in self.secret_fields if self.cleaned_data.get(name)}

    def auth(self) -> dict[str, Any] | None:
        kept: dict[str, Any] | None = self.stored["auth"] if self.stored else None
        return kept

    def said(self) -> dict[str, Any]:
        raise NotImplementedError

    def filled(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        return dict(stored)

    def add_shape_problems(self, error: ValidationError) -> None:
        """Put each problem beside its field."""
        for path, problem in problems_of(error):
            place = str(path[-1]) if path else ""
            place = {"from": "sender"}.get(place, place)
            self.add_error(place if place in self.fields else None, f"{problem.what} {problem.todo}".strip())


class SlackForm(ChannelForm):
    kind, title = "slack", "Slack"
    secret_fields = (MAIN_SECRET["slack"], "signing_secret")

    bot_token = _secret("Bot token")
    signing_secret = _secret(
        "Signing secret",
        "Slack shows it under Basic Information. Whoever knows it can vote as any linked person: keep it as safe as a password. A new one ends all links.",
    )
    workspace = forms.CharField(
        required=False,
        max_length=30,
        widget=_text(placeholder="T0123ABCD"),
        help_text="Presses from other workspaces are refused.",
    )
    channel = forms.CharField(
        required=False,
        max_length=30,
        widget=_text(placeholder="C0123ABCD"),
        help_text="Where requests and halts are posted for all who read it. Left empty, only people who linked their account are told.",
    )
    base_url = forms.CharField(
        label="Address of Slack", required=False, max_length=300, widget=_text(placeholder="https://slack.com/api")
    )

    def said(self) -> dict[str, Any]:
        typed = self.cleaned_data
        channels = self.stored["channels"] if self.stored else {}
        return {name: typed[name].strip() for name in ("workspace", "channel", "base_url")} | {"channels": channels}


class MailForm(ChannelForm):
    kind, title = "mail", "Mail"
    secret_fields = ("password",)

    host = forms.CharField(label="Mail server", max_length=253, widget=_text(placeholder="smtp.example.com"))
    port = forms.IntegerField(
        min_value=1, max_value=65535, initial=587, widget=forms.NumberInput(attrs={"class": "form-control narrow"})
    )
    security = forms.ChoiceField(
        label="Encryption",
        choices=(("starttls", "STARTTLS"), ("tls", "TLS from the first byte"), ("none", "none")),
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    sender = forms.CharField(label="From", max_length=320, widget=_text(placeholder="agents@example.com"))
    user = forms.CharField(label="User", required=False, max_length=200, widget=_text())
    password = _secret("Password")

    def said(self) -> dict[str, Any]:
        typed = self.cleaned_data
        return {
            "host": typed["host"].strip(),
            "port": typed["port"],
            "security": typed["security"],
            "from": typed["sender"].strip(),
        }

    def auth(self) -> dict[str, Any] | None:
        user = self.cleaned_data["user"].strip()
        kept = ((self.stored or {}).get("auth") or {}).get("password", "")
        return {"user": user, "password": kept} if user else None

    def filled(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        return {**stored, "sender": stored["from"], "user": (stored["auth"] or {}).get("user", "")}


class HookForm(ChannelForm):
    kind, title = "webhook", "An outgoing webhook"
    secret_fields = ("signing_secret",)

    base_url = forms.CharField(
        label="Address", max_length=300, widget=_text(placeholder="https://warehouse.example/hooks")
    )
    signing_secret = _secret("Signing secret")
    kinds = forms.CharField(
        required=False,
        max_length=400,
        widget=_text(placeholder="request, halt"),
        help_text="Which kinds of notices, with commas between them; all when empty.",
    )

    def said(self) -> dict[str, Any]:
        kinds = [part.strip() for part in self.cleaned_data["kinds"].split(",") if part.strip()]
        return {"base_url": self.cleaned_data["base_url"].strip(), "kinds": kinds}

    def filled(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        return {**stored, "kinds": ", ".join(stored["kinds"])}


FORMS: Mapping[str, type[ChannelForm]] = {form.kind: form for form in (SlackForm, MailForm, HookForm)}
