"""The pure parts of the local engine: names, lines, ends, marks, the journal."""

from __future__ import annotations

import os
import socket
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scale.engines.local import ending, link, machine, orphans, places, processes, terms, translate, wire
from scale.engines.local.folders import Folders
from scale.engines.local.journal import Journal, records
from scale.engines.local.link import Link
from scale.engines.local.logs import interleaved, parse_marks, within
from scale.engines.local.sampling import events
from scale.engines.local.task import Task, remembered
from scale.engines.protocol import Condition, Reason, TaskSpec, TaskState, Term
from scale.kernel.ids import TaskId
from scale.kernel.resources import Resources
from tests.disks import small_disk

WHEN = 1_767_225_600.0  # 2026-01-01


def test_the_wire_speaks_the_words_of_the_protocol():
    words = {name: word for name, word in vars(wire).items() if name.isupper() and isinstance(word, str)}
    states = {name: word for name, word in words.items() if word.startswith("TASK_")}
    assert states == {state.name: state.value for state in TaskState}
    assert {word for word in words.values() if word.startswith("REASON_")} <= {reason.value for reason in Reason}


TERMS = st.tuples(st.sampled_from(["", "here", "elsewhere"]), st.integers(0, 3))


@given(TERMS, TERMS)
def test_the_keeper_and_the_protocol_agree_on_what_is_older(one, other):
    assert terms.is_older(one, other) == Term(*one).is_older_than(Term(*other))


@pytest.mark.parametrize("words", [None, 7, [], ["here"], ["here", "7"], [7, "here"], {}])
def test_what_is_no_term_counts_as_none(words):
    assert terms.parse(words) == terms.NONE == (Term().installation, Term().number)


# Names


@pytest.mark.parametrize("hears_of_it", [False, True])
def test_who_is_cut_off_before_it_was_greeted_tries_again(tmp_path, monkeypatch, hears_of_it):
    ours, cut_off = socket.socketpair()
    theirs, answered = socket.socketpair()
    theirs.sendall(wire.line({"hello": {"id": "here"}}))
    if hears_of_it:
        cut_off.shutdown(socket.SHUT_WR)
    else:
        cut_off.close()
    connections = [ours, answered]
    monkeypatch.setattr(link, "_connect", lambda home: connections.pop(0))
    with closing(cut_off), closing(theirs), closing(Link.open(tmp_path, (), Term())) as opened:
        assert opened.keeper_id == "here"


def test_a_harmless_id_is_its_own_name():
    assert places.file_name("scale_job_f-1_17x2_main_lost-1") == "scale_job_f-1_17x2_main_lost-1"


@given(st.text())
def test_every_id_gives_a_name_that_stays_in_its_directory(task_id):
    name = places.file_name(task_id)
    assert name
    assert "/" not in name
    assert not name.startswith(".")
    assert len(os.fsencode(name)) < 250


@given(st.text(max_size=300), st.text(max_size=300))
def test_two_ids_never_share_a_name(one, other):
    assert (places.file_name(one) == places.file_name(other)) == (one == other)


def test_days_come_newest_first(tmp_path):
    for day in ("2026-01-02", "2026-01-10", "2025-12-31", "trash"):
        (tmp_path / day).mkdir()
    assert places.days(str(tmp_path)) == ["2026-01-10", "2026-01-02", "2025-12-31"]
    assert places.days(str(tmp_path / "missing")) == []


# Lines


@given(st.lists(st.dictionaries(st.text(), st.text() | st.integers()), max_size=5), st.integers(1, 7))
def test_lines_come_out_as_they_went_in_however_cut(values, size):
    data = b"".join(map(wire.line, values))
    lines, found = wire.Lines(), []
    for at in range(0, len(data), size):
        found += lines.feed(data[at : at + size])
    assert found == values


def test_a_lone_surrogate_passes():
    assert wire.Lines().feed(wire.line({"argv": "\udc80"})) == [{"argv": "\udc80"}]


def test_a_line_that_is_no_json_is_an_error():
    with pytest.raises(ValueError, match="Expecting"):
        wire.Lines().feed(b"nonsense\n")


# Ends


@pytest.mark.parametrize(
    ("status", "asked", "state", "how"),
    [
        (0, False, TaskState.FINISHED, ""),
        (0, True, TaskState.FINISHED, ""),
        (3 << 8, False, TaskState.FAILED, "exited with status 3"),
        (143 << 8, True, TaskState.KILLED, "killed: exited with status 143"),
        (15, True, TaskState.KILLED, "killed: terminated by signal SIGTERM"),
        (11 | 0x80, False, TaskState.FAILED, "terminated by signal SIGSEGV"),
        (33, False, TaskState.FAILED, "terminated by signal number 33"),
    ],
)
def test_a_wait_status_becomes_a_report(status, asked, state, how):
    end = {"id": "a", "when": WHEN, **ending.seen(status, 1.5, 20.0, asked=asked)}
    report = translate.report(end, "node")
    assert (report.state, report.message) == (state, how)
    assert (report.exit_code is None) != (report.signal is None)
    assert report.usage
    assert report.usage.cpu_seconds == 1.5
    assert report.when == datetime(2026, 1, 1, tzinfo=UTC)


