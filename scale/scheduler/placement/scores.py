"""Which of several nodes: of those that have no room the one that comes closest to it, of the others the fullest or the one with
the most free; of equals the first. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import truediv

import numpy as np

from scale.queue.constraints import Strategy
from scale.scheduler.placement.attributes import Mask
from scale.scheduler.placement.columns import ROUNDING, Columns, Needs


def shortfall(needs: Needs, usable: Columns, offered: Columns, could: Mask) -> Columns:
    """How much of each node must still become free before the ask fits, as a share of it; endless where it never could.

    ``usable`` and ``offered``: a row a resource, a column a node.
    """
    shares = np.where(could, 0.0, np.inf)
    for row, amount in needs:
        lacking = np.maximum(amount - usable[row], 0.0)
        shares += np.divide(lacking, offered[row], out=lacking, where=could)
    return shares


def free_share(needs: Needs, usable: Columns, offered: Columns) -> Columns:
    """How free each node is: of the resources that are wanted, the share of the one that is scarcest there."""
    shares = np.ones(offered.shape[1])
    for row, _ in needs:
        of_row = np.divide(usable[row], offered[row], out=np.zeros_like(shares), where=offered[row] > 0)
        np.minimum(shares, of_row, out=shares)
    return shares


def ranked(strategy: Strategy, shares: Columns, fits: Mask) -> Columns:
    """The higher, the better; where it does not fit, endlessly low."""
    return np.where(fits, _SIGN[strategy] * shares, -np.inf)


def rank(strategy: Strategy, usable: Sequence[float], offered: Sequence[float], needs: Needs) -> float:
    """The same of one node, of which this may be used and this is offered of each resource that is wanted."""
    if any(has < amount - ROUNDING for has, (_, amount) in zip(usable, needs, strict=True)):
        return -np.inf
    return _SIGN[strategy] * min(map(truediv, usable, offered), default=1.0)


def best(ranks: Columns) -> int:
    """The place of the first of the best; -1 if nothing fits anywhere."""
    highest = ranks.max(initial=-np.inf)
    return -1 if highest == -np.inf else int(np.argmax(ranks >= highest - ROUNDING))


_SIGN = {Strategy.SPREAD: 1.0, Strategy.PACK: -1.0}
