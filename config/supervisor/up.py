"""The story of one start: servers, database, people and packages, then web, worker, clock and practice until told to stop."""

import os
import selectors
import signal
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType

from config.embedded.accounts import CannotStart
from config.embedded.servers import Servers
from config.supervisor.children import Child, Register, python
from config.supervisor.keys import keep
from config.supervisor.plan import BASE, PEOPLE, Plan, make_plan
from config.supervisor.ports import LOOPBACK, check_free
from config.supervisor.screen import Screen
from config.supervisor.web import PRACTICE_APPLICATION, gunicorn

PRACTICE = "practice"
LOOK_EVERY_S = 0.25
# A worker finishes the steps it is in within 20 seconds; the rest is for the others.
CHILDREN_STOP_S = 22.0
# Nobody calls it any more when its turn comes.
PRACTICE_STOP_S = 3.0
LEFTOVER_PORT_S = 12.0


class Stopped(Exception):
    """Someone asked us to stop while we were starting."""


def up() -> int:
    """Run everything until Ctrl-C or SIGTERM; return the exit code."""
    return Supervisor(make_plan(), Screen()).run()


class Supervisor:
    """Owns the servers and the processes. One thread: it reads what the processes write and looks after them."""

    def __init__(self, plan: Plan, screen: Screen) -> None:
        self._plan = plan
        self._screen = screen
        self._stop_asked = 0
        self._parent = os.getppid()
        self._servers = Servers(plan.here, postgres=plan.embedded_postgres, valkey=plan.embedded_valkey)
        self._register = Register(plan.here.keys / "processes.json")
        self._children: list[Child] = []
        self._pipes = selectors.DefaultSelector()

    def run(self) -> int:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note_stop)
        try:
            self._start()
            self._welcome()
            while not self._told_to_stop():
                self._look_after()
        except Stopped:
            pass
        finally:
            self._end()
        return 0

    # --- starting

    def _start(self) -> None:
        plan = self._plan
        self._check_stop()
        self._servers.start(self._screen.step)
        check_free(plan.host, plan.port, wait_s=LEFTOVER_PORT_S if self._register.stop_leftovers() else 0.0)
        keep(plan.here, plan.to_keep())
        self._run_to_end(python("manage.py", "prepare"))
        self._children = [self._child(name, command) for name, command in self._commands()]
        for child in self._children:
            self._begin(child)
        self._register.write(self._children)
        self._wait_for_web()

    def _commands(self) -> list[tuple[str, list[str]]]:
        commands = [("web", python("manage.py", "web")), ("worker", python("manage.py", "worker"))]
        commands.append(("clock", python("manage.py", "clock")))
        if self._plan.practice:
            bind = f"{LOOPBACK}:{self._plan.practice}"
            commands.append((PRACTICE, gunicorn(PRACTICE_APPLICATION, bind=bind, workers=1, threads=8)))
        return commands

    def _child(self, name: str, command: Sequence[str]) -> Child:
        return Child(name=name, command=command, environment=self._plan.environment, folder=BASE)

    def _begin(self, child: Child) -> None:
        child.start()
        self._pipes.register(child.pipe, selectors.EVENT_READ, child)

    def _run_to_end(self, command: Sequence[str]) -> None:
        """Run a command of the start, showing its lines as steps. Raises CannotStart when it fails."""
        child = self._child("prepare", command)
        self._begin(child)
        try:
            while child.alive:
                self._check_stop()
                self._pipes.select(LOOK_EVERY_S)
                self._show_steps(child)
            self._show_steps(child)
        finally:
            child.silent = True
            self._let_go_if_silent(child)
            child.kill_tree()
        if child.process is None or child.process.returncode:
            raise CannotStart("the database could not be prepared; the lines above say why.")

    def _show_steps(self, child: Child) -> None:
        for line in child.lines():
            self._screen.step(line)
        self._let_go_if_silent(child)

    def _wait_for_web(self) -> None:
        """Look after the processes until the web one listens, so that the address on the screen works."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not _listens(self._plan.host, self._plan.port):
            self._check_stop()
            self._look_after()

    def _welcome(self) -> None:
        plan = self._plan
        self._screen.step("everything runs; Ctrl-C stops it")
        lines = [f"Countersign:  {plan.url}"]
        if plan.demo:
            lines += [f"Practice company:  {plan.url}/practice/", "", "Sign in as one of:"]
            lines += [
                f"  {', '.join(PEOPLE)}",
                f"  password (all of them): {plan.environment.get('DEMO_PASSWORD', '(from DEMO_PASSWORD_FILE)')}",
            ]
        else:
            lines += [
                "",
                "No demo people. Make the first administrator with:",
                f"  {plan_python()} manage.py first_admin NAME",
            ]
        self._screen.block(lines)

    # --- running

    def _look_after(self) -> None:
        for key, _events in self._pipes.select(LOOK_EVERY_S):
            self._show_log(key.data)
        now_s = time.monotonic()
        for child in self._children:
            if not child.buried and not child.alive:
                self._bury(child, now_s)
            elif child.due(now_s):
                self._begin(child)
                self._register.write(self._children)
        self._mend_servers()

    def _show_log(self, child: Child) -> None:
        for line in child.lines():
            self._screen.log(child.name, line)
        self._let_go_if_silent(child)

    def _let_go_if_silent(self, child: Child) -> None:
        if child.silent and child.pipe.fileno() in self._pipes.get_map():
            self._pipes.unregister(child.pipe)

    def _bury(self, child: Child, now_s: float) -> None:
        self._show_log(child)
        child.silent = True  # what is left of its tree may hold the pipe open; it is killed now
        self._let_go_if_silent(child)
        pause_s = child.bury(now_s)
        code = child.process.returncode if child.process else None
        self._screen.log(child.name, f"ended by itself (code {code}); started again in {pause_s:g} s")

    def _mend_servers(self) -> None:
        for name in self._servers.dead():
            self._screen.log("servers", f"{name} ended by itself; started again")
        self._servers.restart_dead()

    # --- stopping

    def _note_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stop_asked += 1

    def _told_to_stop(self) -> bool:
        orphaned = bool(os.environ.get("COUNTERSIGN_STOP_WITH_PARENT")) and os.getppid() != self._parent
        return self._stop_asked > 0 or orphaned

    def _check_stop(self) -> None:
        if self._told_to_stop():
            raise Stopped

    def _end(self) -> None:
        """Stop people's and agents' processes first, then the practice company, then the servers under them."""
        self._screen.step("stopping")
        self._stop_children([child for child in self._children if child.name != PRACTICE], CHILDREN_STOP_S)
        self._stop_children([child for child in self._children if child.name == PRACTICE], PRACTICE_STOP_S)
        self._register.clear()
        self._servers.stop()
        self._screen.step("stopped; nothing is left running")

    def _stop_children(self, children: Sequence[Child], within_s: float) -> None:
        for child in children:
            child.tell(signal.SIGTERM)
        asked, deadline = self._stop_asked, time.monotonic() + within_s
        while any(child.alive for child in children) and time.monotonic() < deadline and self._stop_asked <= asked:
            for key, _events in self._pipes.select(0.05):
                self._show_log(key.data)
        for child in children:
            child.kill_tree()


def plan_python() -> str:
    return os.path.relpath(python()[0])


def _listens(host: str, port: int) -> bool:
    with suppress(OSError), socket.create_connection((host.replace("0.0.0.0", LOOPBACK), port), timeout=0.2):  # noqa: S104
        return True
    return False
