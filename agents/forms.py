"""What people type about agents and providers, turned into documents and back."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from django import forms

from agents.guard_settings import Answer, GuardSettings
from agents.models import Agent, Provider
from agents.plain import plain
from agents.providers.pricing import PRICE_KEYS, row_prices
from agents.providers.registry import OFFLINE
from approvals.models import Team
from approvals.money import NotMoney, major_text, parse_money
from config import bounded_json

MODES = (("shadow", "shadow"), ("suggest", "suggest"), ("live", "live"))
_ANSWERS = ((Answer.OFF, "say nothing"), (Answer.FLAG, "flag it"), (Answer.PERSON, "a person decides"))
_USUAL_ANSWERS = {name: getattr(GuardSettings(), name) for name in ("screening", "personal", "unusual")}
_LIMITS = ("turns", "actions", "seconds", "parallel_runs", "tokens_per_minute", "cost_usd", "cost_usd_per_day")


def _text(rows: int = 3, **attributes: Any) -> forms.Textarea:
    return forms.Textarea(attrs={"class": "form-control", "rows": rows, "spellcheck": "false", **attributes})


def _line(**attributes: Any) -> forms.TextInput:
    return forms.TextInput(attrs={"class": "form-control", "autocomplete": "off", **attributes})


def _count(label: str, help_text: str = "") -> forms.IntegerField:
    box = forms.NumberInput(attrs={"class": "form-control"})
    return forms.IntegerField(label=label, help_text=help_text, required=False, min_value=1, widget=box)


def _usd(label: str) -> forms.DecimalField:
    box = forms.NumberInput(attrs={"class": "form-control", "step": "any"})
    return forms.DecimalField(label=label, required=False, min_value=Decimal("0.0001"), max_digits=12, widget=box)


def _guard(label: str, help_text: str, usual: Answer) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label,
        help_text=help_text,
        choices=_ANSWERS,
        initial=usual,
        required=False,
        widget=forms.Select(attrs={"class": "form-select"}),
    )


def _guards_said(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the guards block, with only what differs from the usual."""
    answers = {name: said[name] for name, usual in _USUAL_ANSWERS.items() if said.get(name) and said[name] != usual}
    return {**answers, **{name: lines for name in ("own", "redact") if (lines := _lines(said[name]))}}


