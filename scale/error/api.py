"""The errors, over REST."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from scale.error.filters import ErrorFilter
from scale.error.selectors import error_found, errors_selected
from scale.error.serializers import ErrorOut
from scale.paging import page_answer
from scale.present import clock
from scale.schema import page_of, parameters_of, problems
from scale.shapes import shaped


class ErrorsApi(APIView):
    """GET /errors/ -- why jobs fail."""

    @extend_schema(
        operation_id="error_list",
        parameters=parameters_of(ErrorFilter),
        responses={200: page_of(ErrorOut), **problems(400, 404)},
    )
    def get(self, request: Request) -> Response:
        wanted = ErrorFilter.of(dict(request.query_params.lists()), clock().now())
        return page_answer(request, wanted, errors_selected(wanted), ErrorOut)


class ErrorApi(APIView):
    """GET /errors/{id}/"""

    @extend_schema(operation_id="error_detail", responses={200: ErrorOut, **problems(404)})
    def get(self, request: Request, error_id: int) -> Response:
        return Response(shaped(ErrorOut, error_found(error_id)))
