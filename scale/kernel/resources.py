"""Amounts of named resources, as one immutable value.

Units: ``cpus`` and ``gpus`` are counts, ``mem`` and ``disk`` are MiB; other names are whatever a cluster says.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Mapping
from functools import lru_cache

STANDARD = ("cpus", "mem", "disk", "gpus")
IMAGES = "images"  #: of this a job needs one that starts from an image; only nodes whose engine runs images have some
_ROUNDING = 1e-6  # sums of fractions such as 0.1 cpus must not refuse a fit


class Resources(Mapping[str, float]):
    """Named amounts; a name that is not there counts as 0."""

    __slots__ = ("_amounts",)

    def __init__(self, amounts: Mapping[str, float] | None = None, /, **named: float) -> None:
        merged = {**(amounts or {}), **named}
        self._amounts = {name: float(amount) for name, amount in merged.items()}

    def __getitem__(self, name: str) -> float:
        return self._amounts.get(name, 0.0)

    def __contains__(self, name: object) -> bool:
        return name in self._amounts

    def __iter__(self) -> Iterator[str]:
        return iter(self._amounts)

    def __len__(self) -> int:
        return len(self._amounts)

    def items(self) -> ItemsView[str, float]:
        return self._amounts.items()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        return all(abs(self[name] - other.get(name, 0.0)) < _ROUNDING for name in {*self, *other})

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Resources({', '.join(f'{name}={amount:g}' for name, amount in self._amounts.items())})"

    def __add__(self, other: Mapping[str, float]) -> Resources:
        return self._combined(other, 1.0)

    def __sub__(self, other: Mapping[str, float]) -> Resources:
        return self._combined(other, -1.0)

    def _combined(self, other: Mapping[str, float], times: float) -> Resources:
        sums = self._amounts.copy()
        for name, amount in other.items():
            sums[name] = sums.get(name, 0.0) + times * amount
        combined = Resources.__new__(Resources)
        combined._amounts = sums
        return combined

    def fits_in(self, room: Mapping[str, float]) -> bool:
        """Whether each amount is there; a resource the room does not know is fine only if none of it is wanted."""
        return all(amount <= room.get(name, 0.0) + _ROUNDING for name, amount in self._amounts.items())

    def without(self, name: str) -> Resources:
        return Resources({n: amount for n, amount in self._amounts.items() if n != name})


def shared_resources(amounts: Mapping[str, float]) -> Resources:
    """The value of these amounts, kept once for all who ask for the same."""
    return _of(tuple(amounts.items()))


@lru_cache(maxsize=10_000)
def _of(amounts: tuple[tuple[str, float], ...]) -> Resources:
    return Resources(dict(amounts))
