"""The local engine keeps the contract; and its tasks outlive whoever is killed."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest

from scale.engines.local import keeper, places, processes, translate, wire
from scale.engines.local.engine import LocalEngine
from scale.engines.local.link import Leaving
from scale.engines.local.logs import LocalLogs
from scale.engines.protocol import Condition, Reason, Stream, Superseded, TaskSpec, TaskState, Term
from scale.kernel.errors import ClusterTrouble
from scale.kernel.ids import TaskId
from scale.kernel.resources import Resources
from tests.contracts.engine_contract import Does, EngineContract, EngineHooks

#: waits until somebody opens the pipe in its working directory for writing
UNTIL_RELEASED = 'mkfifo "$SCALE_TASK_ID.pipe"; read _ < "$SCALE_TASK_ID.pipe"; '


def sh(script):
    return ("/bin/sh", "-c", script)


def hold(mebibytes):
    """Take so much memory, say so, and go on."""
    program = f'import signal; b = bytearray({mebibytes} << 20); print("has it", flush=True); signal.pause()'
    return f"{sys.executable} -SIc '{program}'"


COMMANDS = {
    Does.SUCCEED: ("/bin/true",),
    Does.EXIT_3: sh("exit 3"),
    Does.SEGFAULT: sh("kill -SEGV $$"),
    Does.GO_ON: sh(UNTIL_RELEASED + "exit 0"),
    Does.GO_ON_WITH_CHILDREN: sh("sleep 1000 & setsid sleep 1000 & (sleep 1000; true) & echo ready; wait"),
    Does.IGNORE_TERM: sh("trap '' TERM; echo ready; while :; do sleep 1000; done"),
    Does.SPEAK: sh("echo hello; echo trouble >&2"),
    Does.EXCEED_MEMORY: sh("exec " + hold(64 + 60)),
    Does.MISSING: ("no-such-program",),
}


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def engine(home):
    with LocalEngine(home) as engine:
        yield engine


def keeper_id(home):
    return (home / places.KEEPER / places.ID).read_text()


def living(home, task=None):
    """The processes of the home's tasks that are alive."""
    marks = [processes.marks_of(stat.pid) for stat in processes.living()]
    return [mark for mark in marks if mark and mark[0] == keeper_id(home) and task in (None, mark[1])]


def directory_of(home, task):
    """Where the task works, which runs; for a moment of its exec a process has no environment."""
    while True:
        for stat in processes.living():
            with contextlib.suppress(FileNotFoundError):
                if processes.marks_of(stat.pid) == (keeper_id(home), task):
                    return Path(os.readlink(f"/proc/{stat.pid}/cwd"))


def writes_of(pid):
    """How often the process has called the system to write a file."""
    return int(processes.read(f"/proc/{pid}/io").partition(b"syscw: ")[2].split()[0])


def kill_9(*pids):
    """Kill, and wait until they are gone."""
    with Leaving(pids) as leaving:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        assert leaving.wait(10)


ONE_CPU = Resources(cpus=1)


class Local(EngineHooks):
    """The hooks."""

    def command(self, does):
        return COMMANDS[does]

    def release(self, engine, task):
        pipe = directory_of(engine.home, task) / f"{task}.pipe"
        with contextlib.suppress(FileExistsError):  # a task that has just started may not have made it
            os.mkfifo(pipe)
        pipe.write_text("\n")

    def restart(self, engine):
        return LocalEngine(engine.home)

    def lose_node(self, engine):
        kill_9(engine.keeper_pids[0])

    def bring_back(self, engine):
        """The guardian starts a new runner, and the engine finds it."""

    def logs(self, engine):
        return LocalLogs(engine.home)

    def grow_old(self, engine, *tasks):
        logs = engine.home / places.LOGS
        then = self.now() - timedelta(days=10)
        old = logs / places.day_of(then.timestamp(), keeper_id(engine.home))
        old.mkdir()
        for path in [path for path in logs.glob("*/*") if path.stem in tasks]:
            os.utime(path, (then.timestamp(), then.timestamp()))
            path.rename(old / path.name)

    def living_processes(self, engine, task):
        return len(living(engine.home, task))

    def spec(self, watch, name, script, needs=ONE_CPU, **more):
        return TaskSpec(TaskId(name), watch.nodes[0].node, sh(script), needs, **more)

    def output(self, watch, task, stream=Stream.STDOUT):
        return self.logs(watch.engine).read(TaskId(task), stream)

    def until_it_says(self, watch, task, words):
        watch.until(lambda: words in (self.output(watch, task, Stream.COMBINED) or b""))

    def rest(self, woken, seconds):
        woken.wait(min(seconds, 0.02))  # what a task writes does not wake us


