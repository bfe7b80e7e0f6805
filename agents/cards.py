"""The card a reviewer decides by, written by our code from the canonical bytes and what was looked up.

Every value is text or a list of texts, so that the card has canonical bytes and a view digest.
card = {
  "sentence", "agent", "version", "mode", "tool", "connection", "effect",
  "target": {"tool", "facts": [[name, value], …]} | None,
  "why": {"text", "rule", "condition", "values": [[expression, value], …]},
  "claim": {"text", "confidence"},
  "evidence": [{"title", "fields": [[path, value], …]}],      # foreign text
  "then": {"reversible", "approve", "reject", "expiry"},
  "changes": [[name, before, after], …],                      # against the action this one replaces
  "check": {"tool", "read_at", "rows": [[name, before, after], …]} | None,    # the world as it was read
  "flags": [{"code", "text", "severity"}, …],                 # what the guards say (agents.proposing)
}
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from agents.envelope import opened
from agents.models import Action, Run
from agents.tools.base import Tool
from agents.world_check import check_card, check_changes
from approvals.database_clock import database_now
from approvals.money import money_text
from approvals.policy.action import Effect
from approvals.policy.verdict import Verdict

_APPROVE = {
    Effect.READ: "Reads once.",
    Effect.KEYED: "Runs once, under an idempotency key.",
    Effect.CONVERGENT: "Runs; sending it again would change nothing more.",
    Effect.QUERYABLE: "Runs once; if the answer is lost, it is looked up before anything is sent again.",
    Effect.BLIND: "Sent at most once; if the answer is lost, a person settles what happened.",
}
_LONGEST_EVIDENCE = 200
_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


def card_of(action: Action, tool: Tool, arguments: Mapping[str, Any], verdict: Verdict, policy: int) -> dict[str, Any]:
    """Return the card of an action that waits."""
    run = action.run
    return {
        **_who(run, tool),
        "sentence": action.sentence,
        "target": _target(tool, action.target),
        "why": {
            "text": verdict.why,
            "rule": f"Rule {verdict.rule.number}, policy v{policy}" if verdict.rule.number else f"Policy v{policy}",
            "condition": verdict.rule.condition,
            "values": [[trip.expression, trip.value] for trip in verdict.trips],
        },
        "claim": {"text": action.reason, "confidence": _confidence(action.confidence)},
        "evidence": evidence_of(run),
        "then": _then(tool),
        "changes": changes_of(action.replaces, action),
        **_check(action, tool, arguments),
    }


def evidence_of(run: Run) -> list[dict[str, Any]]:
    """Return what came from outside and started this run, flattened to path and text."""
    fields = [[path, value] for path, value in _flat(run.input)]
    return [{"title": "The event that started this run", "fields": fields[:_LONGEST_EVIDENCE]}] if fields else []


def run_card(run: Run, **parts: Any) -> dict[str, Any]:
    """Return a card about a run as a whole: a question, a hand-off."""
    who = {"agent": run.agent.name, "version": str(run.version.number), "mode": run.mode}
    event = {"event": str(run.event_id)} if run.event_id else {}
    return {**who, **event, "goal": run.goal, "evidence": evidence_of(run), **parts}


def flat_fields(value: Any) -> Iterator[tuple[str, str]]:
    """Yield every leaf of a JSON value as path and text, for a card."""
    yield from _flat(value)


def sentence_of(tool: Tool, arguments: Mapping[str, Any], money: tuple[int, str] | None) -> str:
    """Return the effect in words: the tool's own sentence, filled by our code, or its name with its arguments."""
    amount = money_text(*money) if money else ""
    if tool.sentence:
        # One pass, so that a value which itself looks like a placeholder stays what it is.
        values = {**dict(_flat(arguments)), "money": amount}
        return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), tool.sentence)
    verb = tool.name.rpartition(".")[2].replace("_", " ").capitalize()
    about = ", ".join(f"{path} {value}" for path, value in list(_flat(arguments))[:3])
    what = f"{verb} {amount}".strip()
    return f"{what}: {about}" if about else what


def _who(run: Run, tool: Tool) -> dict[str, Any]:
    return {
        "agent": run.agent.name,
        "version": str(run.version.number),
        "mode": run.mode,
        "tool": tool.name,
        "connection": tool.connection,
        "effect": tool.effect.value,
    }


def _target(tool: Tool, target: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if tool.target is None:
        return None
    if target is None:
        return {"tool": tool.target.by, "facts": [], "problem": "It could not be looked up."}
    flat = dict(_flat(target))
    shown = [[name, flat[name]] for name in tool.target.show if name in flat]
    return {"tool": tool.target.by, "facts": shown or [[name, value] for name, value in flat.items()][:12]}


def _then(tool: Tool) -> dict[str, str]:
    undo = tool.compensate_with
    return {
        "reversible": f"With {undo}." if undo else "Not by a tool that the agent has.",
        "approve": _APPROVE[tool.effect],
        "reject": "Nothing runs. Your reason goes back to the agent.",
        "expiry": "Counts as rejected: nothing runs.",
    }


def _check(action: Action, tool: Tool, arguments: Mapping[str, Any]) -> dict[str, Any]:
    if tool.check is None:
        return {}
    checked = opened(action.canonical).get("checked")
    return {"check": check_card(tool.check, checked, arguments, _currency(action), database_now())}


def _currency(action: Action) -> str:
    """The action's own or, where it moves no money, that of the record it is about: 3000 is not said for 30.00."""
    told = str((action.target or {}).get("currency") or "")
    return action.currency or (told if len(told) == 3 else "")


def changes_of(before: Action | None, action: Action) -> list[list[str]]:
    """Return what is another thing than in the action this one takes the place of: arguments, the world, rule, tool."""
    if before is None:
        return []
    then, now = opened(before.canonical), opened(action.canonical)
    old, new = dict(_flat(then["arguments"])), dict(_flat(now["arguments"]))
    names = sorted({*old, *new})
    rows = [[name, old.get(name, ""), new.get(name, "")] for name in names if old.get(name) != new.get(name)]
    rows += check_changes(then.get("checked"), now.get("checked"), _currency(action))
    if then["rule"] != now["rule"]:
        rows.append(["Rule", _rule_text(before), _rule_text(action)])
    if (then["tool_version"], then["account"]) != (now["tool_version"], now["account"]):
        rows.append(["Tool", _tool_text(before), _tool_text(action)])
    return rows


def _rule_text(action: Action) -> str:
    return str(action.verdict.get("rule", {}).get("text") or "no rule")


def _tool_text(action: Action) -> str:
    return f"{action.account}, version {action.tool_version[:12]}…"


def _confidence(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, child in value.items():
            yield from _flat(child, f"{path}.{key}" if path else str(key))
    elif isinstance(value, (list, tuple)):
        for index, child in enumerate(value):
            yield from _flat(child, f"{path}[{index}]")
    else:
        yield path, _text(value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return format(value, "f") if isinstance(value, Decimal) else str(value)
