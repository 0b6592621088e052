"""Long answers, page by page: count, next, previous, results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.paginator import EmptyPage, Paginator
from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.utils.urls import replace_query_param

from scale.kernel.errors import NotFound
from scale.parameters import Paged
from scale.shapes import shaped


def page_answer(
    request: Request, asked: Paged, rows: QuerySet[Any] | Sequence[Any], shape: type[BaseSerializer[Any]]
) -> Response:
    """The page that was asked for.

    :raises NotFound: there are not so many
    """
    pages = Paginator(rows, asked.page_size)
    try:
        page = pages.page(asked.page)
    except EmptyPage:
        raise NotFound(f"There is no page {asked.page}; the last one is {pages.num_pages}.") from None
    here = request.build_absolute_uri()
    return Response(
        {
            "count": pages.count,
            "next": replace_query_param(here, "page", page.next_page_number()) if page.has_next() else None,
            "previous": replace_query_param(here, "page", page.previous_page_number()) if page.has_previous() else None,
            "results": [shaped(shape, row) for row in page.object_list],
        }
    )
