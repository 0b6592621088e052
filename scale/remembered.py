"""What a process remembers of the database for a moment, so that not every request asks for what hardly ever changes."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from django.db import models, transaction
from django.db.models.signals import post_delete, post_save

from scale.present import clock

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

LIFE = 1.0  #: seconds for which nobody hears of what another process has changed


class Remembered(Generic[K, V]):
    """Thread-safe. What this process changes is forgotten at once, as `forget_on_change` says; an error is never kept."""

    def __init__(self, load: Callable[[K], V], most: int = 10_000, life: float = LIFE) -> None:
        self._load = load
        self._most = most
        self._life = life
        self._held: dict[K, tuple[float, V]] = {}

    def get(self, key: K) -> V:
        held, now = self._held, clock().monotonic()
        until, value = held.get(key, (now, None))
        if until > now:
            return value  # type: ignore[return-value]  # only what is not there is None
        if len(held) >= self._most:
            held = self._held = {}
        value = self._load(key)
        held[key] = (now + self._life, value)  # where it was looked for: if all was forgotten meanwhile, this is too
        return value

    def forget(self) -> None:
        self._held = {}


def forget_on_change(remembered: Remembered[Any, Any], *of: type[models.Model]) -> None:
    """Forget all when a row of these models is saved or deleted here: now for this transaction, and for others at its end."""

    def forget(**_: Any) -> None:
        remembered.forget()
        transaction.on_commit(remembered.forget)

    for model in of:
        for signal in (post_save, post_delete):
            signal.connect(forget, sender=model, weak=False, dispatch_uid=(id(remembered), model))
