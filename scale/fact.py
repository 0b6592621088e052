"""A fact is a line in the log: ``event=placed job=12 exe=1 node=n1``. What concerns a job names it: a grep tells its story."""

from __future__ import annotations

import json
import logging
import time

_BARE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:/@+,")


def tell(logger: logging.Logger, event: str, **details: object) -> None:
    """Write one fact; details that are None or empty are left out."""
    if logger.isEnabledFor(logging.INFO):
        logger.info(line(event, **details))


def warn(logger: logging.Logger, event: str, **details: object) -> None:
    """The same of something that operators should look at."""
    logger.warning(line(event, **details))


def line(event: str, **details: object) -> str:
    """The words of a fact; a value that is not plain is quoted as JSON does it."""
    told = {"event": event, **details}
    return " ".join(f"{name}={_quoted(str(value))}" for name, value in told.items() if value is not None and value != "")


def _quoted(value: str) -> str:
    return value if _BARE.issuperset(value) else json.dumps(value)


class FactFormatter(logging.Formatter):
    """When, how grave, where, what: ``2026-01-31T12:00:00.000Z INFO scale.scheduler.process event=...``, in UTC."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")
