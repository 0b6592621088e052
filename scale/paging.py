"""Long answers, page by page or by a cursor: count, next, previous, results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.core.paginator import EmptyPage, Paginator
from django.db.models import Max, Min, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.utils.urls import replace_query_param

from scale.cursors import cursor_at, rows_after
from scale.kernel.errors import NotFound
from scale.kernel.reading import MAX_ID
from scale.parameters import Cursored, Paged
from scale.shapes import shaped

COUNTED = 100_000  #: rows; where there are more, their number is estimated


def page_answer(
    request: Request, asked: Paged, rows: QuerySet[Any] | Sequence[Any], shape: type[BaseSerializer[Any]]
) -> Response:
    """The page that was asked for, of a list that is never very long.

    :raises NotFound: there are not so many
    """
    pages = Paginator(rows, asked.page_size)
    try:
        page = pages.page(asked.page)
    except EmptyPage:
        raise _no_page(asked.page, pages.num_pages) from None
    here = request.build_absolute_uri()
    return Response(
        {
            "count": pages.count,
            "next": replace_query_param(here, "page", page.next_page_number()) if page.has_next() else None,
            "previous": replace_query_param(here, "page", page.previous_page_number()) if page.has_previous() else None,
            "results": [shaped(shape, row) for row in page.object_list],
        }
    )


class Count(NamedTuple):
    """How many rows there are."""

    rows: int
    is_estimate: bool = False


def long_page_answer(
    request: Request, asked: Cursored, rows: QuerySet[Any], shape: type[BaseSerializer[Any]], counted: int = COUNTED
) -> Response:
    """The same of a list that may hold millions: the number of rows is an estimate where to count them would take long.

    :raises NotFound: there are not so many
    :raises Invalid: the cursor is none
    """
    if asked.cursor is not None:
        return _after_cursor(request, asked, rows, shape)
    start = (asked.page - 1) * asked.page_size
    found = rows_between(rows, start, start + asked.page_size + 1)
    if not found and asked.page > 1:
        raise _no_page(asked.page, -(-count_of(rows, counted).rows // asked.page_size) or 1)
    more = len(found) > asked.page_size
    count = count_of(rows, counted) if more else Count(start + len(found))
    here = request.build_absolute_uri()
    return Response(
        {
            "count": count.rows,
            "count_is_estimate": count.is_estimate,
            "next": replace_query_param(here, "page", asked.page + 1) if more else None,
            "previous": replace_query_param(here, "page", asked.page - 1) if asked.page > 1 else None,
            "results": [shaped(shape, row) for row in found[: asked.page_size]],
        }
    )


def _after_cursor(request: Request, asked: Cursored, rows: QuerySet[Any], shape: type[BaseSerializer[Any]]) -> Response:
    found = rows_between(rows_after(rows, asked.cursor or ""), 0, asked.page_size + 1)
    following = cursor_at(rows, found[asked.page_size - 1]) if len(found) > asked.page_size else None
    return Response(
        {
            "count": None,
            "count_is_estimate": False,
            "next": replace_query_param(request.build_absolute_uri(), "cursor", following) if following else None,
            "previous": None,
            "results": [shaped(shape, row) for row in found[: asked.page_size]],
        }
    )


def rows_between(rows: QuerySet[Any], start: int, stop: int) -> list[Any]:
    """Part of the list. Only keys are put in order, and the rows read once it is known which: they are many times as wide."""
    if stop > MAX_ID:
        return []
    return list(rows.filter(pk__in=rows.values("pk")[start:stop]))


def count_of(rows: QuerySet[Any], most: int = COUNTED) -> Count:
    """Counted, if there are not too many; else as many as there were if they had always been as dense as the newest are."""
    keys = rows.order_by().values("pk")
    counted = keys[: most + 1].count()
    if counted <= most:
        return Count(counted)
    newest = keys.order_by("-pk")[:most].aggregate(first=Min("pk"), last=Max("pk"))
    oldest = rows.model._default_manager.aggregate(first=Min("pk"))
    density = most / (newest["last"] - newest["first"] + 1)
    return Count(max(counted, round(density * (newest["last"] - oldest["first"] + 1))), is_estimate=True)


def _no_page(page: int, last: int) -> NotFound:
    return NotFound(f"There is no page {page}; the last one is {last}.")