def test_an_order_is_all_the_keeper_needs():
    spec = TaskSpec(TaskId("a"), "node", ("echo", "x"), Resources(), env={"A": "b"}, grace=timedelta(seconds=2))
    plain = {"id": "a", "argv": ["echo", "x"], "env": {"A": "b"}, "cwd": None, "grace": 2.0, "mem": 0.0}
    assert translate.order(spec) == {**plain, "needs": {}, "waits": False, "keeps": False}


# Output


def combined(out, err, marks, start=0, stop=None):
    pieces = within(interleaved(len(out), len(err), marks), start, stop)
    return b"".join((out, err)[number][begin:end] for number, begin, end in pieces)


def test_streams_are_interleaved_as_the_marks_say():
    assert combined(b"aabb", b"1122", [(2, 2), (4, 2)]) == b"aa11bb22"


def test_without_marks_stdout_comes_first():
    assert combined(b"out", b"err", []) == b"outerr"


@given(st.binary(), st.binary(), st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50))))
def test_whatever_the_marks_every_byte_is_shown_once(out, err, marks):
    assert sorted(combined(out, err, marks)) == sorted(out + err)


@given(st.binary(), st.binary(), st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9))), st.integers(0, 9), st.integers(0, 9))
def test_a_part_is_what_stands_there_in_the_whole(out, err, marks, start, length):
    whole = combined(out, err, marks)
    assert combined(out, err, marks, start, start + length) == whole[start : start + length]


def test_a_torn_mark_is_left_out():
    assert parse_marks(b"1 2\n3 4\n5\nx y\n") == [(1, 2), (3, 4)]


def test_events_are_read_as_inotify_packs_them():
    def event(watch, name):
        padded = name + b"\0" * (16 - len(name))
        return watch.to_bytes(4, "little") + bytes(8) + len(padded).to_bytes(4, "little") + padded

    assert events(event(1, b"a.out") + event(2, b"b.err")) == [(1, "a.out"), (2, "b.err")]


# Directories


@pytest.mark.parametrize("change", [lambda path: (path / "x").touch(), lambda path: path.chmod(0o700), lambda path: path.rmdir()])
def test_a_directory_is_used_again_until_somebody_changes_it(tmp_path, change):
    folders = Folders(str(tmp_path), "0a1b2c3d")
    directory = folders.give()
    trusted = Path(directory).stat().st_ctime + 0.3
    while processes.wall() < trusted:  # then its times are enough to tell
        folders.take_back(directory)
        assert folders.give() == directory
    change(Path(directory))
    folders.take_back(directory)
    assert folders.give() != directory
    assert not Path(directory).exists()


# The journal


def a_task(name, **more):
    task = Task(name, "2026-01-01", 5.0, WHEN)
    for field, value in more.items():
        setattr(task, field, value)
    return task


def test_a_journal_remembers_tasks_as_they_were(tmp_path):
    journal = Journal(str(tmp_path / "journal"))
    running = a_task("running", pid=7, before=1.0, after=2.0, killed=True, directory="/x")
    ended = a_task("ended", pid=8)
    ended.finish(ending.unseen(), WHEN)
    journal.write(["boot", "this"], *running.records(), *ended.records(), *a_task("forgotten").records())
    journal.write(["ack", ["forgotten"]])
    found = remembered(records(str(tmp_path / "journal")), "this")
    assert set(found) == {"running", "ended"}
    assert (found["running"].pid, found["running"].killed, found["running"].directory) == (7, True, "/x")
    assert found["running"].runs
    assert found["ended"].end == ended.end


def test_a_torn_line_costs_only_itself(tmp_path):
    path = tmp_path / "journal"
    Journal(str(path)).write(a_task("whole").spawn_record())
    with path.open("ab") as file:
        file.write(b'["spawn","to')
    assert set(remembered(records(str(path)), "")) == {"whole"}


def test_a_journal_of_another_version_is_read_as_far_as_it_goes():
    found = remembered([["boot", "b"], ["spawn", "a", {"day": "2026-01-01", "new": 1}], ["new", "a"], ["odd"], ["pid", "a"]], "b")
    assert (found["a"].day, found["a"].pid, found["a"].runs) == ("2026-01-01", 0, False)


