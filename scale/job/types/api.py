"""Job types, their versions and revisions, over REST."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from scale.account.permissions import StaffWrites
from scale.addresses import address_for
from scale.job.serializers import JobTypeDetailOut, JobTypeOut, ValidityOut
from scale.job.types.changes import JobTypeChange, JobTypeDraft, NewJobType, columns_of
from scale.job.types.filters import JobTypeFilter, JobTypeNameFilter, JobTypeVersionFilter
from scale.job.types.selectors import (
    definition_report,
    job_type_found,
    job_type_names,
    job_type_versions,
    job_types_selected,
    revision_found,
    revisions_selected,
)
from scale.job.types.serializers import JobTypeNameOut, JobTypeRevisionBriefOut, JobTypeRevisionDetailOut
from scale.job.types.services import Defined, job_type_define, job_type_edit
from scale.kernel.reading import read, read_change
from scale.paging import page_answer
from scale.parameters import Paged
from scale.present import clock
from scale.schema import page_of, parameters_of, problems
from scale.shapes import shaped


class JobTypesApi(APIView):
    """GET and POST /job-types/ -- the kinds of jobs; one more, or one that is there changed."""

    permission_classes = (StaffWrites,)

    @extend_schema(
        operation_id="job_type_list",
        parameters=parameters_of(JobTypeFilter),
        responses={200: page_of(JobTypeOut), **problems(400, 404)},
    )
    def get(self, request: Request) -> Response:
        wanted = JobTypeFilter.of(dict(request.query_params.lists()), clock().now())
        return page_answer(request, wanted, job_types_selected(wanted), JobTypeOut)

    @extend_schema(
        operation_id="job_type_create",
        request=NewJobType,
        responses={200: ValidityOut, 201: JobTypeDetailOut, **problems(400, 403, 413, 415)},
    )
    def post(self, request: Request) -> Response:
        columns = columns_of(read(NewJobType, request.data).stated)
        return _answer(request, job_type_define(columns=columns, when=clock().now()))


def _answer(request: Request, defined: Defined) -> Response:
    if not defined.is_new:
        return Response(defined.report.answer)
    job_type = defined.job_type
    location = address_for(request, "job-type", job_type.name, job_type.version)
    return Response(shaped(JobTypeDetailOut, job_type), status=201, headers={"Location": location})


class JobTypeValidationApi(APIView):
    """POST /job-types/validation/ -- would this manifest and this configuration be taken?"""

    @extend_schema(
        operation_id="job_type_validate", request=JobTypeDraft, responses={200: ValidityOut, **problems(400, 413, 415)}
    )
    def post(self, request: Request) -> Response:
        draft = read(JobTypeDraft, request.data)
        return Response(definition_report(draft.manifest, draft.configuration).answer)


class JobTypeNamesApi(APIView):
    """GET /job-type-names/ -- the kinds of jobs, all versions of each as one."""

    @extend_schema(
        operation_id="job_type_name_list",
        parameters=parameters_of(JobTypeNameFilter),
        responses={200: page_of(JobTypeNameOut), **problems(400, 404)},
    )
    def get(self, request: Request) -> Response:
        wanted = JobTypeNameFilter.of(dict(request.query_params.lists()), clock().now())
        return page_answer(request, wanted, job_type_names(wanted), JobTypeNameOut)


class JobTypeVersionsApi(APIView):
    """GET /job-types/{name}/ -- the versions of one, the newest first."""

    @extend_schema(
        operation_id="job_type_version_list",
        parameters=parameters_of(JobTypeVersionFilter),
        responses={200: page_of(JobTypeOut), **problems(400, 404)},
    )
    def get(self, request: Request, name: str) -> Response:
        wanted = JobTypeVersionFilter.of(dict(request.query_params.lists()), clock().now())
        return page_answer(request, wanted, job_type_versions(name, wanted), JobTypeOut)


class JobTypeApi(APIView):
    """GET and PATCH /job-types/{name}/{version}/ -- one of them."""

    permission_classes = (StaffWrites,)

    @extend_schema(operation_id="job_type_detail", responses={200: JobTypeDetailOut, **problems(404)})
    def get(self, request: Request, name: str, version: str) -> Response:
        return Response(shaped(JobTypeDetailOut, job_type_found(name, version)))

    @extend_schema(
        operation_id="job_type_edit", request=JobTypeChange, responses={200: ValidityOut, **problems(400, 403, 404, 413, 415)}
    )
    def patch(self, request: Request, name: str, version: str) -> Response:
        changes = columns_of(read_change(JobTypeChange, request.data))
        return _answer(request, job_type_edit(name=name, version=version, changes=changes, when=clock().now()))


class JobTypeRevisionsApi(APIView):
    """GET /job-types/{name}/{version}/revisions/ -- how it was, the latest first."""

    @extend_schema(
        operation_id="job_type_revision_list",
        parameters=parameters_of(Paged),
        responses={200: page_of(JobTypeRevisionBriefOut), **problems(400, 404)},
    )
    def get(self, request: Request, name: str, version: str) -> Response:
        wanted = Paged.of(dict(request.query_params.lists()), clock().now())
        return page_answer(request, wanted, revisions_selected(name, version), JobTypeRevisionBriefOut)


class JobTypeRevisionApi(APIView):
    """GET /job-types/{name}/{version}/revisions/{revision_num}/ -- one of them, with its manifest."""

    @extend_schema(operation_id="job_type_revision_detail", responses={200: JobTypeRevisionDetailOut, **problems(404)})
    def get(self, request: Request, name: str, version: str, revision_num: int) -> Response:
        return Response(shaped(JobTypeRevisionDetailOut, revision_found(name, version, revision_num)))
