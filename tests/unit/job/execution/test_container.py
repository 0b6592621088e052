"""Names of volumes and paths that the containers of an execution share."""

from __future__ import annotations

import pytest

from scale.job.execution import container
from scale.job.execution.container import StillQueued
from scale.job.models import JobExecution
from tests.builders import a_job_exe


def test_paths_are_those_of_scale():
    assert container.SCALE_JOB_EXE_INPUT_PATH == "/scale/input_data"
    assert container.SCALE_JOB_EXE_OUTPUT_PATH == "/scale/output_data"
    assert container.SCALE_INPUT_METADATA_PATH == "/scale/input_data/scale-input-metadata.json"


def test_volumes_are_named_after_the_execution():
    job_exe = a_job_exe(7, exe_num=2)
    assert container.get_job_exe_input_vol_name(job_exe) == "scale_job_f_7x2_input_data"
    assert container.get_job_exe_output_vol_name(job_exe) == "scale_job_f_7x2_output_data"
    assert container.get_mount_volume_name(job_exe, "cfg") == "scale_job_f_7x2_mount_cfg"
    assert container.get_workspace_volume_name(job_exe, "raw") == "scale_job_f_7x2_wksp_raw"


def test_an_execution_without_a_cluster_id_goes_by_its_number():
    assert container.get_job_exe_input_vol_name(JobExecution(pk=3)) == "scale_3_input_data"


@pytest.mark.parametrize("name", [container.get_job_exe_input_vol_name, container.get_job_exe_output_vol_name])
def test_a_queued_execution_has_no_volumes(name):
    with pytest.raises(StillQueued, match="still queued"):
        name(JobExecution())


@pytest.mark.parametrize("name", [container.get_mount_volume_name, container.get_workspace_volume_name])
def test_a_queued_execution_has_no_named_volumes(name):
    with pytest.raises(StillQueued):
        name(JobExecution(), "raw")
