"""Job types as executions see them: as they were in the revision that the job was made with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy

from scale.job.models import JobExecution, JobType, JobTypeRevision

_KEPT = ("error_mapping", "error_categories")  #: what a job type works out once from its manifest


def types_of_revisions(ids: Iterable[int], types: Mapping[int, JobType]) -> dict[int, JobType]:
    """By the id of a revision, its type with the manifest and the image of that revision."""
    wanted = list(set(ids))
    revisions = JobTypeRevision.objects.in_bulk(wanted) if wanted else {}
    return {pk: type_of_revision(types[revision.job_type_id], revision) for pk, revision in revisions.items()}


def as_of_their_revisions(executions: Iterable[JobExecution]) -> list[JobExecution]:
    """Executions that were read with their jobs and job types, each type as the job's revision has it.

    That of plain commands is not asked for.
    """
    made = list(executions)
    revisions = types_of_revisions(
        (exe.job.job_type_rev_id for exe in made if not exe.job_type.is_builtin), {exe.job_type_id: exe.job_type for exe in made}
    )
    for exe in made:
        exe.job_type = revisions.get(exe.job.job_type_rev_id, exe.job_type)
    return made


def type_of_revision(job_type: JobType, revision: JobTypeRevision) -> JobType:
    then = copy(job_type)
    for name in _KEPT:
        then.__dict__.pop(name, None)
    then.manifest, then.docker_image = revision.manifest, revision.docker_image
    return then
