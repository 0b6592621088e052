"""The queue in memory, beside a plain list of what waits."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from scale.queue.entry import shape_of
from scale.queue.ordering import QueueMode, urgency
from scale.scheduler.placement.backlog import Backlog, Entry
from tests.builders import NOW

SMALL, LARGE = shape_of(10, 100, {"cpus": 1}), shape_of(11, 1, {"cpus": 8})
picks = st.integers(0, 10_000)


def an_entry(number=1, shape=SMALL, seconds=None):
    return Entry(number, number, NOW + timedelta(seconds=number if seconds is None else seconds), shape)


def entries(count, start=1):
    return [an_entry(number) for number in range(start, start + count)]


def ids(backlog):
    return [[ask.entry_id for ask in line.asks] for line in backlog.lines()]


def known(*those):
    backlog = Backlog()
    backlog.add(those)
    return backlog


def test_entries_stand_in_line_by_shape_and_urgency():
    backlog = known(an_entry(1, seconds=5), an_entry(2, LARGE), an_entry(3, seconds=1))
    assert ids(backlog) == [[3, 1], [2]]
    small, large = backlog.lines()
    assert (small.shape, small.priority, small.job_type_id, small.size, dict(small.needs)) == (SMALL, 100, 10, 2, {"cpus": 1})
    assert large.asks[0].needs is large.needs


def test_an_entry_that_is_known_counts_once():
    backlog = known(an_entry(), an_entry())
    backlog.add([an_entry()])
    assert backlog.sizes() == {SMALL: 1}


def test_a_line_of_which_nobody_is_left_is_gone():
    backlog = known(*entries(2))
    (line,) = backlog.lines()
    backlog.remove(line.asks[:1])
    assert (ids(backlog), backlog.sizes()) == ([[2]], {SMALL: 1})
    backlog.cancel(SMALL, [2])
    assert backlog.lines() == []


def test_what_was_never_known_may_be_taken_off():
    backlog = known(an_entry(1))
    before = backlog.version
    backlog.cancel(LARGE, [7])
    backlog.recount({SMALL: 1})
    assert (backlog.sizes(), backlog.version) == ({SMALL: 1}, before)


def test_of_a_long_line_only_the_first_are_known():
    backlog = known(*entries(2500))
    (line,) = backlog.lines()
    assert (line.size, len(line.asks), line.is_whole) == (2500, 2000, False)
    backlog.add([an_entry(3000, seconds=0), an_entry(3001)])
    (line,) = backlog.lines()
    assert (line.size, len(line.asks), line.asks[0].entry_id) == (2502, 2000, 3000)


def test_the_more_shapes_there_are_the_less_is_known_of_each():
    backlog = known(*(an_entry(number, shape_of(number, 1, {})) for number in range(1, 1001)))
    backlog.add([an_entry(5000 + number, shape_of(1, 1, {})) for number in range(200)])
    assert max(len(line.asks) for line in backlog.lines()) == 100


def test_a_line_is_read_on_when_it_is_nearly_used_up_each_time_further():
    backlog = known(*entries(2500))
    (line,) = backlog.lines()
    assert backlog.dry() == {}
    backlog.remove(line.asks[:1998])
    assert backlog.dry() == {SMALL: 64}
    backlog.fill(SMALL, entries(64, 1999), is_whole=False)
    assert backlog.dry() == {}
    backlog.remove(line.asks[:50])
    assert backlog.dry() == {SMALL: 256}
    backlog.fill(SMALL, entries(200, 2049), is_whole=True)
    assert (backlog.dry(), backlog.sizes()) == ({}, {SMALL: 200})


def test_a_line_that_turns_out_to_be_empty_is_gone():
    backlog = Backlog()
    backlog.recount({SMALL: 3})
    assert backlog.sizes() == {SMALL: 3}
    backlog.fill(SMALL, [], is_whole=True)
    assert backlog.lines() == []


def test_counts_of_the_database_win_and_what_differs_is_read_again():
    backlog = known(*entries(3), an_entry(9, LARGE))
    other = shape_of(5, 5, {})
    assert backlog.recount({SMALL: 4, other: 2}) == {SMALL: (3, 4), LARGE: (1, 0), other: (0, 2)}
    assert backlog.sizes() == {SMALL: 4, other: 2}
    assert set(backlog.dry()) == {SMALL, other}


def test_another_order_reads_all_again():
    backlog = known(*entries(3))
    backlog.order(QueueMode.FIFO)
    assert backlog.dry() == {}
    backlog.order(QueueMode.LIFO)
    assert backlog.dry() == {SMALL: 64}
    backlog.fill(SMALL, entries(3)[::-1], is_whole=True)
    backlog.add([an_entry(4)])
    assert ids(backlog) == [[4, 3, 2, 1]]


class BacklogLife(RuleBasedStateMachine):
    """Whatever comes and goes, what is known of a line is its beginning without a gap, and nothing waits unseen."""

    def __init__(self):
        super().__init__()
        self.backlog = Backlog()
        self.waiting = {}
        self.came = 0

    @rule(seconds=st.integers(0, 9), shape=st.sampled_from([SMALL, LARGE]), count=st.integers(1, 30))
    def some_come(self, seconds, shape, count):
        new = [an_entry(self.came + number, shape, seconds) for number in range(1, count + 1)]
        self.came += count
        self.waiting |= {entry.id: entry for entry in new}
        self.backlog.add(new)

    @rule(pick=picks)
    def one_is_canceled(self, pick):
        if self.waiting:
            gone = self.waiting.pop(sorted(self.waiting)[pick % len(self.waiting)])
            self.backlog.cancel(gone.shape, [gone.id])

    @rule(pick=picks, count=st.integers(1, 20))
    def the_first_are_placed(self, pick, count):
        if lines := self.backlog.lines():
            asks = lines[pick % len(lines)].asks[:count]
            for ask in asks:
                del self.waiting[ask.entry_id]
            self.backlog.remove(asks)

    @rule(mode=st.sampled_from(QueueMode))
    def the_order_changes(self, mode):
        self.backlog.order(mode)

    @rule()
    def it_is_counted(self):
        assert self.backlog.recount({shape: len(self._line(shape)) for shape in (SMALL, LARGE) if self._line(shape)}) == {}

    @rule(share=st.integers(1, 4))
    def it_is_filled(self, share):
        for shape, most in self.backlog.dry().items():
            line = self._line(shape)
            first = line[: most // share]
            self.backlog.fill(shape, first, is_whole=len(first) == len(line))

    def _line(self, shape):
        those = [entry for entry in self.waiting.values() if entry.shape == shape]
        return sorted(those, key=lambda entry: urgency(self.backlog.mode, 0, entry.queued, entry.job_id))

    @invariant()
    def what_is_known_is_the_beginning(self):
        lines = {line.shape: line for line in self.backlog.lines()}
        for shape in (SMALL, LARGE):
            there = [entry.id for entry in self._line(shape)]
            if shape not in lines:
                assert there == []
                continue
            asks = [ask.entry_id for ask in lines[shape].asks]
            assert asks == there[: len(asks)]
            assert lines[shape].size == len(there)
            assert lines[shape].is_whole is (len(asks) == len(there)) or not lines[shape].is_whole
            assert lines[shape].keys == [ask.urgency(self.backlog.mode) for ask in lines[shape].asks]


TestBacklogLife = BacklogLife.TestCase
