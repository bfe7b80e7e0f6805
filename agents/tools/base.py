"""The shape of a tool: one thing an agent may do in another system.

A tool makes one attempt per call; whether a second one is safe is decided by its effect class,
in agents.tools.execution. The errors say what is known about the outside world, not what broke.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from approvals.policy.action import Effect


@dataclass(frozen=True, slots=True)
class MoneySpec:
    """Where a tool's arguments say how much moves: dotted paths, the amount in minor units."""

    amount: str
    currency: str
    fixed_currency: str = ""


@dataclass(frozen=True, slots=True)
class TargetSpec:
    """How the record that a call is about is looked up: the read tool `by`, given `argument`."""

    argument: str
    by: str
    show: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """The fields of the looked-up record that must still be the same before execution.

    after: what the call would make of a field, for the reviewer: "+amount_minor" and "-amount_minor" count an argument
    to or from it, "=status" is an argument, anything else is the value itself.
    """

    by: str
    compare: tuple[str, ...]
    after: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class LookupSpec:
    """The read tool that tells whether an earlier call of a queryable tool happened."""

    by: str
    argument: str


@dataclass(frozen=True, slots=True)
class RequireSpec:
    """A business rule: `that` (CEL, the variables of a policy rule) must be true of a call. Failing, a person decides
    and reads `say`; with `deny` it never happens."""

    that: str
    say: str = ""
    deny: bool = False


@dataclass(frozen=True, slots=True)
class EnsureSpec:
    """An integrity check: the record that the read tool `by` gives for `argument` must fulfil `that` (CEL: record,
    item, args). `argument` goes through lists: lines.sku asks for each line, which is then `item`.

    to_model: failing at proposal, the model hears `say` and nothing is proposed; otherwise a person decides.
    """

    by: str
    argument: str
    that: str
    say: str = ""
    to_model: bool = True


@dataclass(frozen=True, slots=True)
class CallContext:
    """What one attempt knows about itself. `key` is the same for every attempt of one action."""

    key: str
    attempt: int
    deadline_s: float
    run_id: str = ""
    action_id: str = ""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What the other system answered. It is foreign text, whatever it says."""

    data: Any
    status: int
    truncated: bool = False
    latency_ms: int = 0


class ToolError(Exception):
    """A call that brought no result; the subclass says what may have happened outside."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


class NotSent(ToolError):
    """Certainly nothing reached the other side: safe to try again for every effect class."""


class Refused(ToolError):
    """The other side said no before doing anything."""


class Throttled(ToolError):
    """The other side asked us to come back later and did nothing."""

    def __init__(self, message: str, *, status: int | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message, status=status)
        self.retry_after_s = retry_after_s


class OutcomeUnknown(ToolError):
    """Bytes may have left and no clear answer came back: it may or may not have happened."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One operation of one connection, as the loop, the policy and the reviewer see it.

    schema: JSON Schema (object) of the arguments as the tool wants them.
    version: hash over schema, method, path, overrides and mapping version; part of what is signed.
    account: "host#credential-id", which account at which system is acted on; never the secret.
    authority: dotted paths of the arguments that carry power.
    window_h: how long the other side remembers an idempotency key, in hours.
    redact: dotted paths of the result that the model sees as placeholders.
    editors: ids of the people who wrote what the tool is and where it acts; they do not sign what it would do.
    """

    name: str
    description: str
    schema: Mapping[str, Any]
    effect: Effect
    version: str
    connection: str
    account: str
    call: Callable[[Mapping[str, Any], CallContext], ToolResult]
    timeout_s: float = 3.0
    attempts: int = 1
    window_h: int = 23
    money: MoneySpec | None = None
    target: TargetSpec | None = None
    check: CheckSpec | None = None
    lookup: LookupSpec | None = None
    sentence: str = ""
    authority: tuple[str, ...] = ()
    compensate_with: str = ""
    # (argument of that tool, "result.…" or "args.…" path of this one's call); what is not named goes by its name.
    compensate_arguments: tuple[tuple[str, str], ...] = ()
    require: tuple[RequireSpec, ...] = ()
    ensure: tuple[EnsureSpec, ...] = ()
    redact: tuple[str, ...] = ()
    editors: tuple[int, ...] = ()
