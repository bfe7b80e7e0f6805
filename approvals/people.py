"""Who someone is here: roles, teams, groups, money limits, and for whom they stand in."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db.models import Q
from django.db.models.functions import Now

from approvals.models import Absence, GroupMember
from approvals.states import Role


@dataclass(frozen=True)
class Signer:
    """One person's authority, read once per page and asked many times."""

    user: User

    @cached_property
    def roles(self) -> frozenset[str]:
        names = set(self.user.groups.values_list("name", flat=True))
        if self.user.is_superuser:
            names.add(Role.ADMIN)
        return frozenset(names & set(Role)) if self.user.is_active else frozenset()

    @cached_property
    def own_team_ids(self) -> frozenset[int]:
        return frozenset(self.user.teams.values_list("pk", flat=True))

    @cached_property
    def team_ids(self) -> frozenset[int]:
        """Return the teams whose work this person sees: their own, and those of whom they stand in for."""
        return self.own_team_ids.union(*(principal.own_team_ids for principal in self.absent))

    @cached_property
    def groups(self) -> Mapping[str, Mapping[str, int]]:
        """Approver group → {currency: limit in minor units}."""
        rows = GroupMember.objects.filter(user=self.user).select_related("group")
        return {row.group.name: row.limits for row in rows}

    @cached_property
    def _absences(self) -> tuple[Absence, ...]:
        """Return the absences of today that this person is in, on either side."""
        rows = Absence.objects.filter(present(), Q(user=self.user) | Q(delegate=self.user))
        return tuple(rows.select_related("user").order_by("starts_at", "pk"))

    @cached_property
    def absent(self) -> tuple["Signer", ...]:
        """Return those whose delegate this person is now. Their own delegations do not come along: no chains."""
        if not self.decides:
            return ()
        rows = [absence.user for absence in self._absences if absence.delegate_id == self.user.pk]
        return tuple(Signer(user) for user in rows if user.is_active)

    @cached_property
    def one_vote_with(self) -> frozenset[int]:
        """Return the people who count as the same pair of eyes: this one, and whoever stands in for whom just now."""
        return frozenset({self.user.pk}.union(*({row.user_id, row.delegate_id} for row in self._absences)))

    @property
    def is_admin(self) -> bool:
        return Role.ADMIN in self.roles

    @property
    def sees_all(self) -> bool:
        """Admins and auditors see every team's work."""
        return bool(self.roles & {Role.ADMIN, Role.AUDITOR})

    @property
    def decides(self) -> bool:
        return bool(self.roles & {Role.OPERATOR, Role.ADMIN})

    def limit(self, currency: str, group: str = "") -> int | None:
        """Return the most this person may sign, in minor units: in that group, or the highest of all. None: nothing."""
        groups = [self.groups[group]] if group in self.groups else [] if group else list(self.groups.values())
        limits = [limits[currency] for limits in groups if currency in limits]
        return max(limits, default=None)


def present() -> Q:
    """Return the condition on absences that last just now, by the database's clock."""
    return Q(ended_at__isnull=True, starts_at__lte=Now(), ends_at__gt=Now())


def signer(user: Any) -> Signer:
    """Return the person's authority, kept on the user object for the length of one web request."""
    kept = getattr(user, "_signer", None)
    if kept is None:
        kept = user._signer = Signer(user)
    return kept


def fresh_signer(user_id: int) -> Signer | None:
    """Return authority as the database has it now, or None when the person is gone or switched off."""
    user = get_user_model().objects.filter(pk=user_id, is_active=True).first()
    return Signer(user) if user else None
