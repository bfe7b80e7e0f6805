"""What people type about people: accounts, roles, teams, groups and limits."""

import re

from django import forms
from django.contrib.auth.models import User
from django.core.validators import validate_slug

from approvals.models import Team
from approvals.money import NotMoney, parse_money
from approvals.states import Role

_LIMIT = re.compile(r"([A-Za-z]{3})\s*[:=]?\s*(.+)|(.+?)\s*([A-Za-z]{3})", re.ASCII)
_MOST_MINOR = 10**15


class PersonForm(forms.Form):
    """Roles, teams and whether the account is on."""

    roles = forms.MultipleChoiceField(
        required=False, choices=[(role.value, role.value) for role in Role], widget=forms.CheckboxSelectMultiple
    )
    teams = forms.ModelMultipleChoiceField(
        required=False, queryset=Team.objects.order_by("name"), widget=forms.CheckboxSelectMultiple
    )
    active = forms.BooleanField(required=False, label="May sign in")

    @classmethod
    def of(cls, person: User) -> "PersonForm":
        roles = set(person.groups.values_list("name", flat=True)) & set(Role)
        teams = person.teams.all()
        return cls(initial={"roles": sorted(roles), "teams": teams, "active": person.is_active})


class NewPersonForm(PersonForm):
    """An account to be made; its owner changes the password after the first sign-in."""

    username = forms.CharField(
        max_length=150, label="Name", widget=forms.TextInput(attrs={"class": "form-control", "autocomplete": "off"})
    )
    password = forms.CharField(
        max_length=200,
        strip=False,
        label="First password",
        widget=forms.PasswordInput(attrs={"class": "form-control", "autocomplete": "new-password"}),
        help_text="At least 10 characters. Tell it to the person; they change it under their profile.",
    )
    active = None  # type: ignore[assignment]
    field_order = ("username", "password", "roles", "teams")


class NameForm(forms.Form):
    """The name of a new team or group, as rules and files write it."""

    name = forms.CharField(
        max_length=80,
        validators=[validate_slug],
        widget=forms.TextInput(attrs={"class": "form-control", "autocomplete": "off", "placeholder": "finance"}),
    )


class MemberForm(forms.Form):
    """One person in a group, with limits such as "EUR 500" one per line."""

    person = forms.ModelChoiceField(
        queryset=User.objects.filter(is_active=True).order_by("username"),
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    limits = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"class": "form-control", "rows": 2, "placeholder": "EUR 500"}),
        help_text="What they may sign here, one currency per line. No line: no money.",
    )

    def clean_limits(self) -> dict[str, int]:
        return read_limits(self.cleaned_data["limits"])


def read_limits(text: str) -> dict[str, int]:
    """Return {currency: minor units} of lines such as "EUR 500". Raises ValidationError with the line."""
    found: dict[str, int] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        currency, amount = _limit(line)
        if currency in found:
            raise forms.ValidationError(f"{currency} stands twice.")
        found[currency] = amount
    return found


def _limit(line: str) -> tuple[str, int]:
    match = _LIMIT.fullmatch(line)
    if match is None:
        raise forms.ValidationError(f"“{line}”: write a currency and an amount, such as EUR 500.")
    currency = (match[1] or match[4]).upper()
    try:
        amount = parse_money(match[2] or match[3], currency)
    except NotMoney as error:
        raise forms.ValidationError(f"“{line}”: {error}") from None
    if not 0 <= amount <= _MOST_MINOR:
        raise forms.ValidationError(f"“{line}”: a limit is zero or more, and not beyond all measure.")
    return currency, amount
