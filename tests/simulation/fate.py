"""What goes wrong, and when: at the n-th statement, commit or engine call of a step, drawn from the seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from random import Random

from django.db.utils import OperationalError

from scale.kernel.errors import ClusterTrouble
from tests.simulation.story import Story

_OUTAGES = (0, 0, 3, 10)  # statements


class Killed(BaseException):
    """The process is gone at this very point; nothing of it runs any more."""


class Fault(StrEnum):
    """The kinds of trouble; a story has some of them."""

    KILL = "kill"  #: the scheduler dies
    DATABASE = "database"  #: a statement fails, or a commit that does nothing
    UNKNOWN_COMMIT = "unknown-commit"  #: a commit fails and has been made all the same
    ENGINE = "engine"  #: an engine refuses a call
    UNKNOWN_CALL = "unknown-call"  #: an engine does what it was told and says that it did not
    MEANWHILE = "meanwhile"  #: somebody else acts between two statements
    LOST = "lost"  #: reports
    LATE = "late"
    TWICE = "twice"
    DISORDER = "disorder"
    INVENTED = "invented"
    WRONG = "wrong"  #: reports with another node or time


class Fate:
    """Every statement, commit and engine call passes by; the one that was chosen goes wrong."""

    def __init__(self, rng: Random, kinds: frozenset[Fault], story: Story) -> None:
        self._rng = rng
        self._kinds = kinds
        self._story = story
        self._left: int | None = None
        self._outage = 0  # statements for which the database stays away
        self.meanwhile: Callable[[], None] = lambda: None
        self.before_transaction: Callable[[], None] | None = None  #: what somebody does just before the next one begins

    def arm(self, points: int) -> None:
        """Let something go wrong at one of the next so many points, or at the first after it where it can."""
        self._left = self._rng.randint(1, points)

    @contextmanager
    def asleep(self) -> Iterator[None]:
        held = self._left, self._outage, self.before_transaction
        self._left, self._outage, self.before_transaction = None, 0, None
        yield
        self._left, self._outage, self.before_transaction = held

    def disarm(self) -> None:
        self._left = None

    def end(self) -> None:
        """From now on all is well."""
        self._kinds = frozenset()
        self._left, self._outage = None, 0

    def statement(self, do: Callable[[], object], sql: str, *, in_transaction: bool) -> object:
        self._stay_away()
        if sql.startswith("BEGIN") and (faster := self.before_transaction):
            self.before_transaction = None
            with self.asleep():
                faster()
            self.disarm()  # one trouble is enough
        among = [Fault.KILL, Fault.DATABASE] + ([] if in_transaction else [Fault.MEANWHILE])
        match self._strikes(among):
            case Fault.KILL:
                self._kill(f"at {_named(sql)}")
            case Fault.DATABASE:
                self._outage = self._rng.choice(_OUTAGES)
                self._story.remark(f"! the database fails at {_named(sql)}, and {self._outage} times more")
                raise OperationalError("the database is away")
            case Fault.MEANWHILE:
                with self.asleep():
                    self.meanwhile()
        return do()

    def commit(self, do: Callable[[], object], undo: Callable[[], object]) -> None:
        fault = self._strikes([Fault.KILL, Fault.DATABASE, Fault.UNKNOWN_COMMIT])
        is_made = fault is Fault.UNKNOWN_COMMIT or (fault is not Fault.DATABASE and (fault is None or self._rng.random() < 0.5))
        (do if is_made else undo)()
        how = "after" if is_made else "before"
        if fault is Fault.KILL:
            self._kill(f"{how} COMMIT")
        elif fault is not None:
            self._story.remark(f"! the database fails {how} COMMIT")
            raise OperationalError("the connection is gone; nobody knows whether it was committed")

    @contextmanager
    def call(self, name: str, *, may_refuse: bool = True, is_alone: bool = False) -> Iterator[None]:
        """An engine is called; ``is_alone``: under a lock for which the turns of others would wait."""
        among = (
            [Fault.KILL] + ([] if is_alone else [Fault.MEANWHILE]) + ([Fault.ENGINE, Fault.UNKNOWN_CALL] if may_refuse else [])
        )
        fault = self._strikes(among)
        is_first = fault is Fault.ENGINE or (fault is Fault.KILL and self._rng.random() < 0.5)
        if fault is Fault.MEANWHILE:
            with self.asleep():
                self.meanwhile()
        if not is_first:
            yield
        how = f"{'before' if is_first else 'after'} the engine's {name}"
        if fault is Fault.KILL:
            self._kill(how)
        elif fault in (Fault.ENGINE, Fault.UNKNOWN_CALL):
            self._story.remark(f"! the engine refuses {how}")
            raise ClusterTrouble(f"the engine is away {how}")

    def _stay_away(self) -> None:
        if self._outage:
            self._outage -= 1
            raise OperationalError("the database is still away")

    def _strikes(self, among: list[Fault]) -> Fault | None:
        if self._left is None:
            return None
        self._left -= 1
        possible = [fault for fault in among if fault in self._kinds]
        if self._left > 0 or not possible:
            return None
        self._left = None
        return self._rng.choice(possible)

    def _kill(self, where: str) -> None:
        self._story.remark(f"! killed {where}")
        raise Killed(where)


def _named(sql: str) -> str:
    """The beginning of a statement; savepoints are called otherwise in each process."""
    return sql.split()[0] if "SAVEPOINT" in sql else sql[:60]
