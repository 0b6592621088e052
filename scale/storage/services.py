"""Writes to workspaces and files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import IntegrityError, transaction

from scale.database import again_on_conflict
from scale.kernel.errors import BadRequest, Invalid, NotFound
from scale.storage.changes import NewWorkspace
from scale.storage.disk import FoundFile, find_file, media_type_of
from scale.storage.models import File, Workspace
from scale.storage.selectors import files_at, name_taken, root_faults, workspace_check, workspaces_named
from scale.storage.workspace import FilePath, clean_path, root_of

_SOME = 500  #: rows of one statement
_AS_FOUND = ["size", "is_deleted", "deleted", "last_modified"]
_AS_MADE = ["name", "media_type", "job", "job_exe", "job_output", "meta_data", "data_started", "data_ended", *_AS_FOUND]


class UnusableFiles(BadRequest):
    """Files were named that cannot be read; says why of each."""

    def __init__(self, reasons: Mapping[FilePath, str]) -> None:
        self.reasons = dict(reasons)
        super().__init__(" ".join(list(reasons.values())[:10]))


class MadeFile(NamedTuple):
    """A file that a job has made, where it lies now."""

    workspace_id: int
    path: str
    size: int  #: bytes
    job_id: int
    job_exe_id: int
    job_output: str
    media_type: str = ""  #: empty: as its name says
    meta_data: Mapping[str, Any] = {}
    data_started: datetime | None = None
    data_ended: datetime | None = None


@again_on_conflict
def workspace_create(*, new: NewWorkspace, when: datetime) -> Workspace:
    """
    :raises Invalid: its directory cannot be one, or its name is taken
    """
    workspace_check(new)
    columns = new.model_dump()
    try:
        with transaction.atomic():
            return Workspace.objects.create(
                **columns, created=when, deprecated=None if new.is_active else when, last_modified=when
            )
    except IntegrityError:
        raise Invalid([name_taken(new.name)]) from None


@again_on_conflict
@transaction.atomic
def workspace_edit(*, workspace_id: int, changes: Mapping[str, Any], when: datetime) -> Workspace:
    """
    :raises NotFound: there is none
    :raises Invalid: its new directory cannot be one
    """
    workspace = Workspace.objects.select_for_update().filter(pk=workspace_id).first()
    if workspace is None:
        raise NotFound(f"There is no workspace {workspace_id}.")
    if "configuration" in changes and (faults := root_faults(root_of(changes["configuration"]))):
        raise Invalid(faults)
    was_active = workspace.is_active
    for column, value in changes.items():
        setattr(workspace, column, value)
    if workspace.is_active != was_active:
        workspace.deprecated = None if workspace.is_active else when
    workspace.last_modified = when
    workspace.save(update_fields=[*changes, "deprecated", "last_modified"])
    return workspace


def files_ensure(*, paths: Sequence[FilePath], when: datetime) -> list[File]:
    """The rows of these files, in the same order, with their sizes as they are on the disk now; new rows for new ones.

    Asks the disk for each file, so it is called outside of transactions; and the database for all of them at once.

    :raises UnusableFiles: some are not there, or their workspaces are not, or are not active
    """
    found = _found(paths)
    rows = _ensure({path: file for path, file in found.values()}, when)
    return [rows[found[asked][0]] for asked in paths]


@again_on_conflict
@transaction.atomic
def files_record(*, made: Sequence[MadeFile], when: datetime) -> list[File]:
    """Record what a job has made, in the same order; of a path that has a row already, that one is the file's from now on.

    :raises WrongPath: a path cannot be that of a file
    """
    rows = {(one.workspace_id, clean_path(one.path)): one for one in made}
    files = [_row_of(one, path, when) for (_, path), one in sorted(rows.items())]
    _upsert(files, _AS_MADE)
    by_place = {(file.workspace_id, file.path): file for file in files}
    return [by_place[one.workspace_id, clean_path(one.path)] for one in made]


def _found(paths: Iterable[FilePath]) -> dict[FilePath, tuple[FilePath, FoundFile]]:
    """Each as it was asked for: how it is written in its row, and what there is on the disk."""
    asked = dict.fromkeys(paths)
    workspaces = workspaces_named(path.workspace for path in asked)
    found, reasons = {}, {}
    for path in asked:
        try:
            found[path] = _find(path, workspaces.get(path.workspace))
        except BadRequest as error:
            reasons[path] = str(error)
    if reasons:
        raise UnusableFiles(reasons)
    return found


def _find(path: FilePath, workspace: Workspace | None) -> tuple[FilePath, FoundFile]:
    if workspace is None:
        raise BadRequest(f"There is no workspace for {path}.")
    if not workspace.is_active:
        raise BadRequest(f"The workspace of {path} is not active: nothing new is read from it.")
    try:
        file = find_file(root_of(workspace.configuration), path.path)
    except BadRequest as error:
        raise BadRequest(f"{path}: {error}") from None
    return path._replace(path=clean_path(path.path)), file


@again_on_conflict
@transaction.atomic
def _ensure(found: Mapping[FilePath, FoundFile], when: datetime) -> dict[FilePath, File]:
    """What has not changed is not written."""
    known = files_at(found)
    workspaces = workspaces_named({path.workspace for path in found.keys() - known.keys()})
    rows = [
        _as_found(known.get(path) or _new(workspaces[path.workspace], path.path, file, when), file, when)
        for path, file in sorted(found.items())
        if path not in known or known[path].size != file.size or known[path].is_deleted
    ]
    _upsert(rows, _AS_FOUND)
    return known | {FilePath(row.workspace.name, row.path): row for row in rows}


def _new(workspace: Workspace, path: str, file: FoundFile, when: datetime) -> File:
    return File(workspace=workspace, path=path, name=path.rpartition("/")[2], media_type=file.media_type, created=when)


def _as_found(row: File, file: FoundFile, when: datetime) -> File:
    row.size, row.is_deleted, row.deleted, row.last_modified = file.size, False, None, when
    return row


def _row_of(one: MadeFile, path: str, when: datetime) -> File:
    columns = one._asdict() | {
        "path": path,
        "media_type": one.media_type or media_type_of(path),
        "meta_data": dict(one.meta_data),
    }
    return File(**columns, name=path.rpartition("/")[2], created=when, last_modified=when)


def _upsert(rows: Sequence[File], columns: Sequence[str]) -> None:
    """In the order of the rows, the same everywhere, so that two writers do not wait for each other."""
    for row in rows:
        row.pk = None  # found by its place
    File.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["workspace", "path"], update_fields=columns, batch_size=_SOME
    )
