"""Semantic versions: which texts are one, and which of two comes first. By the library `semver`, pre-releases too."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field
from semver import Version

_NUMBER = "(?:0|[1-9][0-9]*)"
_PRE = f"(?:{_NUMBER}|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)"
_BUILD = "[0-9a-zA-Z-]+"
#: of a whole version, as JSON schema and pydantic both read it
PATTERN = rf"^{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-{_PRE}(?:\.{_PRE})*)?(?:\+{_BUILD}(?:\.{_BUILD})*)?$"
MAX_LENGTH = 50  #: what the column of a job type holds

SemVer = Annotated[str, Field(pattern=PATTERN, max_length=MAX_LENGTH)]


def compare(one: str, other: str) -> int:
    """-1, 0 or 1: before, as good as, or after the other. Build metadata (`+...`) does not count."""
    return Version.parse(one).compare(other)


def in_order(versions: Iterable[str]) -> list[str]:
    """The oldest first, `1.0.0-rc1` before `1.0.0`; what differs in build metadata alone stands by its text."""
    return sorted(versions, key=lambda version: (Version.parse(version), version))


def newest(versions: Iterable[str]) -> str | None:
    """The last of them, or None of none; a pre-release only if there is nothing else."""
    known = in_order(versions)
    released = [version for version in known if not Version.parse(version).prerelease]
    return next(reversed(released or known), None)
