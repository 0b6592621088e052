"""The table of states is total: every code of every vocabulary has our word, each of our words its line, each loss is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from scale.batch import PBSState, QState, SGEState, ShellState, said_in
from scale.batch.states import OF_QSTATE, SAYS, VOCABULARIES, BatchState, MesosState, ScaleState, SlurmState, coarser, finer
from scale.cli.batch_page import batch_states_page
from scale.job.states import FINAL, JobStatus

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "batch-states.md"

#: what each batch system's own manual lists
CODES = {
    "SlurmState": """
        BF CA CD CF CG DL F NF OOM PD PR R RD RF RH RQ RS RV S SE SI SO ST TO BOOT_FAIL CANCELLED COMPLETED
        CONFIGURING COMPLETING DEADLINE FAILED NODE_FAIL OUT_OF_MEMORY PENDING PREEMPTED RUNNING RESV_DEL_HOLD
        REQUEUE_FED REQUEUE_HOLD REQUEUED RESIZING REVOKED SIGNALING SPECIAL_EXIT STAGE_OUT STOPPED SUSPENDED TIMEOUT
    """,
    "PBSState": "B E F H M Q R S T U W X",
    "TorqueState": "C E H Q R S T W",
    "SGEState": """
        qw w hqw hRwq r t Rr Rt s ts S tS T tT Rs Rts RS RtS RT RtT Eqw Ehqw EhRqw d dr dt dRr dRt ds dS dT dRs dRS
        dRT z R
    """,
    "ShellState": "D I R S T t W X Z",
    "MesosState": """
        TASK_STAGING TASK_STARTING TASK_RUNNING TASK_KILLING TASK_FINISHED TASK_FAILED TASK_KILLED TASK_ERROR
        TASK_LOST TASK_DROPPED TASK_UNREACHABLE TASK_GONE TASK_GONE_BY_OPERATOR TASK_UNKNOWN
    """,
    "DRMAAState": """
        UNDETERMINED QUEUED_ACTIVE SYSTEM_ON_HOLD USER_ON_HOLD USER_SYSTEM_ON_HOLD RUNNING SYSTEM_SUSPENDED
        USER_SUSPENDED USER_SYSTEM_SUSPENDED DONE FAILED
    """,
    "OKAState": """
        CANCELLED COMPLETED FAILED NODE_FAIL PREEMPTED TIMEOUT BOOT_FAIL REQUEUED RUNNING RESIZING SUSPENDED PENDING
        CONFIGURING COMPLETING OUT_OF_MEMORY REVOKED
    """,
    "SlurmqState": """
        COMPLETED RUNNING PENDING CANCELLED FAILED TIMEOUT OUT_OF_MEMORY NODE_FAIL PREEMPTED SUSPENDED REQUEUED
        BOOT_FAIL DEADLINE RESIZING REVOKED UNKNOWN BF CA CD DL F NF OOM PD PR R RQ RS RV S TO
    """,
    "ScaleState": "PENDING BLOCKED QUEUED RUNNING FAILED COMPLETED CANCELED",
    "JobbergateState": "CREATED SUBMITTED REJECTED DONE ABORTED CANCELLED",
}
each_vocabulary = pytest.mark.parametrize("vocabulary", VOCABULARIES, ids=lambda kind: kind.__name__)


@each_vocabulary
def test_every_code_has_our_word(vocabulary):
    for code in CODES[vocabulary.__name__].split():
        assert code in vocabulary(code).values
        assert vocabulary(code).batch_state in BatchState
        assert vocabulary(code).qstate in QState


@each_vocabulary
def test_no_code_has_two_words(vocabulary):
    codes = [code for member in vocabulary for code in member.values]
    assert sorted(codes) == sorted(set(codes))


@pytest.mark.parametrize(
    ("vocabulary", "name", "code"),
    [
        (PBSState, "SUSPENDED_KEYBOARD", "U"),
        (ShellState, "STOPPED_DEBUGGER", "t"),
        (SGEState, "QUEUED_WAITING", "qw"),
        (SGEState, "HOLD", "hqw"),
        (SGEState, "RESTARTED", "R"),
        (SGEState, "JOB_SUSPENDED", "s"),
        (SGEState, "ERROR_PENDING", "Eqw"),
        (SGEState, "ERROR_PENDING_HOLD", "Ehqw"),
        (SGEState, "ERROR_PENDING_HOLD_REQUEUE", "EhRqw"),
        (SGEState, "DELETION", "d"),
        (SGEState, "DELETION_RUNNING", "dr"),
        (SGEState, "DELETION_TRANSFERRING", "dt"),
        (SGEState, "DELETION_RUNNING_RESUBMIT", "dRr"),
        (SGEState, "DELETION_TRANSFERRING_RESUBMIT", "dRt"),
        (SGEState, "DELETION_SUSPENDED_JOB", "ds"),
        (SGEState, "DELETION_SUSPENDED_QUEUE", "dS"),
        (SGEState, "DELETION_SUSPENDED_ALARM", "dT"),
        (SGEState, "DELETION_SUSPENDED_RESUBMIT_JOB", "dRs"),
        (SGEState, "DELETION_SUSPENDED_RESUBMIT_QUEUE", "dRS"),
        (SGEState, "DELETION_SUSPENDED_RESUBMIT_ALARM", "dRT"),
    ],
)
def test_a_state_is_found_by_the_name_that_qtoolkit_gave_it(vocabulary, name, code):
    assert vocabulary[name] is vocabulary(code)


def test_each_of_our_words_has_a_line_that_names_a_vocabulary_once():
    assert list(SAYS) == list(BatchState)
    for line in SAYS.values():
        vocabularies = [type(member) for member in line]
        assert vocabularies == sorted(set(vocabularies), key=VOCABULARIES.index)


@each_vocabulary
def test_what_comes_back_differently_is_listed(vocabulary):
    for state in BatchState:
        said = said_in(vocabulary, state)
        assert coarser(vocabulary).get(state, state) is (said.batch_state if said else None)
    for member in vocabulary:
        assert finer(vocabulary).get(member, member) is said_in(vocabulary, member.batch_state)


@each_vocabulary
def test_every_word_of_a_vocabulary_can_be_said_by_it(vocabulary):
    assert None not in finer(vocabulary).values()


@each_vocabulary
def test_what_has_come_back_once_comes_back_the_same_again(vocabulary):
    for member in vocabulary:
        once = said_in(vocabulary, member.batch_state)
        assert said_in(vocabulary, once.batch_state) is once


def test_slurm_keeps_apart_whatever_ends_a_job():
    ends = {state for state in BatchState if state.is_final} - {BatchState.REJECTED, BatchState.LOST}
    assert not ends & coarser(SlurmState).keys()


def test_an_end_is_an_end_in_the_words_of_all_batch_systems():
    for state in BatchState:
        if state.qstate is not QState.UNDETERMINED:
            assert state.is_final is (state.qstate in (QState.DONE, QState.FAILED))


def test_every_qstate_comes_back_from_ours():
    assert all(OF_QSTATE[state].qstate is state for state in QState)


def test_scale_says_the_statuses_of_its_own_jobs():
    assert {member.value for member in ScaleState} == {status.value for status in JobStatus}
    assert {member.value for member in ScaleState if member.batch_state.is_final} == {status.value for status in FINAL}


def test_a_vocabulary_without_a_word_says_nothing():
    assert said_in(MesosState, BatchState.HELD) is None


def test_the_page_shows_the_table_as_it_is():
    assert PAGE.read_text() == batch_states_page(), "run `make docs`"
