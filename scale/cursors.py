"""Goes on in a list after the row that was seen last, whatever the list's order is; rows that come meanwhile move nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import reduce
from typing import Any, NamedTuple

from django.core.exceptions import FieldDoesNotExist
from django.core.signing import BadSignature, Signer
from django.db import connection, models
from django.db.models import Q, QuerySet

from scale.kernel.errors import Fault, Invalid

_SIGNER = "scale.cursors"
_MICROSECOND = timedelta(microseconds=1)


class Term(NamedTuple):
    """One term of an order."""

    path: str  #: as the ORM names it, such as `job_type__name`
    is_descending: bool


def rows_after(rows: QuerySet[Any], cursor: str) -> QuerySet[Any]:
    """Those that follow; all of them if the cursor is empty. The last term of their order is unique among them.

    :raises Invalid: it is none of ours, or one of another order
    """
    if not cursor:
        return rows
    terms = _terms(rows)
    return rows.filter(_after(rows.model, terms, _read(cursor, terms)))


def cursor_at(rows: QuerySet[Any], row: models.Model) -> str:
    """What to state so as to go on after this row. It is signed: nothing but what we wrote is ever compared with."""
    terms = _terms(rows)
    return _signer().sign_object([_name(terms), [_written(_value(row, term.path)) for term in terms]])


def _terms(rows: QuerySet[Any]) -> list[Term]:
    return [Term(str(name).removeprefix("-"), str(name).startswith("-")) for name in rows.query.order_by]


def _signer() -> Signer:
    return Signer(salt=_SIGNER)


def _name(terms: Sequence[Term]) -> str:
    return " ".join(f"{'-' * term.is_descending}{term.path}" for term in terms)


def _read(cursor: str, terms: Sequence[Term]) -> list[Any]:
    try:
        name, values = _signer().unsign_object(cursor)
    except (BadSignature, ValueError):
        raise Invalid([Fault("cursor", "is none; begin with an empty one, and go on with the address in `next`")]) from None
    if name != _name(terms):
        raise Invalid([Fault("cursor", "belongs to another order; begin with an empty one")])
    return [_as_read(value) for value in values]


def _value(row: models.Model, path: str) -> Any:
    return reduce(lambda value, name: None if value is None else getattr(value, name), path.split("__"), row)


def _written(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"at": value.isoformat()}
    return {"lasts": value // _MICROSECOND} if isinstance(value, timedelta) else value


def _as_read(value: Any) -> Any:
    match value:
        case {"at": text}:
            return datetime.fromisoformat(text)
        case {"lasts": number}:
            return number * _MICROSECOND
    return value


def _after(model: type[models.Model], terms: Sequence[Term], values: Sequence[Any]) -> Q:
    """Later in the first term; or equal in it, and later in those that follow."""
    after = Q(pk__in=())
    for term, value in zip(reversed(terms), reversed(values), strict=True):
        equal = Q(**{f"{term.path}__isnull": True}) if value is None else Q(**{term.path: value})
        after = _beyond(model, term, value) | (equal & after)
    return after


def _beyond(model: type[models.Model], term: Term, value: Any) -> Q:
    nulls_follow = connection.features.nulls_order_largest is not term.is_descending
    if value is None:
        return Q(pk__in=()) if nulls_follow else Q(**{f"{term.path}__isnull": False})
    beyond = Q(**{f"{term.path}__{'lt' if term.is_descending else 'gt'}": value})
    return beyond | Q(**{f"{term.path}__isnull": True}) if nulls_follow and _may_be_null(model, term.path) else beyond


def _may_be_null(model: type[models.Model], path: str) -> bool:
    for name in path.split("__"):
        try:
            field: Any = model._meta.get_field(name)
        except FieldDoesNotExist:  # worked out for each row
            return True
        if field.null:
            return True
        model = field.related_model or model
    return False
