"""Forms of the connections pages. What is typed becomes the same document that a configuration file holds."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from django import forms
from django.core.files.uploadedfile import UploadedFile
from pydantic import ValidationError

from integrations.connections import Secret
from integrations.models import Connection
from integrations.openapi.call import host_of
from integrations.openapi.document import MAX_BYTES, BadDocument, Document, read_document
from integrations.package import shapes
from integrations.package.fetching import fetch
from integrations.package.problems import BadPackage, Problem
from integrations.package.sentences import problems_of


def _text(**attrs: str) -> forms.TextInput:
    return forms.TextInput(attrs={"class": "form-control", "autocomplete": "off", "spellcheck": "false", **attrs})


class ConnectionForm(forms.Form):
    """Adding a connection, or changing its address, its secret or its document."""

    name = forms.CharField(
        max_length=80,
        widget=_text(placeholder="shop"),
        help_text="Its tools are called name.operation, as shop.refund_order.",
    )
    document_url = forms.CharField(
        label="Address of the OpenAPI document",
        required=False,
        max_length=300,
        widget=_text(placeholder="https://shop.example/openapi.json"),
    )
    document_file = forms.FileField(
        label="or a file",
        required=False,
        widget=forms.ClearableFileInput(attrs={"class": "form-control", "accept": ".json,.yaml,.yml"}),
    )
    document_text = forms.CharField(
        label="or its text",
        required=False,
        widget=forms.Textarea(attrs={"class": "form-control code", "rows": 8, "spellcheck": "false"}),
    )
    base_url = forms.CharField(
        label="Base URL",
        required=False,
        max_length=300,
        widget=_text(placeholder="https://api.shop.example/v1"),
        help_text="Left empty, the first server of the document.",
    )
    timeout_s = forms.FloatField(
        label="Time limit of a call, in seconds",
        min_value=0.1,
        max_value=60,
        initial=3,
        widget=forms.NumberInput(attrs={"class": "form-control narrow", "step": "any"}),
    )
    auth_header = forms.CharField(
        label="Header that signs in", required=False, max_length=100, widget=_text(placeholder="Authorization")
    )
    secret = forms.CharField(
        label="Secret",
        required=False,
        max_length=8000,
        strip=True,
        widget=forms.PasswordInput(attrs={"class": "form-control", "autocomplete": "new-password"}),
        help_text="Stored encrypted and never shown again. env:NAME or file:NAME names one that is kept outside.",
    )

    def __init__(self, *args: Any, row: Connection | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.row = row
        self.document_source = ""
        if row is not None:
            del self.fields["name"]
            self.fields["secret"].help_text = "Leave empty to keep it. " + str(self.fields["secret"].help_text)

    @classmethod
    def of(cls, row: Connection) -> "ConnectionForm":
        """Return the form filled with what is stored, the secret excepted."""
        stored = {"base_url": row.base_url, "timeout_s": row.timeout_s, "auth_header": row.auth_header}
        return cls(initial=stored, row=row)

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if name == "new":
            raise forms.ValidationError("This word is taken by a page. Choose another name.")
        return name

    def clean(self) -> dict[str, Any]:
        typed = super().clean() or self.cleaned_data
        document = self._document()
        if document is not None:
            typed["document"] = document.text
            typed["base_url"] = typed.get("base_url") or document.base_url
            if not typed["base_url"]:
                self.add_error("base_url", "The document names no server. Write the address of the system.")
        self._check_secret(typed)
        if not self.errors:
            self._check_shape(typed)
        return typed

    def secret_given(self) -> Secret | None:
        """Return the secret that was typed, or None when the stored one stays."""
        header, typed = self.cleaned_data["auth_header"], self.cleaned_data["secret"]
        if self.row is not None and not typed and header == self.row.auth_header:
            return None
        return Secret(header, typed)

    def wanted(self, stored: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return the connection's document as it is to be. stored: as it is, None for a new one."""
        typed = self.cleaned_data
        name = stored["name"] if stored else typed["name"]
        fresh: Mapping[str, Any] = stored or {"kind": "openapi", "tools": {}, "auth": None}
        return {
            **fresh,
            "name": name,
            "document": typed.get("document") or fresh["document"],
            "base_url": typed["base_url"],
            "timeout_s": typed["timeout_s"],
        }

    def _document(self) -> Document | None:
        given = [name for name in ("document_url", "document_file", "document_text") if self.cleaned_data.get(name)]
        if len(given) > 1:
            self.add_error(given[-1], "Give the document one way only: by address, as a file or as text.")
        elif not given and self.row is None:
            self.add_error("document_url", "Give the OpenAPI document: by address, as a file or as text.")
        if len(given) != 1:
            return None
        try:
            return read_document(self._raw(given[0]))
        except BadPackage as error:
            self.add_error(given[0], " ".join(f"{p.what} {p.todo}".strip() for p in error.problems))
        except BadDocument as error:
            self.add_error(given[0], error.message)
        return None

    def _raw(self, field: str) -> bytes:
        value = self.cleaned_data[field]
        if field == "document_url":
            self.document_source = value
            return fetch(value)
        if isinstance(value, UploadedFile):
            self.document_source = value.name or ""
            return bytes(value.read(MAX_BYTES + 1))
        return str(value).encode()

    def _check_secret(self, typed: dict[str, Any]) -> None:
        if typed.get("secret") and not typed.get("auth_header"):
            self.add_error("auth_header", "Say which header the secret goes into, as Authorization.")
        if self.row is None or typed.get("secret") or not typed.get("auth_header") or not self.row.auth_secret:
            return
        if host_of(typed.get("base_url", "")) != self.row.auth_secret_host:
            self.add_error(
                "secret", "The address is another one now. Enter the secret again: it is bound to its address."
            )
        elif typed["auth_header"] != self.row.auth_header:
            self.add_error("secret", "The header is another one now. Enter the secret again.")

    def _check_shape(self, typed: Mapping[str, Any]) -> None:
        header = typed["auth_header"]
        try:
            shapes.Connection.model_validate(
                {
                    "name": self.row.name if self.row else typed["name"],
                    "kind": "openapi",
                    "document": "",
                    "base_url": typed["base_url"],
                    "timeout_s": typed["timeout_s"],
                    "auth": {"header": header, "value": ""} if header else None,
                }
            )
        except ValidationError as error:
            for path, problem in problems_of(error):
                place = "auth_header" if path and path[0] == "auth" else str(path[0]) if path else ""
                self.add_error(place if place in self.fields else None, f"{problem.what} {problem.todo}".strip())


