"""The document that tells each task of an execution what it gets."""

from __future__ import annotations

import pytest

from scale.job.execution.configuration import DockerParameter, ExecutionConfiguration, command_configuration
from scale.job.execution.exceptions import InvalidExecutionConfiguration
from scale.kernel.ids import cluster_id

MAIN = {"type": "main", "args": "count 'two words'"}


def configured(**of_main):
    return ExecutionConfiguration({"version": "2.0", "tasks": [{**MAIN, **of_main}]})


def test_an_empty_document_has_no_tasks():
    configuration = ExecutionConfiguration()
    assert configuration.get_dict() == {"version": "2.0"}
    assert configuration.get_task_types() == []


def test_tasks_keep_their_order():
    kinds = ["post", "pull", "main", "pre"]
    document = {"tasks": [{"type": kind, "args": ""} for kind in kinds]}
    assert ExecutionConfiguration(document).get_task_types() == kinds


def test_a_task_is_told_what_stands_in_the_document():
    configuration = configured(task_id="t_main", env_vars={"A": "1"}, resources={"cpus": 0.5}, working_dir="/tmp/x")
    assert configuration.get_task_id("main") == "t_main"
    assert configuration.get_env_vars("main") == {"A": "1"}
    assert configuration.get_resources("main") == {"cpus": 0.5}
    assert configuration.get_working_dir("main") == "/tmp/x"


def test_a_line_of_arguments_is_cut_into_words_unless_the_command_stands_there():
    assert configured().get_command("main") == ("count", "two words")
    assert configured(command=["a", "b c"]).get_command("main") == ("a", "b c")


def test_a_task_that_is_not_there_has_nothing():
    configuration = configured()
    assert (configuration.get_task_id("pre"), configuration.get_args("pre"), configuration.get_command("pre")) == ("", "", ())
    assert (configuration.get_env_vars("pre"), configuration.get_docker_params("pre")) == ({}, ())


def test_parameters_of_docker_are_flag_and_value():
    params = configured(docker_params=[{"flag": "shm-size", "value": "64m"}]).get_docker_params("main")
    assert params == (DockerParameter("shm-size", "64m"),)


def test_named_volumes_are_those_that_are_not_of_the_host_each_once():
    ours = {"container_path": "/a", "mode": "rw", "type": "volume"}
    host = {"container_path": "/b", "mode": "ro", "type": "host", "host_path": "/srv"}
    tasks = [{"type": kind, "args": "", "volumes": {"in": ours, "host": host}} for kind in ("pre", "main")]
    assert ExecutionConfiguration({"tasks": tasks}).get_named_docker_volumes() == ["in"]


def test_a_missing_mount_or_setting_is_null_and_stays_so():
    document = {"version": "2.0", "tasks": [{**MAIN, "mounts": {"cfg": None}, "settings": {"key": None}}]}
    assert ExecutionConfiguration(document).get_dict() == document


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ({"version": "9.9"}, "version"),
        ({"colour": "red"}, "colour"),
        ({"tasks": [{"args": ""}]}, "tasks.0.type"),
        ({"tasks": [{"type": "main"}]}, "tasks.0.args"),
        ({"tasks": [{"type": "other", "args": ""}]}, "tasks.0.type"),
        ({"tasks": [{**MAIN, "colour": "red"}]}, "tasks.0.colour"),
        ({"tasks": [{**MAIN, "volumes": {"v": {"mode": "rw"}}}]}, "tasks.0.volumes.v"),
    ],
)
def test_a_document_with_a_fault_is_refused_and_the_place_named(document, where):
    with pytest.raises(InvalidExecutionConfiguration, match=where):
        ExecutionConfiguration(document)


def command_job(command):
    name = cluster_id("f", 7, 2)
    return ExecutionConfiguration(
        command_configuration(
            name, command, env={"A": "1"}, working_dir=None, resources={"cpus": 2, "mem": 256.0}, job_id=7, exe_num=2
        )
    )


def test_a_text_runs_by_the_shell_and_a_list_as_it_is():
    assert command_job("echo $A | wc").get_command("main") == ("/bin/sh", "-c", "echo $A | wc")
    assert command_job(["echo", "", "$A"]).get_command("main") == ("echo", "", "$A")
    assert command_job(["echo", "a b"]).get_args("main") == "echo 'a b'"


def test_a_command_is_one_main_task_that_knows_who_it_is():
    configuration = command_job("true")
    assert configuration.get_task_types() == ["main"]
    assert configuration.get_task_id("main") == "scale_job_f_7x2_main"
    assert configuration.get_env_vars("main") == {
        "A": "1",
        "ALLOCATED_CPUS": "2.0",
        "ALLOCATED_MEM": "256.0",
        "SCALE_JOB_ID": "7",
        "SCALE_EXE_NUM": "2",
        "CUDA_VISIBLE_DEVICES": "",
        "NVIDIA_VISIBLE_DEVICES": "void",
    }


def test_the_gpus_of_an_execution_stand_in_its_environment_and_are_read_from_there():
    needs = {"cpus": 1, "gpus": 2}
    name, env = cluster_id("f", 7, 2), {"CUDA_VISIBLE_DEVICES": "7"}
    document = command_configuration(name, "true", env=env, working_dir=None, resources=needs, job_id=7, exe_num=2, gpus=(0, 2))
    configuration = ExecutionConfiguration(document)
    told = configuration.get_env_vars("main")
    assert (told["CUDA_VISIBLE_DEVICES"], told["NVIDIA_VISIBLE_DEVICES"]) == ("0,2", "0,2")
    assert configuration.get_gpus() == (0, 2)
    assert command_job("true").get_gpus() == ()
