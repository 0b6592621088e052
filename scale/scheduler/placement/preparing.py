"""Prepares executions of jobs of a type: reads what their jobs were given, and configures pre, main and post. Reads only."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from scale.fact import warn
from scale.job.execution.revisions import types_of_revisions
from scale.job.execution.seed import Asked, InputFile, Place, seed_configuration, unprepared_configuration
from scale.job.models import Job, JobInputFile, JobType
from scale.job.request import merge
from scale.kernel.ids import ClusterId
from scale.seed import JobConfiguration, Manifest, read_configuration, read_manifest
from scale.seed.configuration import HIDDEN
from scale.storage.models import Workspace
from scale.storage.workspace import root_of

logger = logging.getLogger(__name__)

EXECUTIONS = "work/executions"  #: below the data directory: the directories of executions, by cluster id
_PYTHON = (sys.executable, "-P", "-X", "utf8", "-m")


class _Given(NamedTuple):
    """What one job was given."""

    job_type: JobType  #: as in the job's revision
    manifest: Manifest
    json: Mapping[str, Any]
    files: Sequence[InputFile]
    configuration: JobConfiguration
    sealed: Mapping[str, str]
    input_mib: float


class Preparations:
    """For the executions of one pass."""

    def __init__(self, job_ids: Iterable[int], types: Mapping[int, JobType], home: Path) -> None:
        """Four statements, however many jobs there are; none if there are none."""
        ids = list(job_ids)
        self._home = home
        self._types = types
        self._given: dict[int, _Given] = {}
        self._unprepared: dict[int, str] = {}  # why, of jobs that nobody can prepare as they are
        self._places: dict[str, Place] = {}
        if ids:
            self._read(ids)

    def _read(self, ids: Sequence[int]) -> None:
        columns = ("job_type", "job_type_rev", "input", "input_file_size", "configuration", "secrets")
        jobs = Job.objects.only(*columns).in_bulk(ids)
        self._places = {one.name: Place(one.pk, root_of(one.configuration), one.is_active) for one in Workspace.objects.all()}
        files = self._files(ids)
        revisions = types_of_revisions((job.job_type_rev_id for job in jobs.values()), self._types)
        manifests = {pk: read_manifest(job_type.manifest).manifest for pk, job_type in revisions.items()}
        for pk, job in jobs.items():
            if manifest := manifests[job.job_type_rev_id]:
                with self._guarded(pk):
                    self._given[pk] = _given(job, revisions[job.job_type_rev_id], manifest, files.get(pk, ()), self._places)

    @contextmanager
    def _guarded(self, job_id: int) -> Iterator[None]:
        """Whatever is wrong with one job, the others are placed."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 what is stored of a job may be anything
            self._unprepared[job_id] = f"{type(error).__name__}: {error}"
            warn(logger, "unprepared", job=job_id, why=self._unprepared[job_id])

    def _files(self, ids: Sequence[int]) -> dict[int, list[InputFile]]:
        rows = JobInputFile.objects.filter(job__in=ids).select_related("input_file__workspace").order_by("pk")
        found: dict[int, list[InputFile]] = {}
        for row in rows:
            file, workspace = row.input_file, row.input_file.workspace
            one = InputFile(
                row.job_input,
                file.pk,
                file.name,
                workspace.name,
                file.path,
                self._places[workspace.name].root,
                file.media_type,
                file.size,
                is_product=file.job_id is not None,
                is_deleted=file.is_deleted,
            )
            found.setdefault(row.job_id, []).append(one)
        return found

    def type_of(self, job_id: int, job_type_id: int) -> JobType:
        """Of this job, as its revision has it."""
        given = self._given.get(job_id)
        return given.job_type if given else self._types[job_type_id]

    def configuration(
        self,
        name: ClusterId,
        job_id: int,
        exe_num: int,
        resources: Mapping[str, float],
        gpus: Iterable[int],
        *,
        env: Mapping[str, str],
    ) -> dict[str, Any] | None:
        """None if it is none of these, or its manifest cannot be read. Of one that cannot be prepared its pre says why."""
        if given := self._given.get(job_id):
            with self._guarded(job_id):
                asked = Asked(
                    job_id,
                    exe_num,
                    given.json,
                    given.files,
                    given.configuration,
                    given.sealed,
                    self._places,
                    resources,
                    given.input_mib,
                    tuple(gpus),
                    env,
                )
                directory = f"{self._home}/{EXECUTIONS}/{name}"
                return seed_configuration(name, given.manifest, asked, directory=directory, python=_PYTHON)
        why = self._unprepared.get(job_id)
        return unprepared_configuration(name, why, python=_PYTHON) if why else None


def _given(job: Job, job_type: JobType, manifest: Manifest, files: Sequence[InputFile], places: Mapping[str, Place]) -> _Given:
    """What operators change of the type holds for what is placed from now on; what the job says itself goes before.

    Of a configuration that cannot be read nothing holds; pre tells what is missing.
    """
    own = job.configuration or {}
    merged = merge(job_type.configuration, own)
    configuration = read_configuration(merged, None, dict.fromkeys(places, True)).configuration or JobConfiguration()
    stated = {name for name, value in own.get("settings", {}).items() if value != HIDDEN}
    sealed = {name: text for name, text in job_type.secrets.items() if name not in stated} | (job.secrets or {})
    values = (job.input or {}).get("json", {})
    return _Given(job_type, manifest, values, files, configuration, sealed, job.input_file_size or 0.0)
