"""What pre, main and post of a job of a type are given."""

from __future__ import annotations

from scale.job.execution.configuration import ExecutionConfiguration, command_configuration, without_secrets
from scale.job.execution.seed import Asked, InputFile, Place, seed_configuration, unprepared_configuration
from scale.kernel.ids import ClusterId, task_type_of
from scale.seed import JobConfiguration, read_manifest
from scale.steps.common import told
from tests.seeds import a_manifest

NAME = ClusterId("scale_job_f_7x2")
INTERFACE = {
    "inputs": {
        "files": [
            {"name": "SCENE"},
            {"name": "more-of-it", "multiple": True},
            {"name": "GONE", "required": False, "partial": True},
        ],
        "json": [{"name": "count", "type": "integer"}],
    },
    "outputs": {
        "files": [{"name": "TILES", "pattern": "*.tif"}, {"name": "LOST", "pattern": "*"}],
        "json": [{"name": "n", "type": "integer", "key": "number"}],
    },
    "settings": [{"name": "db-host"}, {"name": "KEY", "secret": True}, {"name": "OLD"}, {"name": "LACKING"}],
    "mounts": [{"name": "ref.a", "path": "/a"}, {"name": "vol", "path": "/b"}, {"name": "none", "path": "/c"}],
}
SCALARS = [{"name": "mem", "value": 100}, {"name": "sharedMem", "value": 10}, {"name": "gpus", "value": 1}]
CONFIGURATION = {
    "settings": {"db-host": "h", "KEY": "*****", "OLD": "*****"},
    "mounts": {"ref.a": {"type": "host", "host_path": "/data"}, "vol": {"type": "volume", "driver": "x"}},
    "output_workspaces": {"outputs": {"TILES": "products"}},
}


def a_file(name, number, path):
    return InputFile(name, number, path.rpartition("/")[2], "scenes", path, "/scenes", "image/tiff", 5, number == 3, False)


def configured(files=(), **changes):
    manifest = read_manifest(a_manifest(command="run ${SCENE}", interface=INTERFACE, resources={"scalar": SCALARS})).value()
    sealed = {"KEY": "gAAA", "OLD": "gBBB", "STRANGER": "gCCC"}
    resources = {"cpus": 1.0, "mem": 128.0, "disk": 5.0, "gpus": 1.0, "images": 1.0}
    asked = Asked(
        7, 2, {"count": 3}, files, JobConfiguration.model_validate(CONFIGURATION), sealed,
        {"products": Place(4, "/products"), "scenes": Place(5, "/scenes")}, resources, 2.0, (1,),
    )  # fmt: skip
    document = seed_configuration(NAME, manifest, asked._replace(**changes), directory="/exe", python=["python", "-m"])
    assert ExecutionConfiguration(document).get_dict() == document
    return ExecutionConfiguration(document)


FILES = [a_file("SCENE", 1, "a/s.tif"), a_file("more-of-it", 2, "x/t.tif"), a_file("more-of-it", 3, "y/t.tif")]


def test_three_tasks_in_turn():
    found = configured(FILES)
    assert found.get_task_types() == ["pre", "main", "post"]
    assert [task_type_of(found.get_task_id(kind)) for kind in found.get_task_types()] == ["pre", "main", "post"]
    assert [found.get_command(kind) for kind in found.get_task_types()] == [
        ("python", "-m", "scale.steps.pre"),
        ("/bin/sh", "-c", "run ${SCENE}"),
        ("python", "-m", "scale.steps.post"),
    ]


def test_what_cannot_be_prepared_is_a_pre_that_says_why():
    found = ExecutionConfiguration(unprepared_configuration(NAME, "ValueError: no", python=["python", "-m"]))
    assert (found.get_task_types(), found.get_command("pre")) == (["pre"], ("python", "-m", "scale.steps.pre"))
    assert told(found.get_env_vars("pre")) == {"unprepared": "ValueError: no", "files": {}}


def test_what_a_task_is_called():
    assert [task_type_of(task) for task in ("scale_job_f_1x1_post_lost-2", "other_task_post", "scale_job_f_1x1_main")] == [
        "post", "", "main",
    ]  # fmt: skip