def test_after_a_reboot_no_pid_is_trusted():
    task = a_task("a", pid=os.getpid(), before=0.0, after=processes.now())
    (found,) = remembered([["boot", "before"], *task.records(), ["boot", "now"]], "now").values()
    (still,) = remembered([["boot", "now"], *task.records()], "now").values()
    assert still.is_process(processes.stat_of(os.getpid()))
    assert not found.is_process(processes.stat_of(os.getpid()))


def test_a_rewrite_keeps_only_what_is_given(tmp_path):
    path = str(tmp_path / "journal")
    journal = Journal(path)
    journal.write(*([["ack", ["x" * 1000]]] * 600))
    assert journal.is_stale
    journal.rewrite([["boot", "b"]])
    journal.write(["ack", []])
    assert records(path) == [["boot", "b"], ["ack", []]]
    assert not journal.is_stale


def test_after_a_torn_line_the_next_one_begins_anew(tmp_path):
    path = tmp_path / "journal"
    path.write_bytes(b'["ack",[]]\n["spawn","to')
    Journal(str(path)).write(["ack", ["a"]])
    assert records(str(path)) == [["ack", []], ["ack", ["a"]]]


def test_what_was_noted_is_written_once_and_before_the_next_record(tmp_path):
    path = str(tmp_path / "journal")
    journal = Journal(path)
    journal.note(["pid", "a"])
    assert records(path) == []
    journal.write_ahead(["spawn", "b"])
    journal.note(["pid", "b"])
    journal.flush()
    assert records(path) == [["pid", "a"], ["spawn", "b"], ["pid", "b"]]


@pytest.mark.parametrize("much", [1, 5000])
def test_on_a_full_disk_what_was_noted_before_a_refused_record_is_still_written(tmp_path, much):
    with small_disk(tmp_path / "disk", "bytes") as disk:
        path = str(disk.root / "journal")
        journal = Journal(path)
        journal.write(["ack", ["first"]])
        disk.fill()
        journal.note(["pid", "x" * much])
        with pytest.raises(OSError, match="No space"):
            journal.write_ahead(["spawn", "y" * 5000])
        disk.empty()
        journal.write(["ack", ["last"]])
        assert records(path) == [["ack", ["first"]], ["pid", "x" * much], ["ack", ["last"]]]


def test_on_a_full_disk_a_journal_has_a_record_or_not(tmp_path):
    with small_disk(tmp_path / "disk", "bytes") as disk:
        path = str(disk.root / "journal")
        journal = Journal(path)
        journal.write(["ack", ["first"]])
        disk.fill()
        with pytest.raises(OSError, match="No space"):
            journal.write_ahead(["spawn", "x" * 5000])  # as much of it as the page takes is written
        journal.write(["ack", ["later"]])
        assert journal.is_behind
        with pytest.raises(OSError, match="No space"):
            journal.write_ahead(["spawn", "y"])
        journal.rewrite([["boot", "x" * 5000]])
        assert set(os.listdir(disk.root)) == {"filling", "journal"}
        disk.empty()
        journal.write_ahead(["spawn", "z"])
        assert not journal.is_behind
        assert records(path) == [["ack", ["first"]], ["ack", ["later"]], ["spawn", "z"]]


def test_orphans_that_the_disk_has_no_room_for_leave_the_file_as_it_was(tmp_path, monkeypatch):
    with small_disk(tmp_path / "disk", "bytes") as disk:
        monkeypatch.chdir(disk.root)
        orphans.append([{"pid": 1}])
        disk.fill()
        with pytest.raises(OSError, match="No space"):
            orphans.append([{"pid": 2, "more": "x" * 5000}])
        disk.empty()
        with open(places.ORPHANS, "ab") as file:
            file.write(b'{"pid":3,"to')  # the guardian was killed
        found = []
        orphans.take(found.extend)
        assert found == [{"pid": 1}]


# Processes


def test_a_process_is_known_by_its_start():
    stat = processes.stat_of(os.getpid())
    assert stat.is_alive
    assert stat.parent == os.getppid()
    assert processes.is_between(stat.start, stat.start, stat.start)
    assert not processes.is_between(stat.start, stat.start + 1, stat.start + 2)


def test_a_name_with_blanks_and_brackets_does_not_confuse():
    text = b"7 (a) b (c) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 500 0 0"
    stat = processes.Stat(7, text)
    assert (stat.parent, stat.group, stat.state) == (1, 7, b"S")


@pytest.mark.parametrize(
    ("free", "total", "is_low"),
    [(1024, 2048, False), (1023, 2048, True), (2048, 204_800, False), (2047, 204_800, True), (0, 0, True)],
)
def test_a_disk_is_nearly_full_with_less_than_a_gibibyte_or_a_hundredth_of_it(free, total, is_low):
    found = machine.conditions(free << 20, total << 20)
    assert found == ((Condition.LOW_DISK_SPACE,) if is_low else ())
