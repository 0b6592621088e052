"""How a process ended, as the end of a task: pure."""

from __future__ import annotations

import os

from scale.engines.local import wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def seen(status: int, cpu_seconds: float, peak_memory: float, *, asked: bool) -> dict[str, Any]:
    """The end of a process whose wait status was read.

    A task that ends well although it was asked to end has finished.

    :param peak_memory: MiB
    :param asked: whether we had been told to kill it
    """
    end: dict[str, Any] = {"cpu": round(cpu_seconds, 6), "mem": round(peak_memory, 3)}
    if os.WIFSIGNALED(status):
        end["signal"] = os.WTERMSIG(status)
    else:
        end["exit"] = os.WEXITSTATUS(status)
    finished = end.get("exit") == 0
    end["state"] = wire.FINISHED if finished else wire.KILLED if asked else wire.FAILED
    return end


def unseen() -> dict[str, Any]:
    return {
        "state": wire.FAILED,
        "reason": wire.EXIT_UNSEEN,
        "message": "it ran and is over, but nobody was there to see how it ended",
    }


def out_of_memory(end: dict[str, Any], limit: float) -> dict[str, Any]:
    """The end of a task that got over its limit, however its process ended then; one that we were asked to kill stays killed."""
    if end["state"] == wire.KILLED:
        return end
    return {**end, "state": wire.FAILED, "reason": wire.OUT_OF_MEMORY, "message": f"used more than its {limit:g} MiB of memory"}


def refused(reason: str, message: str) -> dict[str, Any]:
    """The end of a task that never started."""
    return {"state": wire.FAILED, "reason": reason, "message": message}


def withdrawn() -> dict[str, Any]:
    return {"state": wire.KILLED, "reason": wire.WITHDRAWN, "message": "taken back before there was room for it"}


def never_started() -> dict[str, Any]:
    return {"state": wire.KILLED, "message": "killed before it started"}
