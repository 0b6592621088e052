"""Which of the nodes that have no room now comes closest to it: the lowest score, and of equals the first. Pure."""

from __future__ import annotations

import numpy as np

from scale.scheduler.placement.snapshot import Columns


def shortfall(needs: Columns, usable: Columns, offered: Columns) -> Columns:
    """How much of the node must still become free before the ask fits, as a share of it; a number a node.

    ``needs``: resources; ``usable`` and ``offered``: nodes by resources.
    """
    lacking = np.maximum(needs - usable, 0.0)
    shares = np.divide(lacking, offered, out=np.zeros_like(lacking), where=offered > 0)
    return np.asarray(shares.sum(axis=1))
