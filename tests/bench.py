"""make bench: what this machine does with the whole product, beside what its database alone can do.

Starts an installation of its own (embedded servers, web, worker, clock, practice company), sends signed lead events over
HTTP, and waits until the offline model has ended every run. Absolute figures belong to the machine; compare the ratios.
"""

import base64
import hashlib
import hmac
import http.client
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg

from config.embedded.places import APP, OWNER, Places, kept_environment

BASE = Path(__file__).resolve().parent.parent
EVENTS, CONNECTIONS, SOURCE = int(os.environ.get("BENCH_EVENTS", "300")), 16, "practice-leads"
OVER = ("completed", "escalated", "failed", "cancelled", "dead_letter", "waiting_person")


def main() -> None:
    with _installation() as (here, port):
        commits = _commits_per_second(here)
        before = _commits_of(here)
        secret = kept_environment(here)["PRACTICE_HOOK_SECRET"]
        began = time.monotonic()
        waits_s = _deliver(port, secret)
        sent_s = time.monotonic() - began
        _wait_until_over(here)
        all_s = time.monotonic() - began
        _tell(commits, waits_s, sent_s, all_s, _commits_of(here) - before)


def _tell(commits: float, waits_s: Sequence[float], sent_s: float, all_s: float, run_commits: float) -> None:
    cuts = statistics.quantiles(waits_s, n=100)
    runs = EVENTS / all_s
    rows = (
        ("commits/s of the database alone, one connection", f"{commits:.0f}"),
        (f"signed events/s accepted, {CONNECTIONS} connections", f"{EVENTS / sent_s:.0f}"),
        ("  answer p50 / p99, ms", f"{cuts[49] * 1000:.1f} / {cuts[98] * 1000:.1f}"),
        ("whole runs/s, from the webhook to the run's end", f"{runs:.1f}"),
        ("  runs/s per 1,000 commits/s of the database", f"{runs / commits * 1000:.1f}"),
        ("  transactions per run, polling included", f"{run_commits / EVENTS:.1f}"),
    )
    for name, value in rows:
        print(f"{name:<52}{value:>16}")


@contextmanager
def _installation() -> Iterator[tuple[Places, int]]:
    top = Path(tempfile.mkdtemp(prefix="cs-bench-"))
    top.chmod(0o755)
    here, port = Places(top / "data"), _free_port()
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    own = {"COUNTERSIGN_DATA": str(here.data), "PORT": str(port), "LOG_LEVEL": "WARNING"}
    with (top / "log").open("wb") as log:
        up = subprocess.Popen(
            [sys.executable, "manage.py", "up"],
            cwd=BASE,
            env=kept | own,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
        )
    try:
        _wait_ready(port, up, top / "log")
        yield here, port
    finally:
        up.send_signal(signal.SIGTERM)
        up.wait(60)
        shutil.rmtree(top, ignore_errors=True)


def _deliver(port: int, secret: str) -> list[float]:
    """Send every event once over kept connections; return each answer's seconds."""
    shares = [range(start, EVENTS, CONNECTIONS) for start in range(CONNECTIONS)]
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return [wait for share in pool.map(lambda numbers: _share(port, secret, numbers), shares) for wait in share]


def _share(port: int, secret: str, numbers: Sequence[int]) -> list[float]:
    connection, waits_s = http.client.HTTPConnection("127.0.0.1", port, timeout=30), []
    for number in numbers:
        body = json.dumps(_lead(number)).encode()
        began = time.monotonic()
        connection.request("POST", f"/hooks/{SOURCE}/", body, _signed(secret, f"bench-{number}", body))
        answer = connection.getresponse()
        answer.read()
        waits_s.append(time.monotonic() - began)
        if answer.status != 202:
            raise SystemExit(f"The webhook answered {answer.status}.")
    return waits_s


def _lead(number: int) -> dict[str, str]:
    return {
        "type": "lead.created",
        "lead_id": f"L-bench-{number}",
        "email": f"petra.lang-{number}@muster-logistik.example",
        "message": "We would like a demo and an offer for machines in three offices.",
        "name": "Petra Lang",
        "job_title": "Head of Facilities",
        "company": "Muster Logistik GmbH",
    }


def _signed(secret: str, name: str, body: bytes) -> dict[str, str]:
    moment = str(int(time.time()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = hmac.new(key, f"{name}.{moment}.".encode() + body, hashlib.sha256).digest()
    return {
        "Content-Type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": moment,
        "webhook-signature": "v1," + base64.b64encode(signature).decode(),
    }


def _wait_until_over(here: Places, within_s: float = 600) -> None:
    deadline = time.monotonic() + within_s
    with psycopg.connect(here.database_url(APP), autocommit=True) as connection:
        while _count(connection, "SELECT count(*) FROM agents_run WHERE state = ANY(%s)", [list(OVER)]) < EVENTS:
            if time.monotonic() > deadline:
                raise SystemExit("Not every run ended in ten minutes.")
            time.sleep(0.1)


def _commits_per_second(here: Places, seconds: float = 2.0) -> float:
    """Return how many one-row transactions one connection commits, with everything else idle."""
    with psycopg.connect(here.database_url(OWNER), autocommit=True) as connection:
        connection.execute("CREATE TABLE bench_rows (x int)")
        began, count = time.monotonic(), 0
        while time.monotonic() - began < seconds:
            connection.execute("INSERT INTO bench_rows VALUES (1)")
            count += 1
        connection.execute("DROP TABLE bench_rows")
    return count / seconds


def _commits_of(here: Places) -> float:
    time.sleep(1.5)  # the server publishes its counts about once a second
    with psycopg.connect(here.database_url(APP), autocommit=True) as connection:
        return _count(
            connection, "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database() AND %s", [True]
        )


def _count(connection: "psycopg.Connection[tuple[int]]", question: str, values: Sequence[object]) -> float:
    row = connection.execute(question.encode(), values).fetchone()
    return float(row[0]) if row else 0.0


def _wait_ready(port: int, up: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and up.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:  # noqa: S310
                if json.load(answer)["status"] == "ok":
                    return
        except OSError:
            pass
        time.sleep(0.2)
    raise SystemExit(f"The installation did not start:\n{log.read_text(errors='replace')[-3000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
