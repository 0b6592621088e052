"""A lock that knows whether this thread holds it."""

from __future__ import annotations

import threading

import pytest

from scale.kernel.locks import OwnedLock, locks_held


def test_a_thread_knows_how_many_it_holds():
    outer, inner = OwnedLock(), OwnedLock()
    with outer:
        assert locks_held() == 1
        with inner:
            assert locks_held() == 2
    assert locks_held() == 0


def test_an_error_lets_go():
    lock = OwnedLock()
    with pytest.raises(KeyError), lock:
        raise KeyError
    assert locks_held() == 0
    with lock:
        assert locks_held() == 1


def test_what_another_thread_holds_is_not_ours():
    lock, seen = OwnedLock(), []
    with lock:
        other = threading.Thread(target=lambda: seen.append(locks_held()))
        other.start()
        other.join()
    assert seen == [0]


def test_only_one_thread_at_a_time_is_inside():
    lock, inside, most = OwnedLock(), [], []
    barrier = threading.Barrier(8)

    def enter():
        barrier.wait()
        for _ in range(200):
            with lock:
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=enter) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1
