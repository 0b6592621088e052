"""What the runner starts next."""

from __future__ import annotations

from scale.engines.local.line import Line

OFFERED = {"cpus": 2.0, "mem": 100.0}


def an_order(name, *, waits=True, **needs):
    return {"id": name, "needs": needs or {"cpus": 1.0}, "waits": waits}


def started(line):
    """The ids of all that may start now, started."""
    found = []
    while (order := line.first) is not None:
        line.leave(order)
        line.take(order["id"], order["needs"])
        found.append(order["id"])
    return found


def test_as_many_start_as_there_is_room_for():
    line = Line()
    line.join([an_order(name) for name in "abc"], OFFERED)
    assert started(line) == ["a", "b"]
    line.give("b")
    assert started(line) == ["c"]
    assert not line


def test_what_does_not_wait_starts_at_once():
    line = Line()
    line.join([an_order("a", cpus=2.0), an_order("b", waits=False), an_order("c", waits=False)], OFFERED)
    assert started(line) == ["b", "c"]


def test_nobody_overtakes():
    line = Line()
    line.join([an_order("a"), an_order("b", cpus=2.0), an_order("c")], OFFERED)
    assert started(line) == ["a"]
    line.give("a")
    assert started(line) == ["b"]


def test_alone_on_the_machine_anything_starts():
    line = Line()
    line.join([an_order("a", cpus=8.0), an_order("b", fpgas=1.0)], OFFERED)
    assert started(line) == ["a"]
    line.give("a")
    assert started(line) == ["b"]


def test_nothing_is_needed_of_what_is_not_asked_for():
    line = Line()
    line.join([an_order("a"), an_order("b", cpus=1.0, gpus=0.0)], OFFERED)
    assert started(line) == ["a", "b"]


def test_fractions_add_up():
    line = Line()
    line.join([an_order(str(number), cpus=0.1) for number in range(21)], OFFERED)
    assert len(started(line)) == 20
    for number in range(20):
        line.give(str(number))
    line.join([an_order("all", cpus=2.0)], {})
    assert started(line) == ["20"]
    line.give("20")
    assert started(line) == ["all"]


def test_a_task_takes_and_gives_its_room_once():
    line = Line()
    line.join([an_order("a"), an_order("b", cpus=2.0)], OFFERED)
    line.take("x", {"cpus": 1.0})
    line.take("x", {"cpus": 1.0})
    assert started(line) == ["a"]
    line.give("x")
    line.give("x")
    assert started(line) == []
    line.give("a")
    assert started(line) == ["b"]


def test_one_that_is_killed_needs_no_room():
    line = Line()
    line.join([an_order("a", cpus=2.0), an_order("b"), an_order("c", waits=False)], OFFERED)
    line.take("x", {"cpus": 2.0})
    for order in list(line):
        line.kill(order)
    assert [order["id"] for order in line.pop_killed()] == ["c", "a", "b"]
    assert not line


def test_only_what_waits_is_withdrawn():
    line = Line()
    line.join([an_order("a"), an_order("b", waits=False)], OFFERED)
    assert [order["id"] for order in line.withdraw(["a", "b", "x"])] == ["a"]
    assert [order["id"] for order in line] == ["b"]
