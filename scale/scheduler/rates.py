"""How often things happened since the status was last rendered. Counters behind a lock."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from scale.kernel.locks import OwnedLock

NAMES = (
    "new_offers",
    "task_updates",
    "tasks_finished",
    "jobs_finished",
    "jobs_launched",
    "tasks_launched",
    "offers_launched",
)


class Rates:
    """Thread-safe."""

    def __init__(self, when: datetime) -> None:
        self._lock = OwnedLock()
        self._counts: Counter[str] = Counter()
        self._since = when

    def count(self, name: str, number: int = 1) -> None:
        with self._lock:
            self._counts[name] += number

    def generate_status_json(self, when: datetime) -> dict[str, float]:
        """Events a second since the last call; the counting starts anew."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
            seconds, self._since = (when - self._since).total_seconds(), when
        return {f"{name}_per_sec": _rounded(counts[name] / seconds) if seconds > 0 else 0.0 for name in NAMES}


def _rounded(rate: float) -> float:
    if rate > 100:
        return round(rate)
    return round(rate, 1 if rate > 10 else 2)
