"""What died is started again, what is stopped is left alone, and all end together. The children are real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from scale.cli.rotate import MOST_BYTES
from scale.cli.supervise import death, last_lines, restart_pause
from scale.kernel.clock import SystemClock

SUPERVISOR = """
import json, signal, sys
from pathlib import Path
from scale.cli.supervise import HEEDED, Child, Program, Supervisor
from scale.signals import Signals
from scale.kernel.clock import SystemClock

home = Path(sys.argv[1])
with Signals(HEEDED) as signals:
    children = [
        Child(Program(name, ["/bin/sh", "-c", script], signal.Signals[stop], grace), home / f"{name}.log", {}, home)
        for name, script, stop, grace in json.loads(sys.argv[2])
    ]
    logs = [child.log for child in children]
    Supervisor(children, signals, SystemClock(), lambda words: print(words, flush=True), logs).run()
"""


class Supervised:
    """A supervisor in a process of its own; its children say their process id through a pipe when they have started."""

    def __init__(self, home: Path, *programs: tuple[str, str, str, float]) -> None:
        self.home = home
        for name, *_ in programs:
            os.mkfifo(home / name)
        self.process = subprocess.Popen(
            [sys.executable, "-c", SUPERVISOR, str(home), json.dumps(programs)], stdout=subprocess.PIPE, text=True
        )

    def started(self, name: str) -> int:
        """Wait until a child starts; its process id."""
        return int((self.home / name).read_text())

    def says(self) -> str:
        return self.process.stdout.readline().rstrip()

    def end(self, number: signal.Signals = signal.SIGTERM) -> list[str]:
        """Stop it; what it still said."""
        self.process.send_signal(number)
        words = self.process.stdout.read().splitlines()
        assert self.process.wait() == 0
        return words


@pytest.fixture
def supervise(tmp_path):
    """Start a supervisor of programs: name, shell script, the signal that stops it, its grace."""
    made: list[Supervised] = []

    def start(*programs: tuple[str, str, str, float]) -> Supervised:
        made.append(Supervised(tmp_path, *programs))
        return made[-1]

    yield start
    for supervised in made:
        children = psutil.Process(supervised.process.pid).children() if supervised.process.poll() is None else []
        for process in [supervised.process, *children]:
            process.kill()
        supervised.process.wait()
        supervised.process.stdout.close()


def steady(name: str, stop: str = "SIGTERM", grace: float = 30) -> tuple[str, str, str, float]:
    return (name, f"echo $$ > {name}; exec sleep 100", stop, grace)


def is_there(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_a_child_that_was_killed_is_started_again(supervise):
    both = supervise(steady("web"))
    first = both.started("web")
    os.kill(first, signal.SIGKILL)
    assert both.says() == "web was ended by SIGKILL; starting it again."
    assert both.started("web") != first


def test_a_child_that_is_merely_stopped_is_left_alone_and_still_ends_with_the_others(supervise):
    both = supervise(steady("scheduler"), steady("web"))
    stopped, killed = both.started("scheduler"), both.started("web")
    os.kill(stopped, signal.SIGSTOP)
    os.kill(killed, signal.SIGKILL)
    assert both.says().startswith("web was ended")
    both.started("web")
    while psutil.Process(stopped).status() != psutil.STATUS_STOPPED:
        pass  # it has not yet been scheduled to stop; one that was started again would have another id
    assert both.end()[0] == "Stopping."
    assert not is_there(stopped)


def test_a_child_that_dies_again_and_again_is_given_time_and_its_last_words_are_told(supervise):
    failing = supervise(("web", "echo first line; echo why; exit 3", "SIGTERM", 30))
    assert failing.says() == "web ended with exit code 3; starting it again."
    assert failing.says() == "web ended with exit code 3; starting it again in 1 s."
    assert failing.says() == f"  {failing.home / 'web.log'} ends with:"
    assert [failing.says() for _ in range(4)] == ["    first line", "    why", "    first line", "    why"]
    assert failing.end() == ["Stopping."]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_children_are_stopped_in_order_each_by_its_own_signal(supervise, number):
    script = "trap 'echo {0} >> order; exit 0' {1}; trap 'exit 9' {2}; echo $$ > {0}; while :; do sleep 100 & wait; done"
    both = supervise(
        ("scheduler", script.format("scheduler", "INT", "TERM"), "SIGINT", 30),
        ("web", script.format("web", "TERM", "INT"), "SIGTERM", 30),
    )
    children = [both.started("scheduler"), both.started("web")]
    assert both.end(number) == ["Stopping."]
    assert (both.home / "order").read_text().split() == ["scheduler", "web"]
    assert not any(map(is_there, children))


def test_a_child_that_does_not_end_is_killed(supervise):
    stubborn = supervise(("web", "trap '' TERM; echo $$ > web; exec sleep 100", "SIGTERM", 0.1))
    pid = stubborn.started("web")
    words = stubborn.end()
    assert "web did not end within 0.1 s and is killed." in words
    assert not is_there(pid)


def test_each_child_is_in_a_session_of_its_own_with_every_signal_as_usual(supervise):
    one = supervise(steady("web"))
    pid = one.started("web")
    assert os.getsid(pid) == pid
    masks = dict(line.split(":\t") for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("Sig"))
    heeded = sum(1 << (number - 1) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD))
    assert not (int(masks["SigBlk"], 16) | int(masks["SigIgn"], 16)) & heeded


def test_a_log_that_has_grown_large_is_copied_away(tmp_path, supervise):
    with (tmp_path / "web.log").open("wb") as log:
        log.truncate(MOST_BYTES + 1)
    one = supervise(("web", "echo $$ > web; echo new; exec sleep 100", "SIGTERM", 30))
    one.started("web")
    deadline = SystemClock().monotonic() + 30
    while not (tmp_path / "web.log.1").exists() and SystemClock().monotonic() < deadline:
        pass
    one.end()
    assert (tmp_path / "web.log.1").stat().st_size >= MOST_BYTES
    assert (tmp_path / "web.log").stat().st_size < 100


def test_the_pause_grows_only_for_one_that_dies_quickly_and_not_beyond_half_a_minute():
    assert [restart_pause(deaths) for deaths in (0, 1, 2, 3, 4, 20)] == [0, 0, 1, 2, 4, 30]


def test_a_death_is_told_in_words():
    assert death(0) == "ended with exit code 0"
    assert death(-11) == "was ended by SIGSEGV"
    assert death(-63).startswith("was ended by ")


def test_the_last_lines_of_a_long_log_are_few(tmp_path):
    (tmp_path / "log").write_text("".join(f"{number}\n" for number in range(100)))
    assert last_lines(tmp_path / "log") == ["95", "96", "97", "98", "99"]
