"""Names for what has none of its own: a rule and a trigger are what they say. Pure."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any


def rule_name(document: Mapping[str, Any]) -> str:
    """Return what tells a stored rule from every other: whose it is, and its id there."""
    return f"{document['package']}:{document['id']}"


def trigger_name(document: Mapping[str, Any]) -> str:
    """Return what tells a trigger from every other."""
    said = "\n".join(str(document[field]) for field in ("source", "when", "agent", "goal"))
    return f"{document['source']}-{document['agent']}-{sha256(said.encode()).hexdigest()[:10]}"
