"""Makes the virtual environment from the hash-locked files. Runs before anything is installed: the standard library only.

python3 config/bootstrap.py run    what the product needs
python3 config/bootstrap.py dev    the tests' and checks' tools as well
"""

import ast
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

BASE = Path(__file__).resolve().parent.parent
VENV = BASE / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed.json"
LOCKS = {"run": "requirements.txt", "dev": "dev.txt"}
OLDEST = (3, 11)
# uv reads its own settings and not pip's; what a machine told pip about indexes is handed on.
FOR_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
}

_began = time.monotonic()
_running: "list[subprocess.Popen[bytes]]" = []


def main(what: str) -> None:
    """Bring .venv to what the lock says; does nothing when it is there already."""
    signal.signal(signal.SIGTERM, _stop)
    if sys.version_info < OLDEST:
        _give_up(f"Python {OLDEST[0]}.{OLDEST[1]} or newer is needed. Name one: make PYTHON=python3.12 …")
    wanted = _state_after(what)
    if _works() and _installed() == wanted:
        return
    _make_venv()
    _install(LOCKS["dev" if wanted.get("dev") else "run"])
    STAMP.write_text(json.dumps(wanted), encoding="utf-8")
    _say("packages are installed")


def _state_after(what: str) -> "dict[str, str]":
    """Return the locks' hashes that will be installed; the tools stay when only the product is asked for."""
    has_tools = bool(_installed().get("dev")) or (VENV / "bin" / "pytest").exists()
    names = ["run", "dev"] if what == "dev" or has_tools else ["run"]
    return {name: hashlib.sha256((BASE / LOCKS[name]).read_bytes()).hexdigest() for name in names}


def _installed() -> "dict[str, str]":
    try:
        found = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _works() -> bool:
    """Return whether .venv has a Python that starts: the one it was made from may have gone."""
    return PYTHON.exists() and subprocess.run([str(PYTHON), "-c", ""], check=False).returncode == 0  # noqa: S603


def _make_venv() -> None:
    if _works() and _run([str(PYTHON), "-m", "pip", "--version"], quiet=True):
        return
    _say("making .venv")
    if VENV.exists():
        shutil.rmtree(VENV)
    if not _run([sys.executable, "-m", "venv", str(VENV)]):
        _give_up("The virtual environment could not be made. On Debian:  apt-get install -y python3-venv")


def _install(lock: str) -> None:
    """Install exactly what the lock says: by uv, or by pip alone where uv cannot be had or cannot reach an index."""
    _say(f"installing {lock}; the first time this takes a minute")
    if _has_uv() and _run([str(VENV / "bin" / "uv"), *_uv_sync(lock)], environment=_uv_environment()):
        return
    _say("uv could not; trying pip alone")
    if not _pip("install", "--require-hashes", "-r", str(BASE / lock)):
        _give_up(f"The packages of {lock} could not be installed; the lines above say why.")


def _has_uv() -> bool:
    if (VENV / "bin" / "uv").exists():
        return True
    return _pip("install", "--require-hashes", "--no-deps", "-r", str(BASE / "bootstrap.txt"))


def _uv_sync(lock: str) -> "list[str]":
    # Every index may be asked for every package, as pip does; the hashes say what is accepted.
    return [
        "pip", "sync", "--quiet", "--require-hashes", "--index-strategy", "unsafe-best-match",
        "--python", str(PYTHON), str(BASE / lock),
    ]  # fmt: skip


def _pip(*arguments: str) -> bool:
    return _run([str(PYTHON), "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments])


def _uv_environment() -> "dict[str, str]":
    environment = dict(os.environ)
    for option, value in _pip_options().items():
        name = FOR_UV.get(option)
        if name and not environment.get(name):
            environment[name] = ",".join(value.split()) if name == "UV_FIND_LINKS" else value
    return environment


def _pip_options() -> "dict[str, str]":
    """Return pip's options by name; the environment wins over [install], which wins over [global]."""
    listed = subprocess.run(  # noqa: S603
        [str(PYTHON), "-m", "pip", "config", "list"], check=False, capture_output=True, text=True
    ).stdout
    found: dict[str, str] = {}
    for section in ("global.", "install.", ":env:."):
        for line in listed.splitlines():
            name, _equals, value = line.partition("=")
            if name.startswith(section):
                found[name[len(section) :]] = str(ast.literal_eval(value))
    return found


def _run(command: "list[str]", *, quiet: bool = False, environment: "dict[str, str] | None" = None) -> bool:
    process = subprocess.Popen(  # noqa: S603
        command, cwd=BASE, env=environment, stdout=subprocess.DEVNULL if quiet else None, stdin=subprocess.DEVNULL
    )
    _running.append(process)
    try:
        return process.wait() == 0
    finally:
        _running.remove(process)


def _stop(_number: int, _frame: "FrameType | None") -> NoReturn:
    for process in _running:
        process.terminate()
    sys.exit(143)


def _say(text: str) -> None:
    print(f"{time.monotonic() - _began:6.1f} s  {text}", flush=True)


def _give_up(text: str) -> NoReturn:
    print(f"\n{text}", file=sys.stderr, flush=True)
    sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "run")
