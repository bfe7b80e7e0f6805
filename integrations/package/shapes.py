"""The documents of a configuration package: what a file may say, and nothing else. Pure.

The same shapes take the body of a writing API call. Secrets are only ever names here (`env:NAME`, `file:NAME`).
Overrides of tools and rules of the policy have owners of their own; here they are only carried.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    PlainSerializer,
    StringConstraints,
    Tag,
    model_validator,
)

from approvals.working_hours import parse_hours

SLUG = r"^[A-Za-z0-9][A-Za-z0-9_-]*$"
PACKAGE_NAME = r"^[a-z0-9][a-z0-9-]*$"
CURRENCY = r"^[A-Z]{3}$"
SECRET_NAME = r"^(?:env:[A-Za-z_][A-Za-z0-9_]*|file:[A-Za-z0-9_][A-Za-z0-9_.-]*)?$"  # noqa: S105 - the form of a name, not a secret
HTTP_URL = r"^(?:https?://[^\s@/]+(?:/\S*)?)?$"
MODEL_NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]*/\S+$"
TOOL_PATTERN = r"^[A-Za-z0-9_.*?\[\]-]+$"
EVENT_PATH = r"^(?:event(?:\.[A-Za-z0-9_-]+)+)?$"
REDACTED_PATH = r"^event(?:\.[A-Za-z0-9_-]+)+$"
GROUP_NAME = r"^(?:[A-Za-z0-9][A-Za-z0-9_-]*)?$"
SLACK_ID = r"^(?:[A-Z][A-Z0-9]{1,29})?$"
HOST = r"^[A-Za-z0-9](?:[A-Za-z0-9.:-]{0,252})$"
MAIL_ADDRESS = r"^[^\s@,;<>\"()\\]{1,64}@[A-Za-z0-9.-]{1,253}$"
NOTICE_KIND = r"^[a-z_]+(?:\.[a-z_]+)?$"
HEADER_NAME = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"

# What a person reads when a text does not have the form: what is wrong, what to do.
FORMS: Mapping[str, tuple[str, str]] = {
    SLUG: ("This is not a name.", "Use letters, digits, - and _, at most 80."),
    PACKAGE_NAME: ("This is not a package name.", "Use small letters, digits and -, at most 80."),
    CURRENCY: ("This is not a currency.", "Write its three capital letters, as EUR."),
    SECRET_NAME: (
        "A file names a secret, it never holds one.",
        "Write env:NAME (listed in SECRET_NAMES) or file:NAME (below SECRETS_DIR).",
    ),
    HTTP_URL: ("This is not an address.", "Write it with http:// or https:// and without a user name."),
    MODEL_NAME: ("This is not a model.", "Write <provider>/<model>, as local/some-model."),
    TOOL_PATTERN: ("This is not a tool pattern.", "Write a tool as shop.refund_order, or many as shop.*"),
    EVENT_PATH: ("This is not a path of the event.", "Write it as event.order_id."),
    REDACTED_PATH: ("This is not a path of the event.", "Write it as event.customer.email."),
    GROUP_NAME: ("This is not the name of a group.", "Use letters, digits, - and _, at most 80."),
    SLACK_ID: (
        "This is not an id of Slack.",
        "Write it as Slack shows it, as C0123ABCD for a channel, T0123ABCD for a workspace.",
    ),
    HOST: ("This is not the name of a server.", "Write it as smtp.example.com."),
    MAIL_ADDRESS: ("This is not a mail address.", "Write one plain address, as agents@example.com."),
    NOTICE_KIND: ("This is not a kind of notice.", "Write it as request.approval, or request for all of them."),
    HEADER_NAME: ("This is not the name of an HTTP header.", "Write it as Authorization."),
}

Slug = Annotated[str, StringConstraints(pattern=SLUG, max_length=80)]
Currency = Annotated[str, StringConstraints(pattern=CURRENCY)]
SecretName = Annotated[str, StringConstraints(pattern=SECRET_NAME, max_length=300)]
HttpUrl = Annotated[str, StringConstraints(pattern=HTTP_URL, max_length=300)]
ModelName = Annotated[str, StringConstraints(pattern=MODEL_NAME, max_length=200)]
ToolPattern = Annotated[str, StringConstraints(pattern=TOOL_PATTERN, max_length=160)]
GroupName = Annotated[str, StringConstraints(pattern=GROUP_NAME, max_length=80)]
SlackId = Annotated[str, StringConstraints(pattern=SLACK_ID)]
HeaderName = Annotated[str, StringConstraints(pattern=HEADER_NAME, max_length=100)]
Cel = Annotated[str, StringConstraints(max_length=500)]
MinorUnits = Annotated[int, Field(ge=0, lt=2**53, strict=True)]
Positive = Annotated[int, Field(gt=0, lt=2**31, strict=True)]


def _usd(value: Decimal) -> Decimal:
    if not value.is_finite() or value < 0:
        raise ValueError("a sum of money must be 0 or more")
    return value


Usd = Annotated[Decimal, Field(max_digits=14, decimal_places=8), AfterValidator(_usd)]
# 0.50 and 0.5 are one limit; prices stay decimal text, because they are multiplied.
UsdLimit = Annotated[Usd, PlainSerializer(float, return_type=float)]
UsdPrice = Annotated[Usd, PlainSerializer(lambda value: f"{value.normalize():f}", return_type=str)]


class Shape(BaseModel):
    """A part of a package. An unknown field is an error, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def canonical(self) -> dict[str, Any]:
        """Return the canonical JSON form: every field present, so that equal meaning is equal text."""
        return self.model_dump(mode="json", by_alias=True)


