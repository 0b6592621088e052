"""Reads of workspaces and files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.conf import settings
from django.db.models import QuerySet

from scale.kernel.errors import Fault, Invalid, NotFound
from scale.kernel.reading import read
from scale.parameters import given
from scale.storage.changes import NewWorkspace
from scale.storage.disk import what_is_wrong_with_root
from scale.storage.filters import FileFilter, TimeField, WorkspaceFilter
from scale.storage.models import File, Workspace
from scale.storage.workspace import FilePath, root_of

_COLUMNS = {"file_name": "name", "file_path": "path", "file_size": "size", "workspace": "workspace__name"}
_TIMES = {
    TimeField.LAST_MODIFIED: ("last_modified__gte", "last_modified__lte"),
    TimeField.CREATED: ("created__gte", "created__lte"),
    TimeField.DATA: ("data_started__gte", "data_ended__lte"),
}
_SOME = 500  #: paths that one statement asks for


def workspaces_selected(wanted: WorkspaceFilter) -> QuerySet[Workspace]:
    """Those that fit, by name unless another order is wanted."""
    conditions = given(
        last_modified__gte=wanted.started, last_modified__lte=wanted.ended, name__in=wanted.name, is_active=wanted.is_active
    )
    return Workspace.objects.filter(**conditions).order_by(*wanted.order, "name")


def workspace_found(workspace_id: int) -> Workspace:
    """:raises NotFound: there is none"""
    workspace = Workspace.objects.filter(pk=workspace_id).first()
    if workspace is None:
        raise NotFound(f"There is no workspace {workspace_id}.")
    return workspace


def workspace_check(new: NewWorkspace) -> None:
    """Whether it could be made now.

    :raises Invalid: its directory cannot be one, or its name is taken
    """
    faults = root_faults(root_of(new.configuration.model_dump()))
    if Workspace.objects.filter(name=new.name).exists():
        faults.append(name_taken(new.name))
    if faults:
        raise Invalid(faults)


def workspace_findings(raw: object) -> list[dict[str, str]]:
    """What is wrong with a workspace that is to be made, in the form in which the API tells of documents.

    :raises Invalid: it is no object at all
    """
    try:
        workspace_check(read(NewWorkspace, raw))
    except Invalid as error:
        if not isinstance(raw, dict):
            raise
        return [_finding(fault) for fault in error.faults]
    return []


def root_faults(root: str) -> list[Fault]:
    """Why this directory cannot be a workspace; nothing if it can."""
    wrong = what_is_wrong_with_root(root, settings.ENVIRONMENT.home)
    return [Fault("configuration.broker.host_path", wrong)] if wrong else []


def name_taken(name: str) -> Fault:
    return Fault("name", f"there is a workspace {name} already; choose another name, or edit that one")


def workspaces_known() -> dict[str, bool]:
    """All by name, and whether each is active: what configurations of job types are read against."""
    return dict(Workspace.objects.values_list("name", "is_active"))


def workspaces_named(names: Iterable[str]) -> dict[str, Workspace]:
    """Those of these that there are, by name."""
    return {workspace.name: workspace for workspace in Workspace.objects.filter(name__in=set(names))}


def files_selected(wanted: FileFilter) -> QuerySet[File]:
    """Those that fit, the newest first unless another order is wanted."""
    since, until = _TIMES[wanted.time_field]
    conditions = given(
        **{since: wanted.started, until: wanted.ended},
        workspace__name__in=wanted.workspace_name,
        job_id__in=wanted.job_id,
        name__in=wanted.file_name,
    )
    return File.objects.select_related("workspace").filter(**conditions).order_by(*map(_column, wanted.order), "-id")


def file_found(file_id: int) -> File:
    """:raises NotFound: there is none"""
    file = File.objects.select_related("workspace").filter(pk=file_id).first()
    if file is None:
        raise NotFound(f"There is no file {file_id}.")
    return file


def files_at(paths: Iterable[FilePath]) -> dict[FilePath, File]:
    """Those of these that have a row, each with its workspace; a statement for some hundreds of them."""
    by_workspace: defaultdict[str, list[str]] = defaultdict(list)
    for workspace, path in paths:
        by_workspace[workspace].append(path)
    return {
        FilePath(workspace, file.path): file
        for workspace, asked in by_workspace.items()
        for start in range(0, len(asked), _SOME)
        for file in File.objects.select_related("workspace").filter(
            workspace__name=workspace, path__in=asked[start : start + _SOME]
        )
    }


def _column(order: str) -> str:
    sign, name = ("-", order[1:]) if order.startswith("-") else ("", order)
    return sign + _COLUMNS.get(name, name)


def _finding(fault: Fault) -> dict[str, str]:
    pointer = "".join(f"/{part}" for part in fault.field.split(".") if part)
    return {"name": "INVALID_WORKSPACE", "description": fault.message, "pointer": pointer}
