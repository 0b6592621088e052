"""On a disk that is really full the local engine loses nothing: what cannot start waits, and goes on by itself."""

from __future__ import annotations

import logging
import os
import signal
from pathlib import Path
from threading import Event

import pytest

from scale.engines.local import places
from scale.engines.local.engine import LocalEngine
from scale.engines.protocol import Condition, Superseded, TaskState, Term
from tests.contracts.engine_contract import Does
from tests.contracts.test_local_engine import UNTIL_RELEASED, Local, kill_9
from tests.disks import small_disk

LOW = (Condition.LOW_DISK_SPACE,)


@pytest.fixture(params=["bytes", "files"])
def disk(tmp_path, request):
    with small_disk(tmp_path / "disk", request.param) as disk:
        yield disk


@pytest.fixture
def engine(disk):
    with engine_in(disk.root / "home") as engine:
        yield engine


def engine_in(home):
    """One that sees much room whenever it looks: only the keeper can tell it of a full disk."""
    return LocalEngine(home, disk=lambda _: (1 << 40, 0, 1 << 39))


class TestAFullDisk(Local):
    def restart(self, engine):
        return engine_in(engine.home)

    def launch_on_a_full_disk(self, disk, watch, tasks=20):
        """More than what is left of the last pages can take; their names."""
        disk.fill()
        names = [f"t{n}" for n in range(tasks)]
        watch.launch(*(self.task(watch, name, Does.SUCCEED) for name in names))
        watch.until(lambda: watch.nodes[-1].conditions == LOW)
        assert watch.until_reconciled(names[-1]).state is TaskState.STAGING
        return names

    def launch_that_waits(self, watch, name, script):
        """A task that waits to be released, in a place that needs no room then."""
        watch.launch(self.spec(watch, name, UNTIL_RELEASED + script))
        watch.until_running(name)
        watch.until(lambda: list((watch.engine.home / places.WORK).glob(f"*/*/{name}.pipe")))

    def test_launches_wait_until_there_is_room(self, disk, watch, caplog):
        with caplog.at_level(logging.WARNING):
            names = self.launch_on_a_full_disk(disk, watch)
            watch.kill(names[-1])
            watch.until_ended(names[-1])
            assert not any(end.state is TaskState.FAILED for name in names for end in watch.ends(name))
            disk.empty()
            watch.until_ended(*names)
            watch.until(lambda: watch.nodes[-1].conditions == ())
        (killed,) = watch.ends(names.pop())
        assert (killed.state, killed.message) == (TaskState.KILLED, "killed before it started")
        assert [[end.state for end in watch.ends(name)] for name in names] == [[TaskState.FINISHED]] * len(names)
        assert [node.conditions for node in watch.nodes] == [(), LOW, ()]
        assert [record.message.partition(" under ")[0] for record in caplog.records] == [
            "the disk",
            "there is room on the disk",
        ]

    def test_a_keeper_that_waits_sleeps(self, disk, watch):
        self.launch_on_a_full_disk(disk, watch)
        before = awakenings(watch.engine.keeper_pids[0])
        Event().wait(1.5)  # nothing is to happen, so there is nothing else to wait for
        assert awakenings(watch.engine.keeper_pids[0]) - before <= 4

    def test_a_task_goes_on_and_its_end_is_told_at_once_and_recorded_later(self, disk, watch, restarted):
        self.launch_that_waits(watch, "a", "exit 3")
        names = self.launch_on_a_full_disk(disk, watch)
        self.release(watch.engine, "a")
        watch.until_ended("a")
        assert watch.ends("a")[0].exit_code == 3
        disk.empty()
        watch.until_ended(*names)
        watch.until(lambda: watch.nodes[-1].conditions == ())
        pids = watch.engine.keeper_pids
        again = restarted(watch, between=lambda: kill_9(*reversed(pids)))
        again.until_ended("a", *names)
        assert [end.exit_code for end in again.ends("a")] == [3]
        assert {end.exit_code for name in names for end in again.ends(name)} == {0}

    def test_what_a_task_cannot_write_is_its_own_trouble(self, disk, watch):
        self.launch_that_waits(watch, "a", "head -c 2000000 /dev/zero && exit 0; exit 7")
        disk.fill()
        self.release(watch.engine, "a")
        watch.until_ended("a")
        assert watch.ends("a")[0].exit_code == 7

    def test_a_runner_that_dies_on_a_full_disk_costs_no_exit_code(self, disk, watch):
        self.launch_that_waits(watch, "a", "exit 3")
        self.launch_that_waits(watch, "b", "exit 4")
        self.launch_on_a_full_disk(disk, watch)
        runner, guardian = watch.engine.keeper_pids
        os.kill(guardian, signal.SIGSTOP)  # holds the time open in which there is no runner
        kill_9(runner)
        self.release(watch.engine, "a")
        os.kill(guardian, signal.SIGCONT)
        watch.until(lambda: len([node for node in watch.nodes if not node.is_online]) == 1 and watch.nodes[-1].is_online)
        self.release(watch.engine, "b")
        watch.until_ended("a", "b")
        assert [watch.ends(name)[0].exit_code for name in ("a", "b")] == [3, 4]

    def test_a_stop_does_not_wait_for_room(self, disk, watch):
        names = self.launch_on_a_full_disk(disk, watch)
        watch.engine.stop(leave_tasks=False)
        watch.until_ended(*names)
        assert {end.state for name in names for end in watch.ends(name)} <= {TaskState.KILLED, TaskState.FINISHED}

    def test_an_older_term_is_kept_out(self, disk, engine):
        first = self.watching(engine, Term("here", 1))
        disk.fill()
        with self.restart(engine) as second:
            self.watching(second, Term("here", 2))
            with pytest.raises(Superseded):
                self.restart(engine).start(lambda: None, Term("here", 1))
            disk.empty()
            term = engine.home / places.KEEPER / places.TERM
            first.until(lambda: "2" in term.read_text())
            kill_9(*reversed(second.keeper_pids))
            with pytest.raises(Superseded):
                self.restart(engine).start(lambda: None, Term("here", 1))


def awakenings(pid):
    """How often it has fallen asleep."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])
