"""A notice becomes deliveries: to whom, through what, from when. Only who may decide is told of a decision."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from approvals.database_clock import database_now
from approvals.models import Notice, Profile, Request
from approvals.notices import mark_routed
from approvals.people import signer
from approvals.permissions import can_decide
from approvals.states import RequestKind, RequestState, Role
from integrations.channels.preferences import Preferences
from integrations.channels.topics import FOR_CHANNELS, FOR_DECIDERS, Topic, topic_of
from integrations.models import ChannelLink, Connection, Delivery

AT_ONCE = 50
# What nobody routed within a day is no news any more.
LATEST = timedelta(days=1)
OUTSIDE = (Connection.Kind.SLACK, Connection.Kind.MAIL, Connection.Kind.WEBHOOK)


@dataclass(frozen=True, slots=True)
class _Place:
    """One address. user: whose it is; None for what many read."""

    connection: Connection
    address: str
    user: User | None = None


def route_some() -> bool:
    """Turn the oldest notices that nobody routed into deliveries; return whether there were any."""
    with transaction.atomic():
        now = database_now()
        rows = Notice.objects.filter(routed_at__isnull=True, created_at__gt=now - LATEST).order_by("created_at")
        notices = list(rows.select_for_update(skip_locked=True, of=("self",))[:AT_ONCE])
        connections = list(Connection.objects.filter(kind__in=OUTSIDE, disabled=False).order_by("name"))
        for notice in notices if connections else ():
            _route(notice, connections, now)
        mark_routed(notices, now=now)
    return bool(notices)


def people_told(notice: Notice, request: Request | None) -> list[User]:
    """Return who is told of a notice: its person, its team or everybody; of a decision only who may make it now."""
    if topic_of(notice.kind) in FOR_DECIDERS and request is not None:
        if request.state != RequestState.OPEN:
            return []
        return [user for user in _candidates(notice, request) if can_decide(user, request)]
    return list(_readers(notice))


def preferences_of(users: Iterable[User]) -> dict[int, Preferences]:
    """Return what each person wants, with the defaults for those who never said."""
    ids = [user.pk for user in users]
    kept = {profile.user_id: profile for profile in Profile.objects.filter(user_id__in=ids)}
    return {pk: Preferences.of(kept[pk].notify, kept[pk].time_zone) if pk in kept else _USUAL for pk in ids}


_USUAL = Preferences.of({}, "UTC")


def _route(notice: Notice, connections: Sequence[Connection], now: datetime) -> None:
    request = Request.objects.filter(pk=notice.request_id).first() if notice.request_id else None
    people = people_told(notice, request)
    wanted = preferences_of(people)
    places = [*_personal(notice, people, wanted, connections), *_shared(notice, request, connections)]
    Delivery.objects.bulk_create(
        [_delivery(notice, place, _due(notice, place, wanted, now)) for place in places], ignore_conflicts=True
    )


def _delivery(notice: Notice, place: _Place, due: datetime) -> Delivery:
    return Delivery(
        notice=notice,
        connection=place.connection,
        address=place.address,
        user=place.user,
        request_id=notice.request_id,
        next_at=due,
    )


def _due(notice: Notice, place: _Place, wanted: dict[int, Preferences], now: datetime) -> datetime:
    """Mail waits a moment, so that who decides at once in the inbox gets none; people's quiet hours hold all but halts."""
    waits = place.connection.kind == Connection.Kind.MAIL and topic_of(notice.kind) in FOR_DECIDERS
    due = now + timedelta(seconds=settings.MAIL_DELAY_S if waits else 0)
    if place.user is None or topic_of(notice.kind) is Topic.HALT:
        return due
    return wanted[place.user.pk].not_before(due)


def _personal(
    notice: Notice, people: Sequence[User], wanted: dict[int, Preferences], connections: Sequence[Connection]
) -> Iterator[_Place]:
    topic = topic_of(notice.kind)
    for connection in connections:
        accounts = _accounts(connection, people)
        for user in people:
            if user.pk in accounts and _wants(wanted[user.pk], connection.kind, topic):
                yield _Place(connection, accounts[user.pk], user)


def _wants(wanted: Preferences, kind: str, topic: Topic) -> bool:
    """A digest goes by mail to whoever asked for one; all else goes where the person said."""
    return kind == Connection.Kind.MAIL if topic is Topic.DIGEST else wanted.wants(kind, topic)


def _accounts(connection: Connection, people: Sequence[User]) -> dict[int, str]:
    """Return where each person is reached through this connection, for those who are."""
    if connection.kind == Connection.Kind.MAIL:
        return {user.pk: user.email for user in people if user.email}
    if connection.kind == Connection.Kind.SLACK:
        links = ChannelLink.objects.filter(connection=connection, user__in=people)
        return dict(links.values_list("user_id", "address"))
    return {}


def _shared(notice: Notice, request: Request | None, connections: Sequence[Connection]) -> Iterator[_Place]:
    """Yield the places that many read: Slack channels and webhooks. Nothing that is meant for one person goes there."""
    if notice.user_id is not None:
        return
    topic = topic_of(notice.kind)
    if topic in FOR_DECIDERS and (request is None or request.state != RequestState.OPEN):
        return
    team = notice.team.name if notice.team else ""
    for connection in connections:
        channel = connection.options.get("channels", {}).get(team) or connection.options.get("channel", "")
        if connection.kind == Connection.Kind.SLACK and channel and topic in FOR_CHANNELS:
            yield _Place(connection, channel)
        if connection.kind == Connection.Kind.WEBHOOK and _is_asked_for(connection, notice.kind):
            yield _Place(connection, connection.base_url)


def _is_asked_for(connection: Connection, kind: str) -> bool:
    kinds = connection.options.get("kinds") or []
    return not kinds or any(kind == wanted or kind.startswith(f"{wanted}.") for wanted in kinds)


def _readers(notice: Notice) -> Iterable[User]:
    users = User.objects.filter(is_active=True).order_by("pk")
    if notice.user_id is not None:
        return users.filter(pk=notice.user_id)
    return users.filter(teams=notice.team_id) if notice.team_id else users


def _candidates(notice: Notice, request: Request) -> Iterable[User]:
    """Return who could be asked: the team, the approvers named, whom it was escalated or assigned to; admins of a proposal."""
    if notice.user_id is not None:
        return User.objects.filter(pk=notice.user_id, is_active=True)
    users = User.objects.filter(is_active=True, groups__name__in=[Role.OPERATOR, Role.ADMIN])
    if request.kind == RequestKind.PROPOSAL or request.team_id is None:
        return users.distinct().order_by("pk")
    named = [name for name in (request.approvers, request.escalated_to) if name]
    asked = Q(teams=request.team_id) | Q(approver_memberships__group__name__in=named) | Q(pk=request.assignee_id)
    return users.filter(asked).distinct().order_by("pk")


def may_still_decide(user: User, request: Request) -> bool:
    """Return whether this person may decide the request as things are now."""
    return bool(signer(user).roles) and can_decide(user, request)
