"""Whose processes the embedded servers are. PostgreSQL refuses to run as root, so root lends them an existing account.

Nothing is created on the system and no folder outside the data folder changes.
"""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

# Existing accounts that own nothing of worth, in the order they are tried.
CANDIDATES = ("nobody", "daemon")


class CannotStart(Exception):
    """An embedded server cannot run here; the message says what to do."""


@dataclass(frozen=True)
class Account:
    """A user of this machine; `lent` when it is not the one who started us."""

    name: str
    uid: int
    gid: int
    lent: bool

    def process_options(self) -> dict[str, object]:
        """Return what subprocess needs so that a process belongs to this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.lent else {}

    def own(self, path: Path, mode: int) -> None:
        """Give a path inside the data folder to this account."""
        if self.lent:
            os.chown(path, self.uid, self.gid)
        path.chmod(mode)

    def can_enter(self, folder: Path) -> bool:
        """Return whether this account may pass through each folder on the way to this one, and into it."""
        return not self.lent or all(self._may_pass(step) for step in (folder, *folder.parents))

    def _may_pass(self, folder: Path) -> bool:
        facts = folder.stat()
        bit = stat.S_IXUSR if facts.st_uid == self.uid else stat.S_IXGRP if facts.st_gid == self.gid else stat.S_IXOTH
        return bool(facts.st_mode & bit)


def server_account() -> Account:
    """Return the account for the embedded servers: one's own, or for root the first existing unprivileged one."""
    if os.geteuid() != 0:
        return Account(name=_own_name(), uid=os.geteuid(), gid=os.getegid(), lent=False)
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid, lent=True)
    raise CannotStart(
        "PostgreSQL does not run as root, and this machine has none of the accounts "
        f"{', '.join(CANDIDATES)}. Start as an ordinary user, or set DATABASE_URL and REDIS_URL."
    )


def _own_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
