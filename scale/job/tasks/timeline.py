"""The life of one task on a cluster: launched, running, ended; when it is late, and when to ask after it. Pure.

The rules:

* Created, launched (*staging*), running, ended. A loss takes a task back to created.
* A task is late strictly after its time; once late it stays late, and is to be killed. One that has an excuse for not having
  started begins its time anew.
* A kill is repeated until the end is known; nothing is killed that was not launched or has ended.
* We ask after a task of which nothing was heard for a while, or at once when somebody says so.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from scale.engines.protocol import Usage
from scale.job.tasks.update import ENDED, LOST, RUNNING, TaskStatus, TaskStatusUpdate

RUNNING_TIMEOUT: Final = timedelta(hours=1)
STAGING_TIMEOUT: Final = timedelta(minutes=2)
RUNNING_SILENCE: Final = timedelta(minutes=10)
STAGING_SILENCE: Final = timedelta(seconds=30)
AT_ONCE: Final = datetime.min.replace(tzinfo=UTC)
NEVER: Final = datetime.max.replace(tzinfo=UTC)


class Timeline:
    """How far a task has come. It is changed in place, by one at a time; until a loss, what is known of it stays known."""

    __slots__ = (
        "container_name", "ended", "exit_code", "final_status", "heard", "is_asked_after", "is_late", "is_unwanted", "launched",
        "message", "native_state", "signal", "started", "usage",
    )  # fmt: skip
    _running_timeout_threshold: timedelta | None = RUNNING_TIMEOUT  # None: it may take for ever; a kind of task has its own
    _staging_timeout_threshold: timedelta | None = STAGING_TIMEOUT
    _running_recon_threshold = RUNNING_SILENCE
    _staging_recon_threshold = STAGING_SILENCE

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """It has been created, and nothing else."""
        self.launched: datetime | None = None
        self.started: datetime | None = None
        self.ended: datetime | None = None
        self.heard: datetime | None = None  #: when anything was last heard of it, the launch included
        self.final_status: TaskStatus | None = None
        self.exit_code: int | None = None
        self.signal: int | None = None
        self.usage: Usage | None = None
        self.message = ""  #: what the engine said of the end
        self.container_name: str | None = None
        self.native_state = ""
        self.is_late = self.is_unwanted = self.is_asked_after = False

    def launch(self, when: datetime) -> None:
        """A second launch changes nothing."""
        if self.launched is None:
            self.launched = self.heard = when

    def excuse(self, when: datetime) -> None:
        """It is no fault of the task that it has not started yet."""
        if self.launched is not None and self.started is None and self.ended is None:
            self.launched = when

    def take(self, news: TaskStatusUpdate) -> None:
        """What is heard of it; news of another task are not for it."""
        status = news.status
        if status is LOST and self.ended is None:
            self.begin()
            return
        self.heard = heard = news.when or self.heard
        self.is_asked_after = False
        if self.ended is not None:
            return
        if status in ENDED:
            self._end(news, heard)
        elif status is RUNNING and self.started is None:
            self.container_name, self.native_state, self.started = news.container_name, news.native_status, heard

    def _end(self, news: TaskStatusUpdate, when: datetime | None) -> None:
        self.final_status, self.exit_code, self.signal = news.status, news.exit_code, news.signal
        self.usage, self.message, self.native_state = news.usage, news.message or "", news.native_status
        self.ended = when  # last: from now on nothing changes

    def check_timeout(self, when: datetime) -> bool:
        """Whether the task is late; from then on it is to be killed."""
        if self.launched is not None and not self.is_late and self.ended is None:
            since, allowed, _ = self._limits(self.launched)
            self.is_late = allowed is not None and when - since > allowed
            self.is_unwanted |= self.is_late
        return self.is_late

    def due(self) -> datetime:
        """Before this moment there is nothing to be done about the task, if nobody says anything of it."""
        if self.launched is None or self.ended is not None:
            return NEVER
        if self.is_unwanted or self.is_asked_after:
            return AT_ONCE
        since, allowed, silence = self._limits(self.launched)
        is_silent = (self.heard or since) + silence
        return is_silent if allowed is None else min(since + allowed, is_silent)

    def needs_killed(self) -> bool:
        """Whether to send a kill (again)."""
        return self.is_unwanted and self.launched is not None and self.ended is None

    def needs_reconciliation(self, when: datetime) -> bool:
        """Whether to ask the engine how the task stands."""
        if self.launched is None or self.ended is not None:
            return False
        return self.is_asked_after or when - (self.heard or self.launched) > self._limits(self.launched)[2]

    def _limits(self, launched: datetime) -> tuple[datetime, timedelta | None, timedelta]:
        """Since when it is as it is, for how long it may be, and for how long nothing need be heard of it."""
        if self.started is None:
            return launched, self._staging_timeout_threshold, self._staging_recon_threshold
        return self.started, self._running_timeout_threshold, self._running_recon_threshold
