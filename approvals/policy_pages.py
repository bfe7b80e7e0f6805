"""What the policy pages show: rules as rows, a condition with its error at the character, versions."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from approvals.models import PolicyVersion, Request
from approvals.policy.arguments import Argument, Hint, hints
from approvals.policy.conditions import MAX_LENGTH, ConditionError, compile_condition
from approvals.policy.difference import changed_ids
from approvals.policy.rules import Rule, parse_rules, pin_sentences, rule_consequence, rule_document
from approvals.policy.sentences import and_list, condition_words, tool_words
from approvals.policy_drafts import Draft
from approvals.policy_versions import ActivePolicy
from approvals.ports import KnownTool
from approvals.states import RequestState

_WORD = re.compile(r"\w+|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One rule in the list."""

    number: int
    rule: Rule
    mark: str

    @property
    def level(self) -> str:
        return self.rule.level.value

    @property
    def tool(self) -> str:
        return tool_words(self.rule.tool)

    @property
    def words(self) -> str:
        return condition_words(self.rule.when)

    @property
    def consequence(self) -> str:
        return rule_consequence(self.rule)

    @property
    def pins(self) -> str:
        return and_list(pin_sentences(self.rule))

    @property
    def until(self) -> str:
        return self.rule.until.isoformat() if self.rule.until else ""

    @property
    def unpinned(self) -> bool:
        """A rule that acts alone and pins nothing is worth a second look."""
        return self.rule.acts_alone and not self.rule.constrain


@dataclass(frozen=True, slots=True)
class Piece:
    text: str
    wrong: bool = False

    @property
    def caret(self) -> str:
        """Return what stands under the piece: carets under what is wrong, else room of the same width."""
        return ("^" if self.wrong else " ") * len(self.text)


@dataclass(frozen=True, slots=True)
class Checked:
    """A condition as typed: its lines, the words at fault marked, and either what is wrong or how it reads."""

    lines: tuple[tuple[Piece, ...], ...]
    message: str
    line: int
    words: str
    hints: tuple[Hint, ...] = ()

    @property
    def sound(self) -> bool:
        return not self.message


@dataclass(frozen=True, slots=True)
class LastChange:
    number: int
    at: datetime | None
    by: str


def rule_rows(rules: Sequence[Rule], against: Sequence[Rule]) -> list[RuleRow]:
    """Return the rules with their numbers, marked where they differ from those in force."""
    changed, known = changed_ids(against, rules), {rule.id for rule in against}
    return [
        RuleRow(number, rule, "" if rule.id not in changed else "changed" if rule.id in known else "new")
        for number, rule in enumerate(rules, start=1)
    ]


def check_condition(text: str, tools: Mapping[str, Sequence[Argument]] | None = None) -> Checked:
    """Return the condition with its error at the character, or how it reads and what in it fits none of the tools."""
    text = text.replace("\r\n", "\n")
    try:
        compile_condition(text)
    except ConditionError as error:
        position = min(error.position or 0, len(text))
        return Checked(_lines(text, position), error.message, text.count("\n", 0, position) + 1, "")
    doubts = tuple(hints(text, tools or {}))
    return Checked(_lines(text, doubts[0].position if doubts else None), "", 0, condition_words(text), doubts)


def changes_in(draft: Draft, active: ActivePolicy) -> int:
    """Return how many rules the draft adds, changes or drops."""
    kept = {(rule.package, rule.id) for rule in draft.rules}
    gone = sum((rule.package, rule.id) not in kept for rule in active.rules)
    return gone + len(changed_ids(active.rules, draft.rules))


def last_change(rule: Rule) -> LastChange | None:
    """Return the first version that holds the rule as it is, and who put it in force."""
    version = PolicyVersion.objects.filter(rules__contains=[rule_document(rule)]).order_by("number").first()
    return LastChange(version.number, version.activated_at, version.author_label) if version else None


def known_tools(rules: Sequence[Rule], registered: Sequence[KnownTool]) -> list[tuple[str, str]]:
    """Return (name, what it does) of the tools to choose from: those there are, and what rules name."""
    known = {tool.name: tool.description[:100] for tool in registered}
    patterns = {rule.tool: "" for rule in rules if rule.tool not in known}
    connections = {f"{name.partition('.')[0]}.*": "every tool of this connection" for name in known if "." in name}
    return sorted({**patterns, **connections, **known}.items())


def open_policy_proposals() -> list[Request]:
    """Return the changes of the policy that wait for a second person."""
    rows = Request.objects.filter(state=RequestState.OPEN, proposal__change="policy")
    return list(rows.order_by("created_at").only("id", "title", "created_at", "decide_by"))


def version_rules(version: PolicyVersion) -> tuple[Rule, ...]:
    return parse_rules(version.rules)


def _lines(text: str, position: int | None) -> tuple[tuple[Piece, ...], ...]:
    shown = text[:MAX_LENGTH] if len(text) <= MAX_LENGTH else text[: MAX_LENGTH + 1]
    lines, start = [], 0
    for line in shown.split("\n"):
        inside = position is not None and start <= position <= start + len(line)
        lines.append(_pieces(line, position - start) if inside and position is not None else (Piece(line),))
        start += len(line) + 1
    return tuple(lines)


def _pieces(line: str, column: int) -> tuple[Piece, ...]:
    word = _WORD.match(line, column)
    end = word.end() if word else column
    wrong = line[column:end] or "␣"  # the condition ends here
    return Piece(line[:column]), Piece(wrong, wrong=True), Piece(line[end:])
