"""Where memory groups may be, as the kernel's files tell it; and whose memory a process counts to."""

from __future__ import annotations

import pytest

from scale.engines.local import cgroups, ending, wire
from scale.engines.local.cgroups import V1, V2, candidates
from scale.engines.local.launching import Refused
from scale.engines.local.limits import CGROUP, Limits
from scale.engines.local.processes import Stat
from scale.engines.local.task import Task
from scale.engines.local.watching import families

UNIFIED = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
OLD = "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n36 31 0:33 / /x rw - cgroup cgroup rw,cpu\n"
IN_CONTAINER = "35 31 0:32 /docker/12 /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"


def test_version_2_comes_before_version_1():
    both = "30 23 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n" + OLD
    assert list(candidates(both, "4:memory:/a\n3:cpu:/b\n0::/\n")) == [
        ("/sys/fs/cgroup/unified", "/sys/fs/cgroup/unified", V2),
        ("/sys/fs/cgroup/memory/a", "/sys/fs/cgroup/memory/a", V1),
    ]


def test_in_version_2_groups_may_be_beside_our_own():
    assert list(candidates(UNIFIED, "0::/user.slice/session-3.scope\n")) == [
        ("/sys/fs/cgroup/user.slice/session-3.scope", "/sys/fs/cgroup/user.slice/session-3.scope", V2),
        ("/sys/fs/cgroup/user.slice/session-3.scope", "/sys/fs/cgroup/user.slice", V2),
    ]


@pytest.mark.parametrize(
    ("membership", "own"),
    [
        ("4:memory:/docker/12\n", "/sys/fs/cgroup/memory"),
        ("4:memory:/docker/12/a\n", "/sys/fs/cgroup/memory/a"),
        ("4:memory:/docker/123\n", None),
        ("4:memory:/\n", None),
    ],
)
def test_a_container_sees_its_part_of_the_groups(membership, own):
    assert [found for found, _, _ in candidates(IN_CONTAINER, membership)] == ([own] if own else [])


@pytest.mark.parametrize("mounts", ["", UNIFIED.replace("cgroup2", "tmpfs"), "36 31 0:33 / /x rw - cgroup cgroup rw,cpu\n"])
def test_without_the_memory_controller_there_is_no_place(mounts):
    assert list(candidates(mounts, "4:memory:/a\n0::/a\n")) == []


@pytest.mark.parametrize("version", [V1, V2])
def test_a_place_that_cannot_be_used_is_none(tmp_path, version):
    place = (str(tmp_path), str(tmp_path), version)
    assert cgroups.first_that_works("scale-1", [place]) is None
    assert not (tmp_path / "scale-1").exists()


class NoGroups:
    def can_be_made(self):
        return False


def test_a_limit_that_must_be_kept_by_a_group_is_refused_without_one():
    limits = Limits("12345678", NoGroups())
    limits.mode = CGROUP
    task = Task("a", "today", 5.0, 0.0)
    task.limit = 64
    with pytest.raises(Refused, match="the kernel has no group for it"):
        limits.prepare(task)


def stat(pid, parent, group):
    return Stat(pid, f"{pid} (a) b) S {parent} {group} {group} 0 -1 {' '.join('0' for _ in range(15))} 0 256 0 0".encode())


def test_children_count_to_the_task_and_strangers_do_not():
    living = [stat(10, 1, 10), stat(11, 10, 10), stat(12, 11, 12), stat(13, 12, 13), stat(20, 1, 20), stat(30, 29, 30)]
    found = families({10: "a task", 40: "one that is gone"}, living)
    assert {leader: [each.pid for each in members] for leader, members in found.items()} == {10: [10, 11, 12, 13]}


def test_a_task_that_was_asked_to_end_was_killed_even_if_it_was_over_its_limit():
    killed = {"state": wire.KILLED, "signal": 9}
    assert ending.out_of_memory(killed, 64) == killed
    assert ending.out_of_memory({"state": wire.FINISHED, "exit": 0}, 0.5)["message"] == "used more than its 0.5 MiB of memory"
