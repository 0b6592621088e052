"""Keeps programs running: what died is started again, what is merely stopped is left alone.

There are no threads and no polling: every signal, the death of a child included, is waited for. Only the sizes of the files
that children write to have to be looked at, now and then.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scale.cli.home import private
from scale.cli.rotate import rotate_large
from scale.kernel.clock import Clock
from scale.orphan import PARENT
from scale.signals import Signals

STOP = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
HEEDED = STOP | {signal.SIGCHLD}
SETTLED = 10.0  #: seconds after which a child counts as started well
_LONGEST_PAUSE = 30.0
_LAST_LINES = 5
_LOOK_EVERY = 60.0  # seconds between two looks at the sizes of logs


@dataclass(frozen=True, slots=True)
class Program:
    """What to run, and how it wants to be ended."""

    name: str
    argv: Sequence[str]
    stop: signal.Signals  #: after Ctrl-C
    grace: float  #: seconds that it may take to end
    stop_gently: signal.Signals | None = None  #: after SIGTERM or SIGHUP; None: the same
    pass_fds: Sequence[int] = ()


class Child:
    """One program and the process that it is now."""

    def __init__(self, program: Program, log: Path, variables: Mapping[str, str], directory: Path) -> None:
        self.program = program
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None
        self.due: float | None = None  #: when it is to be started again
        self._variables = variables
        self._directory = directory
        self._started = 0.0
        self._quick_deaths = 0

    def start(self, now: float) -> None:
        with open(self.log, "ab", opener=private) as log:
            self.process = subprocess.Popen(  # noqa: S603 one of our own programs
                self.program.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**self._variables, PARENT: str(os.getpid())},
                cwd=self._directory,
                start_new_session=True,
                pass_fds=self.program.pass_fds,
            )
        self._started = now
        self.due = None

    def is_gone(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def plan_restart(self, now: float) -> float:
        """Set when it is to be started again; at once, but ever later if it dies again and again."""
        self._quick_deaths = self._quick_deaths + 1 if now - self._started < SETTLED else 0
        pause = restart_pause(self._quick_deaths)
        self.process = None
        self.due = now + pause
        return pause

    def send(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)


class Supervisor:
    """Several children, from the first start to the last stop. They are stopped in the order given.

    :param logs: files that they and what they start append to; they are kept from growing for ever
    """

    def __init__(
        self, children: Sequence[Child], signals: Signals, clock: Clock, say: Callable[[str], None], logs: Sequence[Path] = ()
    ) -> None:
        self._children = children
        self._signals = signals
        self._clock = clock
        self._say = say
        self._logs = logs
        self._next_look = clock.monotonic()

    def run(self) -> None:
        """Keep the children running until we are told to stop; then stop them."""
        told: frozenset[int] = frozenset()
        try:
            for child in self._children:
                child.start(self._clock.monotonic())
            while not (told := self._signals.wait(self._until_something_is_due()) & STOP):
                for child in self._children:
                    self._look_after(child)
                self._look_at_logs()
            self._say("Stopping.")
        finally:
            for child in self._children:
                self._stop(child, is_gentle=signal.SIGINT not in told)

    def _look_after(self, child: Child) -> None:
        now = self._clock.monotonic()
        if child.process is not None and child.is_gone():
            how = death(child.process.returncode)
            pause = child.plan_restart(now)
            self._say(f"{child.program.name} {how}; starting it again{f' in {pause:g} s' if pause else ''}.")
            if pause:
                self._say("\n".join([f"  {child.log} ends with:", *(f"    {line}" for line in last_lines(child.log))]))
        if child.due is not None and child.due <= now:
            child.start(now)

    def _look_at_logs(self) -> None:
        if (now := self._clock.monotonic()) >= self._next_look:
            self._next_look = now + _LOOK_EVERY
            for words in rotate_large(self._logs):
                self._say(words)

    def _until_something_is_due(self) -> float:
        starts = [child.due for child in self._children if child.due is not None]
        return max(0.0, min([self._next_look, *starts]) - self._clock.monotonic())

    def _stop(self, child: Child, *, is_gentle: bool) -> None:
        if child.is_gone():
            return
        child.send((is_gentle and child.program.stop_gently) or child.program.stop)
        child.send(signal.SIGCONT)  # one that is stopped hears nothing
        deadline = self._clock.monotonic() + child.program.grace
        while not child.is_gone():
            left = deadline - self._clock.monotonic()
            if left <= 0:
                self._say(f"{child.program.name} did not end within {child.program.grace:g} s and is killed.")
                child.send(signal.SIGKILL)
                left = child.program.grace
                deadline += left
            if self._signals.wait(left) & STOP:
                self._say(f"Still stopping; {child.program.name} may take {left:.0f} s more.")
        if child.process is not None and child.process.returncode != 0:
            self._say(f"{child.program.name} {death(child.process.returncode)} while it was stopping; see {child.log}")


def restart_pause(quick_deaths: int) -> float:
    """Seconds to wait before a child is started that has died this often without running for long."""
    return min(2.0 ** (quick_deaths - 2), _LONGEST_PAUSE) if quick_deaths > 1 else 0.0


def death(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


def last_lines(path: Path) -> list[str]:
    with path.open(errors="replace") as file:
        return [line.rstrip() for line in deque((line for line in file if line.strip()), _LAST_LINES)]
