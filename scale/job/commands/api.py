"""What is done with jobs that are there, over REST: cancel them, try them anew, and see how far that is."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from scale.account.permissions import user_of
from scale.addresses import address_for
from scale.job.commands.selectors import command_found
from scale.job.commands.serializers import CanceledOut, HeldOut, JobCommandOut, ReleasedOut, RequeuedOut, UncanceledOut
from scale.job.commands.services import jobs_command
from scale.job.filters import JobChoice, RequeueChoice
from scale.job.states import CommandKind
from scale.kernel.reading import read
from scale.present import clock
from scale.schema import problems
from scale.shapes import shaped


class JobCancelApi(APIView):
    """POST /jobs/cancel/ -- these are no longer wanted."""

    @extend_schema(operation_id="job_cancel", request=JobChoice, responses={202: CanceledOut, **problems(400, 403, 413, 415)})
    def post(self, request: Request) -> Response:
        return _answer(request, CommandKind.CANCEL, JobChoice, CanceledOut)


class JobRequeueApi(APIView):
    """POST /jobs/requeue/ -- these failed or were canceled, and are to be tried anew."""

    @extend_schema(
        operation_id="job_requeue", request=RequeueChoice, responses={202: RequeuedOut, **problems(400, 403, 413, 415)}
    )
    def post(self, request: Request) -> Response:
        return _answer(request, CommandKind.REQUEUE, RequeueChoice, RequeuedOut)


class JobUncancelApi(APIView):
    """POST /jobs/uncancel/ -- these were canceled before they were ever queued, and are wanted after all."""

    @extend_schema(operation_id="job_uncancel", request=JobChoice, responses={202: UncanceledOut, **problems(400, 403, 413, 415)})
    def post(self, request: Request) -> Response:
        return _answer(request, CommandKind.UNCANCEL, JobChoice, UncanceledOut)


class JobHoldApi(APIView):
    """POST /jobs/hold/ -- these are not to be placed before they are released."""

    @extend_schema(operation_id="job_hold", request=JobChoice, responses={202: HeldOut, **problems(400, 403, 413, 415)})
    def post(self, request: Request) -> Response:
        return _answer(request, CommandKind.HOLD, JobChoice, HeldOut)


class JobReleaseApi(APIView):
    """POST /jobs/release/ -- these may be placed again."""

    @extend_schema(operation_id="job_release", request=JobChoice, responses={202: ReleasedOut, **problems(400, 403, 413, 415)})
    def post(self, request: Request) -> Response:
        return _answer(request, CommandKind.RELEASE, JobChoice, ReleasedOut)


def _answer(request: Request, kind: CommandKind, body: type[JobChoice], shape: type[BaseSerializer[object]]) -> Response:
    when = clock().now()
    done = jobs_command(kind=kind, choice=read(body, request.data, when=when), by=user_of(request), when=when)
    headers = {"Location": address_for(request, "job-command", done.command.pk)} if done.command else {}
    return Response(shaped(shape, done), status=202, headers=headers)


class JobCommandApi(APIView):
    """GET /jobs/commands/{id}/ -- how far it is."""

    @extend_schema(operation_id="job_command_detail", responses={200: JobCommandOut, **problems(404)})
    def get(self, request: Request, command_id: int) -> Response:
        return Response(shaped(JobCommandOut, command_found(command_id)))
