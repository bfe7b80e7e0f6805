"""The data folder: made, owned by the right account, and held by one supervisor at a time."""

import fcntl
import os
from pathlib import Path

from config.embedded.accounts import Account, CannotStart
from config.embedded.places import Places


class FolderLock:
    """Holds the data folder while its supervisor lives. The kernel lets go when the process dies, so nothing is left."""

    def __init__(self, folder: Path) -> None:
        self._handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._handle)
            raise CannotStart(
                f"Countersign already runs on the data folder {folder}. Stop that one first (Ctrl-C in its window), "
                "or give this one a folder of its own: COUNTERSIGN_DATA=/some/folder PORT=8001 make run"
            ) from None

    def release(self) -> None:
        os.close(self._handle)


def make_data_folder(here: Places) -> None:
    """Create the data folder and, for its owner alone, the keys' folder in it."""
    _make(here.data)
    here.data.chmod(0o711 if os.geteuid() == 0 else 0o700)
    _make(here.keys)
    here.keys.chmod(0o700)


def make_server_folders(here: Places, account: Account) -> None:
    """Create what the servers need; only folders of our own get an owner or a mode."""
    for folder in (here.valkey, here.sockets):
        _make(folder)
        # The sockets may lie in the system's temporary folder, where anyone may have put something of that name.
        if folder.is_symlink() or folder.stat().st_uid not in (os.geteuid(), account.uid):
            raise CannotStart(
                f"{folder} was made by someone else. Remove it, or set COUNTERSIGN_DATA to another folder."
            )
        account.own(folder, 0o700)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise CannotStart(
            f"The folder {folder} cannot be made ({problem.strerror}). Set COUNTERSIGN_DATA to a folder you may write to."
        ) from None
    if folder.stat().st_uid != os.geteuid() and os.geteuid() != 0:
        raise CannotStart(f"The folder {folder} belongs to someone else. Set COUNTERSIGN_DATA to a folder of your own.")