class Hours(Shape):
    """When a team works: from and to as 09:00 in its time zone, on these weekdays (0 is Monday), not on holidays."""

    zone: str
    days: list[Annotated[int, Field(strict=True)]]
    from_: Annotated[str, Field(alias="from")]
    to: str
    holidays: list[str] = []

    @model_validator(mode="after")
    def _can_be_worked(self) -> Self:
        parse_hours(self.canonical())
        return self

    def canonical(self) -> dict[str, Any]:
        """Return it with its days in order, each once."""
        said = super().canonical()
        return {**said, "days": sorted(set(self.days)), "holidays": sorted(set(self.holidays))}


def _always(value: Any) -> Any:
    """No hours at all: every hour counts."""
    return None if value == {} else value


class Team(Shape):
    """People who share the sight of some agents' work. What is left out stays as it is: teams are shared.

    escalates_to: the group that may sign too when time runs out; "" for none. hours: {} for always.
    """

    name: Slug
    hours: Annotated[Hours | None, BeforeValidator(_always)] = None
    escalates_to: GroupName = ""

    def canonical(self) -> dict[str, Any]:
        """Return only what is said of it, without its name."""
        said = {"hours": self.hours.canonical() if self.hours else {}, "escalates_to": self.escalates_to}
        return {field: value for field, value in said.items() if field in self.model_fields_set}


def _named(value: Any) -> Any:
    """A team of which nothing is said but that it is there stands as its name."""
    return {"name": value} if isinstance(value, str) else value


class Group(Shape):
    """People whom a rule may name as approvers, and how much each may sign, in minor units per currency.

    escalates_to: the group that may sign too when time runs out; "" for none.
    """

    people: list[Annotated[str, StringConstraints(min_length=1, max_length=150)]] = []
    limits: dict[str, dict[Currency, MinorUnits]] = {}
    escalates_to: GroupName = ""

    @model_validator(mode="after")
    def _limits_are_of_members(self) -> Self:
        strangers = sorted(set(self.limits) - set(self.people))
        if strangers:
            raise ValueError(f"limits name {', '.join(strangers)}, who is not among the people of the group")
        return self

    def canonical(self) -> dict[str, Any]:
        """Return it with the people in order, and without limits that say nothing."""
        limits = {person: dict(sums) for person, sums in self.limits.items() if sums}
        return {"people": sorted(set(self.people)), "limits": limits, "escalates_to": self.escalates_to}


class Prices(Shape):
    """USD per million tokens."""

    input: UsdPrice
    output: UsdPrice
    cache_read: UsdPrice | None = None
    cache_write: UsdPrice | None = None


class Provider(Shape):
    """Where models are reached."""

    name: Slug
    kind: Literal["anthropic", "openai", "openai_chat", "offline"]
    base_url: HttpUrl = ""
    api_key: SecretName = ""
    prices: dict[str, Prices] = {}


class Auth(Shape):
    """The header that a connection signs in with."""

    header: HeaderName
    value: SecretName


class Connection(Shape):
    """A system that agents can touch. `document`: an OpenAPI document, or where it lies (path or address)."""

    name: Slug
    kind: Literal["openapi", "mcp"]
    document: str | dict[str, JsonValue]
    base_url: HttpUrl = ""
    auth: Auth | None = None
    timeout_s: Annotated[float, Field(gt=0, le=60)] = 3
    tools: dict[str, dict[str, JsonValue]] = {}


class SlackAuth(Shape):
    """The app's bot token, and what Slack signs its presses with."""

    bot_token: SecretName = ""
    signing_secret: SecretName = ""


class SlackConnection(Shape):
    """Slack. `channel`: where cards are posted for all, `channels`: for one team; people who linked get theirs alone."""

    name: Slug
    kind: Literal["slack"]
    base_url: HttpUrl = ""
    auth: SlackAuth | None = None
    channel: SlackId = ""
    channels: dict[Slug, SlackId] = {}
    workspace: SlackId = ""
    timeout_s: Annotated[float, Field(gt=0, le=60)] = 10


class MailAuth(Shape):
    """Who signs in at the mail server."""

    user: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    password: SecretName = ""


