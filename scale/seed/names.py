"""The names that a program meets: its environment variables, and the image that a manifest belongs to."""

from __future__ import annotations

import re
from typing import NamedTuple

from scale.seed.versions import PATTERN

OUTPUT_DIR = "OUTPUT_DIR"
INPUT_METADATA = "INPUT_METADATA"
ALLOCATED = "ALLOCATED_"
OURS = ("SCALE_", ALLOCATED)  #: what Scale sets begins so
SET_BY_SCALE = frozenset({OUTPUT_DIR, INPUT_METADATA, "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES"})
#: what programs and the shell itself go by
RELIED_ON = frozenset(
    {"HOME", "IFS", "LANG", "LD_LIBRARY_PATH", "LD_PRELOAD", "PATH", "PWD", "PYTHONPATH", "SHELL", "TMPDIR", "TZ", "USER"}
)

_SEED = re.compile(rf"(?P<name>[a-zA-Z0-9-]+?)-(?P<job>{PATTERN[1:-1]})-seed:(?P<package>{PATTERN[1:-1]})")
_REFERENCE = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*:[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}")


def variable(name: str) -> str:
    """The environment variable of an input or a setting: `db-host` is DB_HOST."""
    return name.upper().replace("-", "_")


def allocated(resource: str) -> str:
    """The variable that says how much of a resource a program was given."""
    return ALLOCATED + variable(resource)


class SeedImage(NamedTuple):
    """How an image of the Seed standard is named: ``name-jobVersion-seed:packageVersion``."""

    name: str
    job_version: str
    package_version: str

    def __str__(self) -> str:
        return f"{self.name}-{self.job_version}-seed:{self.package_version}"

    @property
    def is_reference(self) -> bool:
        """Whether a registry takes it: it knows neither capitals in a name nor `+` anywhere."""
        return _REFERENCE.fullmatch(str(self)) is not None


def seed_image(text: str) -> SeedImage | None:
    """What an image's name says, behind registry and folders; None if it is not named by the standard."""
    found = _SEED.fullmatch(text.rpartition("/")[2])
    return SeedImage(found["name"], found["job"], found["package"]) if found else None
