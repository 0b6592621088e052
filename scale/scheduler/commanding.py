"""Goes on with what somebody wants done with many jobs, a bite at a time; after a crash from where the last one was committed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

from scale.job.commands.selectors import command_next, job_ids_next
from scale.job.commands.services import MOST_AT_ONCE, command_advance


def commands_advance(writing: Callable[[], AbstractContextManager[None]], when: datetime) -> bool:
    """One bite of the oldest command; tells whether there was one.

    Looked for before the transaction begins: to go through a million jobs for a few takes long.
    """
    command = command_next()
    if command is None:
        return False
    ids = job_ids_next(command, MOST_AT_ONCE)
    with writing():
        command_advance(command=command, ids=ids, is_last=len(ids) < MOST_AT_ONCE, when=when)
    return True
