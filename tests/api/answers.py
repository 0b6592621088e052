"""How tests read an answer, and where they put the output of tasks."""

from __future__ import annotations

from scale.engines.protocol import Stream


def words(text: str) -> set[str]:
    """A set of names, as one reads it."""
    return set(text.split())


def fields_at_fault(answer) -> list[str]:
    """The fields that a refusal names."""
    assert answer.status_code == 400, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["detail"]
    return [fault["field"] for fault in problem["errors"]]


class Shelf:
    """A log source that holds what a test puts there."""

    held: dict[tuple[str, Stream], bytes] = {}

    def __init__(self, home):
        self.home = home

    def size(self, task_id, stream):
        return len(self.held[task_id, stream]) if (task_id, stream) in self.held else None

    def read(self, task_id, stream, start=0, stop=None):
        return self.held[task_id, stream][start:stop]
