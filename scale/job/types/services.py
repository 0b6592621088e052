"""Writes to job types: make one from its manifest, change it, keep its secrets sealed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.db import IntegrityError, transaction

from scale.database import again_on_conflict
from scale.error.services import errors_of_type_sync
from scale.job.models import JobType, JobTypeRevision
from scale.job.types.definition import read_definition, take_secrets
from scale.kernel.errors import Fault, Invalid, NotFound
from scale.present import ring_after_commit, sealer
from scale.seed import Manifest, Report
from scale.storage.selectors import workspaces_known

_DEFINING = ("manifest", "configuration", "docker_image")  #: columns that nobody changes of a type that is built in
_TRIES = 3


class Defined(NamedTuple):
    """What became of a definition."""

    job_type: JobType
    report: Report  #: without errors; warnings there may be
    is_new: bool


def job_type_define(*, columns: Mapping[str, Any], when: datetime) -> Defined:
    """Make a job type from its manifest, or change the one that has its name and version.

    :raises InvalidDocument: manifest or configuration break a rule
    """
    for _ in range(_TRIES - 1):
        try:
            return _define(columns, when)
        except IntegrityError:  # somebody has made the same in this moment
            continue
    return _define(columns, when)


@again_on_conflict
@transaction.atomic
def job_type_edit(*, name: str, version: str, changes: Mapping[str, Any], when: datetime) -> Defined:
    """Change a job type: what operators may of each, and what defines it if it is none of Scale's own.

    :raises NotFound: there is none
    :raises InvalidDocument: manifest or configuration break a rule
    :raises Invalid: the manifest is that of another type, or the type is built in
    """
    job_type = _locked(name, version)
    if job_type is None:
        raise NotFound(f"There is no job type {name} {version}.")
    return Defined(job_type, _edit(job_type, changes, when), is_new=False)


@again_on_conflict
@transaction.atomic
def _define(columns: Mapping[str, Any], when: datetime) -> Defined:
    reading = read_definition(columns["manifest"], columns.get("configuration", {}), workspaces_known(), frozenset())
    known = _locked(reading.manifest.job.name, reading.manifest.job.job_version) if reading.manifest else None
    if known is not None and not known.is_builtin:
        return Defined(known, _edit(known, columns, when), is_new=False)
    manifest = reading.value()
    job_type = JobType(name=manifest.job.name, version=manifest.job.job_version, created=when, revision_num=0)
    _change(job_type, {"configuration": {}, **columns}, when)
    _part_secrets(job_type, manifest)
    _revise(job_type, manifest, when)
    return Defined(job_type, reading.report, is_new=True)


def _edit(job_type: JobType, changes: Mapping[str, Any], when: datetime) -> Report:
    """Whatever is stated, also what is false or nothing."""
    defining = [column for column in _DEFINING if column in changes]
    if job_type.is_builtin and defining:
        raise Invalid(Fault(column, f"of {job_type} is Scale's own and stays as it is; leave it out") for column in defining)
    before = (job_type.manifest, job_type.docker_image)
    _change(job_type, changes, when)
    if not defining:
        _save(job_type)
        return Report()
    reading = read_definition(job_type.manifest, job_type.configuration, workspaces_known(), job_type.secrets.keys())
    manifest = reading.value()
    _refuse_another(job_type, manifest)
    _part_secrets(job_type, manifest)
    if before == (job_type.manifest, job_type.docker_image):
        _save(job_type)
    else:
        _revise(job_type, manifest, when)
    return reading.report


def _refuse_another(job_type: JobType, manifest: Manifest) -> None:
    stated = {"name": (manifest.job.name, job_type.name), "jobVersion": (manifest.job.job_version, job_type.version)}
    if faults := [
        Fault(f"manifest.job.{member}", f"is {new}, and this type is {job_type}; post it as a type of its own")
        for member, (new, old) in stated.items()
        if new != old
    ]:
        raise Invalid(faults)


def _change(job_type: JobType, changes: Mapping[str, Any], when: datetime) -> None:
    was_paused, was_active = job_type.is_paused, job_type.is_active
    for column, value in changes.items():
        setattr(job_type, column, value)
    if job_type.is_paused != was_paused:
        job_type.paused = when if job_type.is_paused else None
    if job_type.is_active != was_active:
        job_type.deprecated = None if job_type.is_active else when
    job_type.last_modified = when


def _part_secrets(job_type: JobType, manifest: Manifest) -> None:
    """Nothing secret stays in the row in clear; what the configuration no longer names is forgotten."""
    parted = take_secrets(job_type.configuration, manifest.interface, job_type.secrets)
    seal = sealer().seal
    kept = {name: job_type.secrets[name] for name in parted.kept}
    job_type.configuration = parted.configuration
    job_type.secrets = kept | {name: seal(value) for name, value in parted.stated.items()}


def _revise(job_type: JobType, manifest: Manifest, when: datetime) -> None:
    """Save it as a new revision, and the errors that it owns."""
    job_type.revision_num += 1
    _save(job_type)
    JobTypeRevision.objects.create(
        job_type=job_type,
        revision_num=job_type.revision_num,
        manifest=job_type.manifest,
        docker_image=job_type.docker_image,
        created=when,
    )
    errors_of_type_sync(job_type_name=job_type.name, errors=manifest.errors, when=when)


def _save(job_type: JobType) -> None:
    job_type.save()
    ring_after_commit()


def _locked(name: str, version: str) -> JobType | None:
    return JobType.objects.select_for_update().filter(name=name, version=version).first()
