"""Workspaces and the files in them, over REST."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from scale.account.permissions import StaffWrites
from scale.addresses import address_for
from scale.kernel.reading import read, read_change
from scale.paging import page_answer
from scale.present import clock
from scale.schema import page_of, parameters_of, problems
from scale.shapes import shaped
from scale.storage.changes import NewWorkspace, WorkspaceChange
from scale.storage.filters import FileFilter, WorkspaceFilter
from scale.storage.selectors import file_found, files_selected, workspace_findings, workspace_found, workspaces_selected
from scale.storage.serializers import FileOut, WorkspaceDetailOut, WorkspaceOut, WorkspaceValidityOut
from scale.storage.services import workspace_create, workspace_edit


class WorkspacesApi(APIView):
    """GET and POST /workspaces/ -- where files are kept; one more."""

    permission_classes = (StaffWrites,)

    @extend_schema(
        operation_id="workspace_list",
        parameters=parameters_of(WorkspaceFilter),
        responses={200: page_of(WorkspaceOut), **problems(400, 404)},
    )
    def get(self, request: Request) -> Response:
        wanted = WorkspaceFilter.of(dict(request.query_params.lists()), clock().now())
        return page_answer(request, wanted, workspaces_selected(wanted), WorkspaceOut)

    @extend_schema(
        operation_id="workspace_create",
        request=NewWorkspace,
        responses={201: WorkspaceDetailOut, **problems(400, 403, 413, 415)},
    )
    def post(self, request: Request) -> Response:
        workspace = workspace_create(new=read(NewWorkspace, request.data), when=clock().now())
        location = address_for(request, "workspace", workspace.pk)
        return Response(shaped(WorkspaceDetailOut, workspace), status=201, headers={"Location": location})


class WorkspaceValidationApi(APIView):
    """POST /workspaces/validation/ -- could this one be made?"""

    @extend_schema(
        operation_id="workspace_validate",
        request=NewWorkspace,
        responses={200: WorkspaceValidityOut, **problems(400, 413, 415)},
    )
    def post(self, request: Request) -> Response:
        errors = workspace_findings(request.data)
        return Response({"is_valid": not errors, "errors": errors, "warnings": []})


class WorkspaceApi(APIView):
    """GET and PATCH /workspaces/{id}/ -- one of them."""

    permission_classes = (StaffWrites,)

    @extend_schema(operation_id="workspace_detail", responses={200: WorkspaceDetailOut, **problems(404)})
    def get(self, request: Request, workspace_id: int) -> Response:
        return Response(shaped(WorkspaceDetailOut, workspace_found(workspace_id)))

    @extend_schema(
        operation_id="workspace_edit", request=WorkspaceChange, responses={204: None, **problems(400, 403, 404, 413, 415)}
    )
    def patch(self, request: Request, workspace_id: int) -> Response:
        changes = read_change(WorkspaceChange, request.data)
        workspace_edit(workspace_id=workspace_id, changes=changes, when=clock().now())
        return Response(status=204)


class FilesApi(APIView):
    """GET /files/ -- the files that jobs read or have made, the newest first."""

    @extend_schema(
        operation_id="file_list", parameters=parameters_of(FileFilter), responses={200: page_of(FileOut), **problems(400, 404)}
    )
    def get(self, request: Request) -> Response:
        wanted = FileFilter.of(dict(request.query_params.lists()), clock().now())
        return page_answer(request, wanted, files_selected(wanted), FileOut)


class FileApi(APIView):
    """GET /files/{id}/ -- one of them."""

    @extend_schema(operation_id="file_detail", responses={200: FileOut, **problems(404)})
    def get(self, request: Request, file_id: int) -> Response:
        return Response(shaped(FileOut, file_found(file_id)))
