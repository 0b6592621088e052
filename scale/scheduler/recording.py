"""Records what the managers hand over. What the database will never take is set aside, and the rest recorded without it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from scale.database import is_passing
from scale.fact import warn
from scale.job.execution.services import Recorded, messages_apply
from scale.job.messages import Message, bare_messages, by_execution
from scale.job.tasks.update import ReportedUpdate
from scale.kernel.ids import execution_of
from scale.scheduler.fence import Deposed
from scale.scheduler.services import set_aside

logger = logging.getLogger(__name__)
_NOBODY = (0, 0)  # no execution has these numbers
Writing = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Handover:
    """What is to be recorded together."""

    messages: Sequence[Message]
    updates: Sequence[ReportedUpdate]
    is_repeated: bool = False  #: an attempt before failed, and may have been committed all the same

    def __bool__(self) -> bool:
        return bool(self.messages or self.updates)


def record(handover: Handover, writing: Writing, when: datetime) -> Recorded:
    """Record all of it in one transaction; if something of it can never be recorded, each execution in its own.

    :raises Deposed: another scheduler leads
    :raises django.db.Error: the database is away, or in trouble that will pass; nothing was lost, so try again
    """
    try:
        return _apply(handover, writing, when)
    except Exception as error:
        if isinstance(error, Deposed) or is_passing(error):
            raise
    parts = [_record_one(key, part, writing, when) for key, part in _by_execution(handover).items()]
    return Recorded(*(tuple(chain.from_iterable(column)) for column in zip(*parts, strict=True)))


def _apply(handover: Handover, writing: Writing, when: datetime) -> Recorded:
    with writing():
        return messages_apply(messages=handover.messages, updates=handover.updates, when=when, is_repeated=handover.is_repeated)


def _record_one(key: tuple[int, int], handover: Handover, writing: Writing, when: datetime) -> Recorded:
    try:
        return _apply(handover, writing, when)
    except Exception as error:
        if isinstance(error, Deposed) or is_passing(error):
            raise
        refusal = error
    recorded = _without_words(handover, writing, when)
    job, exe = key
    warn(logger, "set-aside", job=job, exe=exe, why=refusal, is_recorded_without=recorded is not None)
    with writing():
        set_aside(
            job_id=job,
            exe_num=exe,
            content=ascii((handover.messages, handover.updates)),
            error=f"{type(refusal).__name__}: {refusal}",
            is_recorded_without=recorded is not None,
            when=when,
        )
    return recorded or Recorded((), ())


def _without_words(handover: Handover, writing: Writing, when: datetime) -> Recorded | None:
    """Record how it ended and nothing that anybody said of it; None if even that is refused."""
    try:
        return _apply(Handover(bare_messages(handover.messages), ()), writing, when)
    except Exception as error:
        if isinstance(error, Deposed) or is_passing(error):
            raise
        return None


def _by_execution(handover: Handover) -> dict[tuple[int, int], Handover]:
    messages = by_execution(handover.messages)
    updates: dict[tuple[int, int], list[ReportedUpdate]] = {}
    for update in handover.updates:
        updates.setdefault(execution_of(update.task_id) or _NOBODY, []).append(update)
    keys = {**messages, **updates}
    return {key: Handover(messages.get(key, ()), updates.get(key, ()), handover.is_repeated) for key in keys}