class TestLocalEngine(Local, EngineContract):
    pass


class TestOldOutput(Local):
    """Files of tasks that nobody runs any more."""

    @pytest.fixture
    def old(self, home):
        """The directory of a day long ago, with the output of three tasks."""
        day = home / places.LOGS / "2020-02-29.0a1b2c3d"
        day.mkdir(parents=True)
        for name in ("a", "b", "c"):
            for ending in (places.OUT, places.ERR, places.MARKS):
                self.write(day / f"{name}{ending}", days_ago=100)
        return day

    def write(self, path, days_ago):
        path.write_text("something")
        moment = self.now().timestamp() - days_ago * 86400
        os.utime(path, (moment, moment))

    def removed(self, home, *kept, most=10):
        asked = []
        before = self.now() - timedelta(days=30)
        gone = LocalEngine(home).remove_output(before, lambda tasks: asked.extend(tasks) or kept, most)
        return gone, sorted(asked)

    def test_all_files_of_a_task_go_and_the_day_when_it_is_empty(self, home, old):
        assert self.removed(home) == (3, ["a", "b", "c"])
        assert not old.exists()

    def test_a_task_that_has_written_since_keeps_all_its_files_and_is_not_asked_after(self, home, old):
        self.write(old / "b.err", days_ago=1)
        assert self.removed(home, "c") == (1, ["a", "c"])
        assert sorted(path.name for path in old.iterdir()) == sorted(
            f"{name}.{end}" for name in "bc" for end in ("out", "err", "marks")
        )

    def test_days_that_are_not_over_are_not_looked_at(self, home, old):
        young = home / places.LOGS / places.day_of(self.now().timestamp() - 30 * 86400, "0a1b2c3d")
        old.rename(young)
        assert self.removed(home) == (0, [])

    def test_what_is_not_ours_stays(self, home, old):
        self.write(old / "notes.txt", days_ago=100)
        self.write(old / "%c3%a9.out", days_ago=100)
        (home / places.LOGS / "0-notes").mkdir()
        assert self.removed(home) == (3, ["a", "b", "c"])
        assert sorted(path.name for path in old.iterdir()) == ["%c3%a9.out", "notes.txt"]

    def test_what_cannot_be_removed_is_passed_by(self, home, old):
        (old / "a.out").unlink()
        (old / "a.out").mkdir()
        moment = self.now().timestamp() - 100 * 86400
        os.utime(old / "a.out", (moment, moment))
        assert self.removed(home, most=2)[0] == 2
        assert [path.name for path in old.iterdir()] == ["a.out"]

    def test_without_a_home_there_is_nothing_to_remove(self, home):
        assert self.removed(home / "nowhere") == (0, [])

    def test_a_place_that_cannot_be_read_is_trouble(self, home):
        (home / "logs").mkdir(parents=True)
        (home / places.LOGS).write_text("a file")
        with pytest.raises(ClusterTrouble, match="old output cannot be removed"):
            self.removed(home)


