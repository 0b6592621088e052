"""What this machine has: cpus, memory, disk, GPUs."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from scale.engines.protocol import Condition
from scale.environment import Environment
from scale.kernel.resources import Resources

_MIB = 1024 * 1024
_NVIDIA = Path("/proc/driver/nvidia/gpus")
_LEAST_DISK = 1024 * _MIB  # that a node must have free, and this part of it all
_LEAST_PART = 0.01
_PATIENCE = 5  # seconds for a driver's tool that may hang


def measured(home: Path) -> tuple[Resources, Resources]:
    """What the machine has, and what of it tasks may have: all but the part of the disk that is full."""
    disk = shutil.disk_usage(home)
    cpus = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _MIB
    total = Resources(cpus=cpus, mem=round(memory), disk=round(disk.total / _MIB), gpus=_gpus())
    return total, Resources({**total, "disk": round(disk.free / _MIB)})


def conditions(free: int, total: int, *, is_full: bool = False) -> tuple[Condition, ...]:
    """What is wrong with a machine whose disk has so many bytes free. Pure.

    :param is_full: it did not take what was written; it may have bytes free, but no files, or none for us
    """
    is_low = is_full or free < _LEAST_DISK or free < _LEAST_PART * total
    return (Condition.LOW_DISK_SPACE,) if is_low else ()


def overrides(environment: Environment) -> Resources:
    """What the settings say instead."""
    settings = {
        "cpus": environment.local_cpus,
        "mem": environment.local_mem,
        "disk": environment.local_disk,
        "gpus": environment.local_gpus,
    }
    return Resources({name: amount for name, amount in settings.items() if amount is not None})


def _gpus() -> int:
    if _NVIDIA.is_dir():
        return len(list(_NVIDIA.iterdir()))
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return 0
    try:
        listed = subprocess.run([tool, "-L"], capture_output=True, text=True, timeout=_PATIENCE, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return sum(line.startswith("GPU ") for line in listed.stdout.splitlines())
