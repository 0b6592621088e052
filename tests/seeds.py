"""Job types with rows of their own, for tests that run jobs of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scale.error.models import Error
from scale.job.models import JobType, JobTypeRevision
from scale.present import clock, sealer
from scale.seed import read_manifest
from scale.storage.models import Workspace

ERRORS = [
    {"code": 1, "name": "bad-scene", "category": "data"},
    {"code": 2, "name": "no-tiles", "category": "job"},
    {"code": 3, "name": "no-licence", "category": "job"},
]


def a_manifest(name: str = "tile", command: str = "true", **job: Any) -> dict[str, Any]:
    """``job`` are members of it beside the interface; ``interface`` is one, too."""
    interface = {"command": command, **job.pop("interface", {})}
    maintainer = {"name": "Ann", "email": "ann@example.com"}
    versions = {"jobVersion": "1.0.0", "packageVersion": "1.0.0"}
    told = {"title": "Tiler", "description": "Cuts tiles", "maintainer": maintainer, "timeout": 60, **versions, **job}
    return {"seedVersion": "1.0.0", "job": {"name": name, "interface": interface, **told}}


def a_type(manifest: dict[str, Any], configuration: Any = None, secrets: dict[str, str] | None = None, **columns: Any) -> JobType:
    """With its first revision, and the errors that it owns."""
    read, now = read_manifest(manifest).value(), clock().now()
    job_type = JobType.objects.create(
        name=read.job.name,
        version=read.job.job_version,
        manifest=manifest,
        configuration=configuration or {},
        created=now,
        last_modified=now,
        **columns,
    )
    if secrets:
        JobType.objects.filter(pk=job_type.pk).update(secrets={name: sealer().seal(text) for name, text in secrets.items()})
    image = columns.get("docker_image", "")
    JobTypeRevision.objects.create(job_type=job_type, revision_num=1, manifest=manifest, docker_image=image, created=now)
    Error.objects.bulk_create(
        Error(**error._asdict(), job_type_name=job_type.name, created=now, last_modified=now) for error in read.errors
    )
    return job_type


def revise(job_type: JobType, manifest: dict[str, Any], docker_image: str = "") -> None:
    """Make it another one from now on."""
    job_type.revision_num += 1
    job_type.manifest, job_type.docker_image = manifest, docker_image
    job_type.save()
    number, now = job_type.revision_num, clock().now()
    JobTypeRevision.objects.create(
        job_type=job_type, revision_num=number, manifest=manifest, docker_image=docker_image, created=now
    )


def a_workspace(directory: Path, name: str = "scenes", **columns: Any) -> Workspace:
    directory.mkdir(exist_ok=True)
    configuration, now = {"broker": {"type": "host", "host_path": str(directory)}}, clock().now()
    return Workspace.objects.create(name=name, configuration=configuration, created=now, last_modified=now, **columns)
