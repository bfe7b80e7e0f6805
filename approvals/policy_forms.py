"""What people type about rules, read into documents and samples; the policy's own checks say what is wrong."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms

from approvals.models import ApproverGroup
from approvals.policy.action import Effect, Mode, Money, ProposedAction
from approvals.policy.canonical import NotCanonical, exact
from approvals.policy.rules import Rule, RuleError, rule_document
from config.bounded_json import BadJson, loads

LEVELS = (
    ("1", "1 acts alone"),
    ("2", "2 acts and notifies"),
    ("3", "3 a person countersigns"),
    ("4", "4 escalates"),
    ("deny", "deny"),
)
CLASSES = (("normal", "normal"), ("high", "high: sign in again"))
_PATH = re.compile(r"(?:event|target)(?:\.[\w-]+)+|subject", re.ASCII)
_NAME = re.compile(r"[\w.-]+", re.ASCII)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_BARE = re.compile(r"(?<![\w.-])(?!(?:true|false|null)\b)[A-Za-z_][\w.-]*", re.ASCII)


def _text(css: str = "form-control", **attributes: Any) -> forms.TextInput:
    return forms.TextInput(attrs={"class": css, "autocomplete": "off", **attributes})


def _area(rows: int, **attributes: Any) -> forms.Textarea:
    extra = {"class": "form-control code", "rows": rows, "spellcheck": "false", "autocomplete": "off"}
    return forms.Textarea(attrs=extra | attributes)


def _choice(label: str, choices: Sequence[tuple[str, str]], **more: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=choices, widget=forms.Select(attrs={"class": "form-select"}), **more)


class RuleForm(forms.Form):
    """One rule as people edit it."""

    tool = forms.CharField(max_length=200, widget=_text(list="tools", placeholder="shop.refund_order or shop.*"))
    level = _choice("Level", LEVELS, initial="3")
    approvers = _choice("Approvers", (), required=False)
    votes = forms.IntegerField(
        min_value=1, max_value=5, initial=1, widget=_text("form-control narrow", inputmode="numeric")
    )
    deadline_h = forms.DecimalField(
        label="Within, h", required=False, widget=_text("form-control narrow", inputmode="decimal", placeholder="24")
    )
    cls = _choice("Class", CLASSES, initial="normal")
    when = forms.CharField(label="When (CEL)", required=False, strip=False, widget=_area(3, id="id_when"))
    constrain = forms.CharField(required=False, widget=forms.HiddenInput)
    until = forms.DateField(
        label="Until (last day)",
        required=False,
        widget=_text("form-control", placeholder="for good", inputmode="numeric"),
        input_formats=["%Y-%m-%d"],
    )
    note = forms.CharField(
        required=False, max_length=500, widget=_text(), help_text="The model reads it where the rule denies."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        groups = [(name, name) for name in ApproverGroup.objects.order_by("name").values_list("name", flat=True)]
        self.fields["approvers"].choices = [("", "any approver"), *groups]  # type: ignore[attr-defined]

    def document(self) -> dict[str, Any]:
        """Return the rule document that was typed. Call it on a valid form; raises BadConstrain."""
        typed = self.cleaned_data
        document = {key: typed[key] for key in ("tool", "approvers", "votes", "note")}
        document["when"] = typed["when"].replace("\r\n", "\n")
        document["level"] = typed["level"] if typed["level"] == "deny" else int(typed["level"])
        document["class"] = typed["cls"]
        if typed["deadline_h"] is not None:
            document["deadline_h"] = _plain_number(typed["deadline_h"])
        if typed["until"] is not None:
            document["until"] = typed["until"].isoformat()
        document["constrain"] = read_constrain(typed["constrain"]) or {}
        return document

    def mark(self, error: RuleError) -> None:
        """Put the policy's own objection beside its field."""
        name = {"class": "cls"}.get(error.field, error.field)
        self.add_error(name if name in self.fields else None, error.message)


class BadConstrain(ValueError):
    """A line of the constraints that cannot be read."""


def rule_initial(rule: Rule) -> dict[str, Any]:
    """Return what the form shows for a rule that is there."""
    document = rule_document(rule)
    return {
        **{key: document[key] for key in ("tool", "approvers", "votes", "deadline_h", "when", "note")},
        "level": str(document["level"]),
        "cls": document["class"],
        "until": document.get("until", ""),
    }


