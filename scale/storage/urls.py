"""The addresses of workspaces and files."""

from django.urls import path

from scale.storage.api import FileApi, FilesApi, WorkspaceApi, WorkspacesApi, WorkspaceValidationApi

urlpatterns = [
    path("workspaces/", WorkspacesApi.as_view(), name="workspaces"),
    path("workspaces/validation/", WorkspaceValidationApi.as_view(), name="workspace-validation"),
    path("workspaces/<id:workspace_id>/", WorkspaceApi.as_view(), name="workspace"),
    path("files/", FilesApi.as_view(), name="files"),
    path("files/<id:file_id>/", FileApi.as_view(), name="file"),
]
