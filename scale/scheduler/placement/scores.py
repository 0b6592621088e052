"""Which of the nodes that would do is the best one: the lowest score, and of equals the first. Pure."""

from __future__ import annotations

import numpy as np

from scale.scheduler.placement.snapshot import Columns


def leftover(needs: Columns, free: Columns, offered: Columns) -> Columns:
    """Best fit: the share of the node that would stay free, so that large room is kept for large asks.

    ``needs``: resources; ``free`` and ``offered``: nodes by resources. Returns a number a node, from 0 (full).
    """
    return np.asarray(_shares(free - needs, offered).sum(axis=1))


def shortfall(needs: Columns, usable: Columns, offered: Columns) -> Columns:
    """How much of the node must still become free before the ask fits, as a share of it; a number a node."""
    return np.asarray(_shares(np.maximum(needs - usable, 0.0), offered).sum(axis=1))


def _shares(amounts: Columns, offered: Columns) -> Columns:
    return np.divide(amounts, offered, out=np.zeros_like(amounts), where=offered > 0)
