"""What loops meet that will pass, such as a database that is away: for the log when it begins and ends, and for the status."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from scale.scheduler.status import Warning

_TOLD_AGAIN = timedelta(seconds=30)
_SHOWN_FOR = timedelta(minutes=10)  #: after it is over


@dataclass(frozen=True, slots=True)
class Trouble:
    words: str
    since: datetime
    told: datetime
    until: datetime | None = None


class Troubles:
    """Thread-safe; one trouble for each loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: dict[str, Trouble] = {}

    def met(self, loop: str, words: str, when: datetime) -> bool:
        """Whether this is news: the trouble has begun, or become another, or goes on for long."""
        with self._lock:
            before = self._of.get(loop)
            if before is None or before.until is not None:
                self._of[loop] = Trouble(words, when, when)
                return True
            is_news = before.words != words or when - before.told >= _TOLD_AGAIN
            self._of[loop] = replace(before, words=words, told=when if is_news else before.told)
            return is_news

    def over(self, loop: str, when: datetime) -> timedelta | None:
        """The loop has made a turn well; how long its trouble lasted, if it had one until now."""
        with self._lock:
            before = self._of.get(loop)
            if before is None or before.until is not None:
                return None
            self._of[loop] = replace(before, until=when)
            return when - before.since

    def warnings(self, when: datetime) -> list[Warning]:
        """Those that last, and those that have been over for ten minutes or less."""
        with self._lock:
            known = dict(self._of)
        return [
            _warning(loop, trouble, when)
            for loop, trouble in known.items()
            if trouble.until is None or when - trouble.until <= _SHOWN_FOR
        ]


def _warning(loop: str, trouble: Trouble, when: datetime) -> Warning:
    last = trouble.until or when
    seconds = (last - trouble.since).total_seconds()
    how_long = f"for {seconds:.0f} s, until it was over" if trouble.until else f"for {seconds:.0f} s now"
    return Warning(f"TROUBLE_{loop.upper()}", f"The {loop} loop met trouble", f"{how_long}: {trouble.words}", trouble.since, last)