class MailConnection(Shape):
    """A mail server that takes our mail. `security`: starttls, tls from the first byte, or none."""

    name: Slug
    kind: Literal["mail"]
    host: Annotated[str, StringConstraints(pattern=HOST)]
    port: Annotated[int, Field(gt=0, lt=65536, strict=True)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    from_: Annotated[str, Field(alias="from"), StringConstraints(pattern=MAIL_ADDRESS)]
    auth: MailAuth | None = None
    timeout_s: Annotated[float, Field(gt=0, le=20)] = 10


class HookAuth(Shape):
    """What outgoing webhooks are signed with: base64, as Standard Webhooks wants it."""

    signing_secret: SecretName = ""


class HookConnection(Shape):
    """Another system that is told. `kinds`: of which notices, all when empty."""

    name: Slug
    kind: Literal["webhook"]
    base_url: Annotated[HttpUrl, StringConstraints(min_length=1)]
    auth: HookAuth | None = None
    kinds: list[Annotated[str, StringConstraints(pattern=NOTICE_KIND, max_length=40)]] = []
    timeout_s: Annotated[float, Field(gt=0, le=60)] = 10


CONNECTIONS: Mapping[str, type[Shape]] = {
    "slack": SlackConnection,
    "mail": MailConnection,
    "webhook": HookConnection,
}


def connection_tag(said: Any) -> str:
    """Return which shape a connection has: that of its kind; whatever is unknown is read as one with a document."""
    kind = said.get("kind") if isinstance(said, Mapping) else getattr(said, "kind", "")
    return kind if isinstance(kind, str) and kind in CONNECTIONS else "openapi"


AnyConnection = Annotated[
    Annotated[Connection, Tag("openapi")]
    | Annotated[SlackConnection, Tag("slack")]
    | Annotated[MailConnection, Tag("mail")]
    | Annotated[HookConnection, Tag("webhook")],
    Discriminator(connection_tag),
]


class Limits(Shape):
    """What one agent may use up. Left out: the product's own default."""

    turns: Positive | None = None
    actions: Positive | None = None
    seconds: Positive | None = None
    parallel_runs: Positive | None = None
    tokens_per_minute: Positive | None = None
    cost_usd: UsdLimit | None = None
    cost_usd_per_day: UsdLimit | None = None
    moved_minor_per_day: dict[Currency, MinorUnits] | None = None

    def canonical(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_none=True)


class Guards(Shape):
    """How the agent's guards answer. Left out: the product's own default (agents.guard_settings)."""

    screening: Literal["off", "flag", "person"] | None = None
    personal: Literal["off", "flag", "person"] | None = None
    unusual: Literal["off", "flag", "person"] | None = None
    own: list[Annotated[str, StringConstraints(min_length=1, max_length=200)]] = []
    redact: list[Annotated[str, StringConstraints(pattern=REDACTED_PATH, max_length=200)]] = []

    def canonical(self) -> dict[str, Any]:
        said = self.model_dump(mode="json", exclude_none=True)
        return {key: value for key, value in said.items() if value != []}


class Agent(Shape):
    """A named worker. Everything but name, team, purpose and category makes a new version when it changes."""

    name: Slug
    team: Slug
    purpose: Annotated[str, StringConstraints(max_length=2000)] = ""
    intended_use: Annotated[str, StringConstraints(max_length=5000)] = ""
    category: Annotated[str, StringConstraints(max_length=80)] = ""
    instructions: Annotated[str, StringConstraints(min_length=1, max_length=100_000)]
    model: ModelName
    fallback: list[ModelName] = []
    tools: list[ToolPattern] = []
    outcome: dict[str, JsonValue] | None = None
    confidence_floor: Annotated[float, Field(ge=0, le=1)] = 0
    limits: Limits = Limits()
    guards: Guards = Guards()
    mode: Literal["shadow", "suggest", "live"] = "suggest"

    def canonical(self) -> dict[str, Any]:
        said = {**super().canonical(), "limits": self.limits.canonical(), "guards": self.guards.canonical()}
        # An agent that says nothing of guards is the same document as before there were any.
        return said if said["guards"] else {key: value for key, value in said.items() if key != "guards"}


class Source(Shape):
    """Where events come in. `schema`: a JSON Schema, or a file beside the package that holds one."""

    name: Slug
    signature: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+$", max_length=30)]
    secret: SecretName = ""
    previous_secret: SecretName = ""
    schema_: Annotated[str | dict[str, JsonValue] | None, Field(alias="schema")] = None
    rate_per_minute: Positive = 6000
    max_bytes: Positive = 1024 * 1024
    dedupe_by_body: bool = False
    subject: Annotated[str, StringConstraints(pattern=EVENT_PATH, max_length=200)] = ""


class Trigger(Shape):
    """Source and condition → agent and goal."""

    source: Slug
    when: Cel = ""
    agent: Slug
    goal: Annotated[str, StringConstraints(min_length=1, max_length=5000)]


class Package(Shape):
    """One file: everything that one author puts into an installation under one name."""

    package: Annotated[str, StringConstraints(pattern=PACKAGE_NAME, max_length=80)]
    teams: list[Annotated[Team, BeforeValidator(_named)]] = []
    groups: dict[Slug, Group] = {}
    providers: list[Provider] = []
    connections: list[AnyConnection] = []
    policy: list[dict[str, Any]] = []
    agents: list[Agent] = []
    sources: list[Source] = []
    triggers: list[Trigger] = []
