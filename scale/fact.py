"""A fact is a line in the log: ``event=placed job=12 exe=1 node=n1``. What concerns a job names it: a grep tells its story."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Iterable
from itertools import islice

_AT_ONCE = 1000  # lines in one record
_MANY = "is_many_facts"  # the mark of a record that holds several lines
_is_bare = re.compile(r"[a-zA-Z0-9_.:/@+,-]*").fullmatch


def tell(logger: logging.Logger, event: str, **details: object) -> None:
    """Write one fact; details that are None or empty are left out."""
    if logger.isEnabledFor(logging.INFO):
        logger.info(line(event, **details))


def tell_all(logger: logging.Logger, facts: Iterable[str]) -> None:
    """Write many facts, each as `line` makes it, for little more than one costs; they are only made if they are written."""
    left = iter(facts)
    while logger.isEnabledFor(logging.INFO) and (lines := list(islice(left, _AT_ONCE))):
        logger.info("\n".join(lines), extra={_MANY: True})


def warn(logger: logging.Logger, event: str, **details: object) -> None:
    """The same of something that operators should look at."""
    logger.warning(line(event, **details))


def line(event: str, **details: object) -> str:
    """The words of a fact; a value that is not plain is quoted as JSON does it."""
    told = [
        f"{name}={value if type(value) is int else _quoted(value)}"
        for name, value in details.items()
        if value is not None and value != ""
    ]
    return " ".join([f"event={event}", *told])


def _quoted(value: object) -> str:
    text = str(value)
    return text if _is_bare(text) else json.dumps(text)


class FactFormatter(logging.Formatter):
    """When, how grave, where, what: ``2026-01-31T12:00:00.000Z INFO scale.scheduler.process event=...``, in UTC."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        if not hasattr(record, _MANY):
            return text
        head = text[: len(text) - len(record.message)]
        return head + record.message.replace("\n", f"\n{head}")
