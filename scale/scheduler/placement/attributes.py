"""Which nodes meet what is asked of their attributes: as a mask over all of them, and in a sentence. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scale.kernel.attributes import Value, token
from scale.kernel.reading import shown
from scale.queue.constraints import Constraint, Constraints

Mask = NDArray[np.bool_]


class _Column(NamedTuple):
    """One attribute: its values as written, each once, and the number of each node's; that of a node without it is the last."""

    numbers: NDArray[np.intp]
    values: list[str]
    number_of: Mapping[str, int]


class AttributeColumns:
    """What nodes have, as a column for each attribute that was ever asked for. For other attributes, another one is made."""

    def __init__(self, of_nodes: Sequence[Mapping[str, Value]]) -> None:
        self._of_nodes = of_nodes
        self._columns: dict[str, _Column] = {}

    def mask(self, constraints: Constraints) -> Mask:
        """The nodes that meet all of them."""
        meets = np.ones(len(self._of_nodes), dtype=bool)
        for one in constraints.each:
            meets &= self._mask_of(one)
        return meets

    def nobody_meets(self, constraints: Constraints) -> str:
        """Name the constraints that no node meets; if each is met somewhere, but never together, say that."""
        alone = [shown(str(one)) for one in constraints.each if not self._mask_of(one).any()]
        return f"no node has {' or '.join(alone)}" if alone else f"no single node has {constraints}"

    def _mask_of(self, one: Constraint) -> Mask:
        column = self._column(one.attribute)
        accepted = np.full(len(column.values) + 1, one.accepts_others)
        if one.is_comparison:
            accepted[:-1] = [one.accepts(value) for value in column.values]
        else:
            listed = [column.number_of[token(value)] for value in one.values if token(value) in column.number_of]
            accepted[listed] = not one.accepts_others
        accepted[-1] = one.accepts(None)
        return accepted[column.numbers]

    def _column(self, name: str) -> _Column:
        if name not in self._columns:
            self._columns[name] = _column(name, self._of_nodes)
        return self._columns[name]


def _column(name: str, of_nodes: Sequence[Mapping[str, Value]]) -> _Column:
    number_of: dict[str, int] = {}
    written = lru_cache(typed=True)(token)  # most attributes have few values
    numbers = [
        number_of.setdefault(written(value), len(number_of)) if (value := of_node.get(name)) is not None else -1
        for of_node in of_nodes
    ]
    return _Column(np.array(numbers, dtype=np.intp), list(number_of), number_of)
