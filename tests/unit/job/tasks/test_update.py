"""What an engine said of a task, in our words."""

from __future__ import annotations

import pytest

from scale.engines.protocol import TaskState, Usage
from scale.job.tasks.update import ENDED, STATUS_OF_NATIVE, TaskStatus
from tests.builders import NOW, an_update, later

STATES = {
    "TASK_STAGING": TaskStatus.STAGING,
    "TASK_STARTING": TaskStatus.STAGING,
    "TASK_RUNNING": TaskStatus.RUNNING,
    "TASK_FINISHED": TaskStatus.FINISHED,
    "TASK_FAILED": TaskStatus.FAILED,
    "TASK_ERROR": TaskStatus.FAILED,
    "TASK_KILLED": TaskStatus.KILLED,
    "TASK_LOST": TaskStatus.LOST,
    "TASK_DROPPED": TaskStatus.LOST,
    "TASK_UNREACHABLE": TaskStatus.LOST,
    "TASK_GONE": TaskStatus.LOST,
    "TASK_GONE_BY_OPERATOR": TaskStatus.LOST,
    "TASK_KILLING": TaskStatus.UNKNOWN,
    "TASK_UNKNOWN": TaskStatus.UNKNOWN,
    "whatever": TaskStatus.UNKNOWN,
    "": TaskStatus.UNKNOWN,
}


@pytest.mark.parametrize(("native", "status"), STATES.items())
def test_each_native_state_has_a_status_of_ours(native, status):
    update = an_update("t", native)
    assert update.status is status
    assert update.native_status == native


def test_every_state_of_the_protocol_is_known():
    assert {state.value for state in TaskState} <= set(STATUS_OF_NATIVE)


def test_a_loss_is_no_end():
    assert {TaskStatus.FINISHED, TaskStatus.FAILED, TaskStatus.KILLED} == ENDED


@pytest.mark.parametrize(
    ("status", "message", "code"),
    [
        (TaskStatus.FAILED, "Command exited with status 3", 3),
        (TaskStatus.FAILED, "Container exited with status -15: see log", -15),
        (TaskStatus.KILLED, "exited with status 0", 0),
        (TaskStatus.FAILED, "exited with statue 3", None),
        (TaskStatus.FAILED, "", None),
        (TaskStatus.FAILED, None, None),
        (TaskStatus.RUNNING, None, None),
        (TaskStatus.LOST, None, None),
        (TaskStatus.FINISHED, None, 0),
        (TaskStatus.FINISHED, "exited with status 4", 4),
    ],
)
def test_an_exit_code_is_read_from_the_message_and_a_finish_without_one_is_0(status, message, code):
    assert an_update("t", status, message=message).exit_code == code


def test_an_exit_code_that_the_engine_states_is_believed():
    assert an_update("t", TaskStatus.FAILED, exit_code=7, message="exited with status 3").exit_code == 7
    assert an_update("t", TaskStatus.FAILED, exit_code=0).exit_code == 0


def test_what_came_with_the_update_stays_with_it():
    usage = Usage(1.5, 20)
    update = an_update("t", TaskStatus.FAILED, reason="R", message="m", agent_id="a", signal=9, usage=usage)
    assert (update.task_id, update.agent_id, update.timestamp, update.source) == ("t", "a", NOW, None)
    assert (update.reason, update.message, update.signal, update.usage) == ("R", "m", 9, usage)


@pytest.mark.parametrize(
    ("env", "name"),
    [
        (["PATH=/bin", "MESOS_CONTAINER_NAME=mesos-1"], "mesos-1"),
        (["XMESOS_CONTAINER_NAME=no", "MESOS_CONTAINER_NAME"], None),
        (["MESOS_CONTAINER_NAME="], None),
        ([], None),
    ],
)
def test_the_container_is_named_in_its_environment(env, name):
    assert an_update("t", Config={"Env": env}).container_name == name


def test_an_engine_may_name_the_container_itself():
    assert an_update("t", container="scale-1").container_name == "scale-1"
    assert an_update("t").container_name is None


@pytest.mark.parametrize(
    ("said", "heard", "when"),
    [
        (NOW, None, NOW),
        (None, NOW, NOW),
        (None, None, None),
        (NOW, later(minutes=1), NOW),
        (later(minutes=1), NOW, NOW),
    ],
)
def test_the_engines_time_counts_unless_it_is_still_to_come(said, heard, when):
    assert an_update("t", when=said, heard=heard).when == when
