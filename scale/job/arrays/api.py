"""Arrays over REST."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from scale.job.arrays.selectors import array_found, arrays_selected
from scale.job.arrays.serializers import JobArrayDetailOut, JobArrayOut
from scale.paging import page_answer
from scale.parameters import Paged
from scale.present import clock
from scale.schema import page_of, parameters_of, problems
from scale.shapes import shaped


class JobArraysApi(APIView):
    """GET /job-arrays/ -- all arrays, the newest first."""

    @extend_schema(
        operation_id="job_array_list",
        parameters=parameters_of(Paged),
        responses={200: page_of(JobArrayOut), **problems(400, 404)},
    )
    def get(self, request: Request) -> Response:
        wanted = Paged.of(dict(request.query_params.lists()), clock().now())
        return page_answer(request, wanted, arrays_selected(), JobArrayOut)


class JobArrayApi(APIView):
    """GET /job-arrays/{id}/ -- one of them, and what came of its members."""

    @extend_schema(operation_id="job_array_detail", responses={200: JobArrayDetailOut, **problems(404)})
    def get(self, request: Request, array_id: int) -> Response:
        return Response(shaped(JobArrayDetailOut, array_found(array_id)))
