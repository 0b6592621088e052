"""Errors by name, remembered: a name is looked up in the database once a process."""

from __future__ import annotations

from scale.error.models import Error
from scale.kernel.errors import Broken

_known: dict[tuple[str | None, str], Error] = {}


def error_named(name: str, job_type_name: str | None = None) -> Error:
    """The error that this job type owns under this name, or else the built-in one.

    :raises Broken: there is no error of this name
    """
    return _find(name, job_type_name) or _find(name, None) or _no_such_error(name)


def remember_errors() -> None:
    """Load the built-in errors with one query, and forget what was known before."""
    _known.clear()
    _known.update({(None, error.name): error for error in Error.objects.filter(job_type_name=None)})


def _find(name: str, job_type_name: str | None) -> Error | None:
    if (known := _known.get((job_type_name, name))) is not None:
        return known
    found = Error.objects.filter(job_type_name=job_type_name, name=name).first()
    if found is not None:
        _known[job_type_name, name] = found
    return found


def _no_such_error(name: str) -> Error:
    raise Broken(f"no error is named {name!r}")
