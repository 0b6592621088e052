"""What can go wrong between us and a batch system, by the names that users of qtoolkit know.

QTKException (QTKError)
├── CommandFailedError          a command of the batch system failed            -> ClusterTrouble: may be well again soon
├── OutputParsingError          it said something that we cannot read           -> ClusterTrouble
├── UnsupportedResourcesError   it cannot give what was asked for               -> BadRequest: the caller must change something
│   └── InvalidFieldError       a field holds what it must not; names each one  -> Invalid, and a ValueError
└── InvalidJobIDError           no job of this batch system can have this id    -> BadRequest, and a ValueError
"""

from __future__ import annotations

from scale.kernel.errors import BadRequest, ClusterTrouble, Invalid, ScaleError


class QTKException(ScaleError):
    """Something went wrong between us and the batch system."""


#: the same class by its newer name
QTKError = QTKException


class CommandFailedError(QTKException, ClusterTrouble):
    """A command of the batch system failed."""


class OutputParsingError(QTKException, ClusterTrouble):
    """The batch system said something that cannot be read."""


class UnsupportedResourcesError(QTKException, BadRequest):
    """The batch system cannot give what was asked for."""


class InvalidFieldError(UnsupportedResourcesError, Invalid, ValueError):
    """A field holds what it must not."""


class InvalidJobIDError(QTKException, BadRequest, ValueError):
    """No job of this batch system can have this id."""
