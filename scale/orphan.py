"""Lets a child end when its parent is gone, even one that was killed with SIGKILL.

The parent puts its process id under ``PARENT`` into the child's environment; the child calls ``end_with_parent`` first
of all. The kernel remembers it through exec, but not through fork: each child has to ask for itself.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import MutableMapping

PARENT = "END_WITH_PARENT"  #: the variable; whoever reads it takes it out, so that nobody further down believes it
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def end_with_parent(variables: MutableMapping[str, str] = os.environ) -> None:
    """Get a SIGTERM when the parent ends, if the parent asked for that; for programs that also run by themselves."""
    parent = variables.pop(PARENT, "")
    if parent:
        end_with(int(parent))


def end_with(parent: int) -> None:
    """Get a SIGTERM when this parent ends, or now if it is gone already."""
    if sys.platform == "linux" and ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)
