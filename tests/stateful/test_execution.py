"""The life of an execution, told in every way that the machine can think of."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, precondition, rule

from scale.error.catalog import BY_NAME
from scale.job.states import ExecutionStatus
from scale.job.tasks.update import TaskStatus
from scale.kernel.clock import ManualClock
from scale.kernel.locks import locks_held
from tests.builders import NOW, STEPS, a_running_exe, an_update

FINAL = frozenset(ExecutionStatus) - {ExecutionStatus.RUNNING}
ENDS = st.sampled_from([TaskStatus.FINISHED, TaskStatus.FAILED, TaskStatus.KILLED, TaskStatus.LOST])
LOSSES = 5


def has_task(machine):
    return machine.exe.current_task is not None


class ExecutionLife(RuleBasedStateMachine):
    """One execution; the scheduler and an engine that may say anything, also what it has said before."""

    said = Bundle("said")  #: updates that will come again

    @initialize(tasks=st.sampled_from([STEPS, ("main",), ("pull", "main"), ("pre", "main", "post")]))
    def begin(self, tasks):
        self.clock = ManualClock(NOW)
        self.exe = a_running_exe(tasks, clock=self.clock, losses_allowed=LOSSES)
        self.left = len(tasks)
        self.started = []
        self.ending = None
        self.reasons = set()

    def _hear(self, update):
        task = self.exe.current_task
        if task is not None:
            task.update(update)
        self.exe.task_update(update)

    @rule(seconds=st.integers(0, 900))
    def time_passes(self, seconds):
        self.clock.move(timedelta(seconds=seconds))

    @rule()
    def start(self):
        was_ready = self.exe.is_next_task_ready()
        following = self.exe.next_task()
        task = self.exe.start_next_task()
        assert (task is not None) == was_ready
        if task is not None:
            assert task is following is self.exe.current_task
            task.launch(self.clock.now())
            self.started.append(task.id)

    @precondition(has_task)
    @rule(target=said)
    def it_runs(self):
        update = an_update(self.exe.current_task, TaskStatus.RUNNING, self.clock.now())
        self._hear(update)
        return update

    @precondition(has_task)
    @rule(target=said, status=ENDS, exit_code=st.sampled_from([None, 0, 1, 2, 26]))
    def it_ends(self, status, exit_code):
        before = self.exe.status
        update = an_update(self.exe.current_task, status, self.clock.now(), exit_code=exit_code)
        self._hear(update)
        assert self.exe.current_task is None
        self._expect(before, status)
        return update

    def _expect(self, before, status):
        if status is TaskStatus.FINISHED:
            self.left -= 1
        if before in FINAL:
            assert self.exe.status is before
        elif status is TaskStatus.FINISHED:
            assert self.exe.status is (ExecutionStatus.RUNNING if self.left else ExecutionStatus.COMPLETED)
        elif status is TaskStatus.LOST and not self.exe.is_finished():
            assert self.exe.next_task().id not in self.started
        else:
            assert self.exe.status is ExecutionStatus.FAILED

    @rule(update=consumes(said))
    def an_echo(self, update):
        task = self.exe.current_task
        if task is None or update.task_id != task.id:
            before = self._whole()
            self._hear(update)
            assert self._whole() == before

    def _whole(self):
        task, following = self.exe.current_task, self.exe.next_task()
        return self.exe.status, self.exe.error_name, self.exe.finished, task and task.id, following and following.id

    @rule(status=st.sampled_from(list(TaskStatus)), number=st.integers(0, 9))
    def a_strangers_word(self, status, number):
        before = self._whole()
        self._hear(an_update(f"scale_job_f_1x1_main_lost-{number + 90}", status, self.clock.now()))
        assert self._whole() == before

    @rule()
    def cancel(self):
        self.exe.execution_canceled(self.clock.now())
        assert self.exe.status in FINAL
        assert self.exe.current_task is None or self.exe.current_task.needs_killed()

    @rule()
    def the_node_is_lost(self):
        self.exe.execution_lost(self.clock.now())
        assert self.exe.status in FINAL
        assert self.exe.current_task is None or self.exe.current_task.needs_reconciliation(self.clock.now())

    @precondition(has_task)
    @rule()
    def it_is_late(self):
        task = self.exe.current_task
        if task.check_timeout(self.clock.now()):
            self.exe.execution_timed_out(task, self.clock.now())
            assert self.exe.status in FINAL
            assert task.needs_killed()

    @rule()
    def look_for_starvation(self):
        waits = self.exe.is_next_task_ready()
        starved = self.exe.check_for_starvation(self.clock.now())
        assert not (starved and not waits and self.exe.error_name != "resource-starvation")
        if starved:
            assert self.exe.is_finished()

    @invariant()
    def an_ending_is_final(self):
        ending = (self.exe.status, self.exe.error_name, self.exe.finished)
        if self.ending is None and self.exe.status in FINAL:
            self.ending = ending
        assert self.ending is None or ending == self.ending

    @invariant()
    def only_failures_carry_an_error_and_each_does(self):
        assert (self.exe.status is ExecutionStatus.FAILED) == (self.exe.error_name is not None)
        assert self.exe.error_name is None or self.exe.error_name in BY_NAME
        assert (self.exe.error_name is None) == (self.exe.error_category is None)

    @invariant()
    def it_has_a_time_of_its_end_exactly_if_it_has_ended(self):
        assert (self.exe.finished is not None) == (self.exe.status in FINAL)
        assert self.exe.finished is None or NOW <= self.exe.finished <= self.clock.now()

    @invariant()
    def it_is_finished_exactly_if_nothing_is_current_and_nothing_remains(self):
        nothing = self.exe.current_task is None and self.exe.next_task() is None
        assert self.exe.is_finished() == nothing
        assert not self.exe.is_finished() or self.exe.status in FINAL
        assert self.exe.status not in FINAL or self.exe.next_task() is None

    @invariant()
    def no_task_is_started_twice(self):
        assert len(self.started) == len(set(self.started))

    @invariant()
    def it_completes_only_when_every_task_has_finished(self):
        assert self.exe.status is not ExecutionStatus.COMPLETED or self.left == 0

    @invariant()
    def no_lock_is_left_held(self):
        assert locks_held() == 0

    def teardown(self):
        """Give it time, and an engine that answers, and it ends."""
        if not hasattr(self, "exe"):
            return
        for _ in range(len(STEPS) * LOSSES + 1):
            self.start()
            if self.exe.current_task is not None:
                self._hear(an_update(self.exe.current_task, TaskStatus.FINISHED, self.clock.now()))
        assert self.exe.is_finished()
        assert self.exe.create_job_exe_end_model().status in FINAL


TestExecutionLife = ExecutionLife.TestCase
