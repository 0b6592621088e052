"""What happened in a simulation, as numbered lines that a person can read."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from scale.kernel.clock import Clock


class Violation(AssertionError):
    """A promise was not kept."""


class Story:
    """Steps, and what came of each. Cheap to keep: it is put into words only when somebody asks."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: list[tuple[str, ...] | str] = []
        self.steps = 0

    def step(self, what: str) -> None:
        self.steps += 1
        self._told.append((str(self.steps), f"{self._clock.now():%d. %H:%M:%S}", what))

    def remark(self, what: str) -> None:
        """Something that came of the step."""
        self._told.append(what)

    def lines(self) -> Iterator[str]:
        for told in self._told:
            if isinstance(told, str):
                yield f"{'':19}{told}"
            else:
                number, when, what = told
                yield f"{number:>4}  {when}  {what}"

    def __str__(self) -> str:
        return "\n".join(self.lines())

    @contextmanager
    def with_log(self) -> Iterator[None]:
        """What Scale writes into its log, among the steps."""
        log = logging.getLogger("scale")
        handler = _Remarks(self)
        level, log.propagate = log.level, False
        log.addHandler(handler)
        log.setLevel(logging.INFO)
        try:
            yield
        finally:
            log.removeHandler(handler)
            log.setLevel(level)
            log.propagate = True


class _Remarks(logging.Handler):
    def __init__(self, story: Story) -> None:
        super().__init__()
        self._story = story

    def emit(self, record: logging.LogRecord) -> None:
        self._story.remark(record.getMessage())


@contextmanager
def without_log() -> Iterator[None]:
    log = logging.getLogger("scale")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(level)