def read_constrain(text: str) -> dict[str, Any] | None:
    """Return the constraints that the lines say, None for none. Raises BadConstrain with the line."""
    found: dict[str, Any] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        name, colon, rest = line.partition(":")
        if not colon or not _NAME.fullmatch(name.strip()) or name.strip() in found:
            raise BadConstrain(f"“{line}”: write one argument per line, its name, a colon and what it must be.")
        found[name.strip()] = read_value(rest.strip(), line)
    return found or None


def read_value(text: str, line: str) -> Any:
    """Return the path or JSON value that the text says; bare words are texts. Raises BadConstrain with the line."""
    if _PATH.fullmatch(text):
        return text
    try:
        return loads(_quoted(text))
    except BadJson:
        raise BadConstrain(f'“{line}”: put texts in quotes, such as ["EUR"].') from None


def _quoted(text: str) -> str:
    """Return the text with bare words quoted, so that {max: 5} and [EUR] can be typed."""
    parts, position = [], 0
    for string in _STRING.finditer(text):
        parts += [_BARE.sub(r'"\g<0>"', text[position : string.start()]), string.group()]
        position = string.end()
    return "".join([*parts, _BARE.sub(r'"\g<0>"', text[position:])])


def _plain_number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


class SampleForm(forms.Form):
    """One call to try the policy on."""

    tool = forms.CharField(max_length=200, widget=_text(list="tools"))
    effect = _choice("Effect", [(effect.value, effect.value) for effect in Effect], initial=Effect.KEYED.value)
    mode = _choice("Mode", [(mode.value, mode.value) for mode in Mode], initial=Mode.LIVE.value)
    agent = forms.CharField(required=False, max_length=80, widget=_text())
    subject = forms.CharField(required=False, max_length=200, widget=_text())
    arguments = forms.CharField(widget=_area(4), initial="{}")
    event = forms.CharField(label="Event (payload)", required=False, widget=_area(3))
    target = forms.CharField(label="Target (looked-up record)", required=False, widget=_area(2))
    authority = forms.CharField(
        label="Authority arguments", required=False, widget=_text(placeholder="order_id, amount_minor, currency")
    )
    amount_minor = forms.IntegerField(label="Moves, minor units", required=False, widget=_text(inputmode="numeric"))
    currency = forms.CharField(required=False, max_length=3, widget=_text("form-control narrow"))
    confidence = forms.FloatField(required=False, widget=_text("form-control narrow", inputmode="decimal"))
    tainted = forms.BooleanField(label="The run has read foreign text", required=False, initial=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "auto_id": "try_%s"})  # the rule's own form stands on the same page

    def clean_arguments(self) -> Any:
        return self._object("arguments") or {}

    def clean_event(self) -> Any:
        return self._object("event")

    def clean_target(self) -> Any:
        return self._object("target")

    def action(self) -> ProposedAction:
        """Return the call that was typed. Call it on a valid form."""
        typed = self.cleaned_data
        return ProposedAction(
            tool=typed["tool"].strip(),
            effect=Effect(typed["effect"]),
            arguments=typed["arguments"],
            authority=tuple(name for name in re.split(r"[,\s]+", typed["authority"]) if name),
            agent=typed["agent"],
            mode=Mode(typed["mode"]),
            subject=typed["subject"],
            tainted=typed["tainted"],
            confidence=typed["confidence"],
            confidence_floor=0.0,
            event=typed["event"],
            target=typed["target"],
            totals={"actions_in_run": 0, "moved_minor_today": 0},
            money=self._money(),
        )

    def _money(self) -> Money | None:
        amount, currency = self.cleaned_data["amount_minor"], self.cleaned_data["currency"]
        return Money(amount, currency.upper()) if amount is not None and currency else None

    def _object(self, name: str) -> Any:
        text = self.cleaned_data[name].strip()
        if not text:
            return None
        try:
            value = exact(loads(text))
        except (BadJson, NotCanonical) as error:
            raise forms.ValidationError(str(error)) from None
        if not isinstance(value, dict):
            raise forms.ValidationError('Write a JSON object, such as {"order_id": "20871"}.')
        return value
