"""Which of the nodes that have no room now comes closest to it: the lowest score, and of equals the first. Pure."""

from __future__ import annotations

import numpy as np

from scale.scheduler.placement.columns import Columns, Mask, Needs


def shortfall(needs: Needs, usable: Columns, offered: Columns, could: Mask) -> Columns:
    """How much of each node must still become free before the ask fits, as a share of it; endless where it never could.

    ``usable`` and ``offered``: a row a resource, a column a node.
    """
    shares = np.where(could, 0.0, np.inf)
    for row, amount in needs:
        lacking = np.maximum(amount - usable[row], 0.0)
        shares += np.divide(lacking, offered[row], out=lacking, where=could)
    return shares
