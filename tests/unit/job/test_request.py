"""Jobs of a job type as they are asked for: every fault with its place, and what fits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scale.job.request import (
    MAX_FILES,
    Input,
    JobRequest,
    KnownFile,
    configuration_faults,
    file_faults,
    input_mib,
    is_of_type,
    json_text,
    media_types_off,
    merge,
    parse_asked,
    read_input,
    without_secrets,
)
from scale.job.submission import InvalidSubmission, Submission, parse_submissions
from scale.seed import Interface
from scale.storage.workspace import FilePath

INTERFACE = Interface.model_validate(
    {
        "inputs": {
            "files": [
                {"name": "SCENE", "mediaTypes": ["image/tiff"]},
                {"name": "MORE", "multiple": True, "required": False},
            ],
            "json": [
                {"name": "count", "type": "integer"},
                {"name": "ratio", "type": "number", "required": False},
                {"name": "note", "type": "string", "required": False},
                {"name": "flag", "type": "boolean", "required": False},
                {"name": "many", "type": "array", "required": False},
                {"name": "one", "type": "object", "required": False},
            ],
        },
        "outputs": {"files": [{"name": "TILES", "pattern": "*.tif"}]},
        "settings": [{"name": "HOST"}, {"name": "KEY", "secret": True}],
        "mounts": [{"name": "ref", "path": "/ref"}],
    }
)
GOOD = {"files": {"SCENE": [1]}, "json": {"count": 3}}
CONFIGURED = {"output_workspaces": {"default": "products"}}


DEEP: list[object] = []
for _ in range(100):
    DEEP = [DEEP]


def faults(raw):
    return {fault.field: fault.message for fault in read_input(raw, INTERFACE)[1]}


def asked(raw):
    try:
        return parse_asked(raw)
    except InvalidSubmission as error:
        return {fault.field: fault.message for fault in error.faults}


def test_a_command_is_a_plain_job_and_whoever_names_a_type_wants_one_of_it():
    assert isinstance(asked({"command": "true"}), Submission)
    assert isinstance(asked({"job_type_id": 1}), JobRequest)
    assert asked({"job_type": {"name": "tile", "version": "1.0.0-rc1"}, "priority": 3}).priority == 3
    assert asked([]) == {"": "expected a JSON object"}


def test_many_may_be_of_both_kinds():
    one, other = parse_submissions({"jobs": [{"command": "true"}, {"job_type_id": 1}]}, parse_asked)
    assert (type(one), type(other)) == (Submission, JobRequest)
    assert (other.jobs, other.indices) == (1, None)
    with pytest.raises(InvalidSubmission) as raised:
        parse_submissions({"jobs": [{"job_type_id": "x", "command": "y"}]}, parse_asked)
    assert {fault.field for fault in raised.value.faults} == {"jobs.0.job_type_id", "jobs.0.command"}


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ({"job_type_id": None}, ""),
        ({"job_type_id": 1, "job_type": {"name": "a", "version": "1"}}, ""),
        ({"job_type": {"name": "a"}}, "job_type.version"),
        ({"job_type": {"name": "a", "version": "1", "verson": "1"}}, "job_type.verson"),
        ({"job_type_id": 0}, "job_type_id"),
        ({"job_type_id": 1, "input": []}, "input"),
        ({"job_type_id": 1, "resources": {"cpus": 1}}, "resources"),
        ({"job_type_id": 1, "retry_on": "sometimes"}, "retry_on"),
        ({"job_type_id": 1, "name": "a\tb"}, "name"),
    ],
)
def test_a_request_of_another_shape_is_refused_at_its_place(raw, field):
    assert field in asked(raw)


def test_what_fits_is_taken_as_it_is_named():
    at = {"workspace": "scenes", "path": "a.tif"}
    given, wrong = read_input({"files": {"SCENE": at, "MORE": [1, 2]}, "json": {"count": 1}, "version": "7"}, INTERFACE)
    assert (given, wrong) == (Input({"SCENE": [FilePath("scenes", "a.tif")], "MORE": [1, 2]}, {"count": 1}), [])


@pytest.mark.parametrize(
    ("raw", "place", "words"),
    [
        ({}, "input.files.SCENE", "is required"),
        ({}, "input.json.count", "is required"),
        ({"file": {}}, "input.file", "known are: files, json"),
        ({"files": []}, "input.files", "expected a JSON object"),
        ({"files": {"OTHER": [1]}}, "input.files.OTHER", "no such input of files; it has: MORE, SCENE"),
        ({"files": {"count": [1]}}, "input.files.count", "state it in input.json"),
        ({"json": {"SCENE": 1}}, "input.json.SCENE", "state it in input.files"),
        ({"json": {"x" * 300: 1}}, "input.json." + "x" * 100 + "…", "no such input of JSON"),
        ({"files": {"SCENE": [1, 2]}}, "input.files.SCENE", "takes one file, not 2"),
        ({"files": {"SCENE": []}}, "input.files.SCENE", "names no file"),
        ({"files": {"MORE": [1, 1]}}, "input.files.MORE.1", "the same file again"),
        ({"files": {"MORE": [1, "a.tif"]}}, "input.files.MORE.1", "expected the id of a file"),
        ({"files": {"MORE": [True]}}, "input.files.MORE.0", "expected the id of a file"),
        ({"files": {"MORE": [0]}}, "input.files.MORE.0", "expected the id of a file"),
        ({"files": {"MORE": [2**64]}}, "input.files.MORE.0", "expected the id of a file"),
        ({"files": {"MORE": {"workspace": "a", "path": "b", "c": 1}}}, "input.files.MORE.0", "expected the id of a file"),
        ({"files": {"MORE": [*range(1, MAX_FILES + 2)]}}, "input.files.MORE", "it takes at most"),
        ({"json": {"count": 1.5}}, "input.json.count", "expected a whole number"),
        ({"json": {"count": True}}, "input.json.count", "expected a whole number"),
        ({"json": {"count": None}}, "input.json.count", "expected a whole number"),
        ({"json": {"ratio": "1"}}, "input.json.ratio", "expected a number"),
        ({"json": {"note": 1}}, "input.json.note", "expected text"),
        ({"json": {"flag": 1}}, "input.json.flag", "expected true or false"),
        ({"json": {"many": {}}}, "input.json.many", "expected a list"),
        ({"json": {"one": []}}, "input.json.one", "expected an object"),
        ({"json": {"note": "a\0"}}, "input.json.note", "NUL"),
        ({"json": {"note": "\ud800"}}, "input.json.note", "lone surrogate"),
        ({"json": {"one": {"a": ["\ud800"]}}}, "input.json.one", "lone surrogate"),
        ({"json": {"one": {"a": [float("nan")]}}}, "input.json.one", "none of JSON"),
        ({"json": {"ratio": float("inf")}}, "input.json.ratio", "none of JSON, or too large"),
        ({"json": {"one": {"a": DEEP}}}, "input.json.one", "nested deeper than 100"),
        ({"version": "9"}, "input.version", 'expected "6" or "7"'),
        ({"json": {"one": {"a": ["\0"]}}}, "input.json.one", "NUL"),
        ({"json": {"count": 2**64}}, "input.json.count", "more than 64 bits"),
        ({"json": {"note": "x" * 200_000}}, "input.json.note", "longer than 131071 bytes"),
    ],
)
def test_each_fault_is_told_at_its_place(raw, place, words):
    found = faults(raw)
    assert words in found[place]


def test_an_interface_without_inputs_says_so():
    _, wrong = read_input({"files": {"A": [1]}}, Interface())
    assert wrong[0].message == "the job type has no such input of files; it has none"


def test_all_values_together_are_no_more_than_a_process_can_be_given():
    names = [f"v{number}" for number in range(6)]
    interface = Interface.model_validate({"inputs": {"json": [{"name": name, "type": "string"} for name in names]}})
    _, wrong = read_input({"json": dict.fromkeys(names, "x" * 100_000)}, interface)
    assert [fault.field for fault in wrong] == ["input.json"]


def test_faults_are_told_all_at_once():
    assert set(faults({"files": {"SCENE": ["a"], "X": []}, "json": {"ratio": "r"}})) == {
        "input.files.SCENE.0",
        "input.files.X",
        "input.json.ratio",
        "input.json.count",
    }


@pytest.mark.parametrize(
    ("value", "kind", "is_one"),
    [(1, "number", True), (1.5, "number", True), (True, "number", False), (True, "boolean", True), ({}, "object", True)],
)
def test_true_is_no_number(value, kind, is_one):
    assert is_of_type(value, kind) is is_one


def test_text_stays_as_it_is_and_all_else_is_json():
    assert [json_text(value) for value in ("a b", 3, True, {"ü": [1, None]})] == ["a b", "3", "true", '{"ü":[1,null]}']


def test_a_number_that_postgresql_gives_back_as_a_whole_one_of_300_digits_has_a_text():
    assert json_text(int(1e300)) == str(int(1e300))


def known(**wrong):
    return {1: KnownFile("a.tif", 1, "image/tiff", **wrong), FilePath("w", "b"): KnownFile("b", 2 << 20, "text/plain")}


def test_files_that_are_not_there_or_not_to_be_read_are_told():
    given = Input({"SCENE": [1], "MORE": [2, FilePath("w", "b")]}, {})
    told = [(fault.field, fault.message) for fault in file_faults(given, known(wrong="was deleted"))]
    assert told == [("input.files.SCENE.0", "was deleted"), ("input.files.MORE.0", "there is no file 2")]


def test_a_file_that_is_named_by_its_id_and_by_its_path_is_the_same_file():
    by_path = FilePath("w", "./a.tif")
    files = {1: KnownFile("a.tif", 1, workspace="w"), by_path: KnownFile("a.tif", 1, workspace="w")}
    (fault,) = file_faults(Input({"SCENE": [1], "MORE": [1, by_path]}, {}), files)
    assert (fault.field, fault.message) == ("input.files.MORE.1", "is the same file again")


def test_a_path_with_a_lone_surrogate_is_a_fault_and_no_surprise():
    path = FilePath("w", "\ud800")
    (fault,) = file_faults(Input({"SCENE": [path]}, {}), {path: KnownFile(path.path, 0, wrong="is not UTF-8")})
    assert fault.message == "is not UTF-8"


def test_names_of_files_are_no_more_than_pre_can_be_told():
    files = {number: KnownFile(f"{number:01000}", 1) for number in range(1, 501)}
    (fault,) = file_faults(Input({"MORE": [*files]}, {}), files)
    assert fault.field == "input.files"


def test_input_counts_in_whole_mib_rounded_up():
    assert input_mib(Input({"SCENE": [1], "MORE": [FilePath("w", "b")]}, {}), known()) == 3
    assert input_mib(Input({}, {}), known()) == 0


def test_another_media_type_is_a_doubt():
    given = Input({"SCENE": [FilePath("w", "b")], "MORE": [FilePath("w", "b")]}, {})
    assert media_types_off(given, INTERFACE, known()) == ["input.files.SCENE: b is text/plain, not image/tiff"]
    assert media_types_off(Input({"SCENE": [1]}, {}), INTERFACE, known()) == []


WORKSPACES = {"products": True, "old": False}


def told(own, of_type=CONFIGURED):
    return {fault.field: fault.message for fault in configuration_faults(own, of_type, INTERFACE, WORKSPACES)}


def test_a_jobs_own_configuration_may_leave_out_what_its_type_has():
    assert told({}) == told({"settings": {"HOST": "h"}, "priority": 3}) == {}


@pytest.mark.parametrize(
    ("own", "of_type", "place"),
    [
        ({}, {}, "configuration.output_workspaces"),
        ({}, {"output_workspaces": {"default": "old"}}, "configuration.output_workspaces.default"),
        ({"output_workspaces": {"default": "gone"}}, CONFIGURED, "configuration.output_workspaces.default"),
        ({"output_workspaces": {"outputs": {"TILE": "products"}}}, CONFIGURED, "configuration.output_workspaces.outputs.TILE"),
        ({"output_workspaces": {"outputs": {"TILES": "old"}}}, CONFIGURED, "configuration.output_workspaces.outputs.TILES"),
        ({"settings": {"KAY": "hunter2"}}, CONFIGURED, "configuration.settings.KAY"),
        ({"mounts": {"raf": {"type": "host", "host_path": "/a"}}}, CONFIGURED, "configuration.mounts.raf"),
        ({"settings": []}, CONFIGURED, "configuration.settings"),
        ({"settings": {"HOST": 3}}, CONFIGURED, "configuration.settings.HOST"),
        ({"priority": 0}, CONFIGURED, "configuration.priority"),
    ],
)
def test_what_is_wrong_with_a_configuration_is_told_at_its_place_and_shows_no_value(own, of_type, place):
    found = told(own, of_type)
    assert list(found) == [place]
    assert "hunter2" not in str(found)


def test_a_jobs_own_configuration_goes_before_that_of_its_type():
    of_type = {"settings": {"A": "1", "B": "1"}, "priority": 5, "output_workspaces": {"default": "x", "outputs": {"o": "y"}}}
    assert merge(of_type, {"settings": {"B": "2"}, "output_workspaces": {"outputs": {"p": "z"}}}) == {
        "settings": {"A": "1", "B": "2"},
        "mounts": {},
        "priority": 5,
        "output_workspaces": {"default": "x", "outputs": {"o": "y", "p": "z"}},
    }
    assert merge(of_type, {"output_workspaces": {"default": "z"}})["output_workspaces"] == {"default": "z", "outputs": {}}


def test_secrets_are_parted_from_what_is_kept():
    own = {"settings": {"HOST": "h", "KEY": "s"}, "priority": 3}
    assert without_secrets(own, INTERFACE) == ({"settings": {"HOST": "h", "KEY": "*****"}, "priority": 3}, {"KEY": "s"})
    assert without_secrets({"settings": {"KEY": "*****"}}, INTERFACE)[1] == {}
    assert without_secrets({"priority": 3}, INTERFACE) == ({"priority": 3}, {})


def test_the_request_of_the_page_about_them_is_one():
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "run-jobs-of-a-type.md").read_text()
    asked = parse_asked(json.loads(page.partition("-d '")[2].partition("'\n")[0]))
    assert isinstance(asked, JobRequest)
    assert asked.input["files"]["MASKS"] == [17, 18]
    for field in (name for name in JobRequest.model_fields if name != "input"):
        assert f"`{field}`" in page
