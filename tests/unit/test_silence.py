"""How long a mute PostgreSQL is waited for."""

from __future__ import annotations

import socket

import pytest
from psycopg2 import OperationalError
from psycopg2.extensions import POLL_OK, POLL_READ, POLL_WRITE

from scale.silence import _wait


class Connection:
    """What psycopg2 hands to who waits: something to poll, and what it waits for."""

    def __init__(self, states, sock: socket.socket) -> None:
        self._states = iter(states)
        self.poll = lambda: next(self._states)
        self.fileno = sock.fileno


@pytest.fixture
def ends():
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def test_a_mute_server_is_given_up(ends):
    with pytest.raises(OperationalError, match=r"said nothing for 0\.01 seconds"):
        _wait(Connection([POLL_READ], ends[0]), seconds=0.01)


def test_one_that_speaks_is_heard_to_the_end(ends):
    ends[1].send(b"a row")
    _wait(Connection([POLL_WRITE, POLL_READ, POLL_OK], ends[0]), seconds=5)