class TestWhenTheKeeperDies(Local):
    def script(self, status):
        return UNTIL_RELEASED + f"exit {status}"

    def launch_some(self, watch):
        watch.launch(*(self.spec(watch, f"t{n}", self.script(n)) for n in range(5)))
        watch.until_running(*(f"t{n}" for n in range(5)))

    def test_without_its_runner_every_exit_code_is_still_seen(self, watch):
        self.launch_some(watch)
        runner, guardian = watch.engine.keeper_pids
        os.kill(guardian, signal.SIGSTOP)  # holds the time open in which there is no runner
        kill_9(runner)
        for n in range(3):
            self.release(watch.engine, f"t{n}")
        os.kill(guardian, signal.SIGCONT)
        watch.until(lambda: len(watch.nodes) == 3)
        for n in range(3, 5):
            self.release(watch.engine, f"t{n}")
        watch.until_ended(*(f"t{n}" for n in range(5)))
        ends = [watch.ends(f"t{n}")[0] for n in range(5)]
        assert [end.exit_code for end in ends] == [0, 1, 2, 3, 4]
        assert all(end.usage and end.usage.peak_memory > 0 for end in ends)
        assert watch.engine.keeper_pids[1] == guardian

    def test_what_ended_while_there_was_no_runner_takes_no_room(self, watch):
        everything = Resources(cpus=watch.nodes[0].offered["cpus"])
        watch.launch(self.spec(watch, "a", self.script(0), waits=True, needs=everything))
        watch.until_running("a")
        runner, guardian = watch.engine.keeper_pids
        os.kill(guardian, signal.SIGSTOP)
        kill_9(runner)
        self.release(watch.engine, "a")
        os.kill(guardian, signal.SIGCONT)
        watch.until_ended("a")
        watch.run(*(self.spec(watch, name, "exit 0", waits=True, needs=everything) for name in "bc"))

    def test_room_that_is_kept_outlives_runner_and_scheduler(self, watch, home):
        self.keep_room(watch)
        kill_9(watch.engine.keeper_pids[0])
        watch.until(lambda: len(watch.nodes) == 3)
        last = self.all_of_it(watch, "last", Does.SUCCEED)
        watch.launch(last)
        assert watch.until_reconciled("last").state is TaskState.STAGING
        watch.engine.stop(leave_tasks=True)
        with self.restart(watch.engine) as engine:
            again = self.watching(engine)
            again.until_ended("before")
            assert again.until_reconciled("last").state is TaskState.STAGING
            again.acknowledge("before")
            again.until_ended("last")

    def test_a_new_runner_can_kill_what_the_old_one_started(self, watch):
        watch.launch(self.task(watch, "a", Does.GO_ON_WITH_CHILDREN))
        self.until_it_says(watch, "a", b"ready")
        kill_9(watch.engine.keeper_pids[0])
        watch.until(lambda: len(watch.nodes) == 3)
        watch.kill("a")
        watch.until_ended("a")
        assert watch.ends("a")[0].signal == signal.SIGTERM
        watch.until(lambda: not living(watch.engine.home, "a"))

    def test_a_kill_outlives_the_runner(self, watch):
        watch.launch(self.task(watch, "a", Does.IGNORE_TERM, grace=timedelta(seconds=0.5)))
        self.until_it_says(watch, "a", b"ready")
        watch.kill("a")
        watch.until_reconciled("a")
        kill_9(watch.engine.keeper_pids[0])
        watch.until_ended("a")
        assert (watch.ends("a")[0].state, watch.ends("a")[0].signal) == (TaskState.KILLED, signal.SIGKILL)

    def test_without_its_guardian_nothing_changes(self, watch):
        self.launch_some(watch)
        kill_9(watch.engine.keeper_pids[1])
        for n in range(5):
            self.release(watch.engine, f"t{n}")
        watch.until_ended(*(f"t{n}" for n in range(5)))
        assert [watch.ends(f"t{n}")[0].exit_code for n in range(5)] == [0, 1, 2, 3, 4]
        assert len(watch.nodes) == 1

    def test_a_guardian_that_dies_after_the_runner_leaves_ends_unseen(self, watch):
        self.launch_some(watch)
        kill_9(watch.engine.keeper_pids[0])
        watch.until(lambda: len(watch.nodes) == 3)
        kill_9(watch.engine.keeper_pids[1])
        for n in range(5):
            self.release(watch.engine, f"t{n}")
        watch.until_ended(*(f"t{n}" for n in range(5)))
        assert {watch.ends(f"t{n}")[0].reason for n in range(5)} == {Reason.EXIT_UNSEEN}

    def test_without_both_the_engine_starts_a_new_keeper(self, watch):
        self.launch_some(watch)
        watch.run(self.task(watch, "over", Does.EXIT_3))
        runner, guardian = watch.engine.keeper_pids
        kill_9(guardian, runner)
        watch.until(lambda: [node.is_online for node in watch.nodes] == [True, False, True])
        watch.until(lambda: len(watch.ends("over")) == 2)
        watch.run(self.task(watch, "new", Does.SUCCEED))
        assert watch.until_reconciled("t0").state is TaskState.RUNNING
        assert not {runner, guardian} & set(watch.engine.keeper_pids)

    def test_without_both_a_task_goes_on_and_its_end_is_unseen(self, watch):
        self.launch_some(watch)
        runner, guardian = watch.engine.keeper_pids
        watch.engine.stop(leave_tasks=True)
        kill_9(guardian, runner)
        self.release(watch.engine, "t0")
        with self.restart(watch.engine) as engine:
            again = self.watching(engine)
            assert again.until_reconciled("t1").state is TaskState.RUNNING
            again.kill("t1")
            self.release(engine, "t2")
            again.until_ended("t0", "t1", "t2")
            ends = [again.ends(f"t{n}")[0] for n in range(3)]
        assert {end.reason for end in ends} == {Reason.EXIT_UNSEEN}
        assert living(watch.engine.home) == []

    def test_a_kill_of_the_schedulers_whole_group_spares_the_keeper(self, home):
        script = (
            "import sys, threading, pathlib, os; from scale.engines.local.engine import LocalEngine\n"
            "engine = LocalEngine(pathlib.Path(sys.argv[1])); engine.start(lambda: None)\n"
            "print(*engine.keeper_pids, flush=True); threading.Event().wait()"
        )
        command = [sys.executable, "-c", script, str(home)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as scheduler:
            pids = [int(word) for word in scheduler.stdout.readline().split()]
            os.killpg(scheduler.pid, signal.SIGKILL)
        with LocalEngine(home) as engine:
            watch = self.watching(engine)
            watch.run(self.task(watch, "a", Does.SUCCEED))
            assert list(engine.keeper_pids) == pids
            for pid in pids:
                assert b"scale_scheduler" not in Path(f"/proc/{pid}/cmdline").read_bytes()

    def test_a_second_keeper_refuses_the_home(self, watch):
        place = watch.engine.home / places.KEEPER
        second = subprocess.run([sys.executable, "-I", "-S", keeper.__file__], cwd=place, capture_output=True, check=False)
        assert second.returncode == keeper.TAKEN
        assert b"another keeper" in second.stderr


class TestTerms(Local):
    def call(self, home, *words):
        """What somebody is who speaks to the keeper's socket."""
        caller = socket.socket(socket.AF_UNIX)
        caller.settimeout(10)
        directory = os.open(home / places.KEEPER, os.O_RDONLY)
        caller.connect(f"/proc/self/fd/{directory}/{places.SOCKET}")
        os.close(directory)
        caller.sendall(b"".join(map(wire.line, words)))
        return closing(caller)

    def test_the_newest_outlives_the_keeper(self, engine, home):
        self.watching(engine, Term("here", 2))
        pids = engine.keeper_pids
        engine.stop(leave_tasks=True)
        kill_9(*reversed(pids))
        late = LocalEngine(home)
        with pytest.raises(Superseded):
            late.start(lambda: None, Term("here", 1))
        with LocalEngine(home) as again:
            self.watching(again, Term("here", 2))
            assert not set(pids) & set(again.keeper_pids)

    def test_an_engine_that_finds_its_keeper_again_has_the_same_term(self, engine):
        watch = self.watching(engine, Term("here", 2))
        kill_9(*reversed(engine.keeper_pids))
        watch.until(lambda: [node.is_online for node in watch.nodes] == [True, False, True])
        watch.run(self.task(watch, "a", Does.SUCCEED))

    def test_an_engine_that_comes_back_too_late_says_so_once(self, engine, home, caplog):
        first = self.watching(engine, Term("here", 1))
        with caplog.at_level(logging.WARNING), LocalEngine(home) as second:
            self.watching(second, Term("here", 2))
            first.until(lambda: [node.is_online for node in first.nodes] == [True, False])
            with pytest.raises(Superseded):
                first.kill("stranger")
        (line,) = [record.message for record in caplog.records]
        assert line == f"a scheduler with a newer term than 1 gives the orders in {home}"

    def test_one_that_has_not_greeted_displaces_nobody(self, watch, home):
        with ExitStack() as callers:
            calls = [callers.enter_context(self.call(home)) for _ in range(20)]
            assert calls[0].recv(1) == b""
            watch.run(self.task(watch, "a", Does.SUCCEED))
            assert [node.is_online for node in watch.nodes] == [True]
            watch.engine.stop(leave_tasks=True)
            with LocalEngine(home) as again:
                self.watching(again)

    @pytest.mark.parametrize("words", [{"launch": []}, {"hello": {}}, ["odd"], 7])
    def test_one_that_does_not_greet_is_sent_away(self, watch, home, words):
        with self.call(home, words) as caller:
            assert caller.recv(1) == b""
        watch.run(self.task(watch, "a", Does.SUCCEED))
        assert [node.is_online for node in watch.nodes] == [True]

    def test_an_engine_of_a_release_without_terms_is_refused_once_there_was_one(self, engine, home):
        watch = self.watching(engine, Term("here", 2))
        with self.call(home, {"hello": {"env": {}, "ack": []}}) as caller:
            assert wire.Lines().feed(caller.recv(1000)) == [{"refused": {"installation": "here", "number": 2}}]
            assert caller.recv(1) == b""
        watch.run(self.task(watch, "a", Does.SUCCEED))


class TestProcesses(Local):
    def test_no_setting_of_the_service_reaches_a_task(self, home, monkeypatch):
        monkeypatch.setenv("SCALE_ADMIN_PASSWORD", "secret")
        monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "secret")
        monkeypatch.setenv("TZ", "Europe/Berlin")
        with LocalEngine(home) as engine:
            watch = self.watching(engine)
            watch.run(self.spec(watch, "a", "env", env={"MINE": "yes", "SCALE_TASK_ID": "b", "SCALE_KEEPER_ID": "b"}))
            runner, guardian = engine.keeper_pids
            private = [Path(f"/proc/{pid}/environ").read_bytes() for pid in (runner, guardian)]
        env = dict(line.split("=", 1) for line in self.output(watch, "a").decode().splitlines() if "=" in line)
        assert {name for name in env if name.startswith(("SCALE_", "DJANGO"))} == {"SCALE_TASK_ID", "SCALE_KEEPER_ID"}
        assert (env["SCALE_TASK_ID"], env["MINE"], env["TZ"]) == ("a", "yes", "Europe/Berlin")
        assert watch.engine.node == f"local-{env['SCALE_KEEPER_ID']}"
        assert not any(b"secret" in each for each in private)

    def test_what_a_task_leaves_in_its_group_is_killed_at_its_end(self, watch):
        (end,) = watch.run(self.spec(watch, "a", "sleep 1000 & sleep 1000 & exit 3"))
        assert end.exit_code == 3
        watch.until(lambda: not living(watch.engine.home, "a"))

    def test_a_task_costs_the_runner_two_writes_and_a_burst_of_tasks_few_more(self, watch):
        runner = watch.engine.keeper_pids[0]
        before = writes_of(runner)
        watch.run(*(self.spec(watch, f"t{n}", "exit 0") for n in range(100)))
        assert writes_of(runner) - before <= 260

    def test_a_task_begins_in_an_empty_directory_that_goes_when_it_is_forgotten(self, watch):
        watch.run(self.spec(watch, "a", "pwd; ls -A; touch full"), self.spec(watch, "b", "pwd; ls -A"))
        folders = [Path(self.output(watch, name).decode().strip()) for name in ("a", "b")]
        assert folders[0] != folders[1]
        watch.acknowledge("a", "b")
        watch.until_reconciled("stranger")
        assert [folder.exists() for folder in folders] == [False, True]
        watch.run(self.spec(watch, "c", "pwd; ls -A"))
        assert self.output(watch, "c").decode() == f"{folders[1]}\n"

    def test_a_directory_that_a_task_has_changed_or_removed_is_not_used_again(self, watch):
        watch.run(self.spec(watch, "a", "pwd; chmod 700 ."), self.spec(watch, "b", 'pwd; rmdir "$PWD"'))
        folders = {Path(self.output(watch, name).decode().strip()) for name in ("a", "b")}
        watch.acknowledge("a", "b")
        watch.until_reconciled("stranger")
        assert not any(folder.exists() for folder in folders)
        watch.run(self.spec(watch, "c", "ls -A"))
        assert [end.state for end in watch.ends("c")] == [TaskState.FINISHED]

    def test_a_new_keeper_takes_back_the_directories_that_nobody_needs(self, watch):
        watch.launch(self.spec(watch, "a", UNTIL_RELEASED))
        watch.until_running("a")
        kept = directory_of(watch.engine.home, "a")
        for name in ("work/tasks/empty", "work/tasks/full/full", "work/2026-01-01.0a1b2c3d/old", "work/spare/1-1"):
            (watch.engine.home / name).mkdir(parents=True)
        kill_9(*watch.engine.keeper_pids)
        watch.until(lambda: len(watch.nodes) == 3)
        assert {path.name for path in (watch.engine.home / places.WORK).iterdir()} == {"tasks", "trash"}
        assert {path.name for path in (watch.engine.home / places.DIRECTORIES).iterdir()} == {kept.name, "empty"}
        self.release(watch.engine, "a")
        watch.until_ended("a")

    def test_a_task_runs_where_it_is_told_to(self, watch, tmp_path):
        watch.run(self.spec(watch, "a", "pwd", working_dir=str(tmp_path)))
        assert self.output(watch, "a").decode().strip() == str(tmp_path)

    def test_a_program_is_found_from_the_working_directory(self, watch, tmp_path):
        program = tmp_path / "program"
        program.write_text("#!/bin/sh\necho found\n")
        program.chmod(0o755)
        spec = TaskSpec(TaskId("a"), "", ("./program",), Resources(), working_dir=str(tmp_path))
        (end,) = watch.run(spec)
        assert end.state is TaskState.FINISHED
        assert self.output(watch, "a") == b"found\n"

    def test_stdin_is_empty(self, watch):
        (end,) = watch.run(self.spec(watch, "a", "cat"))
        assert end.exit_code == 0

    def test_cpu_time_counts_what_a_task_waited_for(self, watch):
        burn = "import os, time\nif not os.fork():\n  while time.process_time() < 0.2: pass\n  os._exit(0)\nos.wait()"
        (end,) = watch.run(TaskSpec(TaskId("a"), "", (sys.executable, "-c", burn), Resources()))
        assert 0.2 <= end.usage.cpu_seconds < 5

    def test_memory_is_the_peak(self, watch):
        command = (sys.executable, "-c", "x = bytearray(100 * 1024 * 1024)")
        (end,) = watch.run(TaskSpec(TaskId("a"), "", command, Resources()))
        assert 100 <= end.usage.peak_memory < 200

    def test_both_streams_are_shown_in_the_order_of_their_writing(self, watch):
        turns = "; ".join(f"echo out{n}; sleep 0.25; echo err{n} >&2; sleep 0.25" for n in range(2))
        watch.run(self.spec(watch, "a", turns))
        assert self.output(watch, "a", Stream.COMBINED).split() == [b"out0", b"err0", b"out1", b"err1"]

    def test_a_silent_keeper_sleeps(self, watch):
        watch.launch(self.task(watch, "a", Does.GO_ON))
        watch.until_running("a")
        watch.until_reconciled("a")
        before = [self.awakenings(pid) for pid in watch.engine.keeper_pids]
        Event().wait(0.5)  # nothing is to happen, so there is nothing else to wait for
        after = [self.awakenings(pid) for pid in watch.engine.keeper_pids]
        assert all(now - then <= 1 for then, now in zip(before, after, strict=True))  # 1: it was still falling asleep

    def awakenings(self, pid):
        status = Path(f"/proc/{pid}/status").read_text()
        return int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])

    def test_the_home_may_have_a_long_path(self, tmp_path):
        with LocalEngine(tmp_path / ("long" * 30) / ("path" * 30)) as engine:
            watch = self.watching(engine)
            (end,) = watch.run(self.task(watch, "a", Does.SUCCEED))
        assert end.exit_code == 0

    def test_a_stopped_engine_leaves_no_process(self, watch):
        pids = watch.engine.keeper_pids
        watch.launch(*(self.task(watch, f"t{n}", Does.GO_ON_WITH_CHILDREN) for n in range(5)))
        watch.until_running(*(f"t{n}" for n in range(5)))
        watch.engine.stop(leave_tasks=False)
        assert living(watch.engine.home) == []
        assert not any(stat.is_alive for pid in pids if (stat := processes.stat_of(pid)))

    def test_the_keeper_keeps_to_itself(self, watch):
        place = watch.engine.home / places.KEEPER
        assert place.stat().st_mode & 0o777 == 0o700
        assert (place / places.SOCKET).stat().st_mode & 0o777 == 0o600

    def test_a_kill_before_the_start_ends_it_unstarted(self, watch):
        names = [f"t{n}" for n in range(100)]
        watch.launch(*(self.task(watch, name, Does.GO_ON) for name in names))
        watch.kill(*names)
        watch.until_ended(*names)
        assert all(watch.ends(name)[0].state is TaskState.KILLED for name in names)


