"""Why something waits, told with what is known."""

from __future__ import annotations

from datetime import timedelta

from scale.queue.waiting import LOOKED_EVERY, STALE_AFTER, Reason, Told, Waiting, explain
from tests.builders import NOW, later

BUSY = Told(Reason("no-room", "needs 4 gpus; 2 nodes have fewer free", {"busy": 2}), NOW)


def told(about=BUSY, looked=NOW, when=NOW) -> Waiting:
    return explain(about, looked, queued=NOW, position=3, when=when)


def test_what_the_scheduler_found_is_told_with_the_place_in_the_queue():
    assert told() == Waiting("no-room", "needs 4 gpus; 2 nodes have fewer free", {"busy": 2}, NOW, 3)


def test_what_the_scheduler_has_not_seen_waits_to_be_looked_at():
    assert told(None, looked=later(seconds=1)) == Waiting("not-looked-at", "the scheduler has not looked at it yet", {}, NOW, 3)


def test_without_a_scheduler_nothing_else_is_worth_telling():
    waiting = told(looked=None)
    assert (waiting.code, waiting.since, waiting.position) == ("scheduler-stopped", NOW, 3)
    assert "is it running?" in waiting.text


def test_a_scheduler_that_looks_no_more_is_told_to_be_stopped_or_stuck():
    assert told(when=NOW + STALE_AFTER).code == "no-room"
    waiting = told(when=later(seconds=16))
    assert (waiting.code, waiting.since) == ("scheduler-stopped", NOW)
    assert waiting.text == "the scheduler has not looked at the queue for 16 seconds; it is stopped or stuck"


def test_a_scheduler_may_miss_one_look_without_being_called_stopped():
    assert STALE_AFTER > 2 * LOOKED_EVERY >= timedelta(seconds=10)


def test_other_words_for_the_same_reason_keep_its_time():
    other = Reason("no-room", "needs 4 gpus; 1 node has fewer free", {"busy": 1})
    assert BUSY.followed_by(other) == Told(other, NOW)
    assert BUSY.followed_by(Reason("type-paused", "")) is None