def test_the_program_finds_everything_in_its_environment():
    env = configured(FILES).get_env_vars("main")
    assert env == {
        "SCENE": "/exe/input/SCENE/s.tif",
        "MORE_OF_IT": "/exe/input/more-of-it",
        "COUNT": "3",
        "DB_HOST": "h",
        "SCALE_MOUNT_REF_A": "/data",
        "OUTPUT_DIR": "/exe/output",
        "INPUT_METADATA": "/exe/input/scale-input-metadata.json",
        "ALLOCATED_CPUS": "1.0",
        "ALLOCATED_MEM": "128.0",
        "ALLOCATED_DISK": "3.0",
        "ALLOCATED_GPUS": "1.0",
        "ALLOCATED_SHAREDMEM": "10.0",
        "SCALE_JOB_ID": "7",
        "SCALE_EXE_NUM": "2",
        "CUDA_VISIBLE_DEVICES": "1",
        "NVIDIA_VISIBLE_DEVICES": "1",
    }


def test_a_type_of_no_shared_memory_hears_of_none():
    asked = Asked(7, 2, {}, (), JobConfiguration(), {}, {}, {"cpus": 1.0}, 0.0)
    document = seed_configuration(NAME, read_manifest(a_manifest()).value(), asked, directory="/exe", python=())
    assert "ALLOCATED_SHAREDMEM" not in ExecutionConfiguration(document).get_env_vars("main")


def test_secrets_stay_sealed_and_apart_even_those_that_are_none_any_more():
    found = configured()
    assert found.get_secrets("main") == {"KEY": "gAAA", "OLD": "gBBB"}
    assert (found.get_secrets("pre"), found.get_secrets("post")) == ({}, {})
    main = found.get_dict()["tasks"][1]
    assert main["settings"] == {"db-host": "h", "KEY": "*****", "OLD": "*****", "LACKING": None}
    shown = str(without_secrets(found.get_dict()))
    assert not [text for text in ("gAAA", "gBBB") if text in shown]
    assert "gAAA" in str(found.get_dict())


def test_a_document_without_secrets_is_shown_as_it_is():
    plain = command_configuration(NAME, "true", env={}, working_dir=None, resources={}, job_id=7, exe_num=2)
    assert without_secrets(plain) == plain
    assert without_secrets({}) == {}


def test_names_of_files_in_one_input_stay_apart_whatever_they_are():
    names = ["a.tif", "a.tif", "1.a.tif", "3.1.a.tif", "b.tif"]
    files = [InputFile("more", number, name, "w", f"{number}", "/w", "", 1, False, False) for number, name in enumerate(names, 1)]
    asked = Asked(7, 2, {}, files, JobConfiguration(), {}, {}, {"cpus": 1.0}, 0.0)
    document = seed_configuration(NAME, read_manifest(a_manifest()).value(), asked, directory="/exe", python=())
    local = [file["local_file_name"] for file in document["input_files"]["more"]]
    assert local == ["1.a.tif", "2.a.tif", "3.1.a.tif", "4.3.1.a.tif", "b.tif"]


def test_pre_is_told_what_to_bring_and_what_is_missing():
    step = told(configured(FILES).get_env_vars("pre"))
    assert [file["local_file_name"] for file in step["files"]["more-of-it"]] == ["2.t.tif", "3.t.tif"]
    assert [file["type"] for file in step["files"]["more-of-it"]] == ["SOURCE", "PRODUCT"]
    assert (step["roots"], step["partial"]) == ({"scenes": "/scenes"}, ["GONE"])
    assert step["missing_settings"] == ["LACKING"]
    assert step["homeless"] == ["LOST"]
    assert step["mounts"] == {"ref.a": "/data", "vol": None, "none": None}


def test_post_is_told_what_to_look_for_and_where_it_goes():
    step = told(configured().get_env_vars("post"))
    assert step["place"] == "tile/1.0.0/job_7/exe_2"
    assert step["workspaces"] == {"products": {"id": 4, "root": "/products"}}
    assert [output["workspace"] for output in step["outputs"]] == ["products", None]
    assert step["json"] == [{"name": "n", "key": "number", "type": "integer", "required": True}]
    assert "files" not in step
    assert configured().get_dict()["output_workspaces"] == {"TILES": "products"}


def test_nothing_new_is_put_into_a_workspace_that_is_not_active():
    found = configured(workspaces={"products": Place(4, "/products", is_active=False)})
    assert told(found.get_env_vars("pre"))["homeless"] == ["TILES", "LOST"]
    assert told(found.get_env_vars("post"))["workspaces"] == {}


def test_each_step_holds_what_it_needs_of_the_node():
    found = configured()
    assert [found.get_resources(kind)["disk"] for kind in ("pre", "main", "post")] == [5.0, 3.0, 0.0]
    assert all("images" not in found.get_resources(kind) for kind in ("pre", "main", "post"))
    assert found.get_gpus() == (1,)
