"""Jobs, their executions, what those wrote, and how many there are of each type, over REST."""

from __future__ import annotations

from collections.abc import Iterable

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from scale.account.permissions import user_of
from scale.addresses import address_for
from scale.engines.protocol import Stream
from scale.job.arrays.selectors import arrays_submitted
from scale.job.filters import ExecutionFilter, InputFileFilter, JobFilter, JobTypeStatusFilter
from scale.job.logs import COMPLETE, LogParameters, Wanted, log_answer
from scale.job.once.api import ONCE, once
from scale.job.request import AnyJob, AnyJobs, parse_asked
from scale.job.selectors import (
    execution_found,
    executions_selected,
    input_files_selected,
    job_found,
    job_submitted,
    job_types_status,
    jobs_selected,
    task_of_execution,
)
from scale.job.serializers import (
    JobDetailOut,
    JobExecutionDetailOut,
    JobExecutionOut,
    JobIdsOut,
    JobOut,
    JobSubmittedOut,
    JobTypeStatusOut,
    LogOut,
)
from scale.job.services import job_submit, jobs_submit
from scale.job.submission import parse_submissions
from scale.paging import long_page_answer, page_answer
from scale.present import clock
from scale.schema import answer_headers, long_page_of, page_of, parameters_of, problems
from scale.shapes import shaped
from scale.storage.serializers import FileOut


class JobsApi(APIView):
    """GET and POST /jobs/ -- all jobs; one more."""

    @extend_schema(
        operation_id="job_list",
        parameters=parameters_of(JobFilter),
        responses={200: long_page_of(JobOut), **problems(400, 404)},
    )
    def get(self, request: Request) -> Response:
        wanted = JobFilter.of(dict(request.query_params.lists()), clock().now())
        return long_page_answer(request, wanted, jobs_selected(wanted), JobOut)

    @extend_schema(
        operation_id="job_submit",
        parameters=ONCE,
        request=AnyJob,
        responses={201: JobSubmittedOut, **problems(400, 403, 409, 413, 415)},
    )
    def post(self, request: Request) -> Response:
        submission = parse_asked(request.data)
        by, when = user_of(request), clock().now()
        job, headers = once(
            request,
            lambda: job_submit(submission=submission, by=by, when=when),
            ids_of=lambda job: vars(job).get("job_ids", [job.pk]),
            found=job_submitted,
        )
        name, pk = ("job-array", job.array_id) if job.array_id else ("job", job.pk)
        return Response(shaped(JobSubmittedOut, job), status=201, headers={**headers, "Location": address_for(request, name, pk)})


class JobsBulkApi(APIView):
    """POST /jobs/bulk/ -- many more at once, or none of them."""

    @extend_schema(
        operation_id="job_submit_many",
        parameters=ONCE,
        request=AnyJobs,
        responses={201: JobIdsOut, **problems(400, 403, 409, 413, 415)},
    )
    def post(self, request: Request) -> Response:
        submissions = parse_submissions(request.data, parse_asked)
        by, when = user_of(request), clock().now()
        ids, headers = once(request, lambda: jobs_submit(submissions=submissions, by=by, when=when), ids_of=_same, found=_same)
        return Response({"ids": ids, "array_ids": arrays_submitted(submissions, ids)}, status=201, headers=headers)


def _same(ids: list[int]) -> list[int]:
    return ids


class JobApi(APIView):
    """GET /jobs/{id}/ -- one job, with all that is known of it."""

    @extend_schema(operation_id="job_detail", responses={200: JobDetailOut, **problems(404)})
    def get(self, request: Request, job_id: int) -> Response:
        return Response(shaped(JobDetailOut, job_found(job_id, clock().now())))


class JobExecutionsApi(APIView):
    """GET /jobs/{id}/executions/ -- the tries at a job, the latest first."""

    @extend_schema(
        operation_id="job_execution_list",
        parameters=parameters_of(ExecutionFilter),
        responses={200: long_page_of(JobExecutionOut), **problems(400, 404)},
    )
    def get(self, request: Request, job_id: int) -> Response:
        wanted = ExecutionFilter.of(dict(request.query_params.lists()), clock().now())
        return long_page_answer(request, wanted, executions_selected(job_id, wanted), JobExecutionOut)


class JobExecutionApi(APIView):
    """GET /jobs/{id}/executions/{exe_num}/ -- one of them."""

    @extend_schema(operation_id="job_execution_detail", responses={200: JobExecutionDetailOut, **problems(404)})
    def get(self, request: Request, job_id: int, exe_num: int) -> Response:
        return Response(shaped(JobExecutionDetailOut, execution_found(job_id, exe_num)))


class JobInputFilesApi(APIView):
    """GET /jobs/{id}/input_files/ -- the files that a job reads."""

    @extend_schema(
        operation_id="job_input_files",
        parameters=parameters_of(InputFileFilter),
        responses={200: page_of(FileOut), **problems(400, 404)},
    )
    def get(self, request: Request, job_id: int) -> Response:
        wanted = InputFileFilter.of(dict(request.query_params.lists()), clock().now())
        return page_answer(request, wanted, input_files_selected(job_id, wanted), FileOut)


class AnyAccept(BaseContentNegotiation):
    """What the answer is, the parameter `format` says; the header has no say."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        return next(iter(parsers), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        first = next(iter(renderers))
        return first, first.media_type or ""


class LogApi(APIView):
    """GET /job-executions/{id}/logs/{stream}/ -- what an execution has written until now."""

    content_negotiation_class = AnyAccept

    @extend_schema(
        operation_id="job_execution_log",
        parameters=[
            OpenApiParameter("stream", location=OpenApiParameter.PATH, enum=[str(stream) for stream in Stream]),
            OpenApiParameter("Range", location=OpenApiParameter.HEADER, description="Some of the bytes of `txt`: `bytes=100-`."),
            *parameters_of(LogParameters),
            *answer_headers(206, 416, **{"Content-Range": "Which bytes, and of how many."}),
            *answer_headers(200, 204, 206, 416, **{"Accept-Ranges": "`bytes`.", COMPLETE: "`true` if nothing will follow."}),
        ],
        responses={
            (200, "text/plain"): OpenApiTypes.STR,
            (200, "text/html"): OpenApiTypes.STR,
            (200, "application/json"): LogOut,
            204: None,
            (206, "text/plain"): OpenApiTypes.STR,
            **problems(400, 404, 410, 416),
        },
    )
    def get(self, request: Request, job_exe_id: int, stream: Stream) -> HttpResponseBase:
        wanted = LogParameters.of(dict(request.query_params.lists()), clock().now())
        execution, task = task_of_execution(job_exe_id, wanted.task)
        return log_answer(request.path, execution, task, stream, Wanted(wanted.format, request.headers.get("Range")))


class JobTypesStatusApi(APIView):
    """GET /job-types/status/ -- how many jobs of which status there are of each kind."""

    @extend_schema(
        operation_id="job_type_status",
        parameters=parameters_of(JobTypeStatusFilter),
        responses={200: page_of(JobTypeStatusOut), **problems(400, 404)},
    )
    def get(self, request: Request) -> Response:
        wanted = JobTypeStatusFilter.of(dict(request.query_params.lists()), clock().now())
        return page_answer(request, wanted, job_types_status(wanted), JobTypeStatusOut)
