"""What is to start, in the order in which it was launched; some of it only once there is room beside what runs. Pure."""

from __future__ import annotations

from collections import OrderedDict, deque
from itertools import chain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    Order = dict[str, Any]

_ROUNDING = 1e-6  # sums of fractions such as 0.1 cpus must not refuse a fit


class Line:
    """Launches that have not been carried out, and what those take that have been and run."""

    def __init__(self) -> None:
        self._due: deque[Order] = deque()
        self._waiting: OrderedDict[str, Order] = OrderedDict()  # a dict's first is slow to find once many before it have left
        self._offered: Mapping[str, float] = {}
        self._holders: dict[str, Mapping[str, float]] = {}  # the tasks that hold room, with what each takes
        self._taken: dict[str, float] = {}  # by all of them

    def __bool__(self) -> bool:
        return bool(self._due or self._waiting)

    def __iter__(self) -> Iterator[Order]:
        return chain(self._due, self._waiting.values())

    @property
    def first(self) -> Order | None:
        """What may start now. Nobody overtakes those that wait; but alone on the machine anything may start."""
        if self._due:
            return self._due[0]
        first = next(iter(self._waiting.values()), None)
        return first if first and (not self._holders or self._has_room(first["needs"])) else None

    def join(self, orders: Iterable[Order], offered: Mapping[str, float]) -> None:
        """:param offered: what tasks may take of the machine together"""
        self._offered = offered or self._offered
        for order in orders:
            if order.get("waits"):
                self._waiting.setdefault(order["id"], order)
            else:
                self._due.append(order)

    def leave(self, order: Order) -> None:
        """It has been carried out."""
        if self._waiting.pop(order["id"], None) is None:
            self._due.remove(order)

    def withdraw(self, ids: Iterable[str]) -> list[Order]:
        """Take back those that wait for room."""
        return [order for task_id in ids if (order := self._waiting.pop(task_id, None))]

    def kill(self, order: Order) -> None:
        """It is not to start; to be told so it needs no room."""
        order["killed"] = True
        if self._waiting.pop(order["id"], None):
            self._due.append(order)

    def pop_killed(self) -> list[Order]:
        killed = [order for order in self._due if order.get("killed")]
        self._due = deque(order for order in self._due if not order.get("killed"))
        return killed

    def take(self, task_id: str, needs: Mapping[str, float]) -> None:
        """This task runs now, and takes so much; to say so again changes nothing."""
        if task_id not in self._holders:
            self._holders[task_id] = needs
            for name, amount in needs.items():
                self._taken[name] = self._taken.get(name, 0.0) + amount

    def give(self, task_id: str) -> None:
        """What it took is free, if it held anything."""
        for name, amount in self._holders.pop(task_id, {}).items():
            self._taken[name] -= amount
        if not self._holders:
            self._taken.clear()  # and what rounding left behind

    def _has_room(self, needs: Mapping[str, float]) -> bool:
        taken, offered = self._taken, self._offered
        for name, amount in needs.items():
            if amount and taken.get(name, 0.0) + amount > offered.get(name, 0.0) + _ROUNDING:
                return False
        return True
