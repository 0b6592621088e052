"""Names of the volumes and paths that the containers of an execution share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scale.kernel.errors import BadRequest

if TYPE_CHECKING:
    from scale.job.models import JobExecution

SCALE_JOB_EXE_INPUT_PATH = "/scale/input_data"
SCALE_JOB_EXE_OUTPUT_PATH = "/scale/output_data"
SCALE_INPUT_METADATA_PATH = f"{SCALE_JOB_EXE_INPUT_PATH}/scale-input-metadata.json"


class StillQueued(BadRequest):
    """The execution is still queued, so it has no volumes."""


def get_job_exe_input_vol_name(job_exe: JobExecution) -> str:
    """:raises StillQueued: the execution has not been placed"""
    return f"{_placed(job_exe)}_input_data"


def get_job_exe_output_vol_name(job_exe: JobExecution) -> str:
    """:raises StillQueued: the execution has not been placed"""
    return f"{_placed(job_exe)}_output_data"


def get_mount_volume_name(job_exe: JobExecution, mount_name: str) -> str:
    """:raises StillQueued: the execution has not been placed"""
    return f"{_placed(job_exe)}_mount_{mount_name}"


def get_workspace_volume_name(job_exe: JobExecution, workspace: str) -> str:
    """:raises StillQueued: the execution has not been placed"""
    return f"{_placed(job_exe)}_wksp_{workspace}"


def _placed(job_exe: JobExecution) -> str:
    if not job_exe.cluster_id and job_exe.pk is None:
        raise StillQueued
    return job_exe.get_cluster_id()
