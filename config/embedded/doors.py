"""How a server of another account gets to its folders when a folder above them is closed to that account.

It inherits an open handle and names the folder by it: Linux then asks for no permission on the way there, so nothing
outside the data folder has to be opened. PostgreSQL and Valkey work inside their folder by relative names.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config.embedded.accounts import Account, CannotStart

_HANDLES = Path("/proc/self/fd")


@dataclass(frozen=True)
class Seen:
    """Folders as the server names them, and the handles that it must inherit for that."""

    names: tuple[str, ...]
    handles: tuple[int, ...] = ()


@contextmanager
def seen_by(account: Account, *folders: Path) -> Iterator[Seen]:
    """Give the folders' names for a process of the account that is started inside this block."""
    if all(account.can_enter(folder) for folder in folders):
        yield Seen(tuple(str(folder) for folder in folders))
        return
    if not _HANDLES.is_dir():
        raise CannotStart(_closed_way(folders[0], account))
    handles = tuple(os.open(folder, os.O_RDONLY | os.O_DIRECTORY) for folder in folders)
    try:
        yield Seen(tuple(f"{_HANDLES}/{handle}" for handle in handles), handles)
    finally:
        for handle in handles:
            os.close(handle)


def _closed_way(folder: Path, account: Account) -> str:
    return (
        f"As root the servers run under the account {account.name}, which cannot enter {folder} because a folder above "
        "it is closed to others. Set COUNTERSIGN_DATA to a folder whose parents are open, such as /var/lib/countersign; "
        "Countersign changes no permission outside its own folder."
    )
