"""Values as JSON and back, also what qtoolkit wrote; what cannot be read is told field by field."""

from __future__ import annotations

import json
from pathlib import Path

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scale import batch
from scale.batch import (
    CancelResult,
    CancelStatus,
    DependencyType,
    InvalidFieldError,
    OperationResult,
    PBSState,
    ProcessPlacement,
    QJob,
    QJobInfo,
    QResources,
    QState,
    QSubState,
    SlurmState,
    SubmissionResult,
    SubmissionStatus,
)
from scale.batch.states import VOCABULARIES

COUNTS = st.none() | st.integers(1, 10**6)
TEXTS = st.none() | st.text(max_size=20)
IDS = st.lists(st.from_regex(r"\d{1,9}", fullmatch=True), max_size=3)
SUB_STATES = st.sampled_from([member for kind in VOCABULARIES for member in kind])

RESOURCES = st.builds(
    QResources,
    queue_name=TEXTS,
    job_name=TEXTS,
    memory_per_thread=COUNTS,
    nodes=COUNTS,
    processes=COUNTS,
    time_limit=COUNTS,
    priority=COUNTS | TEXTS,
    output_filepath=TEXTS,
    process_placement=st.sampled_from(ProcessPlacement),
    rerunnable=st.none() | st.booleans(),
    scheduler_kwargs=st.none() | st.dictionaries(st.text(max_size=5), TEXTS | COUNTS, max_size=3),
    dependencies=st.none() | st.dictionaries(st.sampled_from(DependencyType), IDS, max_size=3),
    licenses=st.none() | st.dictionaries(st.text(max_size=5), st.integers(1, 9), max_size=3),
    constraints=st.none() | st.lists(st.text(max_size=5), max_size=3),
)
JOBS = st.builds(
    QJob,
    name=TEXTS,
    job_id=TEXTS,
    exit_status=COUNTS,
    state=st.none() | st.sampled_from(QState),
    sub_state=st.none() | SUB_STATES,
    info=st.none() | st.builds(QJobInfo, memory=COUNTS, cpus=COUNTS, time_limit=COUNTS, gpus=COUNTS),
    username=TEXTS,
    native_state=TEXTS,
)
RESULTS = st.builds(OperationResult, job_id=COUNTS | TEXTS, exit_code=COUNTS, stdout=TEXTS) | st.one_of(
    st.builds(SubmissionResult, job_id=TEXTS, status=st.none() | st.sampled_from(SubmissionStatus)),
    st.builds(CancelResult, job_id=TEXTS, status=st.none() | st.sampled_from(CancelStatus)),
)


@given(RESOURCES | JOBS | RESULTS)
def test_every_value_comes_back_from_json_as_it_went(value):
    assert type(value).from_json(value.to_json()) == value
    assert type(value).from_dict(value.as_dict()) == value


@given(RESOURCES | JOBS | RESULTS)
def test_json_names_the_class_at_the_address_where_it_can_be_imported(value):
    data = json.loads(value.to_json())
    assert data["@module"] == "scale.batch"
    assert getattr(batch, data["@class"]) is type(value)


def test_a_path_comes_back_as_text():
    asked = QResources(processes=1, output_filepath=Path("out/log"), scheduler_kwargs={"nodelist": (Path("n1"), "n2")})
    read = QResources.from_json(asked.to_json())
    assert read.output_filepath == "out/log"
    assert read.scheduler_kwargs == {"nodelist": ["n1", "n2"]}


def test_what_qtoolkit_wrote_is_read():
    placement = {"@module": "qtoolkit.core.data_objects", "@class": "ProcessPlacement", "@version": None, "value": "SAME_NODE"}
    path = {"@module": "pathlib", "@class": "Path", "string": "out"}
    data = {
        "@module": "qtoolkit.core.data_objects",
        "@class": "QResources",
        "@version": "0.1.5",
        "processes": 2,
        "process_placement": placement,
        "output_filepath": path,
        "scheduler_kwargs": {},
    }
    assert QResources.from_dict(data) == QResources.same_node(2, output_filepath="out")
    assert QResources.from_dict(data | {"process_placement": "SAME_NODE", "output_filepath": "out"}) == QResources.from_dict(data)
    state = {"@module": "qtoolkit.io.slurm", "@class": "SlurmState", "value": "CD"}
    job = QJob.from_dict({"@class": "QJob", "job_id": "7", "state": "DONE", "sub_state": state, "info": {"nodes": 1}})
    assert job == QJob(job_id="7", state=QState.DONE, sub_state=SlurmState.COMPLETED, info=QJobInfo(nodes=1))