class TestWhatCannotStart(Local):
    def end_of(self, watch, **asked):
        spec = TaskSpec(TaskId("a"), "", **{"command": ("/bin/true",), "resources": Resources(), **asked})
        (end,) = watch.run(spec)
        assert watch.states("a") == [TaskState.FAILED]
        (well,) = watch.run(self.task(watch, "well", Does.SUCCEED))
        assert well.exit_code == 0
        return end

    def test_a_missing_program_is_named_with_the_path(self, watch):
        end = self.end_of(watch, command=("foo",), env={"PATH": "/usr/bin:/nowhere"})
        assert end.message == "there is no program 'foo' on the PATH /usr/bin:/nowhere"

    @pytest.mark.parametrize("command", [("/no/such/program",), ("./missing",), ("",), ()])
    def test_a_missing_file_is_not_found(self, watch, command):
        assert self.end_of(watch, command=command).reason is Reason.COMMAND_NOT_FOUND

    @pytest.mark.parametrize(
        ("content", "mode"), [("#!/bin/sh\n", 0o644), ("no format", 0o755), ("#!/no/such/interpreter\n", 0o755)]
    )
    @pytest.mark.parametrize("name", ["./program", "program"])
    def test_a_file_that_is_no_program_is_not_executable(self, watch, tmp_path, content, mode, name):
        program = tmp_path / "program"
        program.write_text(content)
        program.chmod(mode)
        end = self.end_of(watch, command=(name,), working_dir=str(tmp_path), env={"PATH": str(tmp_path)})
        assert end.reason is Reason.COMMAND_NOT_EXECUTABLE
        assert "program" in end.message

    def test_a_directory_is_not_executable(self, watch):
        assert self.end_of(watch, command=("/usr",)).reason is Reason.COMMAND_NOT_EXECUTABLE

    @pytest.mark.parametrize("folder", ["/no/such/directory", "/etc/passwd"])
    def test_a_missing_working_directory_is_named(self, watch, folder):
        end = self.end_of(watch, working_dir=folder)
        assert end.reason is Reason.WORKING_DIRECTORY
        assert folder in end.message

    @pytest.mark.parametrize(
        "asked",
        [
            {"command": ("/bin/true", "a\0b")},
            {"command": ("/bin/true", "\ud800")},
            {"command": ("/bin/true", "x" * 200_000)},
            {"env": {"A=B": "c"}},
            {"env": {"A": "\0"}},
            {"env": {"A": 7}},
            {"env": {f"N{n}": "x" * 100_000 for n in range(100)}},
            {"working_dir": "a\0b"},
        ],
        ids=["nul", "surrogate", "long-argument", "equals", "nul-value", "number", "huge-env", "nul-directory"],
    )
    def test_what_the_system_will_not_take_fails_the_task_alone(self, watch, asked):
        assert self.end_of(watch, **asked).reason is Reason.LAUNCH_FAILED

    @pytest.mark.parametrize("name", ["../../up", ".", "x" * 1000, "grüße", "a/b", "", "new\nline"])
    def test_odd_ids_stay_in_their_place(self, watch, name):
        (end,) = watch.run(TaskSpec(TaskId(name), "", ("/bin/echo", "here"), Resources()))
        assert end.exit_code == 0
        assert self.output(watch, name) == b"here\n"


