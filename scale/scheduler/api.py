"""The scheduler's settings, the status document, the queue and the sizes of things, over REST."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from scale.account.permissions import StaffOnly, StaffWrites
from scale.kernel.reading import read_change
from scale.paging import page_answer
from scale.parameters import Paged
from scale.present import clock
from scale.scheduler.changes import SchedulerChange
from scale.scheduler.retention.sizes import sizes
from scale.scheduler.selectors import queue_by_type, status_etag
from scale.scheduler.serializers import SchedulerOut, SizesOut, TypeQueueOut
from scale.scheduler.services import scheduler_edit, scheduler_settings
from scale.scheduler.serving import status_answer
from scale.scheduler.status_shape import StatusOut
from scale.schema import answer_headers, page_of, parameters_of, problems
from scale.shapes import shaped


class SchedulerApi(APIView):
    """GET and PATCH /scheduler/ -- the settings that operators change while it runs."""

    permission_classes = (StaffWrites,)

    @extend_schema(operation_id="scheduler_detail", responses={200: SchedulerOut, **problems()})
    def get(self, request: Request) -> Response:
        return Response(shaped(SchedulerOut, scheduler_settings()))

    @extend_schema(operation_id="scheduler_edit", request=SchedulerChange, responses={204: None, **problems(400, 403)})
    def patch(self, request: Request) -> Response:
        scheduler_edit(changes=read_change(SchedulerChange, request.data))
        return Response(status=204)


class StatusApi(APIView):
    """GET /status/ -- the live status of the whole cluster, as the scheduler last rendered it."""

    @extend_schema(
        operation_id="status",
        parameters=[
            OpenApiParameter("If-None-Match", location=OpenApiParameter.HEADER, description="The ETag that is known."),
            *answer_headers(200, 304, ETag="The version of the document."),
        ],
        responses={200: StatusOut, 304: None, **problems()},
    )
    def get(self, request: Request) -> HttpResponse:
        # who has a token is answered by scale.plain, in the same way
        known, encodings = request.headers.get("If-None-Match", ""), request.headers.get("Accept-Encoding", "")
        answer = status_answer(status_etag(clock().now()), encodings=encodings, known=known)
        return HttpResponse(answer.content, status=answer.status, headers=answer.headers)


class QueueStatusApi(APIView):
    """GET /queue/status/ -- what waits, by job type."""

    @extend_schema(
        operation_id="queue_status",
        parameters=parameters_of(Paged),
        responses={200: page_of(TypeQueueOut), **problems(400, 404)},
    )
    def get(self, request: Request) -> Response:
        wanted = Paged.of(dict(request.query_params.lists()), clock().now())
        return page_answer(request, wanted, queue_by_type(), TypeQueueOut)


class SizesApi(APIView):
    """GET /sizes/ -- how much there is of everything that grows, and how long it is kept."""

    permission_classes = (StaffOnly,)

    @extend_schema(operation_id="sizes", responses={200: SizesOut, **problems(403)})
    def get(self, request: Request) -> Response:
        return Response(shaped(SizesOut, sizes()))
