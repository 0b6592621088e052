"""A loop is a value: a name, what one turn does, and how long it may sleep. Threads run them; tests call their turns."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import close_old_connections, connection

from scale.kernel.clock import Clock
from scale.kernel.errors import Broken

logger = logging.getLogger(__name__)
PAUSE_AFTER_TROUBLE = 1.0  # seconds


@dataclass(frozen=True)
class Loop:
    """One turn is made as soon as it is woken, and at least once in ``period`` seconds."""

    name: str
    turn: Callable[[datetime], None]
    period: float
    bell: threading.Event = field(default_factory=threading.Event)

    def wake(self) -> None:
        self.bell.set()


class LoopRunner:
    """Runs loops, each in a thread of its own, until told to stop or until one finds a promise broken."""

    def __init__(self, loops: Sequence[Loop], clock: Clock, ended: Callable[[], None]) -> None:
        """``ended`` is called when a loop has ended by itself: the process must end, too."""
        self._loops = loops
        self._clock = clock
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(loop,), name=loop.name) for loop in loops]
        self._ended = ended
        self.broken: Broken | None = None

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, rouse: Callable[[], None] = lambda: None) -> None:
        """End every loop after its turn, and wait for that; ``rouse`` wakes those that wait for something of their own."""
        self._stopping.set()
        rouse()
        for loop in self._loops:
            loop.wake()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def _run(self, loop: Loop) -> None:
        while not self._stopping.is_set():
            loop.bell.wait(loop.period)
            loop.bell.clear()
            if self._stopping.is_set():
                break
            self._turn(loop)
        connection.close()

    def _turn(self, loop: Loop) -> None:
        close_old_connections()
        try:
            loop.turn(self._clock.now())
        except Broken as error:
            logger.exception("loop %s: a promise was broken; the scheduler stops", loop.name)
            self.broken = error
            self._stopping.set()
            self._ended()
        except Exception:
            logger.exception("loop %s: trouble; it goes on in %g s", loop.name, PAUSE_AFTER_TROUBLE)
            self._stopping.wait(PAUSE_AFTER_TROUBLE)
            loop.wake()