class ToolForm(forms.Form):
    """What a person says about one tool. Everything left empty keeps its imported meaning."""

    EFFECTS = (
        ("", "as imported"),
        ("read", "read: changes nothing"),
        ("keyed", "keyed: the other side keeps our key, so it happens once"),
        ("convergent", "convergent: doing it twice is the same as once"),
        ("queryable", "queryable: it can be looked up whether it happened"),
        ("blind", "blind: nobody can tell, so it is sent at most once"),
    )
    effect = forms.ChoiceField(label="Effect", choices=EFFECTS, required=False)
    idempotency_header = forms.CharField(
        label="Header for the key", required=False, max_length=100, widget=_text(placeholder="Idempotency-Key")
    )
    idempotency_window_h = forms.IntegerField(
        label="Kept for, in hours",
        required=False,
        min_value=1,
        max_value=8760,
        widget=forms.NumberInput(attrs={"class": "form-control narrow", "placeholder": "23"}),
    )
    lookup_by = forms.ChoiceField(label="Looked up by", required=False)
    lookup_argument = forms.CharField(
        label="with its argument", required=False, max_length=80, widget=_text(placeholder="reference")
    )
    money_amount = forms.CharField(
        label="Amount, in minor units",
        required=False,
        max_length=200,
        widget=_text(placeholder="amount_minor", list="arguments"),
    )
    money_currency = forms.CharField(
        label="Currency", required=False, max_length=200, widget=_text(placeholder="currency, or EUR", list="arguments")
    )
    target_argument = forms.CharField(
        label="Target: the argument that names it",
        required=False,
        max_length=200,
        widget=_text(placeholder="order_id", list="arguments"),
    )
    target_by = forms.ChoiceField(label="Target looked up by", required=False)
    target_show = forms.CharField(
        label="Target fields to show",
        required=False,
        max_length=1000,
        widget=_text(placeholder="customer_name, total_minor"),
    )
    check_by = forms.ChoiceField(label="Read again by", required=False)
    check_compare = forms.CharField(
        label="Fields that must not have changed",
        required=False,
        max_length=1000,
        widget=_text(placeholder="status, refunded_minor"),
    )
    sentence = forms.CharField(
        label="Sentence for people",
        required=False,
        max_length=300,
        widget=_text(placeholder="Refund {money} for order {order_id}"),
    )
    authority_said = forms.BooleanField(label="Only these arguments carry power", required=False)
    authority = forms.MultipleChoiceField(
        label="Arguments that carry power", required=False, widget=forms.CheckboxSelectMultiple
    )
    compensate_with = forms.ChoiceField(label="Undone by", required=False)
    timeout_s = forms.FloatField(
        label="Time limit of a call, in seconds",
        required=False,
        min_value=0.1,
        max_value=60,
        widget=forms.NumberInput(attrs={"class": "form-control narrow", "step": "any"}),
    )

    def __init__(
        self, *args: Any, arguments: Sequence[str], readers: Sequence[str], tools: Sequence[str], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        for name in ("lookup_by", "target_by", "check_by"):
            self._choose(name, readers)
        self._choose("compensate_with", tools)
        self._offer("authority", [(name, name) for name in arguments])
        self.fields["effect"].widget.attrs["class"] = "form-select"

    @classmethod
    def of(cls, override: Mapping[str, Any], **offered: Any) -> "ToolForm":
        """Return the form filled with an override as it is stored."""
        return cls(initial=_flat(override), **offered)

    def override(self) -> dict[str, Any]:
        """Return what was said, as a configuration file says it."""
        return dict(_said(self.cleaned_data))

    def add_problems(self, problems: Sequence[Problem], tool: str) -> None:
        """Put each problem beside the field that it is about."""
        for problem in problems:
            _, _, inside = problem.path.partition(f"{tool}.")
            self.add_error(self._place(inside), f"{problem.what} {problem.todo}".strip())

    def _place(self, path: str) -> str | None:
        """Return the field that a path in an override stands for: money.amount, or the first field of `idempotency`."""
        field = path.replace(".", "_")
        if field in self.fields:
            return field
        part = path.partition(".")[0]
        return next((name for name in self.fields if name == part or name.startswith(f"{part}_")), None)

    def _choose(self, field: str, names: Sequence[str]) -> None:
        self._offer(field, [("", "—"), *((name, name) for name in names)])
        self.fields[field].widget.attrs["class"] = "form-select"

    def _offer(self, name: str, choices: Sequence[tuple[str, str]]) -> None:
        cast(forms.ChoiceField, self.fields[name]).choices = list(choices)


def _flat(override: Mapping[str, Any]) -> dict[str, Any]:
    """Return an override as the form's fields: {"money": {"amount": …}} → {"money_amount": …}."""
    flat: dict[str, Any] = {}
    for name, part in override.items():
        if isinstance(part, Mapping):
            flat |= {
                f"{name}_{inner}": ", ".join(value) if isinstance(value, list) else value
                for inner, value in part.items()
            }
        else:
            flat[name] = part
    return {**flat, "authority_said": "authority" in override}


def _said(typed: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name in ("effect", "sentence", "compensate_with", "timeout_s"):
        if typed.get(name):
            yield name, typed[name]
    if typed.get("authority_said"):
        yield "authority", list(typed["authority"])
    for name, parts in _PARTS.items():
        given = {part: typed.get(f"{name}_{part}") for part in parts}
        if any(given.values()):
            yield name, {part: _list(value) if part in _LISTS else value for part, value in given.items() if value}


_PARTS = {
    "idempotency": ("header", "window_h"),
    "lookup": ("by", "argument"),
    "money": ("amount", "currency"),
    "target": ("argument", "by", "show"),
    "check": ("by", "compare"),
}
_LISTS = frozenset({"show", "compare"})


def _list(text: Any) -> list[str]:
    return [part.strip() for part in str(text).split(",") if part.strip()]