class VersionForm(forms.Form):
    """One agent version. Every key of the document has a field, so that nothing is lost by editing."""

    instructions = forms.CharField(label="Instructions", widget=_text(16), strip=False, max_length=100_000)
    mode = forms.ChoiceField(label="Mode", choices=MODES, widget=forms.RadioSelect)
    model = forms.CharField(label="Model", widget=_line(list="models"), help_text="provider/model", max_length=200)
    fallback = forms.CharField(
        label="Fallback",
        required=False,
        widget=_text(2),
        help_text="Asked in this order when a provider is down. One per line.",
    )
    tools = forms.CharField(
        label="Tools",
        required=False,
        widget=_text(4),
        help_text="One per line. shop.* means every tool of the connection shop.",
    )
    turns = _count("Turns a run")
    actions = _count("Actions a run")
    seconds = _count("Seconds a run", "Model and tool time; waiting for people does not count.")
    parallel_runs = _count("Runs at once")
    tokens_per_minute = _count("Tokens a minute")
    cost_usd = _usd("Model cost a run, $")
    cost_usd_per_day = _usd("Model cost a day, $")
    moved_per_day = forms.CharField(
        label="Money moved a day",
        required=False,
        widget=_text(2),
        help_text="A currency and an amount per line: EUR 5,000.00",
    )
    confidence_floor = forms.DecimalField(
        label="Confidence floor",
        required=False,
        min_value=Decimal(0),
        max_value=Decimal(1),
        max_digits=6,
        widget=forms.NumberInput(attrs={"class": "form-control", "step": "any"}),
        help_text="0 to 1. A call the agent is less sure of waits for a person.",
    )
    outcome = forms.CharField(
        label="Outcome",
        required=False,
        widget=_text(8),
        help_text="JSON Schema of what a run ends with.",
        max_length=50_000,
    )
    intended_use = forms.CharField(label="Intended use", required=False, widget=_text(2), max_length=2000)
    screening = _guard("Text that looks manipulated", "In an event or an answer, before a write.", Answer.FLAG)
    personal = _guard(
        "Data of others in texts that go out", "Addresses, cards, accounts, numbers of people.", Answer.PERSON
    )
    unusual = _guard("Arguments outside the usual range", "Against this agent's own earlier calls.", Answer.FLAG)
    own = forms.CharField(
        label="Our own addresses and domains",
        required=False,
        widget=_text(2),
        help_text="One per line. In a text they are nobody's personal data: shop.example",
        max_length=5_000,
    )
    redact = forms.CharField(
        label="Hidden from the model",
        required=False,
        widget=_text(2),
        help_text="Paths of the event, one per line: event.customer.email. The model reads [customer_email_1]; tools and people see the value.",
        max_length=5_000,
    )
    note = forms.CharField(label="Why this changes", widget=_line(maxlength=500), max_length=500)

    def clean_outcome(self) -> Any:
        text = self.cleaned_data["outcome"].strip()
        return _json_object(text) if text else None

    def clean_moved_per_day(self) -> dict[str, int]:
        return _money_lines(self.cleaned_data["moved_per_day"])

    def document(self) -> dict[str, Any]:
        """Return the agent document that the (valid) form says."""
        said = self.cleaned_data
        limits = {name: said[name] for name in _LIMITS if said.get(name) is not None}
        if said["moved_per_day"]:
            limits["moved_minor_per_day"] = said["moved_per_day"]
        return {
            "instructions": said["instructions"].replace("\r\n", "\n"),
            "mode": said["mode"],
            "model": said["model"].strip(),
            "fallback": _lines(said["fallback"]),
            "tools": _lines(said["tools"]),
            "limits": _numbers(limits),
            "guards": _guards_said(said),
            "confidence_floor": _number(said["confidence_floor"]),
            "outcome": plain(said["outcome"]),
            "intended_use": said["intended_use"].strip(),
        }

    def add_problems(self, problems: list[str]) -> None:
        """Put the sentences of BadAgent beside the fields they name."""
        for problem in problems:
            name, _, sentence = problem.partition(": ")
            field = name.rpartition(".")[2].replace("moved_minor_per_day", "moved_per_day")
            self.add_error(field if field in self.fields else None, sentence or problem)

    @staticmethod
    def fields_of(document: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the form shows for a document."""
        limits = document.get("limits") or {}
        guards = document.get("guards") or {}
        moved = limits.get("moved_minor_per_day") or {}
        outcome = document.get("outcome")
        return {
            **{name: limits.get(name) for name in _LIMITS},
            **{name: document.get(name) for name in ("instructions", "model", "confidence_floor", "intended_use")},
            "mode": document.get("mode", "suggest"),
            **{name: guards.get(name) or usual for name, usual in _USUAL_ANSWERS.items()},
            **{name: "\n".join(guards.get(name) or ()) for name in ("own", "redact")},
            "fallback": "\n".join(document.get("fallback") or ()),
            "tools": "\n".join(document.get("tools") or ()),
            "moved_per_day": "\n".join(f"{unit} {major_text(minor, unit)}" for unit, minor in sorted(moved.items())),
            "outcome": json.dumps(outcome, indent=2, ensure_ascii=False) if outcome else "",
        }


class NewAgentForm(VersionForm):
    """An agent that does not exist yet. It begins in shadow or suggest: live is a step that a second person signs."""

    field_order = ["name", "team", "purpose", "category"]
    name = forms.SlugField(
        label="Name", max_length=80, widget=_line(), help_text="Letters, digits, - and _. It stays for ever."
    )
    team = forms.ModelChoiceField(
        label="Team", queryset=Team.objects.order_by("name"), widget=forms.Select(attrs={"class": "form-select"})
    )
    purpose = forms.CharField(label="Purpose", required=False, widget=_line(), max_length=500)
    category = forms.CharField(
        label="Category", required=False, widget=_line(), max_length=80, help_text="For figures: refunds, leads"
    )
    mode = forms.ChoiceField(label="Mode", choices=MODES[:2], initial="suggest", widget=forms.RadioSelect)
    note = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if name == "new" or Agent.objects.filter(name=name).exists():
            raise forms.ValidationError(
                f"There is already an agent named {name}." if name != "new" else "Choose another name."
            )
        return name


class RunForm(forms.Form):
    """A run by hand: what to do, and the event to do it on."""

    goal = forms.CharField(label="Goal", widget=_line(), max_length=2000, initial="Do your work on this event.")
    input = forms.CharField(
        label="Event", widget=_text(14), help_text="A JSON object, as the source would send it.", max_length=300_000
    )
    subject = forms.CharField(
        label="Subject",
        required=False,
        widget=_line(),
        max_length=200,
        help_text="What it is about: order, customer or ticket number.",
    )

    def clean_input(self) -> Any:
        return _json_object(self.cleaned_data["input"])


class ProviderForm(forms.Form):
    """Where models are reached. The key goes in and never comes out."""

    name = forms.SlugField(label="Name", max_length=80, widget=_line(), help_text="Models are called name/model.")
    kind = forms.ChoiceField(
        label="Speaks",
        choices=[
            ("anthropic", "Anthropic Messages"),
            ("openai", "OpenAI Responses"),
            ("openai_chat", "OpenAI-compatible chat (Ollama, vLLM, llama.cpp, gateways)"),
        ],
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    base_url = forms.CharField(
        label="Address",
        required=False,
        max_length=300,
        widget=_line(placeholder="the vendor's own"),
        help_text="Empty for Anthropic's or OpenAI's own. A private address must be named in OUTBOUND_ALLOW.",
    )
    api_key = forms.CharField(
        label="Key",
        required=False,
        max_length=4000,
        widget=forms.PasswordInput(attrs={"class": "form-control", "autocomplete": "new-password"}),
        help_text="Stored encrypted and never shown again. Or env:NAME, or file:NAME. Empty keeps what is stored.",
    )
    prices = forms.CharField(
        label="Prices",
        required=False,
        widget=_text(4),
        help_text="Only where the price list does not know the model, in $ per million tokens, one model per line: llama3.3 input 0.10 output 0.40 cache_read 0.01",
    )
    disabled = forms.BooleanField(
        label="Switched off", required=False, widget=forms.CheckboxInput(attrs={"class": "form-check-input"})
    )

    def __init__(self, *args: Any, row: Provider | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._row = row
        if row is not None:
            self.fields["name"].disabled = True

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if self._row is None and (name in (OFFLINE, "new") or Provider.objects.filter(name=name).exists()):
            raise forms.ValidationError(f"The name {name} is taken.")
        return name

    def clean_base_url(self) -> str:
        url: str = self.cleaned_data["base_url"].strip()
        if url and not _is_address(url):
            raise forms.ValidationError(
                "Write an address like https://models.example.com/v1, without a user name or a query."
            )
        return url

    def clean_prices(self) -> dict[str, dict[str, str]]:
        return dict(_price(line) for line in _lines(self.cleaned_data["prices"]))

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or {}
        if said.get("kind") == "openai_chat" and not said.get("base_url") and "base_url" not in self.errors:
            self.add_error("base_url", "Say where the server is: http://127.0.0.1:11434/v1 for Ollama on this machine.")
        return said

    @staticmethod
    def fields_of(row: Provider) -> dict[str, Any]:
        prices = [
            f"{model} " + " ".join(f"{key} {entry[key]}" for key in PRICE_KEYS if entry.get(key) not in (None, ""))
            for model, entry in sorted((row.prices or {}).items())
        ]
        return {
            "name": row.name,
            "kind": row.kind,
            "base_url": row.base_url,
            "prices": "\n".join(prices),
            "disabled": row.disabled,
        }


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _json_object(text: str) -> Any:
    try:
        value = bounded_json.loads(text)
    except bounded_json.BadJson as error:
        raise forms.ValidationError(error.message) from None
    if not isinstance(value, dict):
        raise forms.ValidationError('Write a JSON object, in braces: {"order_id": "20871"}')
    return value


def _money_lines(text: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in _lines(text):
        unit, _, amount = line.partition(" ")
        if len(unit) != 3 or not unit.isascii() or not unit.isupper():
            raise forms.ValidationError(f"{line}: begin with a currency code, EUR 5,000.00.")
        try:
            found[unit] = parse_money(amount, unit)
        except NotMoney as error:
            raise forms.ValidationError(f"{unit}: {error}") from None
        if found[unit] < 0:
            raise forms.ValidationError(f"{unit}: a limit is not below zero.")
    return found


def _price(line: str) -> tuple[str, dict[str, str]]:
    model, *rest = line.split()
    entry = dict(zip(rest[::2], rest[1::2], strict=False))
    if len(rest) % 2 or set(entry) - set(PRICE_KEYS) or row_prices(entry) is None:
        raise forms.ValidationError(
            f"{line}: write the model, then input and output with their prices: {model} input 3 output 15"
        )
    return model, entry


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False
    return (
        sound
        and "@" not in parts.netloc
        and not parts.query
        and not parts.fragment
        and not any(c.isspace() for c in url)
    )


def _numbers(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _number(value) for key, value in values.items()}


def _number(value: Any) -> Any:
    """Return a Decimal as JSON writes it, so that 0.50 typed is the 0.5 that a file says."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value