def test_values_that_are_read_already_stay_as_they_are():
    info = QJobInfo(nodes=1)
    job = QJob.from_dict({"state": QState.DONE, "sub_state": PBSState.FINISHED, "info": info})
    assert job == QJob(state=QState.DONE, sub_state=PBSState.FINISHED, info=info)


@pytest.mark.parametrize("form", ["DONE", QState.DONE, {"value": "DONE"}, QState.DONE.as_dict()])
def test_an_enum_is_read_from_each_of_its_forms(form):
    assert QState.from_dict(form) is QState.DONE


@pytest.mark.parametrize(
    ("kind", "data", "told"),
    [
        (QResources, {"proceses": 4}, "proceses: there is no such field (did you mean 'processes'?)"),
        (QResources, {"xyz": 4}, "xyz: there is no such field"),
        (QResources, [1], "a QResources is an object with fields, not [1]"),
        (QResources, {"@class": "QJob"}, "@class: this is a QJob, and a QResources is wanted"),
        (
            QResources,
            {"process_placement": "NEAR"},
            "process_placement: 'NEAR' is no ProcessPlacement; there are NO_CONSTRAINTS, ",
        ),
        (QJob, {"info": {"cpu": 1}}, "info.cpu: there is no such field (did you mean 'cpus'"),
        (QJob, {"state": {"@class": "CancelStatus", "value": "FAILED"}}, "state.@class: this is a CancelStatus, and a QState"),
        (QJob, {"sub_state": "R"}, "sub_state: 'R' does not say whose state it is; write it like {'@class': 'SlurmState'"),
        (
            QJob,
            {"sub_state": {"@class": "LSFState", "value": "R"}},
            "sub_state.@class: there is no LSFState; there are DRMAAState",
        ),
        (QJob, {"sub_state": {"@class": "SlurmState", "value": "?"}}, "sub_state: '?' is no SlurmState; there are BOOT_FAIL"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_field(kind, data, told):
    with pytest.raises(InvalidFieldError) as error:
        kind.from_dict(data)
    assert told in str(error.value)


def test_all_faults_are_told_together():
    with pytest.raises(InvalidFieldError) as error:
        QJob.from_dict({"statee": 1, "state": "X", "sub_state": 3})
    assert {fault.field for fault in error.value.faults} == {"statee", "state", "sub_state"}


class Order(pydantic.BaseModel):
    resources: QResources
    state: QState | None = None


def test_they_are_fields_of_a_pydantic_model():
    order = Order(resources={"processes": 2}, state={"value": "DONE"})
    assert order == Order(resources=QResources(processes=2), state=QState.DONE)
    assert Order.model_validate_json(order.model_dump_json()) == order
    with pytest.raises(pydantic.ValidationError, match="did you mean 'processes'"):
        Order(resources={"procesess": 2})


def test_a_sub_state_is_found_by_each_of_its_values():
    assert SlurmState("CA") is SlurmState("CANCELLED") is SlurmState.CANCELLED
    assert repr(SlurmState.CANCELLED) == "<SlurmState.CANCELLED: 'CANCELLED', 'CA'>"
    with pytest.raises(ValueError, match="'XX' is not a valid SlurmState"):
        SlurmState("XX")


def test_a_dialect_of_ones_own_says_what_its_states_mean():
    class Mine(QSubState):
        GOING = "GOING", "G"

    assert Mine("G") is Mine.GOING
    assert QJob.from_dict(QJob(sub_state=Mine.GOING).as_dict()).sub_state is Mine.GOING
    with pytest.raises(NotImplementedError, match="Mine does not say which QState GOING is"):
        _ = Mine.GOING.qstate


def test_a_model_with_our_classes_tells_its_schema():
    class Model(pydantic.BaseModel):
        resources: QResources
        state: QState

    told = Model.model_json_schema()
    assert told["properties"]["resources"] == {"title": "QResources", "type": "object"}
    assert "QUEUED_HELD" in told["properties"]["state"]["anyOf"][0]["enum"]
