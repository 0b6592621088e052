"""Writes what executions gave: rows of their files, their output and that of their jobs, together with their ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q

from scale.job.messages import CapturedJob
from scale.job.models import Job, JobExecution, JobExecutionOutput
from scale.job.states import JobStatus
from scale.storage.services import MadeFile, files_record


def outputs_record(*, captured: Sequence[CapturedJob], when: datetime) -> None:
    """What is recorded already stays as it is."""
    found = {(told.job_id, told.exe_num): told for told in captured}
    new = list(
        JobExecution.objects.filter(_of(found, "exe_num"), jobexecutionoutput=None)
        .order_by("pk")
        .only("job", "job_type", "exe_num")
    )
    documents = _documents([(exe, found[exe.job_id, exe.exe_num]) for exe in new], when)
    JobExecutionOutput.objects.bulk_create(
        JobExecutionOutput(
            job_exe=exe, job_id=exe.job_id, job_type_id=exe.job_type_id, exe_num=exe.exe_num, output=document, created=when
        )
        for exe, document in zip(new, documents, strict=True)
    )
    _tell_jobs({(exe.job_id, exe.exe_num): document for exe, document in zip(new, documents, strict=True)}, when)


def _of(found: Iterable[tuple[int, int]], number: str) -> Q:
    """The rows of these executions, by job and number."""
    wanted = Q(pk__in=[])
    for job_id, exe_num in found:
        wanted |= Q(**{"job_id" if number == "exe_num" else "pk": job_id, number: exe_num})
    return wanted


def _tell_jobs(documents: Mapping[tuple[int, int], dict[str, Any]], when: datetime) -> None:
    """A job gives what its newest execution gave; one that was canceled meanwhile, nothing."""
    jobs = list(Job.objects.filter(_of(documents, "num_exes"), status=JobStatus.COMPLETED).only("num_exes"))
    for job in jobs:
        job.output, job.last_modified = documents[job.pk, job.num_exes], when
    Job.objects.bulk_update(jobs, ["output", "last_modified"])


def _documents(captured: Sequence[tuple[JobExecution, CapturedJob]], when: datetime) -> list[dict[str, Any]]:
    """The output of each, with the ids of its files; rows for all of them are made together."""
    made = [
        MadeFile(
            one.workspace_id,
            one.path,
            one.size,
            exe.job_id,
            exe.pk,
            one.output,
            media_type=one.media_type,
            meta_data=one.meta_data,
        )
        for exe, told in captured
        for one in told.captured.files
    ]
    ids = iter([file.pk for file in files_record(made=made, when=when)] if made else ())
    documents = []
    for _, told in captured:
        files: dict[str, list[int]] = {}
        for one in told.captured.files:
            files.setdefault(one.output, []).append(next(ids))
        documents.append({"files": files, "json": told.captured.json_})
    return documents
