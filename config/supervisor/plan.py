"""What one start runs with: read from the environment once, handed to the processes as theirs."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from config import env
from config.embedded.places import APP, OWNER, Places, kept_environment, places
from config.supervisor.keys import keys_of
from config.supervisor.ports import LOOPBACK, practice_port

BASE = Path(__file__).resolve().parent.parent.parent
PEOPLE = ("operator", "second-operator", "admin", "second-admin", "manager", "auditor")
# What bare commands need in order to act like the running installation.
KEPT = ("PORT", "HOST", "PUBLIC_URL", "PRACTICE_URL", "OUTBOUND_ALLOW", "SECRET_NAMES", "DEMO")


@dataclass(frozen=True)
class Plan:
    """One start."""

    here: Places
    host: str
    port: int
    practice: int | None
    embedded_postgres: bool
    embedded_valkey: bool
    keys: Mapping[str, str]
    environment: Mapping[str, str]

    @property
    def demo(self) -> bool:
        return self.practice is not None

    @property
    def url(self) -> str:
        return self.environment.get("PUBLIC_URL") or f"http://{self._shown_host}:{self.port}"

    @property
    def _shown_host(self) -> str:
        return LOOPBACK if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104

    def to_keep(self) -> dict[str, str]:
        """Return what is written into the data folder."""
        return dict(self.keys) | {name: self.environment[name] for name in KEPT if name in self.environment}


def make_plan() -> Plan:
    """Read the environment. Raises ImproperlyConfigured with what to set."""
    here = places()
    demo = env.boolean("DEMO", True)
    keys = keys_of(here, os.environ)
    practice = practice_port((env.integer("PRACTICE_PORT", 0, high=65535), _last_practice_port(here))) if demo else None
    plan = Plan(
        here=here,
        host=env.text("HOST", LOOPBACK),
        port=env.integer("PORT", 8000, low=1, high=65535),
        practice=practice,
        embedded_postgres=not env.secret("DATABASE_URL"),
        embedded_valkey=not env.secret("REDIS_URL"),
        keys=keys,
        environment={},
    )
    return Plan(**{**plan.__dict__, "environment": _environment(plan)})


def _environment(plan: Plan) -> dict[str, str]:
    own = dict(os.environ) | dict(plan.keys)
    own |= {
        "COUNTERSIGN_DATA": str(plan.here.data),
        "COUNTERSIGN_SUPERVISED": "1",
        "PORT": str(plan.port),
        "HOST": plan.host,
        "DEMO": "1" if plan.demo else "0",
        "PYTHONUNBUFFERED": "1",
    }
    if plan.embedded_postgres:
        own |= {"DATABASE_URL": plan.here.database_url(APP), "DATABASE_OWNER_URL": plan.here.database_url(OWNER)}
    if plan.embedded_valkey:
        own["REDIS_URL"] = plan.here.redis_url
    return own | (_practice_environment(plan.practice) if plan.practice else {})


# The practice company's own two, and the vendors' keys: with one of them set, an agent changes to a real model by one field.
_DEMO_SECRETS = ("PRACTICE_TOKEN", "PRACTICE_HOOK_SECRET", "ANTHROPIC_API_KEY", "OPENAI_API_KEY")


def _practice_environment(port: int) -> dict[str, str]:
    """Let outbound calls reach the practice company, and configuration name its two secrets and the vendors' keys."""
    names = env.listing("SECRET_NAMES")
    allowed = env.listing("OUTBOUND_ALLOW")
    own = f"{LOOPBACK}:{port}"
    return {
        "PRACTICE_URL": f"http://{LOOPBACK}:{port}",
        "OUTBOUND_ALLOW": ",".join(dict.fromkeys((*allowed, own))),
        "SECRET_NAMES": ",".join(dict.fromkeys((*names, *_DEMO_SECRETS))),
    }


def _last_practice_port(here: Places) -> int:
    """Return the port of the last start: the practice company's address is part of what people configured."""
    _scheme, _colon, port = kept_environment(here).get("PRACTICE_URL", "").rpartition(":")
    return int(port) if port.isdigit() else 0
