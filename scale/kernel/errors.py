"""The three kinds of trouble, by who must act. A class's docstring is its message.

ScaleError
├── BadRequest        the caller must change something      -> a 4xx answer, never logged as an error
│   ├── Invalid       the input breaks rules; carries every fault with its field
│   ├── NotFound      what was named is not there
│   ├── Forbidden     this person may not do this
│   └── Conflict      it goes against what was done before
├── ClusterTrouble    the cluster may be well again soon    -> the loop that met it tries again
└── Broken            a promise of ours was broken          -> the process stops
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import NamedTuple


class ScaleError(Exception):
    """Something Scale itself can explain."""

    def __str__(self) -> str:
        return super().__str__() or inspect.getdoc(type(self)) or type(self).__name__


class BadRequest(ScaleError):
    """The caller can fix this."""


class Fault(NamedTuple):
    """One thing wrong with an input: where (a dotted path such as ``resources.cpus``) and what would be right."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


class Invalid(BadRequest):
    """The input breaks a rule."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(str(fault) for fault in self.faults))

    @property
    def told(self) -> list[dict[str, str]]:
        """The faults in the form of the API."""
        return [fault._asdict() for fault in self.faults]


class NotFound(BadRequest):
    """There is no such thing."""


class Forbidden(BadRequest):
    """You may not do this."""


class Conflict(BadRequest):
    """This goes against what was done before."""


class ClusterTrouble(ScaleError):
    """The cluster may be well again soon."""


class Broken(ScaleError):
    """A promise of ours was broken."""
