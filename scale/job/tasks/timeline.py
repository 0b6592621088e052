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
from typing import Final, NamedTuple

from scale.engines.protocol import Usage
from scale.job.tasks.update import ENDED, TaskStatus, TaskStatusUpdate

RUNNING_TIMEOUT: Final = timedelta(hours=1)
STAGING_TIMEOUT: Final = timedelta(minutes=2)
RUNNING_SILENCE: Final = timedelta(minutes=10)
STAGING_SILENCE: Final = timedelta(seconds=30)
AT_ONCE: Final = datetime.min.replace(tzinfo=UTC)
NEVER: Final = datetime.max.replace(tzinfo=UTC)


class Timeline(NamedTuple):
    launched: datetime | None = None
    started: datetime | None = None
    ended: datetime | None = None
    heard: datetime | None = None  #: when anything was last heard of it, the launch included
    final_status: TaskStatus | None = None
    exit_code: int | None = None
    signal: int | None = None
    usage: Usage | None = None
    message: str = ""
    container_name: str | None = None
    native_state: str = ""
    is_late: bool = False
    is_unwanted: bool = False
    is_asked_after: bool = False


CREATED = Timeline()


def launch(line: Timeline, when: datetime) -> Timeline:
    """A second launch changes nothing."""
    return line._replace(launched=when, heard=when) if line.launched is None else line


def excuse(line: Timeline, when: datetime) -> Timeline:
    """It is no fault of the task that it has not started yet."""
    is_waiting = line.launched is not None and line.started is None and line.ended is None
    return line._replace(launched=when) if is_waiting else line


def update(line: Timeline, news: TaskStatusUpdate) -> Timeline:
    heard = news.when or line.heard
    if line.ended is not None:
        return line._replace(is_asked_after=False, heard=heard)
    if news.status in ENDED:
        return _end(line, news, heard)
    if news.status is TaskStatus.LOST:
        return CREATED
    if news.status is TaskStatus.RUNNING and line.started is None:
        return _start(line, news, heard)
    return line._replace(is_asked_after=False, heard=heard)


def _start(line: Timeline, news: TaskStatusUpdate, when: datetime | None) -> Timeline:
    return Timeline(  # as `_replace` would make it, for a third of the cost
        launched=line.launched,
        started=when,
        heard=when,
        container_name=news.container_name,
        native_state=news.native_status,
        is_late=line.is_late,
        is_unwanted=line.is_unwanted,
    )


def _end(line: Timeline, news: TaskStatusUpdate, when: datetime | None) -> Timeline:
    return Timeline(
        launched=line.launched,
        started=line.started,
        ended=when,
        heard=when,
        final_status=news.status,
        exit_code=news.exit_code,
        signal=news.signal,
        usage=news.usage,
        message=news.message or "",
        container_name=line.container_name,
        native_state=news.native_status,
        is_late=line.is_late,
        is_unwanted=line.is_unwanted,
    )


def check_timeout(line: Timeline, when: datetime, *, running: timedelta | None, staging: timedelta | None) -> Timeline:
    """See whether the task is late; None means that it may take for ever."""
    if line.launched is None or line.is_late or line.ended is not None:
        return line
    since, allowed = (line.launched, staging) if line.started is None else (line.started, running)
    if allowed is None or when - since <= allowed:
        return line
    return line._replace(is_late=True, is_unwanted=True)


def due(
    line: Timeline, *, running: timedelta | None, staging: timedelta | None, silences: tuple[timedelta, timedelta]
) -> datetime:
    """Before this moment there is nothing to be done about the task, if nobody says anything of it.

    :param silences: while it is staging, and while it runs
    """
    if line.launched is None or line.ended is not None:
        return NEVER
    if line.is_unwanted or line.is_asked_after:
        return AT_ONCE
    since, allowed, silence = (
        (line.launched, staging, silences[0]) if line.started is None else (line.started, running, silences[1])
    )
    is_silent = (line.heard or line.launched) + silence
    return is_silent if allowed is None else min(since + allowed, is_silent)


def needs_killed(line: Timeline) -> bool:
    return line.is_unwanted and line.launched is not None and line.ended is None


def needs_reconciliation(line: Timeline, when: datetime, *, running: timedelta, staging: timedelta) -> bool:
    if line.launched is None or line.ended is not None:
        return False
    silence = when - (line.heard or line.launched)
    return line.is_asked_after or silence > (staging if line.started is None else running)
