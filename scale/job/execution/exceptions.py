"""What can be wrong with the documents of an execution."""

from __future__ import annotations

from scale.kernel.errors import BadRequest


class InvalidTaskResults(BadRequest):
    """The task results are not valid."""


class InvalidExecutionConfiguration(BadRequest):
    """The execution configuration is not valid."""
