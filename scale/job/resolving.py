"""What requests for jobs of a type come to: the newest revision, its files, what it needs. Reads, but for files' rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

from django.db.models import F, Q

from scale.job.models import JobTypeRevision
from scale.job.request import (
    Input,
    JobRequest,
    KnownFile,
    configuration_faults,
    file_faults,
    input_mib,
    media_types_off,
    merge,
    read_input,
    without_secrets,
)
from scale.job.submission import InvalidSubmission
from scale.kernel.errors import BadRequest, Fault
from scale.kernel.resources import IMAGES
from scale.present import sealer
from scale.seed import Manifest, read_manifest
from scale.seed.configuration import PRIORITY
from scale.storage.disk import find_file
from scale.storage.models import File, Workspace
from scale.storage.services import files_ensure
from scale.storage.workspace import FilePath, clean_path, root_of

_SOME = 500  #: ids of one statement
_TypeKey = int | tuple[str, str]
_Known = Mapping[int | FilePath, KnownFile]


class Resolved(NamedTuple):
    """A job of a type, ready to be made."""

    revision: JobTypeRevision
    columns: dict[str, Any]
    files: tuple[tuple[str, int], ...]  #: inputs, and the ids of their files
    doubts: tuple[str, ...]  #: what is odd about it, and no reason to refuse it


class _Kind(NamedTuple):
    """A job type, as new jobs of it are made."""

    revision: JobTypeRevision
    manifest: Manifest | None
    wrong: str  #: why there can be no new ones, if so


class _Read(NamedTuple):
    """A request, held against its type."""

    request: JobRequest
    kind: _Kind
    manifest: Manifest
    input: Input


def resolve(requests: Sequence[tuple[str, JobRequest]], when: datetime) -> list[Resolved]:
    """Each request with its place in the body, such as `jobs.17`; empty for a body of its own.

    New rows for files are only made if nothing at all is wrong.

    :raises InvalidSubmission: with every fault of all of them
    """
    kinds = _kinds(request for _, request in requests)
    workspaces = {one.name: one for one in Workspace.objects.all()}
    faults: list[Fault] = []
    read = [_read(request, kinds, workspaces, place, faults) for place, request in requests]
    known = _files([one.input for one in read if one], workspaces)
    for (place, _), one in zip(requests, read, strict=True):
        faults += _under(place, file_faults(one.input, known)) if one else []
    if faults:
        raise InvalidSubmission(faults[:_SOME])
    ids = _ids_of(known, when)
    return [_resolved(one, known, ids) for one in read if one]


def _kinds(requests: Iterable[JobRequest]) -> dict[_TypeKey, _Kind]:
    """The types that are asked for, by what they are called there."""
    wanted: set[Q] = set()
    for request in requests:
        of_name = request.job_type and Q(job_type__name=request.job_type.name, job_type__version=request.job_type.version)
        wanted.add(of_name or Q(job_type=request.job_type_id))
    newest = JobTypeRevision.objects.filter(reduce(or_, wanted), revision_num=F("job_type__revision_num"))
    found: dict[_TypeKey, _Kind] = {}
    for revision in newest.select_related("job_type"):
        kind = _kind(revision)
        found[revision.job_type_id] = found[revision.job_type.name, revision.job_type.version] = kind
    return found


def _kind(revision: JobTypeRevision) -> _Kind:
    job_type = revision.job_type
    if job_type.is_builtin:
        return _Kind(revision, None, f"{job_type} is for plain commands; post `command` instead")
    if not job_type.is_active:
        return _Kind(revision, None, f"{job_type} is not active: no new jobs of it are taken")
    manifest = read_manifest(revision.manifest).manifest
    return _Kind(revision, manifest, "" if manifest else f"the manifest of {job_type} cannot be read")


def _read(
    request: JobRequest, kinds: Mapping[_TypeKey, _Kind], workspaces: Mapping[str, Workspace], place: str, faults: list[Fault]
) -> _Read | None:
    named = request.job_type
    key = (named.name, named.version) if named else request.job_type_id or 0
    kind = kinds.get(key)
    if kind is None or kind.manifest is None:
        faults += _under(
            place, [Fault("job_type" if named else "job_type_id", kind.wrong if kind else "there is no such job type")]
        )
        return None
    given, wrong = read_input(request.input, kind.manifest.interface)
    of_type = kind.revision.job_type.configuration
    active = {name: workspace.is_active for name, workspace in workspaces.items()}
    wrong += configuration_faults(request.configuration, of_type, kind.manifest.interface, active)
    faults += _under(place, wrong)
    return _Read(request, kind, kind.manifest, given)


def _under(place: str, faults: Iterable[Fault]) -> list[Fault]:
    return [Fault(".".join(filter(None, (place, fault.field))), fault.message) for fault in faults]


def _files(inputs: Iterable[Input], workspaces: Mapping[str, Workspace]) -> dict[int | FilePath, KnownFile]:
    """What there is to know of all files that are named; a path is looked up on the disk."""
    named = {one for given in inputs for references in given.files.values() for one in references}
    ids = sorted(one for one in named if isinstance(one, int))
    known: dict[int | FilePath, KnownFile] = {}
    for start in range(0, len(ids), _SOME):
        for file in File.objects.select_related("workspace").filter(pk__in=ids[start : start + _SOME]):
            known[file.pk] = KnownFile(file.path, file.size, file.media_type, _wrong_with(file), file.workspace.name)
    for one in named:
        if isinstance(one, FilePath):
            known[one] = _found(one, workspaces.get(one.workspace))
    return known


def _wrong_with(file: File) -> str:
    if file.is_deleted:
        return f"the file {file.pk} was deleted"
    return "" if file.workspace.is_active else f"the workspace of the file {file.pk} is not active"


def _found(path: FilePath, workspace: Workspace | None) -> KnownFile:
    if workspace is None:
        return KnownFile(path.path, 0, wrong=f"there is no workspace for {path}")
    if not workspace.is_active:
        return KnownFile(path.path, 0, wrong=f"the workspace of {path} is not active")
    try:
        file = find_file(root_of(workspace.configuration), path.path)
        return KnownFile(clean_path(path.path), file.size, file.media_type, workspace=path.workspace)
    except BadRequest as error:
        return KnownFile(path.path, 0, wrong=str(error))


def _ids_of(known: _Known, when: datetime) -> dict[int | FilePath, int]:
    paths = [one for one in known if isinstance(one, FilePath)]
    rows = files_ensure(paths=paths, when=when) if paths else []
    return {one: one for one in known if isinstance(one, int)} | {path: row.pk for path, row in zip(paths, rows, strict=True)}


def _resolved(one: _Read, known: _Known, ids: Mapping[int | FilePath, int]) -> Resolved:
    request, manifest, revision = one.request, one.manifest, one.kind.revision
    own, secrets = without_secrets(request.configuration, manifest.interface)
    priority = request.priority or merge(revision.job_type.configuration, request.configuration).get("priority", PRIORITY)
    files = {name: [ids[reference] for reference in references] for name, references in one.input.files.items()}
    size = input_mib(one.input, known)
    tries = request.max_tries or revision.job_type.max_tries
    needs = dict(manifest.resources(size).items())
    columns = {
        "name": request.name,
        "command": None,
        "env": {},
        "working_dir": None,
        "labels": request.labels,
        "resources": {**needs, IMAGES: 1.0} if revision.docker_image else needs,
        "constraints": request.asked_of_nodes,
        "timeout": manifest.job.timeout,
        "priority": priority,
        "max_tries": tries,
        "own_tries": tries,
        "retry_on": request.retry_on,
        "input": {"files": files, "json": dict(one.input.json)},
        "input_file_size": float(size),
        "configuration": own,
        "secrets": {name: sealer().seal(value) for name, value in secrets.items()} or None,
    }
    doubts = media_types_off(one.input, manifest.interface, known)
    return Resolved(revision, columns, tuple((name, pk) for name, of_input in files.items() for pk in of_input), tuple(doubts))
