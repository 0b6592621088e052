"""What may be submitted, and what is refused with the field named."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scale.job.states import RetryOn
from scale.job.submission import MAX_ARGUMENT, InvalidSubmission, Submission, parse_submission, parse_submissions

DEFAULTS = {
    "count": None,
    "array": None,
    "name": "",
    "env": {},
    "working_dir": None,
    "resources": {"cpus": 1, "mem": 256, "disk": 0, "gpus": 0},
    "timeout": 3600,
    "max_tries": 3,
    "retry_on": "system",
    "priority": 100,
    "labels": {},
    "depends_on": [],
    "hold": False,
    "supersedes": None,
    "constraints": [],
    "hosts": [],
    "avoid_hosts": [],
    "placement": None,
}


def faults_of(raw: object) -> dict[str, str]:
    with pytest.raises(InvalidSubmission) as refused:
        parse_submission(raw)
    return {fault.field: fault.message for fault in refused.value.faults}


def test_only_a_command_is_required():
    assert parse_submission({"command": "true"}).model_dump() == {"command": "true", **DEFAULTS}


def test_the_defaults_may_as_well_be_stated():
    assert parse_submission({"command": "true", **DEFAULTS}) == parse_submission({"command": "true"})


def test_a_list_stays_a_list():
    assert parse_submission({"command": ["printf", "%s", "", "a b"]}).command == ["printf", "%s", "", "a b"]


def test_stated_resources_leave_the_others_at_their_defaults():
    needs = parse_submission({"command": "true", "resources": {"cpus": 0.1, "gpus": 2}}).resources
    assert needs.amounts == {"cpus": 0.1, "mem": 256.0, "disk": 0.0, "gpus": 2.0}


def test_what_is_stated_is_taken_as_stated():
    assert parse_submission({"command": "true", "resources": {"cpus": 0, "mem": 1}}).resources.amounts["mem"] == 1


@pytest.mark.parametrize("word", list(RetryOn))
def test_each_way_to_retry_is_known(word):
    assert parse_submission({"command": "true", "retry_on": str(word)}).retry_on is word


@pytest.mark.parametrize(
    "command",
    [
        None,
        "",
        "  ",
        [],
        [""],
        ["", "x"],
        7,
        True,
        {"a": 1},
        ["ls", 1],
        [["ls"]],
        "a\0b",
        ["ls", "a\0"],
        "\ud800",
        ["ls", "\udfff"],
        "x" * (MAX_ARGUMENT + 1),
        ["ls", "é" * (MAX_ARGUMENT // 2 + 1)],
        ["x" * 100_000] * 11,
        ["ls"] + [""] * 200_000,
    ],
    ids=lambda command: repr(command)[:20],
)
def test_a_command_that_cannot_be_run_is_refused(command):
    assert list(faults_of({"command": command})) == ["command"]


def test_an_argument_may_be_as_long_as_a_process_can_take():
    assert parse_submission({"command": "x" * MAX_ARGUMENT})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", 1),
        ("name", None),
        ("name", "x" * 201),
        ("name", "x" * 1_000_000),
        ("name", "a\0b"),
        ("name", "a\nb"),
        ("name", "\ud800"),
        ("working_dir", "relative"),
        ("working_dir", ""),
        ("working_dir", "/a\0b"),
        ("working_dir", "/" * 4097),
        ("working_dir", 1),
        ("timeout", 0),
        ("timeout", -1),
        ("timeout", 1.5),
        ("timeout", "1"),
        ("timeout", True),
        ("timeout", None),
        ("timeout", math.nan),
        ("timeout", 2**31),
        ("timeout", 10**400),
        ("max_tries", 0),
        ("max_tries", 101),
        ("max_tries", "3"),
        ("priority", 0),
        ("priority", 2**31),
        ("priority", False),
        ("retry_on", "always"),
        ("retry_on", None),
        ("retry_on", []),
        ("env", []),
        ("env", None),
        ("env", {"": "x"}),
        ("env", {"A=B": "x"}),
        ("env", {"A\0": "x"}),
        ("env", {"A": "\0"}),
        ("env", {"SCALE_JOB_ID": "7"}),
        ("env", {"A": "x" * MAX_ARGUMENT}),
        ("env", {f"A{n}": "x" * 100_000 for n in range(6)}),
        ("labels", None),
        ("labels", {str(n): "" for n in range(101)}),
        ("resources", None),
        ("resources", []),
        ("resources", 1),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_field_that_cannot_be_used_is_named(field, value):
    assert list(faults_of({"command": "true", field: value})) == [field]


@pytest.mark.parametrize("amount", [-1, -0.1, math.nan, math.inf, -math.inf, "1", True, None, [1], 10**400, 1e13])
@pytest.mark.parametrize("name", ["cpus", "mem", "disk", "gpus"])
def test_an_amount_that_is_no_amount_is_named(name, amount):
    assert list(faults_of({"command": "true", "resources": {name: amount}})) == [f"resources.{name}"]


def test_half_a_gpu_is_refused():
    assert faults_of({"command": "true", "resources": {"gpus": 0.5}}) == {"resources.gpus": "must be a whole number"}


@pytest.mark.parametrize("labels", [{"a": 1}, {"a": None}, {"a": "\0"}, {"a": "x" * 1001}])
def test_a_label_that_is_no_text_is_named(labels):
    assert list(faults_of({"command": "true", "labels": labels})) == ["labels.a"]


def test_an_unknown_field_is_refused_with_the_one_that_was_meant():
    assert "did you mean timeout?" in faults_of({"command": "true", "timeuot": 1})["timeuot"]
    assert "did you mean cpus?" in faults_of({"command": "true", "resources": {"cpu": 1}})["resources.cpu"]
    assert "cpus, mem, disk, gpus" in faults_of({"command": "true", "resources": {"fpga_cards": 1}})["resources.fpga_cards"]


def test_an_unknown_field_that_goes_on_and_on_is_shown_short():
    (field,) = faults_of({"command": "true", "x" * 1_000_000: 1})
    assert len(field) < 200


@pytest.mark.parametrize("raw", [None, [], "true", 7, True, math.nan])
def test_what_is_no_object_is_refused_as_a_whole(raw):
    assert faults_of(raw) == {"": "expected a JSON object"}


def test_all_faults_are_told_together():
    faults = faults_of({"timeout": 0, "resources": {"cpus": -1, "mem": "x"}, "colour": "red"})
    assert set(faults) == {"command", "timeout", "resources.cpus", "resources.mem", "colour"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
near_misses = st.fixed_dictionaries({}, optional=dict.fromkeys((*Submission.model_fields, "x"), json_values))


@given(raw=json_values | near_misses)
def test_any_json_is_parsed_or_refused_and_what_is_said_can_be_sent(raw):
    try:
        submission = parse_submission(raw)
    except InvalidSubmission as error:
        faults = error.faults
    else:
        assert parse_submission(json.loads(submission.model_dump_json())) == submission
        return
    assert faults
    assert json.dumps([fault._asdict() for fault in faults], ensure_ascii=False).encode()


@given(
    command=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(str.strip),
    cpus=st.floats(0, 1e12),
    priority=st.integers(1, 2**31 - 1),
)
def test_whatever_keeps_the_rules_is_taken(command, cpus, priority):
    submission = parse_submission({"command": command, "resources": {"cpus": cpus}, "priority": priority})
    assert (submission.command, submission.resources.cpus, submission.priority) == (command, cpus, priority)


def refused(*jobs):
    with pytest.raises(InvalidSubmission) as refusal:
        parse_submissions({"jobs": [*jobs]})
    return [fault.field for fault in refusal.value.faults]


def test_many_are_read_in_their_order():
    jobs = parse_submissions({"jobs": [{"command": "a"}, {"command": ["b"]}]})
    assert [job.command for job in jobs] == ["a", ["b"]]


def test_each_fault_of_many_is_named_by_place_and_field():
    assert refused({"command": "a"}, {"command": "a", "resources": {"cpus": -1}}, 7) == ["jobs.1.resources.cpus", "jobs.2"]


def test_of_very_many_faults_the_first_are_told_and_that_there_may_be_more():
    fields = refused(*[{}] * 60)
    assert (len(fields), fields[0], fields[-1]) == (51, "jobs.0.command", "jobs")


def test_faults_that_just_fill_the_answer_are_all_told():
    assert refused(*[{}] * 50) == [f"jobs.{number}.command" for number in range(50)]
