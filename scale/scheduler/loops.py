"""A loop is a value: a name, what one turn does, and how long it may sleep. Threads run them; tests call their turns."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from django.db import close_old_connections, connection

from scale.database import is_passing
from scale.fact import tell, warn
from scale.kernel.clock import Clock
from scale.kernel.errors import Broken, ScaleError
from scale.scheduler.fence import Deposed
from scale.scheduler.troubles import Troubles

logger = logging.getLogger(__name__)
PAUSE_AFTER_TROUBLE = 1.0  # seconds
_LONG_REST = 1.0  # seconds after which a connection may be gone without a word
_ENDINGS = (Broken, Deposed)  # nothing that can be tried again


class Bell(Protocol):
    """What a loop sleeps by, until some thread sets it."""

    def wait(self, timeout: float) -> bool: ...
    def set(self) -> None: ...
    def clear(self) -> None: ...


@dataclass(frozen=True)
class Loop:
    """One turn is made as soon as it is woken, and at least once in ``period`` seconds.

    From the beginning of one turn to that of the next go by as many seconds as ``rest`` says after it; the more goes by,
    the more each turn does at once.
    """

    name: str
    turn: Callable[[datetime], None]
    period: float
    rest: Callable[[], float] = float
    bell: Bell = field(default_factory=threading.Event)

    def wake(self) -> None:
        self.bell.set()


class LoopRunner:
    """Runs loops, each in a thread of its own, until told to stop, or one finds a promise broken or somebody else in charge."""

    def __init__(self, loops: Sequence[Loop], clock: Clock, ended: Callable[[], None], troubles: Troubles | None = None) -> None:
        """``ended`` is called when a loop has ended by itself; all others end then."""
        self._loops = loops
        self._clock = clock
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(loop,), name=loop.name) for loop in loops]
        self._ended = ended
        self._troubles = troubles or Troubles()
        self.ended_by: ScaleError | None = None  #: `Broken` or `Deposed`

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End every loop after its turn, and wait for that."""
        self._stopping.set()
        for loop in self._loops:
            loop.wake()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def _run(self, loop: Loop) -> None:
        earliest = ended = 0.0
        while not self._stopping.is_set():
            loop.bell.wait(loop.period)
            if (early := earliest - self._clock.monotonic()) > 0:
                self._stopping.wait(early)
            loop.bell.clear()
            if self._stopping.is_set():
                break
            began = self._clock.monotonic()
            self._turn(loop, rested=began - ended)
            ended = self._clock.monotonic()
            earliest = began + loop.rest()
        connection.close()

    def _turn(self, loop: Loop, rested: float) -> None:
        try:
            if connection.errors_occurred or rested > _LONG_REST:
                close_old_connections()  # after which the next statement asks first whether anybody is there
            loop.turn(self._clock.now())
        except _ENDINGS as error:
            self._end(loop, error)
        except Exception as error:  # noqa: BLE001 whatever it is, it is told, and the turn made again
            self._tell(loop, error)
            self._stopping.wait(PAUSE_AFTER_TROUBLE)
            loop.wake()
        else:
            if (lasted := self._troubles.over(loop.name, self._clock.now())) is not None:
                tell(logger, "trouble-over", loop=loop.name, seconds=f"{lasted.total_seconds():.1f}")

    def _end(self, loop: Loop, error: ScaleError) -> None:
        if isinstance(error, Broken):
            logger.exception("loop %s: a promise was broken; the scheduler stops", loop.name)
        else:
            warn(logger, "deposed", loop=loop.name, why=error)
        self.ended_by = self.ended_by or error
        self._stopping.set()
        self._ended()

    def _tell(self, loop: Loop, error: Exception) -> None:
        """Say what will pass in a line, now and then; where the mistake may be ours, say where it was made."""
        words = " ".join(str(error).split()) or type(error).__name__
        if not self._troubles.met(loop.name, words, self._clock.now()):
            return
        if is_passing(error):
            warn(logger, "database-trouble", loop=loop.name, why=words, again_in=f"{PAUSE_AFTER_TROUBLE:g}s")
        else:
            logger.exception("loop %s: trouble; it goes on in %g s", loop.name, PAUSE_AFTER_TROUBLE)