def test_the_task_environment_is_ours_without_settings():
    ours = {b"PATH": b"/bin", b"SCALE_HOME": b"x", b"DJANGO_SETTINGS_MODULE": b"y", b"ODD": b"\xff"}
    assert translate.task_environment(ours) == {"PATH": "/bin", "ODD": "\udcff"}


class TestConditions(Local):
    @pytest.fixture
    def engine(self, home):
        self.free = 1 << 40
        look = timedelta(seconds=0.02)
        with LocalEngine(home, disk=lambda _: (1 << 40, 0, self.free), look_every=look) as engine:
            yield engine

    def test_a_full_disk_is_told_and_that_it_is_so_no_longer(self, watch):
        watch.launch(self.task(watch, "a", Does.GO_ON))
        watch.until_running("a")
        self.free = 1 << 20
        watch.until(lambda: watch.nodes[-1].conditions == (Condition.LOW_DISK_SPACE,))
        assert watch.until_reconciled("a").state is TaskState.RUNNING
        self.free = 1 << 40
        watch.until(lambda: watch.nodes[-1].conditions == ())
        assert [(node.is_online, len(node.conditions)) for node in watch.nodes] == [(True, 0), (True, 1), (True, 0)]

    def test_a_disk_that_is_full_from_the_beginning_is_told_first(self, home):
        with LocalEngine(home, disk=lambda _: (1 << 40, 0, 0)) as engine:
            assert self.watching(engine).nodes[0].conditions == (Condition.LOW_DISK_SPACE,)
